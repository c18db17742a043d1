/* SPDX-License-Identifier: MIT */
#include "child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/edge/edge.h"
#include "app/log.h"
#include "base/backoff.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "net/server/http_server.h"

enum {
	ARGUMENTS_MAX = 12,
	PROGRAM_BYTES = 4096 + 64,
	NUMBER_BYTES = 16,
	FILES_MAX = 65536, /* descriptors of one process */
	LISTEN_FD = 3,     /* sd_listen_fds(3) */
	PID_BYTES = 16,
	SOCKET_PATH_BYTES = STATE_PATH_BYTES + 64,
	EXIT_NOT_STARTED = 127
};

/* Everything that exec needs, made before fork(): only async-signal-safe calls
 * are allowed after it. */
struct image {
	char program[PROGRAM_BYTES];
	char number[NUMBER_BYTES];
	char folder[EDGE_PATH_BYTES], file[EDGE_PATH_BYTES];
	const char *argv[ARGUMENTS_MAX];
	int output_fd;
	int listen_fd;    /* -1: none */
	int death_signal; /* when the supervisor dies */
};

static int image_service(const struct child *child, const struct launch *launch,
			 struct image *image, struct err *e)
{
	int n = 0;

	(void)snprintf(image->program, sizeof(image->program),
		       "%s/ordergate-%s", launch->bin, child->name);
	(void)snprintf(image->number, sizeof(image->number), "%d",
		       child->number);
	if (access(image->program, X_OK) < 0)
		return err_errno(e, ERR_NOTFOUND, "%s", image->program);
	image->argv[n++] = image->program;
	image->argv[n++] = "--state";
	image->argv[n++] = launch->dir->root;
	if (launch->config[0] != '\0') {
		image->argv[n++] = "--config";
		image->argv[n++] = launch->config;
	}
	image->argv[n++] = "--instance";
	image->argv[n++] = image->number;
	image->listen_fd = child->listen_fd;
	assert(n < ARGUMENTS_MAX);
	return 0;
}

static int image_edge(const struct launch *launch, struct image *image,
		      struct err *e)
{
	const char *argv[] = {image->program, "-e", "stderr",    "-p",
			      image->folder,  "-c", image->file, NULL};
	char program[EDGE_PATH_BYTES];
	int rc = edge_find_nginx(program, e);

	if (rc < 0)
		return rc;
	(void)snprintf(image->program, sizeof(image->program), "%s", program);
	edge_folder(launch->dir, image->folder);
	edge_file(launch->dir, image->file);
	static_assert(COUNT_OF(argv) <= ARGUMENTS_MAX, "nginx's arguments");
	memcpy(image->argv, argv, sizeof(argv));
	/* Killed by SIGKILL, it would leave its workers behind. */
	image->death_signal = SIGTERM;
	return 0;
}

static int image_command(const struct child *child, const struct launch *launch,
			 struct image *image)
{
	(void)snprintf(image->program, sizeof(image->program), "/bin/sh");
	image->argv[0] = image->program;
	image->argv[1] = "-c";
	image->argv[2] = child->command;
	image->output_fd = launch->screen_fd;
	return 0;
}

static int make_image(const struct child *child, const struct launch *launch,
		      struct image *image, struct err *e)
{
	*image = (struct image){.output_fd = launch->log_fd,
				.listen_fd = -1,
				.death_signal = SIGKILL};
	switch (child->kind) {
	case CHILD_SERVICE:
		return image_service(child, launch, image, e);
	case CHILD_EDGE:
		return image_edge(launch, image, e);
	case CHILD_COMMAND:
	default:
		return image_command(child, launch, image);
	}
}

static void raise_limits(void)
{
	struct rlimit files;
	const struct rlimit none = {0, 0};

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = MIN_OF(files.rlim_max, (rlim_t)FILES_MAX);
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	/* A core holds orders with names and addresses. */
	(void)setrlimit(RLIMIT_CORE, &none);
}

static void reset_signals(void)
{
	const struct sigaction usual = {.sa_handler = SIG_DFL};
	sigset_t none;

	(void)sigaction(SIGPIPE, &usual, NULL);
	(void)sigemptyset(&none);
	(void)pthread_sigmask(SIG_SETMASK, &none, NULL);
}

/* What sd_listen_fds(3) looks for. setenv() is allowed here, since the
 * supervisor is one thread. */
static void hand_over_socket(int listen_fd)
{
	char pid[PID_BYTES];

	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	/* dup2() onto itself would leave it to be closed by exec. */
	if (listen_fd == LISTEN_FD ? fcntl(listen_fd, F_SETFD, 0) < 0
				   : dup2(listen_fd, LISTEN_FD) < 0)
		_exit(EXIT_NOT_STARTED);
	if (setenv("LISTEN_FDS", "1", 1) < 0 || /* NOLINT */
	    setenv("LISTEN_PID", pid, 1) < 0)   /* NOLINT */
		_exit(EXIT_NOT_STARTED);
}

