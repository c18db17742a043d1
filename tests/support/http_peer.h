/* SPDX-License-Identifier: MIT
 *
 * http_peer.h - the other end of an HTTP client under test: a thread on a bare
 * socket that does with every connection, one after another, what the test
 * says. Also the client's side of it, with the options all tests share.
 */
#ifndef SUPPORT_HTTP_PEER_H
#define SUPPORT_HTTP_PEER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "net/client/http_client.h"
#include "raw_http.h"

#define HTTP_PEER_OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
/* In the path of its URL: must never show up in an error. */
#define HTTP_PEER_SECRET "bot123:SECRET"

enum {
	HTTP_PEER_ANSWER_MAX = 1000,
	HTTP_PEER_CONNECT_MS = 1500,
	HTTP_PEER_HEADS = 8
};

struct http_peer;
typedef void http_peer_act(struct http_peer *p, int fd);

struct http_peer {
	int listen_fd, port;
	char url[64];
	pthread_t thread;
	pthread_mutex_t lock;
	bool closing;
	http_peer_act *act; /* with every connection */
	const char *text;   /* what act sends */
	atomic_int requests, connections;
	struct raw_stream stream;
	struct raw_message request;
	char heads[HTTP_PEER_HEADS][1024]; /* read them after `requests` */
	char bodies[HTTP_PEER_HEADS][64];
};

/* Listens on 127.0.0.1. */
struct http_peer *http_peer_new(http_peer_act *act, const char *text);
void http_peer_free(struct http_peer *p);
CLEANUP_DEFINE(struct http_peer *, http_peer_free)
#define CLEANUP_PEER CLEANUP(http_peer_freep)

/* For an act: take the next request from the connection. */
bool http_peer_read(struct http_peer *p);

/* Answer every request with text. */
void http_peer_answers(struct http_peer *p, int fd);
/* Answer one, and close. */
void http_peer_answers_once(struct http_peer *p, int fd);
/* Read one, and wait until the client has had enough. */
void http_peer_is_silent(struct http_peer *p, int fd);

struct http_client *http_peer_client(int parallel_max);
/* A POST has a body of 7 bytes. */
struct http_request http_peer_request(const char *method, const char *url);

#endif
