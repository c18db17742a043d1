/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "net/server/http_server.h"
#include "raw_http.h"

enum {
	BODY_MAX = 64,
	LARGE_BYTES = 60000,
	HELD_MAX = 16
};

/* Deferred exchanges wait here until the test answers them. */
static struct {
	pthread_mutex_t lock;
	struct http_exchange *held[HELD_MAX];
	int count;
	atomic_int echo_calls;
	struct http_exchange *in_round; /* of the event thread */
} desk = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void say(struct http_exchange *x, const char *text)
{
	http_reply(x, 200, "text/plain", text, strlen(text));
}

static void echo(struct http_exchange *x, void *context)
{
	(void)context;
	desk.echo_calls++;
	http_reply(x, 200, "text/plain", http_body(x), http_body_bytes(x));
}

static void hold(struct http_exchange *x, void *context)
{
	(void)context;
	(void)pthread_mutex_lock(&desk.lock);
	if (desk.count < HELD_MAX)
		desk.held[desk.count++] = x;
	(void)pthread_mutex_unlock(&desk.lock);
}

static void wait_for_round(struct http_exchange *x, void *context)
{
	(void)context;
	desk.in_round = x;
}

static void answer_round(void *context)
{
	struct http_exchange *x = desk.in_round;

	(void)context;
	desk.in_round = NULL;
	if (x != NULL)
		say(x, "together");
}

static void *answer_now(void *x)
{
	say(x, "from another thread");
	return NULL;
}

/* The answer is complete before the handler returns. */
static void answer_early(struct http_exchange *x, void *context)
{
	pthread_t thread;

	(void)context;
	if (pthread_create(&thread, NULL, answer_now, x) != 0)
		abort();
	(void)pthread_join(thread, NULL);
}

static void show_request(struct http_exchange *x, void *context)
{
	const char *number = http_query(x, "number");
	const char *token = http_header(x, "client-TOKEN");
	char text[256];

	(void)context;
	(void)snprintf(text, sizeof(text), "%s %s number=%s token=%s",
		       http_method(x), http_path(x),
		       number != NULL ? number : "-",
		       token != NULL ? token : "-");
	http_reply_header(x, "X-Method", http_method(x));
	say(x, text);
}

static void no_content(struct http_exchange *x, void *context)
{
	(void)context;
	http_reply(x, 204, NULL, NULL, 0);
}

static void large(struct http_exchange *x, void *context)
{
	static char text[LARGE_BYTES];

	(void)context;
	memset(text, 'l', sizeof(text));
	http_reply(x, 200, "text/plain", text, sizeof(text));
}

static void split_header(struct http_exchange *x, void *context)
{
	(void)context;
	http_reply_header(x, "Location", "/a\r\nSet-Cookie: stolen");
	say(x, "never sent");
}

static void endless_headers(struct http_exchange *x, void *context)
{
	(void)context;
	for (int i = 0; i < 200; i++)
		http_reply_header(x, "X-Long", "0123456789012345678901234567");
	say(x, "never sent");
}

static void own_memory(struct http_exchange *x, void *context)
{
	char *own = http_exchange_alloc(x, 64);
	bool clean = own != NULL;

	(void)context;
	for (int i = 0; clean && i < 64; i++)
		clean = own[i] == 0;
	if (own != NULL)
		memset(own, 'x', 64);
	say(x, clean ? "clean" : "dirty");
}

static const struct http_route routes[] = {
	{"POST", "/echo", echo, BODY_MAX, 0},
	{"PUT", "/echo", echo, BODY_MAX, 0},
	{"POST", "/round", wait_for_round, 1024, HTTP_DEFERRED},
	{"POST", "/later", hold, 1024, HTTP_DEFERRED},
	{"POST", "/early", answer_early, BODY_MAX, HTTP_DEFERRED},
	{"POST", "/at-once", echo, BODY_MAX, HTTP_DEFERRED},
	{"GET", "/show", show_request, 0, 0},
	{"GET", "/files/*", show_request, 0, 0},
	{"GET", "/204", no_content, 0, 0},
	{"GET", "/large", large, 0, 0},
	{"GET", "/split", split_header, 0, 0},
	{"GET", "/endless", endless_headers, 0, 0},
	{"POST", "/own", own_memory, BODY_MAX, 0},
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
	struct http_server_options options = {.routes = routes,
					      .round = answer_round};
	struct err e = {0};

	if (f == NULL)
		return -1;
	f->folder = raw_folder_new();
	(void)snprintf(f->path, sizeof(f->path), "%s/http.sock", f->folder);
	desk.count = 0;
	desk.echo_calls = 0;
	options.listen_fd = http_listen_unix(f->path, &e);
	if (options.listen_fd < 0 ||
	    http_server_start(&options, &f->server, &e) < 0) {
		print_error("setup: %s\n", e.text);
		return -1;
	}
	f->stream.fd = raw_connect_unix(f->path);
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

static bool ask(struct fixture *f, const char *request)
{
	bool has_body = strncmp(request, "HEAD", 4) != 0;

	return raw_send_text(f->stream.fd, request) &&
	       raw_read(&f->stream, &f->answer, has_body);
}

static void a_request_may_wait_for_the_end_of_its_round(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 3; i++) {
		assert_true(ask(f, "POST /round HTTP/1.1\r\nHost: x\r\n"
				   "Content-Length: 0\r\n\r\n"));
		assert_int_equal(f->answer.status, 200);
		assert_string_equal(f->answer.body, "together");
	}
}

