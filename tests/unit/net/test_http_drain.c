/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "net/server/http_server.h"
#include "raw_http.h"

enum {
	PROMPT_MS = 8000, /* less than RAW_WAIT_MS, and enough under load */
	SHORT_MS = 200,
	IDLE_MS = 1000, /* less than nginx leaves a connection idle */
	FLOOD_BYTES = 8 * 1024 * 1024 /* no socket takes that at once */
};

/* What the handlers and the test tell each other. */
static struct {
	sem_t entered, leave;
	struct http_exchange *x;
} meeting;

static void hold(struct http_exchange *x, void *context)
{
	(void)context;
	meeting.x = x;
	(void)sem_post(&meeting.entered);
}

static void stand_still(struct http_exchange *x, void *context)
{
	(void)context;
	(void)sem_post(&meeting.entered);
	(void)sem_wait(&meeting.leave);
	http_reply(x, 200, "text/plain", "moved", 5);
}

static void hello(struct http_exchange *x, void *context)
{
	(void)context;
	http_reply(x, 200, "text/plain", "hello", 5);
}

static void flood(struct http_exchange *x, void *context)
{
	static char text[FLOOD_BYTES];

	(void)context;
	memset(text, 'f', sizeof(text));
	http_reply(x, 200, "text/plain", text, sizeof(text));
}

static const struct http_route routes[] = {
	{"POST", "/hold", hold, 1024, HTTP_DEFERRED},
	{"GET", "/still", stand_still, 0, 0},
	{"GET", "/hello", hello, 0, 0},
	{"GET", "/flood", flood, 0, 0},
	{NULL, NULL, NULL, 0, 0},
};

struct fixture {
	char *folder;
	char path[256];
	struct http_server *server;
	struct raw_stream stream;
	struct raw_message answer;
	pthread_t stopper;
	atomic_int stopper_id; /* of the kernel */
	int max_wait_ms;
	int64_t stopped_after_ms;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct http_server_options options = {.routes = routes};
	struct err e = {0};

	if (f == NULL)
		return -1;
	f->folder = raw_folder_new();
	(void)snprintf(f->path, sizeof(f->path), "%s/drain.sock", f->folder);
	(void)sem_init(&meeting.entered, 0, 0);
	(void)sem_init(&meeting.leave, 0, 0);
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

	(void)close(f->stream.fd);
	raw_folder_free(f->folder);
	(void)sem_destroy(&meeting.entered);
	(void)sem_destroy(&meeting.leave);
	free(f);
	return 0;
}

static void *stop(void *fixture)
{
	struct fixture *f = fixture;
	int64_t begin_ms = clock_mono_ms();

	f->stopper_id = gettid();
	http_server_stop(f->server, f->max_wait_ms);
	f->stopped_after_ms = clock_mono_ms() - begin_ms;
	return NULL;
}

static void begin_stop(struct fixture *f, int max_wait_ms)
{
	f->max_wait_ms = max_wait_ms;
	assert_int_equal(pthread_create(&f->stopper, NULL, stop, f), 0);
}

static void end_stop(struct fixture *f, int64_t at_most_ms)
{
	(void)pthread_join(f->stopper, NULL);
	assert_in_range(f->stopped_after_ms, 0, at_most_ms);
}

/* Connecting is refused once the server has left. */
static bool is_draining(void *fixture)
{
	const struct fixture *f = fixture;
	int fd = raw_connect_unix(f->path);

	if (fd < 0)
		return true;
	(void)close(fd);
	return false;
}

/* http_server_stop() has asked, and sleeps until the event thread is done. */
static bool is_stopping(void *fixture)
{
	const struct fixture *f = fixture;
	char path[64];
	char state = '?';
	FILE *file;

	if (f->stopper_id == 0)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/stat",
		       f->stopper_id);
	file = fopen(path, "re");
	assert_non_null(file);
	if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1) /* NOLINT */
		state = '?';
	(void)fclose(file);
	return state == 'S';
}

static void send_held(struct fixture *f)
{
	assert_true(raw_send_text(f->stream.fd,
				  "POST /hold HTTP/1.1\r\nHost: t\r\n"
				  "Content-Length: 4\r\n\r\nbody"));
	(void)sem_wait(&meeting.entered);
}

static void assert_closed(struct fixture *f, int status, const char *body)
{
	assert_true(raw_read(&f->stream, &f->answer, true));
	assert_int_equal(f->answer.status, status);
	assert_non_null(strstr(f->answer.body, body));
	assert_non_null(strstr(f->answer.head, "Connection: close\n"));
	/* "Send it again" is said with when. */
	if (status == 503)
		assert_non_null(strstr(f->answer.head, "Retry-After: "));
	assert_false(raw_read(&f->stream, &f->answer, true));
}

