/* SPDX-License-Identifier: MIT
 *
 * What becomes of a call, whatever the peer does with it. The peer is a thread
 * on a bare socket that serves one connection after another.
 */
#include "cmocka_all.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "net/http_client.h"
#include "raw_http.h"

enum {
	ANSWER_MAX = 1000,
	CALL_MS = 1000,   /* where a time-out is wanted */
	PROMPT_MS = 8000, /* less than RAW_WAIT_MS, and enough under load */
	HEADS_MAX = 8
};

struct peer;
typedef void behaviour(struct peer *p, int fd);

struct peer {
	int listen_fd, port;
	pthread_t thread;
	pthread_mutex_t lock;
	bool closing;
	behaviour *act;   /* with every connection */
	const char *text; /* what act sends */
	atomic_int requests, connections;
	struct raw_stream stream;
	struct raw_message request;
	char heads[HEADS_MAX][1024]; /* read them after `requests` */
	char bodies[HEADS_MAX][64];
};

/* The connection that peer_free() has to end. */
static void hold_on_to(struct peer *p, int fd)
{
	(void)pthread_mutex_lock(&p->lock);
	p->stream.fd = fd;
	if (p->closing && fd >= 0)
		(void)shutdown(fd, SHUT_RDWR);
	(void)pthread_mutex_unlock(&p->lock);
}

static void *serve(void *peer)
{
	struct peer *p = peer;

	for (;;) {
		int fd = accept(p->listen_fd, NULL, NULL);

		if (fd < 0)
			return NULL;
		p->connections++;
		hold_on_to(p, fd);
		p->stream.used = 0;
		p->act(p, fd);
		hold_on_to(p, -1);
		(void)close(fd);
	}
}

static struct peer *peer_new(behaviour *act, const char *text)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (p == NULL)
		abort();
	p->act = act;
	p->text = text;
	p->listen_fd = raw_listen(&p->port);
	p->stream.fd = -1;
	(void)pthread_mutex_init(&p->lock, NULL);
	if (pthread_create(&p->thread, NULL, serve, p) != 0)
		abort();
	return p;
}

static void peer_free(struct peer *p)
{
	if (p == NULL)
		return;
	(void)shutdown(p->listen_fd, SHUT_RDWR);
	(void)pthread_mutex_lock(&p->lock);
	p->closing = true;
	if (p->stream.fd >= 0)
		(void)shutdown(p->stream.fd, SHUT_RDWR);
	(void)pthread_mutex_unlock(&p->lock);
	(void)pthread_join(p->thread, NULL);
	(void)close(p->listen_fd);
	free(p);
}
CLEANUP_DEFINE(struct peer *, peer_free)
#define CLEANUP_PEER CLEANUP(peer_freep)

static bool read_request(struct peer *p)
{
	int n = p->requests;

	if (!raw_read(&p->stream, &p->request, true))
		return false;
	if (n < HEADS_MAX) {
		(void)snprintf(p->heads[n], sizeof(p->heads[n]), "%.1000s",
			       p->request.head);
		(void)snprintf(p->bodies[n], sizeof(p->bodies[n]), "%.60s",
			       p->request.body);
	}
	p->requests++;
	return true;
}