struct awaited {
	struct fixture *f;
	int64_t in_flight;
};

static bool in_flight_is(void *context)
{
	const struct awaited *a = context;

	return http_server_stats(a->f->server).in_flight == a->in_flight;
}

static void wait_in_flight(struct fixture *f, int n)
{
	struct awaited a = {f, n};

	assert_true(raw_wait_for(in_flight_is, &a));
}

static bool something_is_held(void *context)
{
	bool held;

	(void)context;
	(void)pthread_mutex_lock(&desk.lock);
	held = desk.count > 0;
	(void)pthread_mutex_unlock(&desk.lock);
	return held;
}

/* The oldest deferred exchange, as soon as its handler was called. */
static struct http_exchange *take_held(void)
{
	struct http_exchange *x;

	assert_true(raw_wait_for(something_is_held, NULL));
	(void)pthread_mutex_lock(&desk.lock);
	x = desk.held[0];
	desk.count--;
	for (int i = 0; i < desk.count; i++)
		desk.held[i] = desk.held[i + 1];
	(void)pthread_mutex_unlock(&desk.lock);
	return x;
}

#define HOST "Host: test\r\n"
#define SIXTY_FOUR \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct {
	const char *name, *request;
	int status;
	const char *head, *body; /* contained in it; NULL: none */
} requests[] = {
	{"a body comes back",
	 "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello", 200,
	 "Content-Type: text/plain\n", "hello"},
	{"an empty body is a body",
	 "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 200,
	 "Content-Length: 0\n", NULL},
	{"a second method of the same path",
	 "PUT /echo HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\np", 200, NULL,
	 "p"},
	{"a chunked body",
	 "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n"
	 "\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
	 200, NULL, "abcde"},
	{"a body of exactly the limit",
	 "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 64\r\n\r\n" SIXTY_FOUR,
	 200, NULL, SIXTY_FOUR},
	{"a body one byte longer",
	 "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 65\r\n\r\n" SIXTY_FOUR
	 "!",
	 413, "Content-Type: application/json\n",
	 "{\"error\":{\"code\":\"too_large\",\"message\":"},
	{"a chunked body over the limit",
	 "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
	 "40\r\n" SIXTY_FOUR "\r\n1\r\n!\r\n0\r\n\r\n",
	 413, NULL, "too_large"},
	{"no route", "GET /nowhere HTTP/1.1\r\n" HOST "\r\n", 404,
	 "Content-Type: application/json\n",
	 "{\"error\":{\"code\":\"not_found\",\"message\":"},
	{"no route, with a body",
	 "POST /nowhere HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", 404,
	 NULL, "not_found"},
	{"other method", "GET /echo HTTP/1.1\r\n" HOST "\r\n", 405,
	 "Allow: POST, PUT\n", "method_not_allowed"},
	{"other method of a path to read",
	 "POST /show HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 405,
	 "Allow: GET, HEAD\n", "method_not_allowed"},
	{"a longer path is another path",
	 "POST /echo/ HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 404, NULL,
	 "not_found"},
	{"query and header, names in any case",
	 "GET /show?number=7%20a HTTP/1.1\r\n" HOST "Client-Token: abc\r\n\r\n",
	 200, "X-Method: GET\n", "GET /show number=7 a token=abc"},
	{"a header that is absent", "GET /show HTTP/1.1\r\n" HOST "\r\n", 200,
	 NULL, "GET /show number=- token=-"},
	{"a prefix", "GET /files/a/b%41 HTTP/1.1\r\n" HOST "\r\n", 200, NULL,
	 "GET /files/a/bA number=-"},
	{"a prefix, and what is not UTF-8",
	 "GET /files/a%FF HTTP/1.1\r\n" HOST "\r\n", 404, NULL, "not_found"},
	{"HEAD goes to the row of GET, without a body",
	 "HEAD /show HTTP/1.1\r\n" HOST "\r\n", 200, "X-Method: HEAD\n", NULL},
	{"no content", "GET /204 HTTP/1.1\r\n" HOST "\r\n", 204, NULL, NULL},
	{"answered by another thread inside the handler",
	 "POST /early HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 200, NULL,
	 "from another thread"},
	{"answered at once although it might be deferred",
	 "POST /at-once HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi", 200,
	 NULL, "hi"},
	{"a header value with a line end is not sent",
	 "GET /split HTTP/1.1\r\n" HOST "\r\n", 500, NULL, "\"internal\""},
	{"headers beyond their limit are not sent",
	 "GET /endless HTTP/1.1\r\n" HOST "\r\n", 500, NULL, "\"internal\""},
	{"own memory is zeroed",
	 "POST /own HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 200, NULL,
	 "clean"},
	{"own memory is zeroed again",
	 "POST /own HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 200, NULL,
	 "clean"},
};

