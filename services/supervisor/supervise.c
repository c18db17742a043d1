/* SPDX-License-Identifier: MIT */
#include "supervise.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "app/log.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "crew.h"
#include "leftover.h"
#include "log_sink.h"
#include "net/client/http_probe.h"
#include "net/notify.h"
#include "prepare.h"
#include "reload.h"
#include "screen.h"

enum {
	TURN_MS_MAX = 1000,
	LOOK_MS = 50,        /* between looks whether everything is up */
	PATIENCE_MS = 30000, /* then the person is told who is missing */
	ASLEEP_MS = 4 * TURN_MS_MAX,
	PROBE_MS = 500,
	/* contract.md: all is over 15 s after the signal. */
	EDGE_STOP_MS = 3000,
	STOP_MS = 12000,
	KILL_MS = 2000,
	DATAGRAMS_MAX = 256, /* taken in one turn */
	TEXT_BYTES_MAX = 4096,
	SOCKET_PATH_BYTES = STATE_PATH_BYTES + 32
};

struct supervisor {
	struct installation *in;
	struct launch launch;
	struct crew crew;
	struct reload reload;
	struct log_sink log;
	int signal_fd, notify_fd, screen_fd;
	int64_t started_ms, turned_ms;
	bool is_up, has_complained, has_terminal;
	bool must_stop;
};

static int open_signals(struct err *e)
{
	static const int ours[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP};
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < COUNT_OF(ours); i++)
		(void)sigaddset(&set, ours[i]);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0 ||
	    sigaction(SIGPIPE, &ignore, NULL) < 0)
		return err_errno(e, ERR_IO, "signals");
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? err_errno(e, ERR_IO, "signalfd") : fd;
}

/* What sd_notify(3), and leftover.c of a later supervisor, find in a child's
 * environment. */
