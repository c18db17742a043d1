/* SPDX-License-Identifier: MIT */
#include "net/server/http_server.h"

#include <assert.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "net/server/http_exchange.h"
#include "net/server/http_route.h"
#include "net/server/http_server_private.h"
#include "net/server/http_spool.h"

/*
 * libmicrohttpd runs without a thread of its own ("external" epoll): our event
 * thread is the only one that ever calls it. With its internal thread two
 * things of 0.9.75 would stay dangerous:
 *  - MHD_quiesce_daemon() from another thread races with MHD_epoll(), which
 *    removes the listening socket from the epoll set a second time and panics;
 *  - MHD_resume_connection() costs a lock and a write() for every answer, and
 *    an answer that comes before MHD_suspend_connection() is undefined.
 *
 * Here an answer of another thread goes into the answer queue, and only the
 * event thread resumes what it finds there, between two rounds of MHD_run().
 * So the order of suspending and answering cannot matter: on_request() either
 * sees the answer itself (its step HANDLED > AWAITED fails) or suspends before
 * it returns, and the queue is read only afterwards. The library then calls
 * on_request() again, which sends. Resumed connections are marked readable and
 * writable (resume_suspended_connections()), so the edge-triggered events that
 * were missed meanwhile, a pipelined request or a hang-up, are found again.
 */

enum {
	CONNECTIONS_DEFAULT = 1000,
	IDLE_TIMEOUT_DEFAULT_S = 90,
	WAIT_MAX_MS = 1000,
	/* Of a body that is refused, so much is read and dropped before the
	 * answer: nginx reports a peer that closes while it still sends as 502.
	 * Beyond it the connection is closed. */
	DROP_BYTES_MAX = 4 * HTTP_BODY_BYTES_MAX
};

static void add_headers(struct MHD_Response *response,
			const struct http_exchange *x, bool closing)
{
	const char *at = buf_text(&x->headers);
	const char *end = at + x->headers.used_bytes;

	if (x->content_type != NULL)
		(void)MHD_add_response_header(response, "Content-Type",
					      x->content_type);
	while (at < end) {
		const char *value = at + strlen(at) + 1;

		(void)MHD_add_response_header(response, at, value);
		at = value + strlen(value) + 1;
	}
	if (closing)
		(void)MHD_add_response_header(response, "Connection", "close");
}

static enum MHD_Result send_answer(struct http_server *s,
				   struct http_exchange *x)
{
	struct MHD_Response *response;
	enum MHD_Result rc;
	size_t bytes;
	char *body = exchange_answer(x, &bytes);

	/* "Persistent": the text stays with x until on_completed(). */
	response = MHD_create_response_from_buffer(bytes, body,
						   MHD_RESPMEM_PERSISTENT);
	if (response == NULL)
		return MHD_NO;
	add_headers(response, x, s->draining);
	rc = MHD_queue_response(x->connection, (unsigned int)x->status,
				response);
	MHD_destroy_response(response);
	flight_count_answer(&s->flight, x->status);
	return rc;
}

/* The request is complete. Returns true when its answer is there. */
static bool handle(struct http_server *s, struct http_exchange *x)
{
	int handled = EXCHANGE_HANDLED;

	flight_begin(&s->flight, x);
	s->last_request_ms = x->started_ms;
	if (s->closing)
		x->refusal = 503;
	x->deferred = x->refusal == 0 && (x->route->flags & HTTP_DEFERRED) != 0;
	if (x->deferred)
		answer_queue_owe(&s->queue);
	atomic_store(&x->state, EXCHANGE_HANDLED);
	if (x->refusal != 0)
		exchange_refuse(x, s->routes);
	else
		x->route->handle(x, s->context);

	if (x->deferred && atomic_compare_exchange_strong(&x->state, &handled,
							  EXCHANGE_AWAITED)) {
		MHD_suspend_connection(x->connection);
		return false;
	}
	assert(atomic_load(&x->state) == EXCHANGE_ANSWERED);
	flight_end(&s->flight, x);
	return true;
}

/* Known before the body arrives: what the headers say about it. */
static bool is_hopeless(struct http_exchange *x)
{
	const char *length = MHD_lookup_connection_value(
		x->connection, MHD_HEADER_KIND, "Content-Length");
	unsigned long long n;

	if (length == NULL)
		return false;
	/* The library has checked the digits; too many of them saturate. */
	n = strtoull(length, NULL, 10);
	if (x->refusal == 0 && n > x->route->body_max_bytes)
		x->refusal = 413;
	return x->refusal != 0 && n > DROP_BYTES_MAX;
}

static bool is_spooled(const struct http_exchange *x)
{
	return x->route != NULL && (x->route->flags & HTTP_SPOOLED) != 0;
}