static void reset(int fd)
{
	const struct linger now = {.l_onoff = 1};

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

/* --- what a peer does ---------------------------------------------------- */

static void answer(struct peer *p, int fd)
{
	while (read_request(p)) {
		if (!raw_send_text(fd, p->text))
			return;
	}
}

static void answer_once_and_close(struct peer *p, int fd)
{
	if (read_request(p))
		(void)raw_send_text(fd, p->text);
}

static void read_and_close(struct peer *p, int fd)
{
	(void)fd;
	(void)read_request(p);
}

static void read_and_reset(struct peer *p, int fd)
{
	(void)read_request(p);
	reset(fd);
}

static void reset_unread(struct peer *p, int fd)
{
	(void)p;
	(void)raw_readable(fd, RAW_WAIT_MS);
	reset(fd);
}

/* Until the client has had enough. */
static void be_silent(struct peer *p, int fd)
{
	char byte;

	if (read_request(p))
		(void)!recv(fd, &byte, 1, 0);
}

static void say_nothing_at_all(struct peer *p, int fd)
{
	char bytes[4096];

	(void)p;
	while (recv(fd, bytes, sizeof(bytes), 0) > 0)
		;
}

static void drip(struct peer *p, int fd)
{
	const struct timespec pause = {.tv_nsec = 20000000};

	if (!read_request(p) || !raw_send_text(fd, p->text))
		return;
	while (raw_send_text(fd, "x"))
		(void)nanosleep(&pause, NULL);
}

static void pour(struct peer *p, int fd)
{
	static char block[65536];

	memset(block, 'p', sizeof(block));
	if (!read_request(p) || !raw_send_text(fd, p->text))
		return;
	for (int i = 0; i < 10 * 16; i++) {
		if (!raw_send(fd, block, sizeof(block)))
			return;
	}
}

static void pour_headers(struct peer *p, int fd)
{
	if (!read_request(p) || !raw_send_text(fd, p->text))
		return;
	for (int i = 0; i < 4000; i++) {
		if (!raw_send_text(fd, "X-More: and more and more of it\r\n"))
			return;
	}
	(void)raw_send_text(fd, "Content-Length: 2\r\n\r\nok");
}

/* The trap: the first connection serves one request, reads a second one and
 * ends without an answer; later connections serve all. */
static void end_at_the_second(struct peer *p, int fd)
{
	while (read_request(p)) {
		if (p->connections == 1 && p->requests == 2)
			return;
		if (!raw_send_text(fd, p->text))
			return;
	}
}

static void reset_at_the_second(struct peer *p, int fd)
{
	end_at_the_second(p, fd);
	if (p->connections == 1)
		reset(fd);
}

/* --- the client's side --------------------------------------------------- */

#define OK_TEXT "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define SECRET "bot123:SECRET"

static struct http_client *client_new(int parallel_max)
{
	const struct http_client_options options = {
		.user_agent = "ordergate-test",
		.parallel_max = parallel_max,
		.connect_timeout_ms = CALL_MS / 2,
	};
	struct http_client *client = NULL;
	struct err e = {0};

	if (http_client_new(&options, &client, &e) < 0)
		fail_msg("%s", e.text);
	return client;
}

static const char *url_of(const struct peer *p)
{
	static char url[128];

	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/" SECRET "/x",
		       p->port);
	return url;
}

static struct http_request request_to(const char *method, const char *url)
{
	return (struct http_request){
		.method = method,
		.url = url,
		.body = strcmp(method, "POST") == 0 ? "{\"a\":1}" : NULL,
		.body_bytes = strcmp(method, "POST") == 0 ? 7 : 0,
		.timeout_ms = RAW_WAIT_MS,
		.answer_max_bytes = ANSWER_MAX,
	};
}

static bool has_a_request(void *peer)
{
	const struct peer *p = peer;

	return p->requests > 0;
}