static int set_environment(const struct supervisor *s, struct err *e)
{
	static const char *const not_for_children[] = {
		"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "WATCHDOG_PID"};
	char watchdog_us[32];

	(void)snprintf(watchdog_us, sizeof(watchdog_us), "%d000",
		       CHILD_WATCHDOG_MS);
	/* NOLINTBEGIN(concurrency-mt-unsafe): the supervisor is one thread */
	for (size_t i = 0; i < COUNT_OF(not_for_children); i++)
		(void)unsetenv(not_for_children[i]);
	if (setenv("ORDERGATE_SUPERVISED", "1", 1) < 0 ||
	    setenv("ORDERGATE_STATE", s->in->dir.root, 1) < 0 ||
	    setenv("NOTIFY_SOCKET", s->launch.notify_path, 1) < 0 ||
	    setenv("WATCHDOG_USEC", watchdog_us, 1) < 0)
		return err_set(e, ERR_NOMEM, "environment: out of memory");
	/* NOLINTEND(concurrency-mt-unsafe) */
	return 0;
}

/* Our own log lines go the way of all others: through the pipe. */
static int open_log(struct supervisor *s, struct err *e)
{
	int rc;

	s->screen_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (s->screen_fd < 0)
		return err_errno(e, ERR_IO, "stderr");
	rc = log_sink_open(&s->in->dir,
			   s->in->options->verbose ? s->screen_fd : -1, &s->log,
			   e);
	if (rc < 0)
		return rc;
	s->launch.log_fd = s->log.write_fd;
	s->launch.screen_fd = s->screen_fd;
	if (dup2(s->log.write_fd, STDERR_FILENO) < 0)
		return err_errno(e, ERR_IO, "stderr");
	log_open("supervisor", 1, s->in->config->log.level);
	return 0;
}

static int open_all(struct supervisor *s, struct err *e)
{
	int rc;

	(void)snprintf(s->launch.notify_path, sizeof(s->launch.notify_path),
		       "%.*s/notify.sock", STATE_PATH_BYTES - 16,
		       s->in->dir.run);
	s->notify_fd = notify_open(s->launch.notify_path, e);
	if (s->notify_fd < 0)
		return s->notify_fd;
	s->signal_fd = open_signals(e);
	if (s->signal_fd < 0)
		return s->signal_fd;
	rc = set_environment(s, e);
	if (rc < 0)
		return rc;
	/* Grandchildren whose parent dies become ours. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return err_errno(e, ERR_IO, "prctl");
	return open_log(s, e);
}

static void close_all(struct supervisor *s)
{
	/* Lines that are still in the pipe, and stderr as it was. */
	if (s->log.read_fd >= 0)
		log_sink_drain(&s->log);
	if (s->screen_fd >= 0)
		(void)dup2(s->screen_fd, STDERR_FILENO);
	log_sink_close(&s->log);
	cleanup_fd(&s->screen_fd);
	cleanup_fd(&s->signal_fd);
	cleanup_fd(&s->notify_fd);
}

/* A terminal that is closed sends SIGHUP, too, but then it is gone. */
static bool terminal_is_gone(const struct supervisor *s)
{
	return s->has_terminal && tcgetpgrp(STDIN_FILENO) < 0;
}

static void take_signals(struct supervisor *s)
{
	struct signalfd_siginfo signal;

	while (read(s->signal_fd, &signal, sizeof(signal)) ==
	       (ssize_t)sizeof(signal)) {
		if (signal.ssi_signo == SIGTERM || signal.ssi_signo == SIGINT)
			s->must_stop = true;
		if (signal.ssi_signo == SIGHUP && terminal_is_gone(s))
			s->must_stop = true;
		else if (signal.ssi_signo == SIGHUP)
			s->reload.is_wanted = true;
	}
}

static void take_news(struct supervisor *s, int64_t now_ms)
{
	unsigned news;
	pid_t pid;

	for (int i = 0; i < DATAGRAMS_MAX; i++) {
		if (notify_receive(s->notify_fd, &pid, &news) == 0)
			return;
		crew_heard(&s->crew, pid, news, now_ms);
	}
}

/* Wait for at most wait_ms, and take whatever came. */
static void turn(struct supervisor *s, int64_t wait_ms)
{
	struct pollfd fds[] = {
		{.fd = s->signal_fd, .events = POLLIN},
		{.fd = s->notify_fd, .events = POLLIN},
		{.fd = s->log.read_fd, .events = POLLIN},
	};
	int64_t now_ms;

	(void)poll(fds, COUNT_OF(fds),
		   (int)MAX_OF(MIN_OF(wait_ms, TURN_MS_MAX), 0));
	now_ms = clock_mono_ms();
	/* Stopped or starved for so long that nobody's silence means a thing:
	 * what they said still waits in the socket. */
	if (now_ms - s->turned_ms > ASLEEP_MS)
		crew_forgive(&s->crew, now_ms);
	s->turned_ms = now_ms;
	log_sink_drain(&s->log);
	take_signals(s);
	take_news(s, now_ms);
	crew_reap(&s->crew, now_ms);
}

/* /healthz of the console: 200 is good; its text says what is not. */
static bool is_healthy(const struct supervisor *s, struct buf *health)
{
	char path[SOCKET_PATH_BYTES];
	struct err e = {0};
	int status;

	(void)snprintf(path, sizeof(path), "%s/console-1.sock", s->in->dir.run);
	status = http_probe_unix(path, "/healthz", PROBE_MS, health, &e);
	if (status < 0)
		buf_add_text(health, e.text);
	return status == 200 &&
	       http_probe_tcp(s->in->config->http.listen,
			      s->in->config->http.port, PROBE_MS);
}

static void look(struct supervisor *s, int64_t now_ms)
{
	CLEANUP(buf_clear) struct buf missing = BUF_MAX(TEXT_BYTES_MAX);
	CLEANUP(buf_clear) struct buf health = BUF_MAX(TEXT_BYTES_MAX);
	bool ready = crew_is_ready(&s->crew, &missing);
	int64_t took_ms = now_ms - s->started_ms;

	if (ready && is_healthy(s, &health)) {
		s->is_up = true;
		log_event(LOG_LEVEL_INFO, "up", LOG_I64("ms", took_ms));
		screen_up(s->in, took_ms);
		if (s->in->options->then != NULL)
			crew_add_command(&s->crew, s->in->options->then,
					 now_ms);
		return;
	}
	if (took_ms < PATIENCE_MS || s->has_complained)
		return;
	s->has_complained = true;
	screen_not_up(s->in, buf_text(&missing), buf_text(&health), took_ms);
}

static void rotate_access_log(struct supervisor *s)
{
	char path[LOG_SINK_PATH_BYTES];

	(void)snprintf(path, sizeof(path), "%s/access.log", s->in->dir.log);
	if (log_sink_rotate(path))
		crew_signal(&s->crew, CHILD_EDGE, SIGUSR1);
}

static void run(struct supervisor *s)
{
	int64_t rotated_ms = 0;

	while (!s->must_stop) {
		int64_t now_ms = clock_mono_ms();
		int64_t next_ms = MIN_OF(reload_tend(&s->reload, now_ms),
					 crew_tend(&s->crew, now_ms));

		if (!s->is_up) {
			look(s, now_ms);
			next_ms = MIN_OF(next_ms, now_ms + LOOK_MS);
		}
		if (now_ms - rotated_ms >= TURN_MS_MAX) {
			rotate_access_log(s);
			rotated_ms = now_ms;
		}
		turn(s, next_ms - now_ms);
	}
}

static bool anybody_runs(const struct crew *crew)
{
	return crew_running(crew, CHILD_SERVICE) > 0 ||
	       crew_running(crew, CHILD_EDGE) > 0 ||
	       crew_running(crew, CHILD_COMMAND) > 0;
}

/* First those who bring work, then those who do it. nginx answers what it has
 * taken before it goes. */
static void stop(struct supervisor *s)
{
	int64_t began_ms = clock_mono_ms();

	log_event(LOG_LEVEL_INFO, "stopping", LOG_NO_FIELDS);
	s->crew.is_stopping = true;
	crew_tell(&s->crew, CHILD_COMMAND, SIGTERM);
	crew_tell(&s->crew, CHILD_EDGE, SIGQUIT);
	while (crew_running(&s->crew, CHILD_EDGE) > 0 &&
	       s->turned_ms - began_ms < EDGE_STOP_MS)
		turn(s, began_ms + EDGE_STOP_MS - s->turned_ms);
	crew_tell(&s->crew, CHILD_EDGE, SIGTERM);
	crew_tell(&s->crew, CHILD_SERVICE, SIGTERM);
	while (anybody_runs(&s->crew) && s->turned_ms - began_ms < STOP_MS)
		turn(s, began_ms + STOP_MS - s->turned_ms);
}

/* Whoever is left, and whatever they had started. */
static void finish(struct supervisor *s)
{
	int64_t deadline_ms = clock_mono_ms() + KILL_MS;

	crew_kill(&s->crew);
	while ((leftover_kill_descendants() > 0 || anybody_runs(&s->crew)) &&
	       clock_mono_ms() < deadline_ms)
		turn(s, LOOK_MS);
	log_event(LOG_LEVEL_INFO, "stopped", LOG_NO_FIELDS);
}

int supervise(struct installation *in, struct err *e)
{
	struct supervisor s = {.in = in,
			       .launch = {.dir = &in->dir,
					  .bin = in->options->bin,
					  .config = in->config_path},
			       .log = {.read_fd = -1,
				       .write_fd = -1,
				       .file_fd = -1,
				       .echo_fd = -1},
			       .signal_fd = -1,
			       .notify_fd = -1,
			       .screen_fd = -1,
			       .started_ms = clock_mono_ms(),
			       .turned_ms = clock_mono_ms(),
			       .has_terminal = tcgetpgrp(STDIN_FILENO) > 0};
	int rc = open_all(&s, e);

	if (rc == 0) {
		s.crew.launch = &s.launch;
		s.reload = (struct reload){.in = in, .crew = &s.crew};
		for (int i = 0; i < in->options->beside_count; i++)
			crew_add_command(&s.crew, in->options->beside[i],
					 s.started_ms);
		crew_grow(&s.crew, in->config, s.started_ms);
		run(&s);
		stop(&s);
		finish(&s);
	}
	close_all(&s);
	return rc;
}