/* Before the body comes: where it goes. */
static void prepare_spool(struct http_server *s, struct http_exchange *x)
{
	assert(s->spool != NULL);
	if (!s->spool->admit(x, s->context))
		return;
	x->spool_fd = spool_open(s->spool->folder, NULL);
	if (x->spool_fd < 0) {
		x->spool_fd = -1;
		x->refusal = 507;
	}
}

static enum MHD_Result begin(struct http_server *s,
			     struct MHD_Connection *connection,
			     const char *method, const char *path, void **ret_x)
{
	struct http_exchange *x = exchange_get(&s->pool, &s->queue);

	if (x == NULL)
		return MHD_NO;
	*ret_x = x;
	s->open++;
	x->connection = connection;
	x->route = http_route_find(s->routes, method, path, &x->refusal);
	if (x->route != NULL) {
		x->refusal = 0;
		x->method =
			strcmp(method, "HEAD") == 0 ? "HEAD" : x->route->method;
	}
	buf_add_text(&x->path, path);
	if (x->path.failed)
		x->refusal = 500;
	if (!is_hopeless(x)) {
		if (x->refusal == 0 && is_spooled(x))
			prepare_spool(s, x);
		return MHD_YES;
	}
	/* An answer at this point makes the library close the connection
	 * after it, which is all that is left to do. */
	return handle(s, x) ? send_answer(s, x) : MHD_YES;
}

/* One that was not admitted is dropped, up to the limit of its route. */
static void receive_spooled(struct http_exchange *x, const char *data,
			    size_t bytes)
{
	if (bytes > x->route->body_max_bytes - x->spool_bytes)
		x->refusal = 413;
	else if (x->spool_fd >= 0 &&
		 spool_write(x->spool_fd, data, bytes, NULL) < 0)
		x->refusal = 507;
	x->spool_bytes += bytes;
}

static enum MHD_Result receive(struct http_exchange *x, const char *data,
			       size_t *bytes)
{
	if (x->refusal == 0 && !is_spooled(x) &&
	    *bytes > x->route->body_max_bytes - x->body.used_bytes)
		x->refusal = 413;
	if (x->refusal == 0 && is_spooled(x)) {
		receive_spooled(x, data, *bytes);
	} else if (x->refusal == 0) {
		buf_add(&x->body, data, *bytes);
		if (x->body.failed)
			x->refusal = 500;
	} else {
		x->dropped_bytes += *bytes;
		if (x->dropped_bytes > DROP_BYTES_MAX)
			return MHD_NO;
	}
	*bytes = 0;
	return MHD_YES;
}

/* Called for the headers (*upload_bytes 0, no exchange yet), for every piece of
 * the body, for its end (0 again), and once more after a suspension. */
static enum MHD_Result on_request(void *server, /* NOLINT: 8 parameters */
				  struct MHD_Connection *connection,
				  const char *path, const char *method,
				  const char *version, const char *upload,
				  size_t *upload_bytes, void **connection_state)
{
	struct http_server *s = server;
	struct http_exchange *x = *connection_state;

	(void)version;
	if (x == NULL)
		return begin(s, connection, method, path, connection_state);
	if (*upload_bytes > 0)
		return receive(x, upload, upload_bytes);
	if (atomic_load(&x->state) == EXCHANGE_RECEIVING && !handle(s, x))
		return MHD_YES;
	return send_answer(s, x);
}

/* The answer is sent, or the connection broke before or meanwhile. A suspended
 * connection is not looked at, so a peer that left is noticed only after the
 * answer, and x is never taken from under the thread that works on it. */
static void on_completed(void *server, struct MHD_Connection *connection,
			 void **connection_state,
			 enum MHD_RequestTerminationCode how)
{
	struct http_server *s = server;
	struct http_exchange *x = *connection_state;

	(void)connection;
	(void)how;
	if (x == NULL)
		return;
	*connection_state = NULL;
	s->open--;
	exchange_put(&s->pool, x);
}

static void resume_answered(struct http_server *s)
{
	struct http_exchange *x = answer_queue_take(&s->queue);

	while (x != NULL) {
		struct http_exchange *next = x->next;

		flight_end(&s->flight, x);
		MHD_resume_connection(x->connection);
		x = next;
	}
}

void http_server_handle(struct http_server *s)
{
	(void)MHD_run(s->daemon);
	if (s->round != NULL)
		s->round(s->context);
}

void http_server_run_once(struct http_server *s, int wait_ms)
{
	struct pollfd fds[] = {
		{.fd = s->epoll_fd, .events = POLLIN},
		{.fd = s->queue.wake_fd, .events = POLLIN},
	};
	MHD_UNSIGNED_LONG_LONG library_ms;

	if (MHD_get_timeout(s->daemon, &library_ms) == MHD_YES &&
	    library_ms < (MHD_UNSIGNED_LONG_LONG)wait_ms)
		wait_ms = (int)library_ms;
	if (wait_ms > 0 && answer_queue_sleep(&s->queue)) {
		(void)poll(fds, COUNT_OF(fds), wait_ms);
		if ((fds[1].revents & POLLIN) != 0)
			answer_queue_swallow_wake(&s->queue);
	}
	resume_answered(s);
	http_server_handle(s);
}

