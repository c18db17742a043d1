/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/config.h"
#include "app/metrics.h"
#include "app/service.h"
#include "app/state_dir.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "fault_vfs.h"
#include "net/http_server.h"
#include "raw_http.h"
#include "store/db.h"
#include "store/migrate.h"
#include "store/writer.h"
#include "temp_folder.h"

/* Those builds trace themselves at the end; see service_process.c. */
#if defined(__SANITIZE_ADDRESS__)
#define LEAK_CHECKED true
#elif defined(__has_feature)
#define LEAK_CHECKED __has_feature(address_sanitizer)
#else
#define LEAK_CHECKED false
#endif

enum {
	WAIT_MS = 20000,
	IOERR = 10, /* SQLITE_IOERR */
	OUTPUT_BYTES = 16384
};

/* What the tests of one state directory share. */
static struct temp_folder folder;
static struct state_dir dir;
static int notify_fd = -1;
static int calls[2] = {-1, -1}; /* the children write a byte per call */

static int bind_notify(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify",
		       folder.path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	(void)setenv("NOTIFY_SOCKET", address.sun_path, 1);
	return fd;
}

static int setup(void **state)
{
	char path[STATE_PATH_BYTES];

	(void)state;
	if (temp_folder_make(&folder) < 0 ||
	    state_dir_open(folder.path, true, &dir, NULL) < 0 ||
	    state_dir_store_path(&dir, "sqlite:ordergate.db", path, NULL) < 0 ||
	    migrate_run(path, 1, NULL, NULL, NULL) < 0 ||
	    pipe2(calls, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	notify_fd = bind_notify();
	return notify_fd < 0 ? -1 : 0;
}

/* A test that failed half-way leaves its processes: their lock files name
 * them. */
static void kill_leftovers(void)
{
	static const char *const services[] = {"hook", "processor", "monitor"};

	for (size_t i = 0; i < COUNT_OF(services); i++) {
		char name[32];
		char text[256];
		const char *second;

		if (!instance_is_running(dir.run, services[i], 1))
			continue;
		(void)snprintf(name, sizeof(name), "run/%s-1.lock",
			       services[i]);
		temp_read(&folder, name, text, sizeof(text));
		second = strchr(text, '\n');
		if (second != NULL && strtol(second, NULL, 10) > 1)
			(void)kill((pid_t)strtol(second, NULL, 10), SIGKILL);
	}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
}

static int teardown(void **state)
{
	(void)state;
	kill_leftovers();
	(void)close(notify_fd);
	(void)close(calls[0]);
	(void)close(calls[1]);
	(void)unsetenv("NOTIFY_SOCKET");
	temp_folder_remove(&folder);
	return 0;
}

static void put_config(const char *text)
{
	assert_int_equal(
		temp_write(&folder, "c.conf", text, strlen(text), 0600), 0);
}

static void redirect(const char *name, int target)
{
	char path[TEMP_PATH_BYTES];
	int fd = open(temp_path(&folder, name, path),
		      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || dup2(fd, target) < 0)
		_exit(99);
	(void)close(fd);
}

/* A child that runs the service; its output goes to the files out and err.
 * `prepare` runs in it before. */
static pid_t start_with(const struct service_def *def, void (*prepare)(void),
			const char *const *arguments)
{
	char *argv[16] = {(char *)(uintptr_t) "program"};
	int argc = 1;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	redirect("out", STDOUT_FILENO);
	redirect("err", STDERR_FILENO);
	for (; *arguments != NULL && argc < 15; arguments++)
		argv[argc++] = (char *)(uintptr_t)*arguments;
	argv[argc] = NULL;
	if (prepare != NULL)
		prepare();
	/* exit(), so that leaks are looked for. */
	exit(service_main(argc, argv, def));
}

static pid_t start(const struct service_def *def)
{
	char config[TEMP_PATH_BYTES];
	const char *const arguments[] = {
		"--state",  folder.path,
		"--config", temp_path(&folder, "c.conf", config),
		NULL,
	};

	return start_with(def, NULL, arguments);
}

static void check_text(const char *file, const char *part)
{
	char text[OUTPUT_BYTES];

	temp_read(&folder, file, text, sizeof(text));
	if (strstr(text, part) == NULL)
		fail_msg("no '%s' in %s:\n%s", part, file, text);
}

/* How often `part` is in the file. */
static int count_text(const char *file, const char *part)
{
	char text[OUTPUT_BYTES];
	int n = 0;

	temp_read(&folder, file, text, sizeof(text));
	for (const char *p = text; (p = strstr(p, part)) != NULL; p++)
		n++;
	return n;
}

struct ending {
	pid_t pid;
	int status;
};

static bool has_ended(void *context)
{
	struct ending *ending = context;

	return waitpid(ending->pid, &ending->status, WNOHANG) == ending->pid;
}

/* The exit code, within RAW_WAIT_MS (10 s); a signal fails the test. */
static int exit_code_of(pid_t pid)
{
	struct ending ending = {.pid = pid};
	char text[OUTPUT_BYTES];

	temp_read(&folder, "err", text, sizeof(text));
	if (!raw_wait_for(has_ended, &ending)) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		fail_msg("the process does not end:\n%s", text);
	}
	if (!WIFEXITED(ending.status))
		fail_msg("ended by signal %d:\n%s", WTERMSIG(ending.status),
			 text);
	return WEXITSTATUS(ending.status);
}

/* Take notifications up to one that holds `news`. */
static void wait_for(const char *news)
{
	struct pollfd fd = {.fd = notify_fd, .events = POLLIN};
	int64_t until_ms = clock_mono_ms() + WAIT_MS;
	char text[1024] = "";

	while (strstr(text, news) == NULL) {
		ssize_t got = 0;

		if (poll(&fd, 1, (int)(until_ms - clock_mono_ms())) == 1)
			got = recv(notify_fd, text, sizeof(text) - 1, 0);
		if (got <= 0 || clock_mono_ms() > until_ms) {
			char err[OUTPUT_BYTES];

			temp_read(&folder, "err", err, sizeof(err));
			fail_msg("no %s came:\n%s", news, err);
			return;
		}
		text[got] = '\0';
	}
}

/* The next call of a child's function. */
static void wait_for_call(void)
{
	struct pollfd fd = {.fd = calls[0], .events = POLLIN};
	char byte;

	if (poll(&fd, 1, WAIT_MS) != 1 || read(calls[0], &byte, 1) != 1)
		fail_msg("the function was not called");
}

static void tell_call(void)
{
	if (write(calls[1], "x", 1) < 0)
		return; /* full: there were enough */
}

/* An HTTP service: GET /port shows the configuration, POST /ring goes through
 * the writer and rings the processor. */

static void show_port(struct http_exchange *x, void *context)
{
	struct service *s = context;
	const struct config *config = s->config;
	char text[24];
	int n = snprintf(text, sizeof(text), "%d", (int)config->http.port);

	http_reply(x, 200, "text/plain", text, (size_t)n);
}

struct ring_unit {
	struct unit unit;
	struct http_exchange *x;
};

static int run_ring(struct unit *u, struct db *db, int64_t now_ms,
		    struct err *e)
{
	(void)now_ms;
	u->bells = BELL_PROCESSOR;
	return db_script(db, "CREATE TABLE IF NOT EXISTS test_ring (x)", e);
}

static void answer_ring(struct unit *u, int rc, const struct err *e)
{
	struct ring_unit *ring = CONTAINER_OF(u, struct ring_unit, unit);

	(void)e;
	http_reply(ring->x, rc < 0 ? 503 : 200, "text/plain", "", 0);
}

static void post_ring(struct http_exchange *x, void *context)
{
	struct service *s = context;
	struct ring_unit *ring = http_exchange_alloc(x, sizeof(*ring));

	assert_non_null(ring);
	ring->x = x;
	ring->unit.run = run_ring;
	ring->unit.done = answer_ring;
	if (writer_submit(s->writer, &ring->unit, NULL) < 0)
		http_reply_error(x, 503, "busy", "busy");
}

static const struct http_route routes[] = {
	{"GET", "/port", show_port, 0, 0},
	{"POST", "/ring", post_ring, 100, HTTP_DEFERRED},
	{NULL, NULL, NULL, 0, 0},
};

static int count_reload(struct service *s, struct err *e)
{
	(void)s;
	(void)e;
	tell_call();
	return 0;
}

static const struct service_def hook = {
	.name = "hook",
	.summary = "a hook of the tests",
	.many = true,
	.routes = routes,
	.reload = count_reload,
};

/* Status of the answer; its body is in `body`. */
static int request(const char *text, char body[64])
{
	static struct raw_stream stream;
	static struct raw_message answer;
	char path[TEMP_PATH_BYTES];
	int fd = raw_connect_unix(temp_path(&folder, "run/hook-1.sock", path));

	assert_true(fd >= 0);
	stream = (struct raw_stream){.fd = fd};
	assert_true(raw_send_text(fd, text));
	assert_true(raw_read(&stream, &answer, true));
	(void)close(fd);
	(void)snprintf(body, 64, "%.63s", answer.body);
	return answer.status;
}

static void port_is(const char *want)
{
	char body[64];

	assert_int_equal(request("GET /port HTTP/1.1\r\nHost: x\r\n\r\n", body),
			 200);
	assert_string_equal(body, want);
}

static void it_serves_once_ready_and_drains_on_sigterm(void **state)
{
	static const int ends[] = {SIGTERM, SIGINT};

	(void)state;
	put_config("http { port = 1001 }");
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		pid_t pid = start(&hook);

		wait_for("READY=1");
		port_is("1001");
		assert_int_equal(kill(pid, ends[i]), 0);
		wait_for("STOPPING=1");
		assert_int_equal(exit_code_of(pid), 0);
		check_text("err", "msg=started");
		check_text("err", "msg=stopped");
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
		"--state",  folder.path,
		"--config", temp_path(&folder, "c.conf", config),
		NULL,
	};
	pid_t pid;

	(void)state;
	put_config("http { port = 1001 }");
	pid = start_with(&hook, ignore_hangups, arguments);
	wait_for("READY=1");

	put_config("http { port = 1002 }\nhttp { prt = 5 }");
	assert_int_equal(kill(pid, SIGHUP), 0);
	wait_for("RELOADING=1");
	wait_for("READY=1");
	port_is("1001");
	assert_int_equal(count_text("err", "configuration not reloaded"), 1);
	check_text("err", "c.conf:2: http.prt: there is no such key");

	put_config("http { port = 1003 }");
	assert_int_equal(kill(pid, SIGHUP), 0);
	wait_for("RELOADING=1");
	wait_for("READY=1");
	port_is("1003");
	wait_for_call(); /* def->reload */
	assert_int_equal(count_text("err", "configuration not reloaded"), 1);

	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(exit_code_of(pid), 0);
}

