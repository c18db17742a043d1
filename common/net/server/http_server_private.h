/* SPDX-License-Identifier: MIT
 *
 * http_server_private.h - the parts of http_server.h. Only they include it.
 *
 *	http_server.c  starting, and one round of the event thread
 *	http_drain.c   the event thread's end
 */
#ifndef NET_HTTP_SERVER_PRIVATE_H
#define NET_HTTP_SERVER_PRIVATE_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/server/answer_queue.h"
#include "net/server/http_exchange.h"
#include "net/server/http_flight.h"
#include "net/server/http_server.h"

struct http_server {
	struct MHD_Daemon *daemon;
	pthread_t thread;
	int epoll_fd;  /* borrowed from the daemon */
	int listen_fd; /* -1 once it is closed */
	const struct http_route *routes;
	const struct http_spool *spool;
	void (*round)(void *context);
	void *context;
	struct answer_queue queue;
	struct exchange_pool pool;

	/* Event thread only. */
	int open; /* exchanges from their first byte to their last */
	bool draining, closing;
	int64_t drain_until_ms, last_request_ms;

	struct http_flight flight;
	atomic_bool stop;
	_Atomic int64_t stop_wait_ms;
};

/* All on the event thread. Handle what has come. */
void http_server_handle(struct http_server *s);
/* Wait for something to do, and do it. */
void http_server_run_once(struct http_server *s, int wait_ms);
/* See http_server_stop(). False when a thread still uses the server. */
bool http_server_drain(struct http_server *s);

#endif