static void nothing_to_stop_is_no_error(void **state)
{
	struct fixture *f = *state;

	http_server_stop(NULL, 0);
	begin_stop(f, RAW_WAIT_MS);
	end_stop(f, PROMPT_MS);
}

static void an_idle_connection_does_not_hold_up_the_stop(void **state)
{
	struct fixture *f = *state;

	assert_true(raw_send_text(f->stream.fd,
				  "GET /hello HTTP/1.1\r\nHost: t\r\n\r\n"));
	assert_true(raw_read(&f->stream, &f->answer, true));
	begin_stop(f, RAW_WAIT_MS);
	end_stop(f, PROMPT_MS);
	assert_false(raw_read(&f->stream, &f->answer, true));
	assert_int_equal(raw_connect_unix(f->path), -1);
}

/* nginx may send on it until it closes it: not we. */
static void an_idle_connection_may_be_used_once_more(void **state)
{
	struct fixture *f = *state;

	assert_true(raw_send_text(f->stream.fd,
				  "GET /hello HTTP/1.1\r\nHost: t\r\n\r\n"));
	assert_true(raw_read(&f->stream, &f->answer, true));
	begin_stop(f, RAW_WAIT_MS);
	assert_true(raw_wait_for(is_stopping, f));
	assert_false(raw_readable(f->stream.fd, IDLE_MS));
	assert_true(raw_send_text(f->stream.fd,
				  "GET /hello HTTP/1.1\r\nHost: t\r\n\r\n"));
	assert_closed(f, 200, "hello");
	end_stop(f, PROMPT_MS);
}

/* As long as one such connection is open, others are served as always. */
static void a_connection_while_others_leave_is_served(void **state)
{
	struct fixture *f = *state;
	struct raw_stream other = {.fd = -1};

	assert_true(raw_send_text(f->stream.fd,
				  "GET /hello HTTP/1.1\r\nHost: t\r\n\r\n"));
	assert_true(raw_read(&f->stream, &f->answer, true));
	begin_stop(f, RAW_WAIT_MS);
	assert_true(raw_wait_for(is_stopping, f));
	assert_false(raw_readable(f->stream.fd, SHORT_MS));
	other.fd = raw_connect_unix(f->path);
	assert_true(raw_send_text(other.fd,
				  "GET /hello HTTP/1.1\r\nHost: t\r\n\r\n"));
	assert_true(raw_read(&other, &f->answer, true));
	assert_int_equal(f->answer.status, 200);
	assert_non_null(strstr(f->answer.head, "Connection: close\n"));
	(void)close(other.fd);
	end_stop(f, PROMPT_MS);
}

static void a_stop_waits_for_a_deferred_answer(void **state)
{
	struct fixture *f = *state;

	send_held(f);
	begin_stop(f, RAW_WAIT_MS);
	assert_true(raw_wait_for(is_draining, f));
	assert_false(raw_readable(f->stream.fd, SHORT_MS));
	http_reply(meeting.x, 200, "text/plain", "late but whole", 14);
	assert_closed(f, 200, "late but whole");
	end_stop(f, SHORT_MS + PROMPT_MS);
}

static void a_request_during_the_drain_is_answered(void **state)
{
	struct fixture *f = *state;
	struct raw_stream other = {.fd = raw_connect_unix(f->path)};

	/* Known to the server, so that it is not in the backlog. */
	assert_true(raw_send_text(other.fd,
				  "GET /hello HTTP/1.1\r\nHost: t\r\n\r\n"));
	assert_true(raw_read(&other, &f->answer, true));
	assert_null(strstr(f->answer.head, "Connection: close"));
	send_held(f);
	begin_stop(f, RAW_WAIT_MS);
	assert_true(raw_wait_for(is_draining, f));
	assert_true(raw_send_text(other.fd,
				  "GET /hello HTTP/1.1\r\nHost: t\r\n\r\n"));
	assert_true(raw_read(&other, &f->answer, true));
	assert_int_equal(f->answer.status, 200);
	assert_non_null(strstr(f->answer.head, "Connection: close\n"));
	(void)close(other.fd);
	http_reply(meeting.x, 200, "text/plain", "done", 4);
	assert_closed(f, 200, "done");
	end_stop(f, PROMPT_MS);
}