static void a_second_one_of_the_same_number_is_refused(void **state)
{
	char text[OUTPUT_BYTES];
	char want[128];
	pid_t first;
	pid_t second;

	(void)state;
	put_config("");
	first = start(&hook);
	wait_for("READY=1");
	second = start(&hook);
	assert_int_equal(exit_code_of(second), 1);
	temp_read(&folder, "err", text, sizeof(text));
	(void)snprintf(want, sizeof(want),
		       "ordergate-hook: hook-1 is already running (pid %d): ",
		       (int)first);
	if (strncmp(text, want, strlen(want)) != 0 ||
	    strchr(text, '\n') != text + strlen(text) - 1)
		fail_msg("%s", text);
	port_is("8443"); /* the first one did not notice */
	assert_int_equal(kill(first, SIGTERM), 0);
	assert_int_equal(exit_code_of(first), 0);
}

/* systemd holds the socket and hands it over as descriptor 3. */
static void hand_over_a_socket(void)
{
	char path[TEMP_PATH_BYTES];
	char pid[16];
	int fd = http_listen_unix(temp_path(&folder, "given.sock", path), NULL);

	if (dup2(fd, 3) != 3)
		_exit(99);
	(void)snprintf(pid, sizeof(pid), "%d", getpid());
	(void)setenv("LISTEN_PID", pid, 1);
	(void)setenv("LISTEN_FDS", "1", 1);
}

