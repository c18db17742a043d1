/* SPDX-License-Identifier: MIT */
#include "service_trial.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/config/config.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "cmocka_all.h"
#include "net/server/http_server.h"
#include "raw_http.h"
#include "store/engine/db.h"
#include "store/engine/migrate.h"
#include "store/engine/writer.h"

enum {
	WAIT_MS = 20000
};

struct temp_folder trial_folder;
struct state_dir trial_dir;
static int notify_fd = -1;
static int calls[2] = {-1, -1}; /* the children write a byte per call */

static int bind_notify(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify",
		       trial_folder.path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	(void)setenv("NOTIFY_SOCKET", address.sun_path, 1);
	return fd;
}

void trial_forget_environment(void)
{
	static const char *const names[] = {
		"ORDERGATE_RESULT_FD", "ORDERGATE_SUPERVISED", "WATCHDOG_USEC",
		"WATCHDOG_PID",        "LISTEN_FDS",           "LISTEN_PID",
	};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		(void)unsetenv(names[i]);
}

int trial_setup(void **state)
{
	char path[STATE_STORE_BYTES];

	(void)state;
	if (temp_folder_make(&trial_folder) < 0 ||
	    state_dir_open(trial_folder.path, true, &trial_dir, NULL) < 0 ||
	    state_dir_store_path(&trial_dir, "sqlite:ordergate.db", path,
				 NULL) < 0 ||
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

		if (!instance_is_running(trial_dir.run, services[i], 1))
			continue;
		(void)snprintf(name, sizeof(name), "run/%s-1.lock",
			       services[i]);
		temp_read(&trial_folder, name, text, sizeof(text));
		second = strchr(text, '\n');
		if (second != NULL && strtol(second, NULL, 10) > 1)
			(void)kill((pid_t)strtol(second, NULL, 10), SIGKILL);
	}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
}

int trial_teardown(void **state)
{
	(void)state;
	kill_leftovers();
	(void)close(notify_fd);
	(void)close(calls[0]);
	(void)close(calls[1]);
	(void)unsetenv("NOTIFY_SOCKET");
	temp_folder_remove(&trial_folder);
	return 0;
}

void trial_config(const char *text)
{
	assert_int_equal(
		temp_write(&trial_folder, "c.conf", text, strlen(text), 0600),
		0);
}

void trial_redirect(const char *name, int target)
{
	char path[TEMP_PATH_BYTES];
	int fd = open(temp_path(&trial_folder, name, path),
		      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || dup2(fd, target) < 0)
		_exit(99);
	(void)close(fd);
}

/* A child that runs the service; its output goes to the files out and err.
 * `prepare` runs in it before. */
pid_t trial_start_with(const struct service_def *def, void (*prepare)(void),
		       const char *const *arguments)
{
	char *argv[16] = {(char *)(uintptr_t) "program"};
	int argc = 1;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	trial_redirect("out", STDOUT_FILENO);
	trial_redirect("err", STDERR_FILENO);
	for (; *arguments != NULL && argc < 15; arguments++)
		argv[argc++] = (char *)(uintptr_t)*arguments;
	argv[argc] = NULL;
	if (prepare != NULL)
		prepare();
	/* exit(), so that leaks are looked for. */
	exit(service_main(argc, argv, def));
}

pid_t trial_start(const struct service_def *def)
{
	char config[TEMP_PATH_BYTES];
	const char *const arguments[] = {
		"--state",  trial_folder.path,
		"--config", temp_path(&trial_folder, "c.conf", config),
		NULL,
	};

	return trial_start_with(def, NULL, arguments);
}

void trial_has(const char *file, const char *part)
{
	char text[TRIAL_OUTPUT_BYTES];

	temp_read(&trial_folder, file, text, sizeof(text));
	if (strstr(text, part) == NULL)
		fail_msg("no '%s' in %s:\n%s", part, file, text);
}

/* How often `part` is in the file. */
int trial_count(const char *file, const char *part)
{
	char text[TRIAL_OUTPUT_BYTES];
	int n = 0;

	temp_read(&trial_folder, file, text, sizeof(text));
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
int trial_exit_code(pid_t pid)
{
	struct ending ending = {.pid = pid};
	char text[TRIAL_OUTPUT_BYTES];

	temp_read(&trial_folder, "err", text, sizeof(text));
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
void trial_wait_for(const char *news)
{
	struct pollfd fd = {.fd = notify_fd, .events = POLLIN};
	int64_t until_ms = clock_mono_ms() + WAIT_MS;
	char text[1024] = "";

	while (strstr(text, news) == NULL) {
		ssize_t got = 0;

		if (poll(&fd, 1, (int)(until_ms - clock_mono_ms())) == 1)
			got = recv(notify_fd, text, sizeof(text) - 1, 0);
		if (got <= 0 || clock_mono_ms() > until_ms) {
			char err[TRIAL_OUTPUT_BYTES];

			temp_read(&trial_folder, "err", err, sizeof(err));
			fail_msg("no %s came:\n%s", news, err);
			return;
		}
		text[got] = '\0';
	}
}

/* The next call of a child's function. */
void trial_wait_for_call(void)
{
	struct pollfd fd = {.fd = calls[0], .events = POLLIN};
	char byte;

	if (poll(&fd, 1, WAIT_MS) != 1 || read(calls[0], &byte, 1) != 1)
		fail_msg("the function was not called");
}

void trial_tell_call(void)
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

int trial_run_ring(struct unit *u, struct db *db, int64_t now_ms, struct err *e)
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
	ring->unit.run = trial_run_ring;
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
	trial_tell_call();
	return 0;
}

const struct service_def trial_hook = {
	.name = "hook",
	.summary = "a hook of the tests",
	.many = true,
	.routes = routes,
	.reload = count_reload,
};

/* Status of the answer; its body is in `body`. */
int trial_request(const char *text, char body[64])
{
	static struct raw_stream stream;
	static struct raw_message answer;
	char path[TEMP_PATH_BYTES];
	int fd = raw_connect_unix(
		temp_path(&trial_folder, "run/hook-1.sock", path));

	assert_true(fd >= 0);
	stream = (struct raw_stream){.fd = fd};
	assert_true(raw_send_text(fd, text));
	assert_true(raw_read(&stream, &answer, true));
	(void)close(fd);
	(void)snprintf(body, 64, "%.63s", answer.body);
	return answer.status;
}

void trial_ask_for_pings(void)
{
	(void)setenv("WATCHDOG_USEC", "300000", 1);
}

void trial_drain_calls(void)
{
	char bytes[4096];

	while (read(calls[0], bytes, sizeof(bytes)) > 0)
		continue;
}
