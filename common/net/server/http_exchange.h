/* SPDX-License-Identifier: MIT
 *
 * http_exchange.h - one request and its answer, without the HTTP library.
 * Private to common/net; the public half is http_server.h.
 *
 * Who owns an exchange is said by its state, which changes atomically:
 *
 *	RECEIVING > HANDLED > ANSWERED               answered in the handler
 *	            HANDLED > AWAITED > ANSWERED     by another thread, later
 *	                      AWAITED > ABANDONED    the server gave up waiting
 *	                                ABANDONED > ANSWERED
 *	                                ABANDONED > ORPHANED   connection gone:
 *	                                             whoever answers frees it
 *
 * The event thread makes every step but the one to ANSWERED, which is the step
 * of http_reply(). Whichever of two threads comes second sees what the first
 * one did, and acts on it.
 */
#ifndef NET_HTTP_EXCHANGE_H
#define NET_HTTP_EXCHANGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct answer_queue;
struct http_route;

enum exchange_state {
	EXCHANGE_RECEIVING,
	EXCHANGE_HANDLED, /* inside its handler */
	EXCHANGE_AWAITED, /* connection suspended */
	EXCHANGE_ANSWERED,
	EXCHANGE_ABANDONED,
	EXCHANGE_ORPHANED
};

struct http_exchange {
	struct answer_queue *queue; /* borrowed from the server */
	void *connection;           /* of the HTTP library */
	const struct http_route *route;
	const char *method; /* a constant */
	int refusal; /* status to answer instead of calling the handler */
	size_t dropped_bytes; /* of a refused body */
	int spool_fd;         /* of a body that goes to a file; -1: none */
	size_t spool_bytes;
	bool deferred; /* somebody owes the queue a release */
	bool broken;   /* the answer cannot be built: 500 */
	atomic_int state;
	int64_t started_ms; /* clock_mono_ms() when the handler was called */

	int status;
	const char *content_type;
	struct buf path, body;
	struct buf headers; /* of the answer: name NUL value NUL ... */
	struct buf answer;
	void *own; /* http_exchange_alloc() */

	struct http_exchange *next;          /* free list, answer queue */
	struct http_exchange *older, *newer; /* in flight, event thread */
};

/* Exchanges are used again, with their buffers unless those grew large, so
 * that a request in the steady state allocates nothing here. Event thread. */
struct exchange_pool {
	struct http_exchange *free;
	int free_count;
};

/* NULL when out of memory. */
struct http_exchange *exchange_get(struct exchange_pool *pool,
				   struct answer_queue *queue);
/* Its connection is done with it. */
void exchange_put(struct exchange_pool *pool, struct http_exchange *x);
void exchange_pool_clear(struct exchange_pool *pool);

/* Answer with x->refusal, in the handler's stead. */
void exchange_refuse(struct http_exchange *x, const struct http_route *routes);

/* The body of the answer, borrowed from x; NULL when nothing is in it. */
char *exchange_answer(const struct http_exchange *x, size_t *ret_bytes);

#endif
