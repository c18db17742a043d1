/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/metrics/metrics.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "net/server/http_server.h"
#include "raw_http.h"
#include "service_trial.h"

static void port_is(const char *want)
{
	char body[64];

	assert_int_equal(
		trial_request("GET /port HTTP/1.1\r\nHost: x\r\n\r\n", body),
		200);
	assert_string_equal(body, want);
}

static void it_serves_once_ready_and_drains_on_sigterm(void **state)
{
	static const int ends[] = {SIGTERM, SIGINT};

	(void)state;
	trial_config("http { port = 1001 }");
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		pid_t pid = trial_start(&trial_hook);

		trial_wait_for("READY=1");
		port_is("1001");
		assert_int_equal(kill(pid, ends[i]), 0);
		trial_wait_for("STOPPING=1");
		assert_int_equal(trial_exit_code(pid), 0);
		trial_has("err", "msg=started");
		trial_has("err", "msg=stopped");
	}
}

/* As nohup(1) does; a reload is wanted all the same. */
static void ignore_hangups(void)
{
	(void)signal(SIGHUP, SIG_IGN);
}

static void a_reload_takes_a_whole_good_file_or_nothing(void **state)
{
	char config[TEMP_PATH_BYTES];
	const char *const arguments[] = {
		"--state",  trial_folder.path,
		"--config", temp_path(&trial_folder, "c.conf", config),
		NULL,
	};
	pid_t pid;

	(void)state;
	trial_config("http { port = 1001 }");
	pid = trial_start_with(&trial_hook, ignore_hangups, arguments);
	trial_wait_for("READY=1");

	trial_config("http { port = 1002 }\nhttp { prt = 5 }");
	assert_int_equal(kill(pid, SIGHUP), 0);
	trial_wait_for("RELOADING=1");
	trial_wait_for("READY=1");
	port_is("1001");
	assert_int_equal(trial_count("err", "configuration not reloaded"), 1);
	trial_has("err", "c.conf:2: http.prt: there is no such key");

	trial_config("http { port = 1003 }");
	assert_int_equal(kill(pid, SIGHUP), 0);
	trial_wait_for("RELOADING=1");
	trial_wait_for("READY=1");
	port_is("1003");
	trial_wait_for_call(); /* def->reload */
	assert_int_equal(trial_count("err", "configuration not reloaded"), 1);

	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(trial_exit_code(pid), 0);
}

static void a_second_one_of_the_same_number_is_refused(void **state)
{
	char text[TRIAL_OUTPUT_BYTES];
	char want[128];
	pid_t first;
	pid_t second;

	(void)state;
	trial_config("");
	first = trial_start(&trial_hook);
	trial_wait_for("READY=1");
	second = trial_start(&trial_hook);
	assert_int_equal(trial_exit_code(second), 1);
	temp_read(&trial_folder, "err", text, sizeof(text));
	(void)snprintf(want, sizeof(want),
		       "ordergate-hook: hook-1 is already running (pid %d): ",
		       (int)first);
	if (strncmp(text, want, strlen(want)) != 0 ||
	    strchr(text, '\n') != text + strlen(text) - 1)
		fail_msg("%s", text);
	port_is("8443"); /* the first one did not notice */
	assert_int_equal(kill(first, SIGTERM), 0);
	assert_int_equal(trial_exit_code(first), 0);
}

/* systemd holds the socket and hands it over as descriptor 3. */
static void hand_over_a_socket(void)
{
	char path[TEMP_PATH_BYTES];
	char pid[16];
	int fd = http_listen_unix(temp_path(&trial_folder, "given.sock", path),
				  NULL);

	if (dup2(fd, 3) != 3)
		_exit(99);
	(void)snprintf(pid, sizeof(pid), "%d", getpid());
	(void)setenv("LISTEN_PID", pid, 1);
	(void)setenv("LISTEN_FDS", "1", 1);
}

static void a_socket_of_systemd_is_used(void **state)
{
	const char *const arguments[] = {"--state", trial_folder.path, NULL};
	pid_t pid =
		trial_start_with(&trial_hook, hand_over_a_socket, arguments);
	char path[TEMP_PATH_BYTES];
	int fd;

	(void)state;
	trial_wait_for("READY=1");
	fd = raw_connect_unix(temp_path(&trial_folder, "given.sock", path));
	assert_true(fd >= 0);
	assert_true(raw_send_text(fd, "GET /port HTTP/1.1\r\nHost: x\r\n\r\n"));
	assert_true(raw_readable(fd, RAW_WAIT_MS));
	(void)close(fd);
	assert_int_equal(
		access(temp_path(&trial_folder, "run/hook-1.sock", path), F_OK),
		-1);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(trial_exit_code(pid), 0);
}

static void it_pings_the_watchdog_and_publishes_metrics(void **state)
{
	CLEANUP(buf_clear) struct buf out = BUF_MAX(1024 * 1024);
	const char *const arguments[] = {"--state", trial_folder.path, NULL};
	char body[64];
	pid_t pid =
		trial_start_with(&trial_hook, trial_ask_for_pings, arguments);

	(void)state;
	trial_wait_for("READY=1");
	assert_int_equal(trial_request("POST /ring HTTP/1.1\r\nHost: x\r\n"
				       "Content-Length: 0\r\n\r\n",
				       body),
			 200);
	for (int i = 0; i < 5; i++)
		trial_wait_for("WATCHDOG=1");
	assert_int_equal(metrics_export(trial_dir.run, &out, NULL), 0);
	assert_non_null(strstr(buf_text(&out),
			       "ordergate_writer_batches_total{service=\"hook\""
			       ",instance=\"1\"} 1\n"));
	assert_non_null(strstr(buf_text(&out),
			       "ordergate_http_requests_total{service=\"hook\""
			       ",instance=\"1\",code=\"2xx\"} 1\n"));
	assert_non_null(strstr(buf_text(&out), "ordergate_store_wal_bytes{"));
	assert_non_null(
		strstr(buf_text(&out), "ordergate_writer_lock_held_max_ms{"));
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(trial_exit_code(pid), 0);
}

