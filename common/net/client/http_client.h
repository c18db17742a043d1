/* SPDX-License-Identifier: MIT
 *
 * http_client.h - HTTP requests to others (libcurl), many at a time.
 *
 * A client belongs to one thread, which starts calls and then runs the client;
 * finished calls report through their callback inside http_client_run().
 * Nothing is followed, decompressed or repeated: no redirects, no proxies from
 * the environment, no cookies, https (http only to loopback unless allowed).
 * libcurl on its own would send a POST again when a kept-alive connection
 * closes without an answer; here that is ERR_UNCERTAIN, and the peer saw the
 * request once.
 */
#ifndef NET_HTTP_CLIENT_H
#define NET_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

struct http_client;

struct http_client_options {
	const char *user_agent;
	int parallel_max;       /* calls under way at once; more: ERR_BUSY */
	bool allow_http;        /* plain http also beyond loopback */
	const char *ca_file;    /* NULL: the system's */
	int connect_timeout_ms; /* 0: 3000 */
};

int http_client_new(const struct http_client_options *options,
		    struct http_client **ret_client, struct err *e);
/* Cancels what runs: its done is not called. */
void http_client_free(struct http_client *client);
CLEANUP_DEFINE(struct http_client *, http_client_free)

struct http_request {
	const char *method; /* "GET", "POST" */
	const char *url;    /* its path may hold a secret: never logged */
	const char *const
		*headers; /* "Name: value", ends with NULL; NULL: none */
	const char *body; /* NULL: none */
	size_t body_bytes;
	const char *ca_file;     /* NULL: the client's */
	int timeout_ms;          /* the whole call; architecture.md: <= 8000 */
	size_t answer_max_bytes; /* a longer answer is cut; 0: 65536 */
};

/* What became of a call. rc says what may be done next:
 *  0              an HTTP answer arrived; look at status
 *  ERR_REMOTE     certainly not processed (no name, no connection, TLS failed,
 *                 nothing of the request left): safe to repeat
 *  ERR_UNCERTAIN  the request left and no whole answer came: ask, then act
 *  ERR_INVALID    refused here (URL, scheme); ERR_NOMEM */
struct http_answer {
	int rc;
	struct err err;
	bool untrusted;   /* rc < 0: the peer's certificate is the reason */
	int status;       /* 0 when rc < 0 */
	const char *body; /* NUL-terminated; borrowed during the callback */
	size_t body_bytes;
	bool body_cut;          /* more than answer_max_bytes came */
	int64_t retry_after_ms; /* of a Retry-After header (seconds or date),
				   -1 when absent or unreadable */
	int64_t date_ms;        /* of its Date header; -1 as above */
	int64_t duration_ms;
};

typedef void http_done(const struct http_answer *answer, void *context);

/* Start a call; everything in request is copied. done is called exactly once,
 * from http_client_run(), unless this returns < 0 (ERR_BUSY, ERR_INVALID,
 * ERR_NOMEM). */
int http_client_start(struct http_client *client,
		      const struct http_request *request, http_done *done,
		      void *context, struct err *e);

/* Let calls go on for at most wait_ms; returns early when one finished or
 * extra_fd (-1: none) became readable. Number of calls still under way. */
int http_client_run(struct http_client *client, int wait_ms, int extra_fd);
int http_client_running(const struct http_client *client);

/* One call from start to end, for programs with nothing else to do. Returns
 * answer->rc; the answer's body is the caller's, freed by
 * http_answer_clear(). */
int http_client_call(struct http_client *client,
		     const struct http_request *request,
		     struct http_answer *ret_answer, struct err *e);
void http_answer_clear(struct http_answer *answer);

#endif