static void a_socket_of_systemd_is_used(void **state)
{
	const char *const arguments[] = {"--state", folder.path, NULL};
	pid_t pid = start_with(&hook, hand_over_a_socket, arguments);
	char path[TEMP_PATH_BYTES];
	int fd;

	(void)state;
	wait_for("READY=1");
	fd = raw_connect_unix(temp_path(&folder, "given.sock", path));
	assert_true(fd >= 0);
	assert_true(raw_send_text(fd, "GET /port HTTP/1.1\r\nHost: x\r\n\r\n"));
	assert_true(raw_readable(fd, WAIT_MS));
	(void)close(fd);
	assert_int_equal(
		access(temp_path(&folder, "run/hook-1.sock", path), F_OK), -1);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(exit_code_of(pid), 0);
}

static void ask_for_pings(void)
{
	(void)setenv("WATCHDOG_USEC", "300000", 1);
}

static void it_pings_the_watchdog_and_publishes_metrics(void **state)
{
	CLEANUP(buf_clear) struct buf out = BUF_MAX(1024 * 1024);
	const char *const arguments[] = {"--state", folder.path, NULL};
	char body[64];
	pid_t pid = start_with(&hook, ask_for_pings, arguments);

	(void)state;
	wait_for("READY=1");
	assert_int_equal(request("POST /ring HTTP/1.1\r\nHost: x\r\n"
				 "Content-Length: 0\r\n\r\n",
				 body),
			 200);
	for (int i = 0; i < 5; i++)
		wait_for("WATCHDOG=1");
	assert_int_equal(metrics_export(dir.run, &out, NULL), 0);
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
	assert_int_equal(exit_code_of(pid), 0);
}

