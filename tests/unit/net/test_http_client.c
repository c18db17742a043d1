/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "http_peer.h"
#include "net/client/http_client.h"
#include "raw_http.h"

enum {
	PROMPT_MS = 8000 /* less than RAW_WAIT_MS, and enough under load */
};

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
} refused[] = {
	{"plain http to elsewhere", "GET", "http://192.0.2.1/", none},
	{"a name that only begins like loopback", "GET",
	 "http://127.0.0.1.example/", none},
	{"loopback as user name", "GET", "http://127.0.0.1@192.0.2.1/", none},
	{"user and password", "GET", "https://a:b@127.0.0.1/", none},
	{"another scheme", "GET", "ftp://127.0.0.1/", none},
	{"a file", "GET", "file:///etc/passwd", none},
	{"no scheme", "GET", "127.0.0.1/", none},
	{"no host", "GET", "http:///x", none},
	{"a space", "GET", "http://127.0.0.1/a b", none},
	{"a line end in the URL", "GET", "http://127.0.0.1/a\r\nX-A: b", none},
	{"empty", "GET", "", none},
	{"unknown method", "BREW", "http://127.0.0.1:1/", none},
	{"method with a line end", "GET /\r\n", "http://127.0.0.1:1/", none},
	{"two headers in one", "GET", "http://127.0.0.1:1/", split},
	{"header with a line end", "GET", "http://127.0.0.1:1/", newline},
	{"header name with a space", "GET", "http://127.0.0.1:1/", space},
	{"header without colon", "GET", "http://127.0.0.1:1/", no_colon},
	{"header without name", "GET", "http://127.0.0.1:1/", no_name},
	{"header without value", "GET", "http://127.0.0.1:1/", no_value},
};

static void what_is_refused_here_is_never_sent(void **state)
{
	CLEANUP(http_client_freep)
	struct http_client *client = http_peer_client(1);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		struct http_request request = {
			.method = refused[i].method,
			.url = refused[i].url,
			.headers = refused[i].headers,
		};
		CLEANUP(http_answer_clear) struct http_answer a = {0};
		int rc = http_client_call(client, &request, &a, NULL);

		if (rc != ERR_INVALID)
			fail_msg("%s: rc %d %s", refused[i].name, rc,
				 a.err.text);
		if (http_client_running(client) != 0)
			fail_msg("%s: runs", refused[i].name);
	}
}

static void every_spelling_of_loopback_may_be_plain(void **state)
{
	static const char *const hosts[] = {"127.0.0.1", "localhost",
					    "127.1",     "2130706433",
					    "[::1]",     "127.255.255.254"};
	CLEANUP_PEER struct http_peer *p =
		http_peer_new(http_peer_answers_once, HTTP_PEER_OK);
	CLEANUP(http_client_freep)
	struct http_client *client = http_peer_client(1);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(hosts); i++) {
		CLEANUP(http_answer_clear) struct http_answer a = {0};
		char url[128];
		struct http_request request = http_peer_request("POST", url);
		int rc;

		(void)snprintf(url, sizeof(url), "http://%s:%d/", hosts[i],
			       p->port);
		rc = http_client_call(client, &request, &a, NULL);
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
	CLEANUP_PEER struct http_peer *p =
		http_peer_new(http_peer_answers,
			      "HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\n"
			      "Content-Length: 2\r\n\r\nok");
	CLEANUP(http_client_freep)
	struct http_client *client = http_peer_client(1);
	struct http_request request = http_peer_request("POST", p->url);

	(void)state;
	(void)setenv("http_proxy", "http://127.0.0.1:1", 1); /* NOLINT */
	(void)setenv("all_proxy", "http://127.0.0.1:1", 1);  /* NOLINT */
	for (int i = 0; i < 3; i++) {
		CLEANUP(http_answer_clear) struct http_answer a = {0};

		request.headers = i == 0 ? headers : NULL;
		if (i == 2)
			request = http_peer_request("GET", p->url);
		assert_int_equal(http_client_call(client, &request, &a, NULL),
				 0);
	}
	(void)unsetenv("http_proxy"); /* NOLINT */
	(void)unsetenv("all_proxy");  /* NOLINT */
	assert_int_equal(p->requests, 3);
	assert_string_equal(p->bodies[0], "{\"a\":1}");
	assert_non_null(strstr(p->heads[0], "POST /" HTTP_PEER_SECRET
					    "/x HTTP/1.1\nHost: "));
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
		CLEANUP_PEER struct http_peer *p =
			http_peer_new(http_peer_answers, text);
		CLEANUP(http_client_freep)
		struct http_client *client = http_peer_client(1);
		struct http_request request = http_peer_request("POST", p->url);
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
	CLEANUP_PEER struct http_peer *p =
		http_peer_new(http_peer_answers_once,
			      "HTTP/1.1 200 OK\r\nConnection: close\r\n"
			      "Content-Length: 2\r\n\r\nok");
	CLEANUP(http_client_freep)
	struct http_client *client = http_peer_client(4);
	struct http_request request = http_peer_request("POST", p->url);
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
	CLEANUP_PEER struct http_peer *p =
		http_peer_new(http_peer_is_silent, NULL);
	CLEANUP(http_client_freep)
	struct http_client *client = http_peer_client(2);
	struct http_request request = http_peer_request("POST", p->url);
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
		cmocka_unit_test(what_is_refused_here_is_never_sent),
		cmocka_unit_test(every_spelling_of_loopback_may_be_plain),
		cmocka_unit_test(the_request_arrives_as_it_was_given),
		cmocka_unit_test(retry_after_is_seconds_or_a_date),
		cmocka_unit_test(many_calls_run_at_once_up_to_the_limit),
		cmocka_unit_test(a_run_returns_early_for_the_other_descriptor),
	};
	return cmocka_run_group_tests_name("http_client", tests, NULL, NULL);
}