static void a_request_in_the_backlog_is_answered(void **state)
{
	struct fixture *f = *state;
	struct raw_stream other = {.fd = -1};

	assert_true(raw_send_text(f->stream.fd,
				  "GET /still HTTP/1.1\r\nHost: t\r\n\r\n"));
	(void)sem_wait(&meeting.entered);
	/* The event thread stands still: this one cannot be accepted yet. */
	other.fd = raw_connect_unix(f->path);
	assert_true(raw_send_text(other.fd,
				  "GET /hello HTTP/1.1\r\nHost: t\r\n\r\n"));
	begin_stop(f, RAW_WAIT_MS);
	assert_true(raw_wait_for(is_stopping, f));
	(void)sem_post(&meeting.leave);
	assert_true(raw_read(&other, &f->answer, true));
	assert_int_equal(f->answer.status, 200);
	(void)close(other.fd);
	end_stop(f, PROMPT_MS);
}

/* The answer that comes after the server is gone finds no server, and frees
 * the exchange: the address sanitizer would see it otherwise. */
static void an_answer_that_never_came_is_503(void **state)
{
	struct fixture *f = *state;

	send_held(f);
	begin_stop(f, SHORT_MS);
	assert_closed(f, 503, "\"unavailable\"");
	end_stop(f, PROMPT_MS);
	assert_in_range(f->stopped_after_ms, SHORT_MS, PROMPT_MS);
	assert_string_equal(http_body(meeting.x), "body");
	http_reply_header(meeting.x, "X-Late", "yes");
	http_reply(meeting.x, 200, "text/plain", "too late", 8);
}

static void a_client_that_left_does_not_change_that(void **state)
{
	struct fixture *f = *state;

	send_held(f);
	(void)close(f->stream.fd);
	f->stream.fd = -1;
	begin_stop(f, SHORT_MS);
	end_stop(f, PROMPT_MS);
	http_reply_error(meeting.x, 500, "late", "nobody is there");
}

/* One client does not read its answer, so there is a time between giving up
 * and ending; what comes then must not be suspended any more. */
static void a_request_after_giving_up_is_503_too(void **state)
{
	struct fixture *f = *state;
	int lazy = raw_connect_unix(f->path);
	struct raw_stream late = {.fd = raw_connect_unix(f->path)};

	assert_true(raw_send_text(late.fd,
				  "GET /hello HTTP/1.1\r\nHost: t\r\n\r\n"));
	assert_true(raw_read(&late, &f->answer, true));
	assert_true(
		raw_send_text(lazy, "GET /flood HTTP/1.1\r\nHost: t\r\n\r\n"));
	assert_true(raw_readable(lazy, RAW_WAIT_MS));
	send_held(f);
	begin_stop(f, SHORT_MS);
	assert_closed(f, 503, "\"unavailable\"");
	http_reply(meeting.x, 200, "text/plain", "too late", 8);
	/* On a slow day the server is gone by now. */
	if (raw_send_text(late.fd, "POST /hold HTTP/1.1\r\nHost: t\r\n"
				   "Content-Length: 0\r\n\r\n") &&
	    raw_read(&late, &f->answer, true)) {
		assert_int_equal(f->answer.status, 503);
		assert_non_null(strstr(f->answer.head, "Retry-After: "));
	}
	end_stop(f, PROMPT_MS);
	assert_int_equal(sem_trywait(&meeting.entered), -1);
	(void)close(lazy);
	(void)close(late.fd);
}

static void half_a_request_does_not_hold_up_the_stop(void **state)
{
	struct fixture *f = *state;

	assert_true(raw_send_text(f->stream.fd,
				  "POST /hold HTTP/1.1\r\nHost: t\r\n"
				  "Content-Length: 10\r\n\r\nhalf"));
	begin_stop(f, SHORT_MS);
	end_stop(f, PROMPT_MS);
	assert_false(raw_read(&f->stream, &f->answer, true));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_to_stop_is_no_error),
		TEST(an_idle_connection_does_not_hold_up_the_stop),
		TEST(an_idle_connection_may_be_used_once_more),
		TEST(a_connection_while_others_leave_is_served),
		TEST(a_stop_waits_for_a_deferred_answer),
		TEST(a_request_during_the_drain_is_answered),
		TEST(a_request_in_the_backlog_is_answered),
		TEST(an_answer_that_never_came_is_503),
		TEST(a_client_that_left_does_not_change_that),
		TEST(a_request_after_giving_up_is_503_too),
		TEST(half_a_request_does_not_hold_up_the_stop),
	};
	return cmocka_run_group_tests_name("http_drain", tests, NULL, NULL);
}