/* A loop that was told to do nothing but count. */
static int count_work(struct service *s, struct err *e)
{
	(void)s;
	(void)e;
	tell_call();
	return 0;
}

static const struct service_def processor = {
	.name = "processor",
	.summary = "a processor of the tests",
	.many = true,
	.work = count_work,
	.bell = "processor",
};

static void drain_calls(void)
{
	char bytes[4096];

	while (read(calls[0], bytes, sizeof(bytes)) > 0)
		continue;
}

static void a_commit_elsewhere_wakes_the_work(void **state)
{
	enum {
		RINGS = 20
	};
	pid_t server;
	pid_t worker;
	int64_t start_ms;
	char body[64];

	(void)state;
	put_config("");
	worker = start(&processor);
	wait_for("READY=1");
	server = start(&hook);
	wait_for("READY=1");
	wait_for_call();
	start_ms = clock_mono_ms();
	for (int i = 0; i < RINGS; i++) {
		drain_calls();
		assert_int_equal(request("POST /ring HTTP/1.1\r\nHost: x\r\n"
					 "Content-Length: 0\r\n\r\n",
					 body),
				 200);
		wait_for_call();
	}
	/* By the look every second alone it would take RINGS seconds. */
	assert_true(clock_mono_ms() - start_ms < RINGS * 500);
	assert_int_equal(kill(server, SIGTERM), 0);
	assert_int_equal(kill(worker, SIGTERM), 0);
	assert_int_equal(exit_code_of(server), 0);
	assert_int_equal(exit_code_of(worker), 0);
}

static int fail_work(struct service *s, struct err *e)
{
	static int count;

	(void)s;
	tell_call();
	return err_set(e, ERR_BUSY, "trouble of kind %d", count++ % 2);
}

static const struct service_def failing = {
	.name = "processor",
	.summary = "a loop that always fails",
	.many = true,
	.work = fail_work,
};

static void a_lasting_error_is_logged_once(void **state)
{
	pid_t pid;

	(void)state;
	put_config("");
	pid = start(&failing);
	for (int i = 0; i < 5; i++)
		wait_for_call();
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(exit_code_of(pid), 0);
	assert_int_equal(count_text("err", "msg=\"work failed\""), 2);
	assert_int_equal(count_text("err", "trouble of kind 0"), 1);
	assert_int_equal(count_text("err", "trouble of kind 1"), 1);
}

/* Writes that meet a dead disk. */
static int write_to_dead_disk(struct service *s, struct err *e)
{
	struct unit unit = {.run = run_ring};
	struct err why = {0};

	(void)e;
	fault_vfs_arm(1, IOERR, true);
	(void)writer_call(s->writer, &unit, &why);
	return 0;
}

static const struct service_def unlucky = {
	.name = "processor",
	.summary = "a loop whose disk dies",
	.many = true,
	.work = write_to_dead_disk,
};