static void every_request_gets_the_answer_of_its_route(void **state)
{
	struct fixture *f = *state;

	/* All over one connection: each row also proves that the row before
	 * left it in order. */
	for (size_t i = 0; i < COUNT_OF(requests); i++) {
		const char *body = requests[i].body;
		const char *head = requests[i].head;

		if (!ask(f, requests[i].request))
			fail_msg("%s: no answer", requests[i].name);
		if (f->answer.status != requests[i].status)
			fail_msg("%s: status %d", requests[i].name,
				 f->answer.status);
		if (head != NULL && strstr(f->answer.head, head) == NULL)
			fail_msg("%s: head %s", requests[i].name,
				 f->answer.head);
		if (body != NULL && strstr(f->answer.body, body) == NULL)
			fail_msg("%s: body %s", requests[i].name,
				 f->answer.body);
		if (body == NULL && f->answer.body_bytes > 0)
			fail_msg("%s: unexpected body %s", requests[i].name,
				 f->answer.body);
		if (strstr(f->answer.head, "stolen") != NULL)
			fail_msg("%s: header injected", requests[i].name);
	}
	assert_int_equal(desk.echo_calls, 6);
}

static void a_large_answer_arrives_whole(void **state)
{
	struct fixture *f = *state;

	assert_true(ask(f, "GET /large HTTP/1.1\r\n" HOST "\r\n"));
	assert_int_equal(f->answer.body_bytes, LARGE_BYTES);
	assert_int_equal(f->answer.body[LARGE_BYTES - 1], 'l');
}

static void a_deferred_answer_comes_from_another_thread(void **state)
{
	struct fixture *f = *state;
	struct http_exchange *x;

	assert_true(raw_send_text(f->stream.fd,
				  "POST /later HTTP/1.1\r\n" HOST
				  "Content-Length: 4\r\n\r\nbody"));
	x = take_held();
	wait_in_flight(f, 1);
	assert_string_equal(http_body(x), "body");
	assert_string_equal(http_path(x), "/later");
	http_reply_header(x, "Retry-After", "7");
	http_reply_error(x, 503, "unavailable", "say \"please\"");
	assert_true(raw_read(&f->stream, &f->answer, true));
	assert_int_equal(f->answer.status, 503);
	assert_non_null(strstr(f->answer.head, "Retry-After: 7\n"));
	assert_string_equal(f->answer.body,
			    "{\"error\":{\"code\":\"unavailable\","
			    "\"message\":\"say \\\"please\\\"\"}}");
	wait_in_flight(f, 0);
}

/* The event thread also looks once a second: a lost wake-up would hide. */
static void a_deferred_answer_is_sent_at_once(void **state)
{
	struct fixture *f = *state;
	int64_t begin_ms = clock_mono_ms();

	for (int i = 0; i < 30; i++) {
		assert_true(raw_send_text(f->stream.fd,
					  "POST /later HTTP/1.1\r\n" HOST
					  "Content-Length: 0\r\n\r\n"));
		say(take_held(), "now");
		assert_true(raw_read(&f->stream, &f->answer, true));
	}
	assert_in_range(clock_mono_ms() - begin_ms, 0, 15000);
}

static void pipelined_requests_are_answered_in_their_order(void **state)
{
	struct fixture *f = *state;

	assert_true(raw_send_text(
		f->stream.fd,
		"POST /later HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n1"
		"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n2"
		"POST /later HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n3"));
	for (int i = 1; i <= 3; i++) {
		const char expected[] = {(char)('0' + i), '\0'};

		if (i != 2) {
			struct http_exchange *x = take_held();

			assert_string_equal(http_body(x), expected);
			say(x, expected);
		}
		assert_true(raw_read(&f->stream, &f->answer, true));
		assert_string_equal(f->answer.body, expected);
	}
}

