/* SPDX-License-Identifier: MIT
 *
 * http_server.h - HTTP/1.1 for a worker behind nginx (libmicrohttpd).
 *
 * One event thread (epoll) per server. It reads whole bodies within the limit
 * of their route and calls the route's handler. The handler answers at once by
 * http_reply(), or keeps the exchange (route flag HTTP_DEFERRED) and some other
 * thread answers later: the connection is suspended meanwhile. Every exchange
 * must be answered exactly once; http_server_oldest_ms() shows one that was
 * forgotten. nginx has refused ambiguous framing before us: libmicrohttpd
 * 0.9.75 would accept it, so a server never listens where others can reach it.
 */
#ifndef NET_HTTP_SERVER_H
#define NET_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct err;
struct http_server;
struct http_exchange; /* one request and its answer; owned by the server */

typedef void http_handler(struct http_exchange *x, void *context);

enum {
	HTTP_DEFERRED = 1, /* the handler may answer later, from any thread */
	HTTP_SPOOLED = 2,  /* the body goes to a file: http_body_file() */
	HTTP_BODY_BYTES_MAX = 8 * 1024 * 1024 /* of all other routes */
};

struct http_route {
	const char *method; /* "POST" */
	const char *path;   /* exact, or a prefix when it ends in '*' */
	http_handler *handle;
	size_t body_max_bytes; /* a longer body: 413 without calling handle */
	unsigned flags;
};

/* For routes with HTTP_SPOOLED. */
struct http_spool {
	const char *folder; /* of the files */
	/* Event thread, before the body of such a route comes: may it be kept?
	 * If not, it is dropped, and the handler, which gets no file, says
	 * why. */
	bool (*admit)(struct http_exchange *x, void *context);
};

struct http_server_options {
	int listen_fd; /* taken over; bound and listening */
	const struct http_route
		*routes;                /* ends with a row of NULLs; borrowed */
	void *context;                  /* passed to every handler */
	const struct http_spool *spool; /* borrowed; NULL: no such routes */
	/* Event thread, after all that has come so far has been handled: for
	 * work that is cheaper for many requests at once. NULL: none. */
	void (*round)(void *context);
	int connections_max; /* 0: 1000 */
	int idle_timeout_s;  /* 0: 90. More than nginx's keepalive (2 s), or a
				POST meets a closing connection */
};

/* Bind and listen on a UNIX socket (an old file of that name is replaced; mode
 * 0660). Returns the descriptor (O_CLOEXEC, non-blocking), ERR_IO, ERR_INVALID
 * (path too long). */
int http_listen_unix(const char *path, struct err *e);
/* The same for "127.0.0.1:8080" or "[::1]:8080". */
int http_listen_tcp(const char *address, struct err *e);

/* Start the event thread. 0, ERR_IO, ERR_NOMEM. */
int http_server_start(const struct http_server_options *options,
		      struct http_server **ret_server, struct err *e);

/* Serve on until every connection of nginx has had a last answer or was closed
 * by nginx (http_drain.c), then accept nothing more, wait until every exchange
 * is answered, then end the thread and free the server; all of it within
 * max_wait_ms, and at once without connections. Answers that are still missing
 * then get 503 (libmicrohttpd panics when it is stopped with a suspended
 * connection); whoever has such an exchange still answers it once, into the
 * void, which frees it. NULL is allowed. */
void http_server_stop(struct http_server *server, int max_wait_ms);

/* Age of the oldest exchange without an answer, 0 when there is none. */
int64_t http_server_oldest_ms(const struct http_server *server);

struct http_server_stats {
	int64_t requests, in_flight, by_class[6]; /* [2] = answers 2xx ... */
};
struct http_server_stats http_server_stats(const struct http_server *server);

/* The request; borrowed until the answer. The path is percent-decoded. The body
 * is NUL-terminated after body_bytes. A HEAD comes to the route of its GET. */
const char *http_method(const struct http_exchange *x);
const char *http_path(const struct http_exchange *x);
const char *http_body(const struct http_exchange *x);
size_t http_body_bytes(const struct http_exchange *x);
/* Of a route with HTTP_SPOOLED: the file that holds the body, positioned at its
 * end, without a name; the caller's to close. -1: it was not admitted. */
int http_body_file(struct http_exchange *x, size_t *ret_bytes);
/* Only inside the handler and before the answer, and for spool->admit(): they
 * belong to the connection.
 * Header names ignore case; NULL when absent. */
const char *http_header(const struct http_exchange *x, const char *name);
const char *http_query(const struct http_exchange *x, const char *name);
/* Memory for the handler's own state of this request, zeroed, freed with the
 * exchange; NULL when out of memory. Called at most once per exchange. */
void *http_exchange_alloc(struct http_exchange *x, size_t bytes);

/* Header of the answer, before http_reply(); both texts are copied. Control
 * characters, or more than 4 KiB of headers, make the answer a 500. */
void http_reply_header(struct http_exchange *x, const char *name,
		       const char *value);
/* Answer. body is copied; content_type is a constant. Any thread, once. For a
 * deferred exchange, x is gone when this returns. */
void http_reply(struct http_exchange *x, int status, const char *content_type,
		const char *body, size_t body_bytes);
/* `{"error":{"code":"…","message":"…"}}`, the project's form of an error. */
void http_reply_error(struct http_exchange *x, int status, const char *code,
		      const char *message);

#endif