static void what_became_of_it_follows_from_the_answer(void **state)
{
	static const struct {
		const char *name;
		behaviour *act;
		const char *text;
		int rc, status;
		const char *body;
	} rows[] = {
		{"an answer", answer, OK_TEXT, 0, 200, "ok"},
		{"no content", answer, "HTTP/1.1 204 No Content\r\n\r\n", 0,
		 204, ""},
		{"an error with a body", answer,
		 "HTTP/1.1 422 Unprocessable\r\nContent-Length: 3\r\n\r\nbad",
		 0, 422, "bad"},
		{"a status with an empty body", answer,
		 "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", 0, 500, ""},
		{"a redirect is a status, and nothing more", answer,
		 "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
		 "Content-Length: 0\r\n\r\n",
		 0, 302, ""},
		{"chunks", answer,
		 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "3\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: t\r\n\r\n",
		 0, 200, "abcde"},
		{"a body until the end of the connection",
		 answer_once_and_close, "HTTP/1.1 200 OK\r\n\r\nall of it", 0,
		 200, "all of it"},
		{"compressed although not asked for: left alone", answer,
		 "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
		 "Content-Length: 3\r\n\r\nabc",
		 0, 200, "abc"},
		{"100 before it", answer,
		 "HTTP/1.1 100 Continue\r\n\r\n" OK_TEXT, 0, 200, "ok"},
		{"103 before it", answer,
		 "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" OK_TEXT, 0,
		 200, "ok"},
		{"100 and no more", answer_once_and_close,
		 "HTTP/1.1 100 Continue\r\n\r\n", ERR_UNCERTAIN, 0, ""},
		{"100 and half a head", answer_once_and_close,
		 "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nConte",
		 ERR_UNCERTAIN, 0, ""},
		{"101", answer_once_and_close,
		 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
		 ERR_UNCERTAIN, 0, ""},
		{"half a body", answer_once_and_close,
		 "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
		 ERR_UNCERTAIN, 0, NULL},
		{"half a chunk", answer_once_and_close,
		 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "9\r\nhalf",
		 ERR_UNCERTAIN, 0, NULL},
		{"chunks without their end", answer_once_and_close,
		 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "4\r\nhalf\r\n",
		 ERR_UNCERTAIN, 0, NULL},
		{"half a head", answer_once_and_close,
		 "HTTP/1.1 200 OK\r\nContent-Ty", ERR_UNCERTAIN, 0, NULL},
		{"a head without its empty line", answer_once_and_close,
		 "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", ERR_UNCERTAIN, 0,
		 NULL},
		{"half a status line", answer_once_and_close, "HTTP/1.1 2",
		 ERR_UNCERTAIN, 0, NULL},
		{"garbage", answer_once_and_close, "SSH-2.0-OpenSSH_9.2\r\n",
		 ERR_UNCERTAIN, 0, NULL},
		{"a status of no class", answer_once_and_close,
		 "HTTP/1.1 000 Nothing\r\nContent-Length: 0\r\n\r\n",
		 ERR_UNCERTAIN, 0, NULL},
		{"closed without a word", read_and_close, NULL, ERR_UNCERTAIN,
		 0, NULL},
		{"reset after reading", read_and_reset, NULL, ERR_UNCERTAIN, 0,
		 NULL},
		{"reset before reading", reset_unread, NULL, ERR_UNCERTAIN, 0,
		 NULL},
		{"no answer in time", be_silent, NULL, ERR_UNCERTAIN, 0, NULL},
		{"an answer too slow to end", drip,
		 "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
		 ERR_UNCERTAIN, 0, NULL},
		{"a head too slow to end", drip,
		 "HTTP/1.1 200 OK\r\nX-A: ", ERR_UNCERTAIN, 0, NULL},
		{"headers of 128 KiB", pour_headers, "HTTP/1.1 200 OK\r\n",
		 ERR_UNCERTAIN, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP_PEER struct peer *p =
			peer_new(rows[i].act, rows[i].text);
		CLEANUP(http_client_freep)
		struct http_client *client = client_new(1);
		struct http_request request = request_to("POST", url_of(p));
		CLEANUP(http_answer_clear) struct http_answer a = {0};

		if (rows[i].act == be_silent || rows[i].act == drip)
			request.timeout_ms = CALL_MS;
		if (http_client_call(client, &request, &a, NULL) != rows[i].rc)
			fail_msg("%s: rc %d %s", rows[i].name, a.rc,
				 a.err.text);
		if (a.status != rows[i].status)
			fail_msg("%s: status %d", rows[i].name, a.status);
		if (rows[i].body != NULL && strcmp(a.body, rows[i].body) != 0)
			fail_msg("%s: body %s", rows[i].name, a.body);
		if (strstr(a.err.text, "SECRET") != NULL)
			fail_msg("%s: tells %s", rows[i].name, a.err.text);
		if (a.duration_ms < 0 || a.duration_ms > PROMPT_MS)
			fail_msg("%s: %d ms", rows[i].name, (int)a.duration_ms);
		if (rows[i].act != reset_unread &&
		    (!raw_wait_for(has_a_request, p) || p->requests != 1))
			fail_msg("%s: sent %d times", rows[i].name,
				 p->requests);
	}
}

static void a_long_answer_is_cut_at_its_limit(void **state)
{
	static const struct {
		const char *name, *text;
		behaviour *act;
		size_t bytes;
		bool cut;
	} rows[] = {
		{"10 MB with their length",
		 "HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n", pour,
		 ANSWER_MAX, true},
		{"10 MB without", "HTTP/1.1 200 OK\r\n\r\n", pour, ANSWER_MAX,
		 true},
		{"one byte too long",
		 "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n01234567890",
		 answer, 10, true},
		{"exactly the limit",
		 "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789",
		 answer, 10, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP_PEER struct peer *p =
			peer_new(rows[i].act, rows[i].text);
		CLEANUP(http_client_freep)
		struct http_client *client = client_new(1);
		struct http_request request = request_to("GET", url_of(p));
		CLEANUP(http_answer_clear) struct http_answer a = {0};

		request.answer_max_bytes = rows[i].bytes;
		if (http_client_call(client, &request, &a, NULL) != 0 ||
		    a.status != 200)
			fail_msg("%s: rc %d %s", rows[i].name, a.rc,
				 a.err.text);
		if (a.body_cut != rows[i].cut ||
		    a.body_bytes != rows[i].bytes ||
		    strlen(a.body) != rows[i].bytes)
			fail_msg("%s: %zu bytes", rows[i].name, a.body_bytes);
	}
}

/* libcurl would send it again: see on_attempt() in http_client.c. */
static void a_post_is_sent_once_whatever_happens(void **state)
{
	static char long_body[60000];
	static const struct {
		const char *name, *method;
		behaviour *act;
		size_t body_bytes;
		int rc, requests;
	} rows[] = {
		{"POST", "POST", end_at_the_second, 10, ERR_UNCERTAIN, 2},
		{"long POST", "POST", end_at_the_second, sizeof(long_body),
		 ERR_UNCERTAIN, 2},
		{"empty POST", "POST", end_at_the_second, 0, ERR_UNCERTAIN, 2},
		{"POST, reset", "POST", reset_at_the_second, 10, ERR_UNCERTAIN,
		 2},
		{"empty POST, reset", "POST", reset_at_the_second, 0,
		 ERR_UNCERTAIN, 2},
		{"PUT", "PUT", end_at_the_second, 10, ERR_UNCERTAIN, 2},
		{"PATCH", "PATCH", end_at_the_second, 10, ERR_UNCERTAIN, 2},
		{"DELETE", "DELETE", end_at_the_second, 0, ERR_UNCERTAIN, 2},
		{"a GET may be repeated", "GET", end_at_the_second, 0, 0, 3},
	};

	(void)state;
	memset(long_body, 'b', sizeof(long_body));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP_PEER struct peer *p = peer_new(rows[i].act, OK_TEXT);
		CLEANUP(http_client_freep)
		struct http_client *client = client_new(1);
		struct http_request request =
			request_to(rows[i].method, url_of(p));
		CLEANUP(http_answer_clear) struct http_answer a = {0};
		CLEANUP(http_answer_clear) struct http_answer b = {0};

		request.body = rows[i].body_bytes > 0 ? long_body : NULL;
		request.body_bytes = rows[i].body_bytes;
		if (http_client_call(client, &request, &a, NULL) != 0)
			fail_msg("%s: first: %s", rows[i].name, a.err.text);
		if (http_client_call(client, &request, &b, NULL) != rows[i].rc)
			fail_msg("%s: rc %d %s", rows[i].name, b.rc,
				 b.err.text);
		if (p->requests != rows[i].requests)
			fail_msg("%s: the peer saw %d requests", rows[i].name,
				 p->requests);
	}
}

static bool has_two_connections(void *peer)
{
	const struct peer *p = peer;

	return p->connections == 2;
}

/* The peer ended the idle connection, as servers do: nothing is uncertain. */
static void a_connection_that_ended_while_idle_is_not_used(void **state)
{
	CLEANUP_PEER struct peer *p = peer_new(answer_once_and_close, OK_TEXT);
	CLEANUP(http_client_freep) struct http_client *client = client_new(1);
	struct http_request request = request_to("POST", url_of(p));
	int other;

	(void)state;
	for (int i = 0; i < 2; i++) {
		CLEANUP(http_answer_clear) struct http_answer a = {0};

		assert_int_equal(http_client_call(client, &request, &a, NULL),
				 0);
		if (i == 1)
			break;
		/* The peer serves one connection at a time: when this one is
		 * accepted, the other is closed. */
		other = raw_connect_tcp(p->port);
		assert_true(raw_wait_for(has_two_connections, p));
		(void)close(other);
	}
	assert_int_equal(p->requests, 2);
}

static void connections_are_used_again(void **state)
{
	CLEANUP_PEER struct peer *p = peer_new(answer, OK_TEXT);
	CLEANUP(http_client_freep) struct http_client *client = client_new(1);
	struct http_request request = request_to("POST", url_of(p));

	(void)state;
	for (int i = 0; i < 5; i++) {
		CLEANUP(http_answer_clear) struct http_answer a = {0};

		assert_int_equal(http_client_call(client, &request, &a, NULL),
				 0);
	}
	assert_int_equal(p->requests, 5);
	assert_int_equal(p->connections, 1);
}

static int refused_port(void)
{
	int port;
	int fd = raw_listen(&port);

	(void)close(fd);
	return port;
}

static int call_url(const char *url, struct http_answer *ret)
{
	CLEANUP(http_client_freep) struct http_client *client = client_new(1);
	struct http_request request = request_to("POST", url);
	int rc = http_client_call(client, &request, ret, NULL);
	if (strstr(ret->err.text, "SECRET") != NULL)
		fail_msg("tells %s", ret->err.text);
	return rc;
}

static void what_never_left_may_be_repeated(void **state)
{
	CLEANUP_PEER struct peer *deaf = peer_new(say_nothing_at_all, NULL);
	CLEANUP(http_answer_clear) struct http_answer a = {0};
	char url[256];

	(void)state;
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/" SECRET,
		       refused_port());
	assert_int_equal(call_url(url, &a), ERR_REMOTE);
	http_answer_clear(&a);

	/* A label of 64 letters: refused before any name server is asked. */
	(void)snprintf(url, sizeof(url), "https://%064d.test/" SECRET, 0);
	assert_int_equal(call_url(url, &a), ERR_REMOTE);
	http_answer_clear(&a);

	/* A peer that accepts and never shakes hands. */
	(void)snprintf(url, sizeof(url), "https://127.0.0.1:%d/" SECRET,
		       deaf->port);
	assert_int_equal(call_url(url, &a), ERR_REMOTE);
	assert_in_range(a.duration_ms, CALL_MS / 4, PROMPT_MS);
}