static void *event_thread(void *server)
{
	struct http_server *s = server;

	while (!atomic_load(&s->stop))
		http_server_run_once(s, WAIT_MAX_MS);
	return http_server_drain(s) ? s : NULL;
}

static void free_server(struct http_server *s)
{
	if (s == NULL)
		return;
	if (s->listen_fd >= 0)
		(void)close(s->listen_fd);
	answer_queue_close(&s->queue);
	exchange_pool_clear(&s->pool);
	free(s);
}
CLEANUP_DEFINE(struct http_server *, free_server)

static int start_library(struct http_server *s,
			 const struct http_server_options *options,
			 struct err *e)
{
	int limit = options->connections_max > 0 ? options->connections_max
						 : CONNECTIONS_DEFAULT;
	int idle_s = options->idle_timeout_s > 0 ? options->idle_timeout_s
						 : IDLE_TIMEOUT_DEFAULT_S;
	const union MHD_DaemonInfo *info;

	/* nginx writes its own Date. SIGPIPE is blocked in the event thread,
	 * which lets the library send headers and body in one call. */
	s->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
			MHD_USE_SUPPRESS_DATE_NO_CLOCK,
		0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET,
		s->listen_fd, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int)limit,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)idle_s,
		MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
	if (s->daemon == NULL) {
		/* Some of its failures close the socket and some do not: a
		 * leak is better than to close what is another's by now. */
		s->listen_fd = -1;
		return err_set(e, ERR_IO, "libmicrohttpd does not start");
	}
	info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	assert(info != NULL);
	s->epoll_fd = info->epoll_fd;
	return 0;
}

/* Signals are for the main thread. */
static int start_thread(struct http_server *s, struct err *e)
{
	sigset_t all;
	sigset_t before;
	int failed;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&s->thread, NULL, event_thread, s);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed != 0)
		return err_set(e, ERR_NOMEM, "no thread for HTTP: error %d",
			       failed);
	(void)pthread_setname_np(s->thread, "http");
	return 0;
}

static struct http_server *
make_server(const struct http_server_options *options)
{
	struct http_server *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->queue.wake_fd = -1;
	s->listen_fd = options->listen_fd;
	s->routes = options->routes;
	s->spool = options->spool;
	s->round = options->round;
	s->context = options->context;
	return s;
}

int http_server_start(const struct http_server_options *options,
		      struct http_server **ret_server, struct err *e)
{
	CLEANUP(free_serverp) struct http_server *s = make_server(options);
	int flags;
	int rc;

	if (s == NULL) {
		(void)close(options->listen_fd);
		return err_set(e, ERR_NOMEM, "no memory for a server");
	}
	/* One from systemd may block, which would stop the event thread. */
	flags = fcntl(s->listen_fd, F_GETFL);
	if (flags < 0 || fcntl(s->listen_fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_errno(e, ERR_IO, "listening socket");
	rc = answer_queue_open(&s->queue, e);
	if (rc < 0)
		return rc;
	rc = start_library(s, options, e);
	if (rc < 0)
		return rc;
	rc = start_thread(s, e);
	if (rc < 0) {
		/* A quiesced daemon leaves the socket to us. */
		(void)MHD_quiesce_daemon(s->daemon);
		MHD_stop_daemon(s->daemon);
		return rc;
	}
	*ret_server = TAKE(s);
	return 0;
}

void http_server_stop(struct http_server *server, int max_wait_ms)
{
	void *closed = NULL;

	if (server == NULL)
		return;
	atomic_store(&server->stop_wait_ms, max_wait_ms);
	atomic_store(&server->stop, true);
	answer_queue_wake(&server->queue);
	(void)pthread_join(server->thread, &closed);
	/* Otherwise a thread has hung inside http_reply() for seconds and
	 * still uses it. */
	if (closed != NULL)
		free_server(server);
}

int64_t http_server_oldest_ms(const struct http_server *server)
{
	return flight_oldest_ms(&server->flight);
}

struct http_server_stats http_server_stats(const struct http_server *server)
{
	return flight_stats(&server->flight);
}

/* These live in the connection, which may be gone once the server gave up
 * waiting for a deferred answer. */
const char *http_header(const struct http_exchange *x, const char *name)
{
	assert(atomic_load(&x->state) <= EXCHANGE_HANDLED);
	return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND,
					   name);
}

const char *http_query(const struct http_exchange *x, const char *name)
{
	assert(atomic_load(&x->state) <= EXCHANGE_HANDLED);
	return MHD_lookup_connection_value(x->connection, MHD_GET_ARGUMENT_KIND,
					   name);
}