/* Between fork() and exec(). */
_Noreturn static void become(const struct image *image, pid_t supervisor)
{
	/* Constant, whatever the prototype of exec says. */
	const char *const *ours = image->argv;
	char *const *arguments;
	int null_fd = open("/dev/null", O_RDONLY);

	memcpy(&arguments, &ours, sizeof(arguments));
	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, image->death_signal);
	if (getppid() != supervisor) /* it died before the line above */
		_exit(EXIT_NOT_STARTED);
	raise_limits();
	if (dup2(null_fd, STDIN_FILENO) < 0 ||
	    dup2(image->output_fd, STDOUT_FILENO) < 0 ||
	    dup2(image->output_fd, STDERR_FILENO) < 0)
		_exit(EXIT_NOT_STARTED);
	/* nginx's workers show neither arguments nor environment; their folder
	 * tells whose they are (leftover.c). */
	if (image->folder[0] != '\0' && chdir(image->folder) < 0)
		_exit(EXIT_NOT_STARTED);
	if (image->listen_fd >= 0)
		hand_over_socket(image->listen_fd);
	reset_signals();
	(void)execv(image->program, arguments);
	_exit(EXIT_NOT_STARTED);
}

/* What the process before left in its group has to be gone: it may hold the
 * port. SIGKILL was sent to it. */
static bool old_group_lives(const struct child *child)
{
	return child->old_group > 0 && kill(-child->old_group, 0) == 0;
}

static int open_socket(struct child *child, const struct launch *launch,
		       struct err *e)
{
	char path[SOCKET_PATH_BYTES];

	if (!child->is_server || child->listen_fd >= 0)
		return 0;
	(void)snprintf(path, sizeof(path), "%s/%s-%d.sock", launch->dir->run,
		       child->name, child->number);
	child->listen_fd = http_listen_unix(path, e);
	return MIN_OF(child->listen_fd, 0);
}

void child_close_socket(struct child *child)
{
	cleanup_fd(&child->listen_fd);
	child->listen_fd = -1;
}

int child_start(struct child *child, const struct launch *launch,
		int64_t now_ms, struct err *e)
{
	pid_t supervisor = getpid();
	struct image image;
	pid_t pid;
	int rc = 0;

	if (old_group_lives(child))
		return err_set(e, ERR_BUSY, "the one before is not gone yet");
	rc = open_socket(child, launch, e);
	if (rc == 0)
		rc = make_image(child, launch, &image, e);
	if (rc < 0)
		return rc;
	pid = fork();
	if (pid < 0)
		return err_errno(e, ERR_IO, "fork");
	if (pid == 0)
		become(&image, supervisor);
	(void)setpgid(pid, pid); /* whoever of the two is first */
	child->pid = pid;
	child->old_group = 0;
	child->is_killed = false;
	child->started_ms = now_ms;
	child->heard_ms = now_ms;
	child->state =
		child->kind == CHILD_SERVICE ? CHILD_STARTING : CHILD_READY;
	return 0;
}

static void say_how_it_ended(const struct child *child, int status)
{
	bool by_signal = WIFSIGNALED(status);

	log_event(child->is_told ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
		  by_signal ? "process killed" : "process ended",
		  LOG_TEXT("process", child->name),
		  LOG_I64("number", child->number), LOG_I64("pid", child->pid),
		  LOG_I64(by_signal ? "signal" : "exit_code",
			  by_signal ? WTERMSIG(status) : WEXITSTATUS(status)));
}

void child_ended(struct child *child, int status, int64_t now_ms)
{
	bool young = now_ms - child->started_ms < CHILD_YOUNG_MS;

	say_how_it_ended(child, status);
	child_kill_group(child);
	child->old_group = child->pid;
	child->pid = 0;
	child->is_killed = false;
	if (child->kind == CHILD_COMMAND || child->is_unwanted) {
		child_close_socket(child);
		child->state = CHILD_OVER;
		return;
	}
	child->young_deaths = young ? child->young_deaths + 1 : 0;
	child->due_ms = now_ms;
	if (child->young_deaths > 1) {
		child_close_socket(child);
		child->due_ms += MIN_OF(
			backoff_ms(child->young_deaths - 1, CHILD_PAUSE_MS,
				   CHILD_PAUSE_MAX_MS, (uint64_t)now_ms),
			CHILD_PAUSE_MAX_MS);
	}
	child->state = CHILD_DUE;
}

void child_signal(const struct child *child, int signal)
{
	if (child->pid > 0)
		(void)kill(child->pid, signal);
}

void child_kill_group(const struct child *child)
{
	if (child->pid > 0)
		(void)kill(-child->pid, SIGKILL);
}

int64_t child_deadline_ms(const struct child *child)
{
	if (child->is_killed)
		return INT64_MAX;
	switch (child->state) {
	case CHILD_DUE:
		return child->due_ms;
	case CHILD_STARTING:
		return child->started_ms + CHILD_START_MS;
	case CHILD_READY:
		return child->kind == CHILD_SERVICE
			       ? child->heard_ms + CHILD_WATCHDOG_MS
			       : INT64_MAX;
	case CHILD_OVER:
	default:
		return INT64_MAX;
	}
}

bool child_is_stuck(const struct child *child, int64_t now_ms)
{
	return child->pid > 0 && now_ms >= child_deadline_ms(child);
}