static void no_connection_in_time_may_be_repeated(void **state)
{
	CLEANUP(http_answer_clear) struct http_answer a = {0};
	int waiting;
	char url[128];
	int port;
	int fd = raw_listen(&port);

	(void)state;
	/* A full backlog: the kernel drops what comes next. */
	assert_int_equal(listen(fd, 0), 0);
	waiting = raw_connect_tcp(port);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/" SECRET, port);
	assert_int_equal(call_url(url, &a), ERR_REMOTE);
	assert_in_range(a.duration_ms, CALL_MS / 4, PROMPT_MS);
	(void)close(waiting);
	(void)close(fd);
}

static void what_is_refused_here_is_never_sent(void **state)
{
	static const char *const none[] = {NULL};
	static const char *const split[] = {"X-A: b\r\nX-C: d", NULL};
	static const char *const newline[] = {"X-A: b\n", NULL};
	static const char *const space[] = {"X A: b", NULL};
	static const char *const no_colon[] = {"X-A", NULL};
	static const char *const no_name[] = {": b", NULL};
	static const char *const no_value[] = {"X-A: ", NULL};
	static const struct {
		const char *name, *method, *url;
		const char *const *headers;
	} rows[] = {
		{"plain http to elsewhere", "GET", "http://192.0.2.1/", none},
		{"a name that only begins like loopback", "GET",
		 "http://127.0.0.1.example/", none},
		{"loopback as user name", "GET", "http://127.0.0.1@192.0.2.1/",
		 none},
		{"user and password", "GET", "https://a:b@127.0.0.1/", none},
		{"another scheme", "GET", "ftp://127.0.0.1/", none},
		{"a file", "GET", "file:///etc/passwd", none},
		{"no scheme", "GET", "127.0.0.1/", none},
		{"no host", "GET", "http:///x", none},
		{"a space", "GET", "http://127.0.0.1/a b", none},
		{"a line end in the URL", "GET", "http://127.0.0.1/a\r\nX-A: b",
		 none},
		{"empty", "GET", "", none},
		{"unknown method", "BREW", "http://127.0.0.1:1/", none},
		{"method with a line end", "GET /\r\n", "http://127.0.0.1:1/",
		 none},
		{"two headers in one", "GET", "http://127.0.0.1:1/", split},
		{"header with a line end", "GET", "http://127.0.0.1:1/",
		 newline},
		{"header name with a space", "GET", "http://127.0.0.1:1/",
		 space},
		{"header without colon", "GET", "http://127.0.0.1:1/",
		 no_colon},
		{"header without name", "GET", "http://127.0.0.1:1/", no_name},
		{"header without value", "GET", "http://127.0.0.1:1/",
		 no_value},
	};
	CLEANUP(http_client_freep) struct http_client *client = client_new(1);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct http_request request = {
			.method = rows[i].method,
			.url = rows[i].url,
			.headers = rows[i].headers,
		};
		CLEANUP(http_answer_clear) struct http_answer a = {0};
		int rc = http_client_call(client, &request, &a, NULL);

		if (rc != ERR_INVALID)
			fail_msg("%s: rc %d %s", rows[i].name, rc, a.err.text);
		if (http_client_running(client) != 0)
			fail_msg("%s: runs", rows[i].name);
	}
}