static void a_broken_store_ends_the_process(void **state)
{
	const char *const arguments[] = {"--state", folder.path, NULL};

	(void)state;
	assert_int_equal(exit_code_of(start_with(&unlucky, fault_vfs_install,
						 arguments)),
			 1);
	check_text("err", "the store failed");
}

/* A request that nobody ever answers, and then the time passes. */
static void hang(struct http_exchange *x, void *context)
{
	(void)x;
	(void)context;
	tell_call();
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
	return count_text("err", "stuck: no watchdog pings any more") == 1;
}

static void a_forgotten_request_ends_the_pings(void **state)
{
	const char *const arguments[] = {"--state", folder.path, NULL};
	pid_t pid = start_with(&forgetful, ask_for_pings, arguments);
	char path[TEMP_PATH_BYTES];
	int fd;

	(void)state;
	wait_for("WATCHDOG=1");
	fd = raw_connect_unix(temp_path(&folder, "run/hook-1.sock", path));
	assert_true(raw_send_text(fd, "GET /hang HTTP/1.1\r\nHost: x\r\n\r\n"));
	wait_for_call();
	assert_true(raw_wait_for(says_stuck, NULL));
	(void)close(fd);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void never_stop(struct service *s)
{
	(void)s;
	for (;;)
		(void)pause();
}

static const struct service_def stubborn = {
	.name = "processor",
	.summary = "a loop that cannot stop",
	.many = true,
	.work = count_work,
	.stop = never_stop,
};

static void draining_has_an_end(void **state)
{
	int64_t start_ms;
	pid_t pid;

	(void)state;
	put_config("");
	pid = start(&stubborn);
	wait_for("READY=1");
	start_ms = clock_mono_ms();
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(exit_code_of(pid), 0);
	assert_true(clock_mono_ms() - start_ms < 10000);
	check_text("err", "draining took too long");
}

static int refuse_to_start(struct service *s, struct err *e)
{
	(void)s;
	return err_set(e, ERR_NOTFOUND, "there is no catalogue: import one");
}

static const struct service_def unready = {
	.name = "processor",
	.summary = "a loop that cannot start",
	.many = true,
	.start = refuse_to_start,
	.work = count_work,
	.stop = never_stop, /* is not called */
};

static void what_start_refuses_is_the_only_line(void **state)
{
	char text[OUTPUT_BYTES];

	(void)state;
	put_config("");
	assert_int_equal(exit_code_of(start(&unready)), 1);
	temp_read(&folder, "err", text, sizeof(text));
	assert_string_equal(text, "ordergate-processor: there is no catalogue:"
				  " import one\n");
}

/* Procedures. */

static int run_well(struct service *s, struct buf *ret_line, struct err *e)
{
	(void)s;
	(void)e;
	buf_add_text(ret_line, "{\"done\":1,\n\"rest\":0}");
	return 0;
}

static int run_badly(struct service *s, struct buf *ret_line, struct err *e)
{
	(void)s;
	(void)ret_line;
	return err_set(e, ERR_REMOTE, "nobody answers");
}

/* Waits for SIGTERM as a procedure should: between two pieces of work. */
static int run_long(struct service *s, struct buf *ret_line, struct err *e)
{
	(void)e;
	tell_call();
	while (!service_stopping(s))
		(void)poll(NULL, 0, 5);
	buf_add_text(ret_line, "stopped early");
	return 0;
}

/* What the process is to the kernel. */
static int run_inspect(struct service *s, struct buf *ret_line, struct err *e)
{
	struct sigaction pipe_action;
	struct rlimit core;
	mode_t mask = umask(0);

	(void)s;
	if (sigaction(SIGPIPE, NULL, &pipe_action) < 0 ||
	    getrlimit(RLIMIT_CORE, &core) < 0)
		return err_set(e, ERR_IO, "inspection failed");
	buf_printf(ret_line, "umask %03o core %d ignored %d dumpable %d",
		   (unsigned)mask, (int)core.rlim_max,
		   pipe_action.sa_handler == SIG_IGN,
		   LEAK_CHECKED ? 0 : prctl(PR_GET_DUMPABLE));
	return 0;
}

#define PROCEDURE(function)                                               \
	{                                                                 \
		.name = "monitor", .summary = "a procedure of the tests", \
		.run = (function)                                         \
	}
static const struct service_def good = PROCEDURE(run_well);
static const struct service_def bad = PROCEDURE(run_badly);
static const struct service_def longer = PROCEDURE(run_long);
static const struct service_def inspect = PROCEDURE(run_inspect);

static void memory_is_never_dumped_and_files_are_ours(void **state)
{
	const char *const arguments[] = {"--state", folder.path, NULL};

	(void)state;
	assert_int_equal(exit_code_of(start_with(&inspect, NULL, arguments)),
			 0);
	check_text("out", "umask 027 core 0 ignored 1 dumpable 0\n");
}

static void open_result(void)
{
	redirect("result", 3);
	(void)setenv("ORDERGATE_RESULT_FD", "3", 1);
}

static void a_procedure_reports_one_line_and_its_exit_code(void **state)
{
	const char *const arguments[] = {"--state", folder.path, NULL};
	static const struct {
		const struct service_def *def;
		bool has_result_fd;
		int exit_code;
		const char *out;
		const char *result;
	} rows[] = {
		{&good, false, 0, "{\"done\":1, \"rest\":0}\n", ""},
		{&good, true, 0, "", "{\"done\":1, \"rest\":0}\n"},
		{&bad, false, 1, "", ""},
		{&bad, true, 1, "", "nobody answers\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char text[OUTPUT_BYTES];
		pid_t pid = start_with(
			rows[i].def, rows[i].has_result_fd ? open_result : NULL,
			arguments);

		assert_int_equal(exit_code_of(pid), rows[i].exit_code);
		temp_read(&folder, "out", text, sizeof(text));
		assert_string_equal(text, rows[i].out);
		temp_read(&folder, "result", text, sizeof(text));
		assert_string_equal(text, rows[i].result);
		(void)temp_write(&folder, "result", "", 0, 0600);
		if (rows[i].exit_code != 0)
			check_text("err", "nobody answers");
	}
}

static void a_procedure_hears_sigterm(void **state)
{
	const char *const arguments[] = {"--state", folder.path, NULL};
	pid_t pid = start_with(&longer, NULL, arguments);

	(void)state;
	wait_for_call();
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(exit_code_of(pid), 0);
	check_text("out", "stopped early\n");
}

static void be_supervised(void)
{
	(void)setenv("ORDERGATE_SUPERVISED", "1", 1);
}

static bool is_free(void *unused)
{
	(void)unused;
	return !instance_is_running(dir.run, "hook", 1);
}

static void it_dies_with_its_supervisor(void **state)
{
	const char *const arguments[] = {"--state", folder.path, NULL};
	pid_t supervisor = fork();

	(void)state;
	assert_true(supervisor >= 0);
	if (supervisor == 0) {
		(void)start_with(&hook, be_supervised, arguments);
		for (;;)
			(void)pause();
	}
	wait_for("READY=1");
	assert_true(instance_is_running(dir.run, "hook", 1));
	assert_int_equal(kill(supervisor, SIGKILL), 0);
	assert_int_equal(waitpid(supervisor, NULL, 0), supervisor);
	assert_true(raw_wait_for(is_free, NULL));
}

struct refusal {
	const char *arguments[6];
	int exit_code;
	const char *err; /* the only line begins so, and goes on with part */
	const char *part;
};

static void what_cannot_start_says_why_in_one_line(void **state)
{
	char text[OUTPUT_BYTES];
	char config[TEMP_PATH_BYTES];
	char empty[TEMP_PATH_BYTES];
	char absent[TEMP_PATH_BYTES];
	const struct refusal rows[] = {
		{{"--nonsense"}, 2, "ordergate-hook: unknown", "--help"},
		{{"--state"}, 2, "ordergate-hook: a value", "--help"},
		{{"extra"}, 2, "ordergate-hook: unexpected", "'extra'"},
		{{"--instance", "0"}, 2, "ordergate-hook: --instance", "'0'"},
		{{"--instance", "x"}, 2, "ordergate-hook: --instance", "'x'"},
		{{"--config", config, "--check-config"},
		 1,
		 "ordergate-hook: ",
		 "c.conf:1: http.port: '0'"},
		{{"--config", config, "--state", folder.path},
		 1,
		 "ordergate-hook: ",
		 "c.conf:1: http.port: '0'"},
		{{"--config", absent, "--state", folder.path},
		 1,
		 "ordergate-hook: ",
		 "absent: there is no such"},
		{{"--state", absent},
		 1,
		 "ordergate-hook: state directory ",
		 "ordergatectl"},
		{{"--state", empty}, 1, "ordergate-hook: ", "init"},
	};

	(void)state;
	put_config("http { port = 0 }");
	(void)temp_path(&folder, "c.conf", config);
	(void)temp_path(&folder, "export", empty);
	(void)temp_path(&folder, "absent", absent);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int code = exit_code_of(
			start_with(&hook, NULL, rows[i].arguments));

		temp_read(&folder, "err", text, sizeof(text));
		if (code != rows[i].exit_code ||
		    strncmp(text, rows[i].err, strlen(rows[i].err)) != 0 ||
		    strstr(text, rows[i].part) == NULL ||
		    strchr(text, '\n') != text + strlen(text) - 1)
			fail_msg("row %zu: %d %s", i, code, text);
	}
}

static void a_store_of_a_newer_version_is_refused(void **state)
{
	const char *const arguments[] = {"--state", folder.path, NULL};
	struct db *db = NULL;
	char path[STATE_PATH_BYTES];
	struct err e = {0};

	(void)state;
	assert_int_equal(
		state_dir_store_path(&dir, "sqlite:ordergate.db", path, NULL),
		0);
	assert_int_equal(db_open(path, DB_WRITE, &db, &e), 0);
	if (db_script(db,
		      "UPDATE store_meta SET version = 99999,"
		      " min_reader = 99999",
		      &e) < 0)
		fail_msg("%s", e.text);
	db_close(db);
	assert_int_equal(exit_code_of(start_with(&hook, NULL, arguments)), 1);
	check_text("err", "ordergate-hook: ");
	check_text("err", "99999");
	assert_int_equal(count_text("err", "\n"), 1);
}

static void questions_are_answered_on_stdout(void **state)
{
	static const struct {
		const char *argument;
		const char *part;
	} rows[] = {
		{"--help", "Usage: ordergate-hook [--config FILE] [--state DIR]"
			   " [--instance N]\na hook of the tests\n"},
		{"--version", "ordergate-hook " ORDERGATE_VERSION "\n"},
		{"--check-config", "c.conf: ok\n"},
		{"--print-config", "\tport = 1234\n"},
	};
	char config[TEMP_PATH_BYTES];

	(void)state;
	put_config("http { port = 1234 }");
	(void)temp_path(&folder, "c.conf", config);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *const arguments[] = {"--config", config,
						 rows[i].argument, NULL};

		assert_int_equal(
			exit_code_of(start_with(&hook, NULL, arguments)), 0);
		check_text("out", rows[i].part);
	}
	assert_int_equal(count_text("err", "\n"), 0);
}