/* A loop that was told to do nothing but count. */
static int count_work(struct service *s, struct err *e)
{
	(void)s;
	(void)e;
	trial_tell_call();
	return 0;
}

static const struct service_def processor = {
	.name = "processor",
	.summary = "a processor of the tests",
	.many = true,
	.work = count_work,
	.bell = "processor",
};

static void a_commit_elsewhere_wakes_the_work(void **state)
{
	enum {
		RINGS = 20,
		AT_ONCE_MS = 500
	};
	pid_t server;
	pid_t worker;
	int at_once = 0;
	char body[64];

	(void)state;
	trial_config("");
	worker = trial_start(&processor);
	trial_wait_for("READY=1");
	server = trial_start(&trial_hook);
	trial_wait_for("READY=1");
	trial_wait_for_call();
	for (int i = 0; i < RINGS; i++) {
		int64_t answered_ms;

		trial_drain_calls();
		assert_int_equal(
			trial_request("POST /ring HTTP/1.1\r\nHost: x\r\n"
				      "Content-Length: 0\r\n\r\n",
				      body),
			200);
		answered_ms = clock_mono_ms();
		trial_wait_for_call();
		at_once += clock_mono_ms() - answered_ms < AT_ONCE_MS;
	}
	/* The look every second alone comes as much later, but for a COMMIT. */
	assert_true(at_once > RINGS / 2);
	assert_int_equal(kill(server, SIGTERM), 0);
	assert_int_equal(kill(worker, SIGTERM), 0);
	assert_int_equal(trial_exit_code(server), 0);
	assert_int_equal(trial_exit_code(worker), 0);
}

/* A request that nobody ever answers, and then the time passes. */
static void hang(struct http_exchange *x, void *context)
{
	(void)x;
	(void)context;
	trial_tell_call();
}

static const struct http_route hanging_routes[] = {
	{"GET", "/hang", hang, 0, HTTP_DEFERRED},
	{NULL, NULL, NULL, 0, 0},
};

static int pass_time(struct service *s, struct err *e)
{
	(void)e;
	if (http_server_stats(s->server).in_flight > 0)
		clock_fake(clock_wall_ms(), clock_mono_ms() + 21000);
	return 0;
}

static const struct service_def forgetful = {
	.name = "hook",
	.summary = "a service that forgets a request",
	.routes = hanging_routes,
	.work = pass_time,
};

static bool says_stuck(void *unused)
{
	(void)unused;
	return trial_count("err", "stuck: no watchdog pings any more") == 1;
}

static void a_forgotten_request_ends_the_pings(void **state)
{
	const char *const arguments[] = {"--state", trial_folder.path, NULL};
	pid_t pid =
		trial_start_with(&forgetful, trial_ask_for_pings, arguments);
	char path[TEMP_PATH_BYTES];
	int fd;

	(void)state;
	trial_wait_for("WATCHDOG=1");
	fd = raw_connect_unix(
		temp_path(&trial_folder, "run/hook-1.sock", path));
	assert_true(raw_send_text(fd, "GET /hang HTTP/1.1\r\nHost: x\r\n\r\n"));
	trial_wait_for_call();
	assert_true(raw_wait_for(says_stuck, NULL));
	(void)close(fd);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void be_supervised(void)
{
	(void)setenv("ORDERGATE_SUPERVISED", "1", 1);
}

static bool is_free(void *unused)
{
	(void)unused;
	return !instance_is_running(trial_dir.run, "hook", 1);
}

static void it_dies_with_its_supervisor(void **state)
{
	const char *const arguments[] = {"--state", trial_folder.path, NULL};
	pid_t supervisor = fork();

	(void)state;
	assert_true(supervisor >= 0);
	if (supervisor == 0) {
		(void)trial_start_with(&trial_hook, be_supervised, arguments);
		for (;;)
			(void)pause();
	}
	trial_wait_for("READY=1");
	assert_true(instance_is_running(trial_dir.run, "hook", 1));
	assert_int_equal(kill(supervisor, SIGKILL), 0);
	assert_int_equal(waitpid(supervisor, NULL, 0), supervisor);
	assert_true(raw_wait_for(is_free, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRIAL(it_serves_once_ready_and_drains_on_sigterm),
		TRIAL(a_reload_takes_a_whole_good_file_or_nothing),
		TRIAL(a_second_one_of_the_same_number_is_refused),
		TRIAL(a_socket_of_systemd_is_used),
		TRIAL(it_pings_the_watchdog_and_publishes_metrics),
		TRIAL(a_commit_elsewhere_wakes_the_work),
		TRIAL(a_forgotten_request_ends_the_pings),
		TRIAL(it_dies_with_its_supervisor),
	};

	trial_forget_environment();
	return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
