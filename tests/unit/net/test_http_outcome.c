/* SPDX-License-Identifier: MIT
 *
 * What becomes of a call, whatever the peer does with it.
 */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "http_peer.h"
#include "net/client/http_client.h"
#include "raw_http.h"

enum {
	CALL_MS = 1000,  /* where a time-out is wanted */
	PROMPT_MS = 8000 /* less than RAW_WAIT_MS, and enough under load */
};

static void reset(int fd)
{
	const struct linger now = {.l_onoff = 1};

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

static void read_and_close(struct http_peer *p, int fd)
{
	(void)fd;
	(void)http_peer_read(p);
}

static void read_and_reset(struct http_peer *p, int fd)
{
	(void)http_peer_read(p);
	reset(fd);
}

static void reset_unread(struct http_peer *p, int fd)
{
	(void)p;
	(void)raw_readable(fd, RAW_WAIT_MS);
	reset(fd);
}

static void say_nothing_at_all(struct http_peer *p, int fd)
{
	char bytes[4096];

	(void)p;
	while (recv(fd, bytes, sizeof(bytes), 0) > 0)
		;
}

static void drip(struct http_peer *p, int fd)
{
	const struct timespec pause = {.tv_nsec = 20000000};

	if (!http_peer_read(p) || !raw_send_text(fd, p->text))
		return;
	while (raw_send_text(fd, "x"))
		(void)nanosleep(&pause, NULL);
}

static void pour(struct http_peer *p, int fd)
{
	static char block[65536];

	memset(block, 'p', sizeof(block));
	if (!http_peer_read(p) || !raw_send_text(fd, p->text))
		return;
	for (int i = 0; i < 10 * 16; i++) {
		if (!raw_send(fd, block, sizeof(block)))
			return;
	}
}

static void pour_headers(struct http_peer *p, int fd)
{
	if (!http_peer_read(p) || !raw_send_text(fd, p->text))
		return;
	for (int i = 0; i < 4000; i++) {
		if (!raw_send_text(fd, "X-More: and more and more of it\r\n"))
			return;
	}
	(void)raw_send_text(fd, "Content-Length: 2\r\n\r\nok");
}

/* The trap: the first connection serves one request, reads a second one and
 * ends without an answer; later connections serve all. */
static void end_at_the_second(struct http_peer *p, int fd)
{
	while (http_peer_read(p)) {
		if (p->connections == 1 && p->requests == 2)
			return;
		if (!raw_send_text(fd, p->text))
			return;
	}
}

static void reset_at_the_second(struct http_peer *p, int fd)
{
	end_at_the_second(p, fd);
	if (p->connections == 1)
		reset(fd);
}

static bool has_a_request(void *peer)
{
	const struct http_peer *p = peer;

	return p->requests > 0;
}

static const struct {
	const char *name;
	http_peer_act *act;
	const char *text;
	int rc, status;
	const char *body;
} outcomes[] = {
	{"an answer", http_peer_answers, HTTP_PEER_OK, 0, 200, "ok"},
	{"no content", http_peer_answers, "HTTP/1.1 204 No Content\r\n\r\n", 0,
	 204, ""},
	{"an error with a body", http_peer_answers,
	 "HTTP/1.1 422 Unprocessable\r\nContent-Length: 3\r\n\r\nbad", 0, 422,
	 "bad"},
	{"a status with an empty body", http_peer_answers,
	 "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", 0, 500, ""},
	{"a redirect is a status, and nothing more", http_peer_answers,
	 "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
	 "Content-Length: 0\r\n\r\n",
	 0, 302, ""},
	{"chunks", http_peer_answers,
	 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	 "3\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: t\r\n\r\n",
	 0, 200, "abcde"},
	{"a body until the end of the connection", http_peer_answers_once,
	 "HTTP/1.1 200 OK\r\n\r\nall of it", 0, 200, "all of it"},
	{"compressed although not asked for: left alone", http_peer_answers,
	 "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
	 "Content-Length: 3\r\n\r\nabc",
	 0, 200, "abc"},
	{"100 before it", http_peer_answers,
	 "HTTP/1.1 100 Continue\r\n\r\n" HTTP_PEER_OK, 0, 200, "ok"},
	{"103 before it", http_peer_answers,
	 "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" HTTP_PEER_OK, 0, 200,
	 "ok"},
	{"100 and no more", http_peer_answers_once,
	 "HTTP/1.1 100 Continue\r\n\r\n", ERR_UNCERTAIN, 0, ""},
	{"100 and half a head", http_peer_answers_once,
	 "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nConte", ERR_UNCERTAIN,
	 0, ""},
	{"101", http_peer_answers_once,
	 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
	 ERR_UNCERTAIN, 0, ""},
	{"half a body", http_peer_answers_once,
	 "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", ERR_UNCERTAIN, 0,
	 NULL},
	{"half a chunk", http_peer_answers_once,
	 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	 "9\r\nhalf",
	 ERR_UNCERTAIN, 0, NULL},
	{"chunks without their end", http_peer_answers_once,
	 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	 "4\r\nhalf\r\n",
	 ERR_UNCERTAIN, 0, NULL},
	{"half a head", http_peer_answers_once, "HTTP/1.1 200 OK\r\nContent-Ty",
	 ERR_UNCERTAIN, 0, NULL},
	{"a head without its empty line", http_peer_answers_once,
	 "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", ERR_UNCERTAIN, 0, NULL},
	{"half a status line", http_peer_answers_once, "HTTP/1.1 2",
	 ERR_UNCERTAIN, 0, NULL},
	{"garbage", http_peer_answers_once, "SSH-2.0-OpenSSH_9.2\r\n",
	 ERR_UNCERTAIN, 0, NULL},
	{"a status of no class", http_peer_answers_once,
	 "HTTP/1.1 000 Nothing\r\nContent-Length: 0\r\n\r\n", ERR_UNCERTAIN, 0,
	 NULL},
	{"closed without a word", read_and_close, NULL, ERR_UNCERTAIN, 0, NULL},
	{"reset after reading", read_and_reset, NULL, ERR_UNCERTAIN, 0, NULL},
	{"reset before reading", reset_unread, NULL, ERR_UNCERTAIN, 0, NULL},
	{"no answer in time", http_peer_is_silent, NULL, ERR_UNCERTAIN, 0,
	 NULL},
	{"an answer too slow to end", drip,
	 "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", ERR_UNCERTAIN, 0,
	 NULL},
	{"a head too slow to end", drip,
	 "HTTP/1.1 200 OK\r\nX-A: ", ERR_UNCERTAIN, 0, NULL},
	{"headers of 128 KiB", pour_headers, "HTTP/1.1 200 OK\r\n",
	 ERR_UNCERTAIN, 0, NULL},
};

static void what_became_of_it_follows_from_the_answer(void **state)
{

	(void)state;
	for (size_t i = 0; i < COUNT_OF(outcomes); i++) {
		CLEANUP_PEER struct http_peer *p =
			http_peer_new(outcomes[i].act, outcomes[i].text);
		CLEANUP(http_client_freep)
		struct http_client *client = http_peer_client(1);
		struct http_request request = http_peer_request("POST", p->url);
		CLEANUP(http_answer_clear) struct http_answer a = {0};

		if (outcomes[i].act == http_peer_is_silent ||
		    outcomes[i].act == drip)
			request.timeout_ms = CALL_MS;
		if (http_client_call(client, &request, &a, NULL) !=
		    outcomes[i].rc)
			fail_msg("%s: rc %d %s", outcomes[i].name, a.rc,
				 a.err.text);
		if (a.status != outcomes[i].status)
			fail_msg("%s: status %d", outcomes[i].name, a.status);
		if (outcomes[i].body != NULL &&
		    strcmp(a.body, outcomes[i].body) != 0)
			fail_msg("%s: body %s", outcomes[i].name, a.body);
		if (strstr(a.err.text, "SECRET") != NULL)
			fail_msg("%s: tells %s", outcomes[i].name, a.err.text);
		if (a.duration_ms < 0 || a.duration_ms > PROMPT_MS)
			fail_msg("%s: %d ms", outcomes[i].name,
				 (int)a.duration_ms);
		if (outcomes[i].act != reset_unread &&
		    (!raw_wait_for(has_a_request, p) || p->requests != 1))
			fail_msg("%s: sent %d times", outcomes[i].name,
				 p->requests);
	}
}

static void a_long_answer_is_cut_at_its_limit(void **state)
{
	static const struct {
		const char *name, *text;
		http_peer_act *act;
		size_t bytes;
		bool cut;
	} rows[] = {
		{"10 MB with their length",
		 "HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n", pour,
		 HTTP_PEER_ANSWER_MAX, true},
		{"10 MB without", "HTTP/1.1 200 OK\r\n\r\n", pour,
		 HTTP_PEER_ANSWER_MAX, true},
		{"one byte too long",
		 "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n01234567890",
		 http_peer_answers, 10, true},
		{"exactly the limit",
		 "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789",
		 http_peer_answers, 10, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP_PEER struct http_peer *p =
			http_peer_new(rows[i].act, rows[i].text);
		CLEANUP(http_client_freep)
		struct http_client *client = http_peer_client(1);
		struct http_request request = http_peer_request("GET", p->url);
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
		http_peer_act *act;
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
		CLEANUP_PEER struct http_peer *p =
			http_peer_new(rows[i].act, HTTP_PEER_OK);
		CLEANUP(http_client_freep)
		struct http_client *client = http_peer_client(1);
		struct http_request request =
			http_peer_request(rows[i].method, p->url);
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
	const struct http_peer *p = peer;

	return p->connections == 2;
}

/* The peer ended the idle connection, as servers do: nothing is uncertain. */
static void a_connection_that_ended_while_idle_is_not_used(void **state)
{
	CLEANUP_PEER struct http_peer *p =
		http_peer_new(http_peer_answers_once, HTTP_PEER_OK);
	CLEANUP(http_client_freep)
	struct http_client *client = http_peer_client(1);
	struct http_request request = http_peer_request("POST", p->url);
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
	CLEANUP_PEER struct http_peer *p =
		http_peer_new(http_peer_answers, HTTP_PEER_OK);
	CLEANUP(http_client_freep)
	struct http_client *client = http_peer_client(1);
	struct http_request request = http_peer_request("POST", p->url);

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
	CLEANUP(http_client_freep)
	struct http_client *client = http_peer_client(1);
	struct http_request request = http_peer_request("POST", url);
	int rc = http_client_call(client, &request, ret, NULL);
	if (strstr(ret->err.text, "SECRET") != NULL)
		fail_msg("tells %s", ret->err.text);
	return rc;
}

static void what_never_left_may_be_repeated(void **state)
{
	CLEANUP_PEER struct http_peer *deaf =
		http_peer_new(say_nothing_at_all, NULL);
	CLEANUP(http_answer_clear) struct http_answer a = {0};
	char url[256];

	(void)state;
	(void)snprintf(url, sizeof(url),
		       "http://127.0.0.1:%d/" HTTP_PEER_SECRET, refused_port());
	assert_int_equal(call_url(url, &a), ERR_REMOTE);
	http_answer_clear(&a);

	/* A label of 64 letters: refused before any name server is asked. */
	(void)snprintf(url, sizeof(url), "https://%064d.test/" HTTP_PEER_SECRET,
		       0);
	assert_int_equal(call_url(url, &a), ERR_REMOTE);
	http_answer_clear(&a);

	/* A peer that accepts and never shakes hands. */
	(void)snprintf(url, sizeof(url),
		       "https://127.0.0.1:%d/" HTTP_PEER_SECRET, deaf->port);
	assert_int_equal(call_url(url, &a), ERR_REMOTE);
	assert_in_range(a.duration_ms, HTTP_PEER_CONNECT_MS / 2, PROMPT_MS);
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
	(void)snprintf(url, sizeof(url),
		       "http://127.0.0.1:%d/" HTTP_PEER_SECRET, port);
	assert_int_equal(call_url(url, &a), ERR_REMOTE);
	assert_in_range(a.duration_ms, HTTP_PEER_CONNECT_MS / 2, PROMPT_MS);
	(void)close(waiting);
	(void)close(fd);
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
	};
	return cmocka_run_group_tests_name("http_outcome", tests, NULL, NULL);
}