#define STATE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(it_serves_once_ready_and_drains_on_sigterm),
		STATE_TEST(a_reload_takes_a_whole_good_file_or_nothing),
		STATE_TEST(a_second_one_of_the_same_number_is_refused),
		STATE_TEST(it_pings_the_watchdog_and_publishes_metrics),
		STATE_TEST(a_socket_of_systemd_is_used),
		STATE_TEST(a_commit_elsewhere_wakes_the_work),
		STATE_TEST(a_lasting_error_is_logged_once),
		STATE_TEST(a_broken_store_ends_the_process),
		STATE_TEST(a_forgotten_request_ends_the_pings),
		STATE_TEST(draining_has_an_end),
		STATE_TEST(what_start_refuses_is_the_only_line),
		STATE_TEST(memory_is_never_dumped_and_files_are_ours),
		STATE_TEST(a_procedure_reports_one_line_and_its_exit_code),
		STATE_TEST(a_procedure_hears_sigterm),
		STATE_TEST(it_dies_with_its_supervisor),
		STATE_TEST(what_cannot_start_says_why_in_one_line),
		STATE_TEST(a_store_of_a_newer_version_is_refused),
		STATE_TEST(questions_are_answered_on_stdout),
	};

	(void)unsetenv("ORDERGATE_RESULT_FD");
	(void)unsetenv("ORDERGATE_SUPERVISED");
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
	(void)unsetenv("LISTEN_FDS");
	return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