static void a_client_that_left_while_suspended_harms_nobody(void **state)
{
	struct fixture *f = *state;
	struct raw_stream other = {.fd = raw_connect_unix(f->path)};
	struct http_exchange *x;

	assert_true(raw_send_text(other.fd, "POST /later HTTP/1.1\r\n" HOST
					    "Content-Length: 4\r\n\r\ngone"));
	x = take_held();
	(void)close(other.fd);
	assert_string_equal(http_body(x), "gone");
	say(x, "to nobody");
	wait_in_flight(f, 0);
	assert_true(ask(f, "GET /show HTTP/1.1\r\n" HOST "\r\n"));
	assert_int_equal(f->answer.status, 200);
}

static void a_client_that_leaves_within_its_body_harms_nobody(void **state)
{
	struct fixture *f = *state;
	struct raw_stream other = {.fd = raw_connect_unix(f->path)};

	assert_true(raw_send_text(other.fd, "POST /echo HTTP/1.1\r\n" HOST
					    "Content-Length: 40\r\n\r\nonly"));
	(void)close(other.fd);
	assert_true(ask(f, "GET /show HTTP/1.1\r\n" HOST "\r\n"));
	assert_int_equal(f->answer.status, 200);
	assert_int_equal(desk.echo_calls, 0);
}

static void the_age_of_a_forgotten_exchange_is_seen(void **state)
{
	struct fixture *f = *state;
	struct http_exchange *x;

	clock_fake(1000000, 5000);
	assert_int_equal(http_server_oldest_ms(f->server), 0);
	assert_true(raw_send_text(f->stream.fd, "POST /later HTTP/1.1\r\n" HOST
						"Content-Length: 0\r\n\r\n"));
	x = take_held();
	clock_fake(1000000, 12000);
	assert_int_equal(http_server_oldest_ms(f->server), 7000);
	say(x, "at last");
	assert_true(raw_read(&f->stream, &f->answer, true));
	wait_in_flight(f, 0);
	assert_int_equal(http_server_oldest_ms(f->server), 0);
	clock_fake(-1, 0);
}

static void answers_are_counted_by_class(void **state)
{
	struct fixture *f = *state;
	struct http_server_stats stats;

	assert_true(ask(f, "GET /show HTTP/1.1\r\n" HOST "\r\n"));
	assert_true(ask(f, "GET /show HTTP/1.1\r\n" HOST "\r\n"));
	assert_true(ask(f, "GET /nowhere HTTP/1.1\r\n" HOST "\r\n"));
	assert_true(ask(f, "GET /split HTTP/1.1\r\n" HOST "\r\n"));
	stats = http_server_stats(f->server);
	assert_int_equal(stats.requests, 4);
	assert_int_equal(stats.by_class[2], 2);
	assert_int_equal(stats.by_class[4], 1);
	assert_int_equal(stats.by_class[5], 1);
}

static void a_short_body_after_a_long_one_ends_where_it_ends(void **state)
{
	struct fixture *f = *state;

	assert_true(ask(f, "POST /echo HTTP/1.1\r\n" HOST
			   "Content-Length: 64\r\n\r\n" SIXTY_FOUR));
	assert_true(ask(f, "POST /echo HTTP/1.1\r\n" HOST
			   "Content-Length: 2\r\n\r\nab"));
	assert_string_equal(f->answer.body, "ab");
	assert_true(ask(f, "POST /echo HTTP/1.1\r\n" HOST
			   "Content-Length: 0\r\n\r\n"));
	assert_string_equal(f->answer.body, "");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_request_gets_the_answer_of_its_route),
		TEST(a_large_answer_arrives_whole),
		TEST(a_deferred_answer_comes_from_another_thread),
		TEST(a_deferred_answer_is_sent_at_once),
		TEST(a_request_may_wait_for_the_end_of_its_round),
		TEST(pipelined_requests_are_answered_in_their_order),
		TEST(a_client_that_left_while_suspended_harms_nobody),
		TEST(a_client_that_leaves_within_its_body_harms_nobody),
		TEST(the_age_of_a_forgotten_exchange_is_seen),
		TEST(answers_are_counted_by_class),
		TEST(a_short_body_after_a_long_one_ends_where_it_ends),
	};
	return cmocka_run_group_tests_name("http_server", tests, NULL, NULL);
}
