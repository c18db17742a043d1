/* SPDX-License-Identifier: MIT
 *
 * What a server takes at most: bytes of a body, connections, time.
 */
#include "cmocka_all.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "net/server/http_server.h"
#include "raw_http.h"

#define HOST "Host: test\r\n"

static atomic_int echo_calls;

static void echo(struct http_exchange *x, void *context)
{
	(void)context;
	echo_calls++;
	http_reply(x, 200, "text/plain", http_body(x), http_body_bytes(x));
}

static void show(struct http_exchange *x, void *context)
{
	(void)context;
	http_reply(x, 200, "text/plain", "shown", 5);
}

static const struct http_route routes[] = {
	{"POST", "/echo", echo, 64, 0},
	{"GET", "/show", show, 0, 0},
	{NULL, NULL, NULL, 0, 0},
};

struct fixture {
	char *folder;
	char path[256];
	struct http_server *server;
	struct raw_stream stream; /* of the first client */
	struct raw_message answer;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -1;
	f->folder = raw_folder_new();
	(void)snprintf(f->path, sizeof(f->path), "%s/http.sock", f->folder);
	echo_calls = 0;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->stream.fd >= 0)
		(void)close(f->stream.fd);
	http_server_stop(f->server, RAW_WAIT_MS);
	raw_folder_free(f->folder);
	free(f);
	return 0;
}

static void start(struct fixture *f, int connections_max, int idle_timeout_s)
{
	struct http_server_options options = {
		.routes = routes,
		.connections_max = connections_max,
		.idle_timeout_s = idle_timeout_s,
	};
	struct err e = {0};

	options.listen_fd = http_listen_unix(f->path, &e);
	if (options.listen_fd < 0 ||
	    http_server_start(&options, &f->server, &e) < 0)
		fail_msg("%s", e.text);
	f->stream.fd = raw_connect_unix(f->path);
}

static bool ask(struct fixture *f, const char *request)
{
	return raw_send_text(f->stream.fd, request) &&
	       raw_read(&f->stream, &f->answer, true);
}

/* nginx would see a reset, and make a 502 of it. */
static void a_refused_body_is_read_before_the_answer(void **state)
{
	static char half[100000];
	struct fixture *f = *state;

	start(f, 0, 0);
	memset(half, 'h', sizeof(half));
	assert_true(raw_send_text(f->stream.fd,
				  "POST /nowhere HTTP/1.1\r\n" HOST
				  "Content-Length: 200000\r\n\r\n"));
	assert_true(raw_send(f->stream.fd, half, sizeof(half)));
	assert_false(raw_readable(f->stream.fd, 100));
	assert_true(raw_send(f->stream.fd, half, sizeof(half)));
	assert_true(raw_read(&f->stream, &f->answer, true));
	assert_int_equal(f->answer.status, 404);
	assert_true(ask(f, "GET /show HTTP/1.1\r\n" HOST "\r\n"));
	assert_int_equal(f->answer.status, 200);
}

static void a_body_beyond_all_bounds_is_not_read(void **state)
{
	struct fixture *f = *state;

	start(f, 0, 0);
	assert_true(ask(f, "POST /echo HTTP/1.1\r\n" HOST
			   "Content-Length: 99999999999\r\n\r\n"));
	assert_int_equal(f->answer.status, 413);
	assert_non_null(strstr(f->answer.head, "Connection: close\n"));
	assert_false(raw_read(&f->stream, &f->answer, true));
	assert_int_equal(echo_calls, 0);
}

static void an_endless_chunked_body_ends_the_connection(void **state)
{
	static char chunk[0x8000];
	struct fixture *f = *state;
	int sent = 0;

	start(f, 0, 0);
	memset(chunk, 'c', sizeof(chunk));
	assert_true(raw_send_text(f->stream.fd,
				  "POST /echo HTTP/1.1\r\n" HOST
				  "Transfer-Encoding: chunked\r\n\r\n"));
	while (sent < 2000 && raw_send_text(f->stream.fd, "8000\r\n") &&
	       raw_send(f->stream.fd, chunk, sizeof(chunk)) &&
	       raw_send_text(f->stream.fd, "\r\n"))
		sent++;
	assert_in_range(sent, 1000, 1100); /* 4 * 8 MiB */
	assert_int_equal(http_server_stats(f->server).in_flight, 0);
}

static void beyond_the_connection_limit_a_client_waits_its_turn(void **state)
{
	struct fixture *f = *state;
	struct raw_stream second = {.fd = -1};

	start(f, 1, 0);
	assert_true(ask(f, "GET /show HTTP/1.1\r\n" HOST "\r\n"));
	second.fd = raw_connect_unix(f->path);
	assert_true(
		raw_send_text(second.fd, "GET /show HTTP/1.1\r\n" HOST "\r\n"));
	assert_false(raw_readable(second.fd, 50));
	(void)close(f->stream.fd);
	f->stream.fd = -1;
	assert_true(raw_read(&second, &f->answer, true));
	assert_int_equal(f->answer.status, 200);
	(void)close(second.fd);
}

static void an_idle_connection_is_closed_after_its_time(void **state)
{
	struct fixture *f = *state;

	start(f, 0, 1);
	assert_true(ask(f, "GET /show HTTP/1.1\r\n" HOST "\r\n"));
	assert_true(raw_readable(f->stream.fd, RAW_WAIT_MS));
	assert_false(raw_read(&f->stream, &f->answer, true));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_refused_body_is_read_before_the_answer),
		TEST(a_body_beyond_all_bounds_is_not_read),
		TEST(an_endless_chunked_body_ends_the_connection),
		TEST(beyond_the_connection_limit_a_client_waits_its_turn),
		TEST(an_idle_connection_is_closed_after_its_time),
	};
	return cmocka_run_group_tests_name("http_limits", tests, NULL, NULL);
}