static void every_spelling_of_loopback_may_be_plain(void **state)
{
	static const char *const hosts[] = {"127.0.0.1", "localhost",
					    "127.1",     "2130706433",
					    "[::1]",     "127.255.255.254"};
	CLEANUP_PEER struct peer *p = peer_new(answer, OK_TEXT);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(hosts); i++) {
		CLEANUP(http_answer_clear) struct http_answer a = {0};
		char url[128];
		int rc;

		(void)snprintf(url, sizeof(url), "http://%s:%d/", hosts[i],
			       p->port);
		rc = call_url(url, &a);
		/* Not everything is listened to, but all may be tried. */
		if (rc != 0 && rc != ERR_REMOTE)
			fail_msg("%s: %d %s", hosts[i], rc, a.err.text);
		if (i < 4 && rc != 0)
			fail_msg("%s: %s", hosts[i], a.err.text);
	}
}

static void the_request_arrives_as_it_was_given(void **state)
{
	static const char *const headers[] = {"Content-Type: application/json",
					      "Client-Token: t 1", NULL};
	CLEANUP_PEER struct peer *p = peer_new(
		answer, "HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\n"
			"Content-Length: 2\r\n\r\nok");
	CLEANUP(http_client_freep) struct http_client *client = client_new(1);
	struct http_request request = request_to("POST", url_of(p));

	(void)state;
	(void)setenv("http_proxy", "http://127.0.0.1:1", 1);
	(void)setenv("all_proxy", "http://127.0.0.1:1", 1);
	for (int i = 0; i < 3; i++) {
		CLEANUP(http_answer_clear) struct http_answer a = {0};

		request.headers = i == 0 ? headers : NULL;
		if (i == 2)
			request = request_to("GET", url_of(p));
		assert_int_equal(http_client_call(client, &request, &a, NULL),
				 0);
	}
	(void)unsetenv("http_proxy");
	(void)unsetenv("all_proxy");
	assert_int_equal(p->requests, 3);
	assert_string_equal(p->bodies[0], "{\"a\":1}");
	assert_non_null(
		strstr(p->heads[0], "POST /" SECRET "/x HTTP/1.1\nHost: "));
	assert_non_null(strstr(p->heads[0], "\nUser-Agent: ordergate-test\n"));
	assert_non_null(strstr(p->heads[0], "\nClient-Token: t 1\n"));
	assert_non_null(
		strstr(p->heads[0], "\nContent-Type: application/json\n"));
	assert_non_null(strstr(p->heads[0], "\nContent-Length: 7\n"));
	assert_non_null(strstr(p->heads[2], "GET /"));
	for (int i = 0; i < 3; i++) {
		assert_null(strstr(p->heads[i], "Cookie"));
		assert_null(strstr(p->heads[i], "Expect"));
		assert_null(strstr(p->heads[i], "Accept-Encoding"));
		if (i > 0)
			assert_null(strstr(p->heads[i], "Content-Type"));
	}
}

