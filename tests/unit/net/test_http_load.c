/* SPDX-License-Identifier: MIT
 *
 * Many clients, pipelined bursts, and answers of other threads in random order:
 * every request is answered once and with its own body, also when the server
 * stops in the middle. Meant for the thread and address sanitizers.
 */
#include "cmocka_all.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "net/server/http_server.h"
#include "raw_http.h"

enum {
	CLIENTS = 6,
	ANSWERERS = 2,
	BURST_MAX = 16,
	REQUESTS_EACH = 10000,
	DESK_MAX = CLIENTS * BURST_MAX,
	RESTARTS = 25,
	STOP_WAIT_MS = 5000
};

/* Deferred exchanges, taken from in random order. */
static struct desk {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct http_exchange *held[DESK_MAX];
	int count;
	bool closed;
	long handled, answered;
} desk = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};

static unsigned int next_random(unsigned int *seed)
{
	*seed = *seed * 1103515245U + 12345U;
	return *seed >> 16;
}

static void hold(struct http_exchange *x, void *context)
{
	(void)context;
	(void)pthread_mutex_lock(&desk.lock);
	if (desk.count == DESK_MAX)
		abort();
	desk.held[desk.count++] = x;
	desk.handled++;
	(void)pthread_cond_signal(&desk.more);
	(void)pthread_mutex_unlock(&desk.lock);
}

static void echo(struct http_exchange *x, void *context)
{
	(void)context;
	http_reply(x, 200, "text/plain", http_body(x), http_body_bytes(x));
}

static struct http_exchange *take(unsigned int *seed)
{
	struct http_exchange *x = NULL;
	int chosen;

	(void)pthread_mutex_lock(&desk.lock);
	while (desk.count == 0 && !desk.closed)
		(void)pthread_cond_wait(&desk.more, &desk.lock);
	if (desk.count > 0) {
		chosen = (int)(next_random(seed) % (unsigned int)desk.count);
		x = desk.held[chosen];
		desk.held[chosen] = desk.held[--desk.count];
		desk.answered++;
	}
	(void)pthread_mutex_unlock(&desk.lock);
	return x;
}

/* Now and then a little later, so that all orders of handler, suspension,
 * answer and sleep of the event thread happen. */
static void dawdle(unsigned int *seed)
{
	unsigned int n = next_random(seed) % 64;
	const struct timespec pause = {.tv_nsec = (long)n * 2000};

	if (n < 8)
		(void)sched_yield();
	else if (n > 60)
		(void)nanosleep(&pause, NULL);
}

static void *answerer(void *number)
{
	unsigned int seed = 7U + *(const unsigned int *)number;
	struct http_exchange *x;

	while ((x = take(&seed)) != NULL) {
		dawdle(&seed);
		http_reply(x, 200, "text/plain", http_body(x),
			   http_body_bytes(x));
	}
	return NULL;
}

static const struct http_route routes[] = {
	{"POST", "/later", hold, 4096, HTTP_DEFERRED},
	{"POST", "/now", echo, 4096, 0},
	{NULL, NULL, NULL, 0, 0},
};

struct client {
	pthread_t thread;
	unsigned int number;
	const char *path;
	atomic_bool *over; /* the server stops: a closed connection is fine */
	const char *wrong; /* what went wrong, NULL: nothing */
	long right, unavailable, lost;
	struct raw_stream stream;
	struct raw_message answer;
};

static void body_of(const struct client *c, long n, char text[64])
{
	(void)snprintf(text, 64, "client %u request %ld %.*s", c->number, n,
		       (int)(n % 20), "....................");
}

static bool send_burst(struct client *c, long first, int count)
{
	char data[BURST_MAX * 192];
	char body[64];
	int used = 0;

	for (int i = 0; i < count; i++) {
		body_of(c, first + i, body);
		used += snprintf(data + used, sizeof(data) - (size_t)used,
				 "POST /%s HTTP/1.1\r\nHost: t\r\n"
				 "Content-Length: %zu\r\n\r\n%s",
				 (first + i) % 7 == 0 ? "now" : "later",
				 strlen(body), body);
	}
	return raw_send(c->stream.fd, data, (size_t)used);
}

/* False when the connection is over. */
static bool read_one(struct client *c, long n)
{
	char body[64];

	if (!raw_read(&c->stream, &c->answer, true)) {
		c->lost++;
		return false;
	}
	body_of(c, n, body);
	if (c->answer.status == 503) {
		c->unavailable++;
	} else if (c->answer.status != 200) {
		c->wrong = "status";
	} else if (strcmp(c->answer.body, body) != 0) {
		c->wrong = "the body of another request";
	} else {
		c->right++;
	}
	return strstr(c->answer.head, "Connection: close") == NULL;
}

static bool connect_client(struct client *c)
{
	if (c->stream.fd >= 0)
		(void)close(c->stream.fd);
	c->stream.used = 0;
	c->stream.fd = raw_connect_unix(c->path);
	return c->stream.fd >= 0;
}

