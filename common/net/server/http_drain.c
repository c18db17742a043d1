/* SPDX-License-Identifier: MIT
 *
 * How a server ends without a request that is lost.
 *
 * nginx keeps connections to us open and sends the next request on one of them
 * whenever it likes. A connection that we closed at that moment would lose it:
 * nginx does not repeat a POST. So the end comes in three parts:
 *
 *  1. leaving: everything is served as always, but each answer says that it is
 *     the last of its connection. What is idle is not touched: nginx itself
 *     closes it UPSTREAM_IDLE_MS after its last request, or uses it once more.
 *  2. nothing more is accepted. The connections that are left have a request
 *     that is under way; they are answered.
 *  3. giving up on what has no answer by then, and closing down.
 *
 * The socket of a supervisor or of systemd stays open there, and its backlog
 * waits for our successor.
 */
#include <poll.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "net/server/http_server_private.h"

enum {
	/* keepalive_timeout of every upstream in nginx/ordergate.conf.in, and
	 * room for an event loop that is late. */
	UPSTREAM_IDLE_MS = 2000,
	LEAVE_MS = UPSTREAM_IDLE_MS + 1000,
	/* Of no request at all, before a connection is closed that nginx would
	 * have closed by now: it is somebody else's. */
	QUIET_MS = 200,
	STEP_MS = 10,
	BACKLOG_ROUNDS_MAX = 500, /* 10 connections each */
	FLUSH_MAX_MS = 500,       /* for sending the last answers */
	RELEASE_STEP_US = 200,
	RELEASE_STEPS_MAX = 25000 /* 5 s */
};

/* Not const because the library wants it so; never written. */
static char stopping_answer[] = "{\"error\":{\"code\":\"unavailable\","
				"\"message\":\"the server is stopping\"}}";

static unsigned int connections(struct http_server *s)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(
		s->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

	return info != NULL ? info->num_connections : 0;
}

/* A new connection may be accepted meanwhile: it ends with its first answer. */
static void leave(struct http_server *s)
{
	int64_t until_ms =
		MIN_OF(clock_mono_ms() + LEAVE_MS, s->drain_until_ms);

	s->draining = true;
	while (connections(s) > 0 && clock_mono_ms() < until_ms)
		http_server_run_once(s, STEP_MS);
}

/* What already waits in the backlog would be reset when the last descriptor of
 * the socket closes. */
static void stop_accepting(struct http_server *s)
{
	struct pollfd backlog = {.fd = s->listen_fd, .events = POLLIN};

	for (int i = 0; i < BACKLOG_ROUNDS_MAX; i++) {
		if (poll(&backlog, 1, 0) != 1)
			break;
		http_server_handle(s);
	}
	(void)MHD_quiesce_daemon(s->daemon);
	(void)close(s->listen_fd);
	s->listen_fd = -1;
	s->last_request_ms = clock_mono_ms();
}

static bool is_drained(struct http_server *s)
{
	int64_t now_ms = clock_mono_ms();

	if (connections(s) == 0 || now_ms >= s->drain_until_ms)
		return true;
	return s->open == 0 && now_ms - s->last_request_ms >= QUIET_MS;
}

/* Give up waiting for x, unless its answer comes this very moment. */
static void abandon(struct http_server *s, struct http_exchange *x,
		    struct MHD_Response *response)
{
	int awaited = EXCHANGE_AWAITED;

	if (!atomic_compare_exchange_strong(&x->state, &awaited,
					    EXCHANGE_ABANDONED))
		return;
	answer_queue_release(&s->queue);
	flight_end(&s->flight, x);
	/* With a response queued, on_request() is not called again. */
	if (response != NULL)
		(void)MHD_queue_response(x->connection, 503, response);
	flight_count_answer(&s->flight, 503);
	MHD_resume_connection(x->connection);
}

static void abandon_rest(struct http_server *s)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		sizeof(stopping_answer) - 1, stopping_answer,
		MHD_RESPMEM_PERSISTENT);
	struct http_exchange *x = s->flight.oldest;

	if (response != NULL) {
		(void)MHD_add_response_header(response, "Content-Type",
					      "application/json");
		(void)MHD_add_response_header(response, "Retry-After", "1");
		(void)MHD_add_response_header(response, "Connection", "close");
	}
	while (x != NULL) {
		struct http_exchange *newer = x->newer;

		abandon(s, x, response);
		x = newer;
	}
	if (response != NULL)
		MHD_destroy_response(response);
}

/* A thread that took the step to ANSWERED is about to push and release. It has
 * a few instructions left, and gets its time slice. */
static bool wait_for_release(struct http_server *s)
{
	const struct timespec step = {.tv_nsec = RELEASE_STEP_US * 1000L};

	for (int i = 0; i < RELEASE_STEPS_MAX; i++) {
		if (atomic_load(&s->queue.owed) == 0)
			return true;
		(void)nanosleep(&step, NULL);
	}
	return false;
}

/* The library panics when it is stopped with a suspended connection, and
 * calls on_request() no more afterwards: first everything is resumed and, if
 * the peer takes it, sent. */
static bool close_down(struct http_server *s)
{
	int64_t until_ms = clock_mono_ms() + FLUSH_MAX_MS;

	s->closing = true;
	abandon_rest(s);
	if (!wait_for_release(s))
		return false;
	do
		http_server_run_once(s, STEP_MS);
	while (s->open > 0 && clock_mono_ms() < until_ms);
	MHD_stop_daemon(s->daemon);
	return true;
}

bool http_server_drain(struct http_server *s)
{
	s->drain_until_ms = clock_mono_ms() + atomic_load(&s->stop_wait_ms);
	leave(s);
	stop_accepting(s);
	do
		http_server_run_once(s, STEP_MS);
	while (!is_drained(s));
	return close_down(s);
}