static void retry_after_is_seconds_or_a_date(void **state)
{
	static const struct {
		const char *value; /* NULL: no header */
		int64_t ms;
	} rows[] = {
		{NULL, -1},
		{"5", 5000},
		{"0", 0},
		{"  7  ", 7000},
		{"-5", -1},
		{"+5", -1},
		{"1.5", -1},
		{"soon", -1},
		{"5 minutes", -1},
		{"", -1},
		{"604801", 604800000},
		{"99999999999999999999999", 604800000},
		{"Sun, 06 Nov 1994 08:49:37 GMT", 120000},
		{"Sun, 06 Nov 1994 08:47:36 GMT", 0},
		{"Sun, 06 Nov 1994 08:47:38 GMT", 1000},
		{"Fri, 31 Dec 2999 23:59:59 GMT", 604800000},
		{"Sun, 06 Foo 1994 08:49:37 GMT", -1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char text[256];
		CLEANUP_PEER struct peer *p = peer_new(answer, text);
		CLEANUP(http_client_freep)
		struct http_client *client = client_new(1);
		struct http_request request = request_to("POST", url_of(p));
		CLEANUP(http_answer_clear) struct http_answer a = {0};
		const char *value = rows[i].value;
		int rc;

		(void)snprintf(text, sizeof(text),
			       "HTTP/1.1 429 Slow down\r\n%s%s%s"
			       "Content-Length: 0\r\n\r\n",
			       value != NULL ? "Retry-After: " : "",
			       value != NULL ? value : "",
			       value != NULL ? "\r\n" : "");
		clock_fake(784111657000, 1000); /* 1994-11-06 08:47:37 */
		rc = http_client_call(client, &request, &a, NULL);
		clock_fake(-1, 0);
		if (rc != 0 || a.status != 429)
			fail_msg("%s: rc %d %s", value, rc, a.err.text);
		if (a.retry_after_ms != rows[i].ms)
			fail_msg("%s: %ld ms", value != NULL ? value : "none",
				 (long)a.retry_after_ms);
	}
}

/* --- many at a time ------------------------------------------------------ */

struct tally {
	struct http_client *client;
	const struct http_request *request;
	int done, good, to_start;
};

static void count_done(const struct http_answer *answer, void *context)
{
	struct tally *t = context;

	t->done++;
	if (answer->rc == 0 && answer->status == 200)
		t->good++;
	if (t->to_start > 0 &&
	    http_client_start(t->client, t->request, count_done, t, NULL) == 0)
		t->to_start--;
}

static void many_calls_run_at_once_up_to_the_limit(void **state)
{
	CLEANUP_PEER struct peer *p =
		peer_new(answer_once_and_close,
			 "HTTP/1.1 200 OK\r\nConnection: close\r\n"
			 "Content-Length: 2\r\n\r\nok");
	CLEANUP(http_client_freep) struct http_client *client = client_new(4);
	struct http_request request = request_to("POST", url_of(p));
	struct tally t = {.client = client, .request = &request};
	int64_t until_ms = clock_mono_ms() + RAW_WAIT_MS;

	(void)state;
	t.to_start = 20;
	for (int i = 0; i < 4; i++)
		assert_int_equal(http_client_start(client, &request, count_done,
						   &t, NULL),
				 0);
	assert_int_equal(
		http_client_start(client, &request, count_done, &t, NULL),
		ERR_BUSY);
	assert_int_equal(http_client_running(client), 4);
	while (http_client_run(client, 100, -1) > 0 &&
	       clock_mono_ms() < until_ms)
		;
	assert_int_equal(t.done, 24);
	assert_int_equal(t.good, 24);
	assert_int_equal(p->requests, 24);
}

static void a_run_returns_early_for_the_other_descriptor(void **state)
{
	CLEANUP_PEER struct peer *p = peer_new(be_silent, NULL);
	CLEANUP(http_client_freep) struct http_client *client = client_new(2);
	struct http_request request = request_to("POST", url_of(p));
	struct tally t = {0};
	int bell = eventfd(0, EFD_CLOEXEC);
	int64_t begin_ms = clock_mono_ms();

	(void)state;
	assert_int_equal(http_client_run(client, RAW_WAIT_MS, -1), 0);
	assert_in_range(clock_mono_ms() - begin_ms, 0, PROMPT_MS);
	assert_int_equal(http_client_run(client, 50, bell), 0);
	assert_in_range(clock_mono_ms() - begin_ms, 50, PROMPT_MS);
	assert_int_equal(
		http_client_start(client, &request, count_done, &t, NULL), 0);
	assert_int_equal(eventfd_write(bell, 1), 0);
	begin_ms = clock_mono_ms();
	assert_int_equal(http_client_run(client, RAW_WAIT_MS, bell), 1);
	assert_in_range(clock_mono_ms() - begin_ms, 0, PROMPT_MS);
	(void)close(bell);
	/* The call still runs: freeing the client cancels it, silently. */
	http_client_free(TAKE(client));
	assert_int_equal(t.done, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_became_of_it_follows_from_the_answer),
		cmocka_unit_test(a_long_answer_is_cut_at_its_limit),
		cmocka_unit_test(a_post_is_sent_once_whatever_happens),
		cmocka_unit_test(
			a_connection_that_ended_while_idle_is_not_used),
		cmocka_unit_test(connections_are_used_again),
		cmocka_unit_test(what_never_left_may_be_repeated),
		cmocka_unit_test(no_connection_in_time_may_be_repeated),
		cmocka_unit_test(what_is_refused_here_is_never_sent),
		cmocka_unit_test(every_spelling_of_loopback_may_be_plain),
		cmocka_unit_test(the_request_arrives_as_it_was_given),
		cmocka_unit_test(retry_after_is_seconds_or_a_date),
		cmocka_unit_test(many_calls_run_at_once_up_to_the_limit),
		cmocka_unit_test(a_run_returns_early_for_the_other_descriptor),
	};
	return cmocka_run_group_tests_name("http_client", tests, NULL, NULL);
}