static void *run_client(void *client)
{
	struct client *c = client;
	unsigned int seed = 100U + c->number;
	long n = 0;

	c->stream.fd = -1;
	if (!connect_client(c)) {
		c->wrong = "no connection";
		return NULL;
	}
	while (n < REQUESTS_EACH && c->wrong == NULL) {
		int count = 1 + (int)(next_random(&seed) % BURST_MAX);
		bool alive = send_burst(c, n, count);
		int i;

		for (i = 0; i < count && alive; i++)
			alive = read_one(c, n + i);
		n += count;
		if (alive)
			continue;
		if (!atomic_load(c->over))
			c->wrong = "the connection ended";
		else if (!connect_client(c))
			break;
	}
	if (c->stream.fd >= 0)
		(void)close(c->stream.fd);
	return NULL;
}

struct fixture {
	char *folder;
	char path[256];
	struct http_server *server;
	atomic_bool over;
	struct client clients[CLIENTS];
	pthread_t answerers[ANSWERERS];
	unsigned int numbers[ANSWERERS];
};

static void start_server(struct fixture *f)
{
	struct http_server_options options = {.routes = routes};
	struct err e = {0};

	options.listen_fd = http_listen_unix(f->path, &e);
	if (options.listen_fd < 0 ||
	    http_server_start(&options, &f->server, &e) < 0)
		fail_msg("%s", e.text);
}

static void start_clients(struct fixture *f)
{
	for (unsigned int i = 0; i < CLIENTS; i++) {
		struct client *c = &f->clients[i];

		c->number = i;
		c->path = f->path;
		c->over = &f->over;
		if (pthread_create(&c->thread, NULL, run_client, c) != 0)
			abort();
	}
}

/* Number of requests with their own answer. */
static long join_clients(struct fixture *f)
{
	long right = 0;

	for (unsigned int i = 0; i < CLIENTS; i++) {
		struct client *c = &f->clients[i];

		(void)pthread_join(c->thread, NULL);
		if (c->wrong != NULL)
			fail_msg("client %u: %s: %d %s %s", i, c->wrong,
				 c->answer.status, c->answer.head,
				 c->answer.body);
		right += c->right;
	}
	return right;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -1;
	f->folder = raw_folder_new();
	(void)snprintf(f->path, sizeof(f->path), "%s/load.sock", f->folder);
	desk.closed = false;
	desk.handled = 0;
	desk.answered = 0;
	for (unsigned int i = 0; i < ANSWERERS; i++) {
		f->numbers[i] = i;
		if (pthread_create(&f->answerers[i], NULL, answerer,
				   &f->numbers[i]) != 0)
			return -1;
	}
	*state = f;
	return 0;
}

static void end_answerers(struct fixture *f)
{
	(void)pthread_mutex_lock(&desk.lock);
	desk.closed = true;
	(void)pthread_cond_broadcast(&desk.more);
	(void)pthread_mutex_unlock(&desk.lock);
	for (unsigned int i = 0; i < ANSWERERS; i++)
		(void)pthread_join(f->answerers[i], NULL);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	raw_folder_free(f->folder);
	free(f);
	return 0;
}

static void every_request_gets_its_own_answer_once(void **state)
{
	struct fixture *f = *state;
	struct http_server_stats stats;

	start_server(f);
	start_clients(f);
	assert_true(join_clients(f) >= (long)CLIENTS * REQUESTS_EACH);
	for (unsigned int i = 0; i < CLIENTS; i++)
		assert_int_equal(f->clients[i].lost, 0);
	stats = http_server_stats(f->server);
	assert_int_equal(stats.in_flight, 0);
	assert_int_equal(stats.requests, stats.by_class[2]);
	assert_int_equal(http_server_oldest_ms(f->server), 0);
	http_server_stop(f->server, STOP_WAIT_MS);
	end_answerers(f);
	assert_int_equal(desk.handled, desk.answered);
}

struct progress {
	const struct http_server *server;
	int64_t requests;
};

static bool has_progressed(void *context)
{
	const struct progress *p = context;

	return http_server_stats(p->server).requests >= p->requests;
}

/* Successors take over the path while clients go on: nobody gets a wrong or a
 * second answer, and what was accepted is answered. */
static void restart_under_load(struct fixture *f, int max_wait_ms)
{
	long answered = 0;

	atomic_store(&f->over, true);
	start_server(f);
	start_clients(f);
	for (int i = 0; i < RESTARTS; i++) {
		struct http_server *old = f->server;
		struct progress p = {old, 200};

		if (!raw_wait_for(has_progressed, &p))
			fail_msg("round %d stands still", i);
		start_server(f);
		http_server_stop(old, max_wait_ms);
	}
	answered = join_clients(f);
	assert_true(answered > RESTARTS * 100L);
	http_server_stop(f->server, STOP_WAIT_MS);
	end_answerers(f);
	assert_int_equal(desk.handled, desk.answered);
}

static void a_stop_in_the_middle_answers_what_it_accepted(void **state)
{
	struct fixture *f = *state;

	restart_under_load(f, STOP_WAIT_MS);
	for (unsigned int i = 0; i < CLIENTS; i++)
		assert_int_equal(f->clients[i].unavailable, 0);
}

static void a_stop_that_does_not_wait_breaks_nothing(void **state)
{
	struct fixture *f = *state;

	restart_under_load(f, 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_request_gets_its_own_answer_once),
		TEST(a_stop_in_the_middle_answers_what_it_accepted),
		TEST(a_stop_that_does_not_wait_breaks_nothing),
	};
	return cmocka_run_group_tests_name("http_load", tests, NULL, NULL);
}
