/* SPDX-License-Identifier: MIT */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"

enum {
	RESULT_FD = 3,
	EXIT_NOT_STARTED = 127,
	SWALLOW_MAX = 64 /* reads of one pass */
};

int child_command(const char *job, const char *state, const char *config,
		  int64_t timeout_ms, struct child_command *ret_command,
		  struct err *e)
{
	static char state_option[] = "--state";
	static char config_option[] = "--config";
	struct child_command *c = ret_command;
	char self[CHILD_PATH_BYTES];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;
	int n = 0;

	*c = (struct child_command){.timeout_ms = timeout_ms};
	if (length <= 0)
		return err_errno(e, ERR_NOTFOUND, "/proc/self/exe");
	self[length] = '\0';
	slash = strrchr(self, '/');
	if (slash != NULL)
		*slash = '\0';
	if (snprintf(c->program, sizeof(c->program), "%s/ordergate-%s", self,
		     job) >= (int)sizeof(c->program))
		return err_set(e, ERR_NOTFOUND, "path of %s is too long", job);
	if (access(c->program, X_OK) < 0)
		return err_errno(e, ERR_NOTFOUND, "%s", c->program);
	if (!text_copy(c->state, sizeof(c->state), state) ||
	    !text_copy(c->config, sizeof(c->config), config))
		return err_set(e, ERR_NOTFOUND, "path is too long");
	c->argv[n++] = c->program;
	c->argv[n++] = state_option;
	c->argv[n++] = c->state;
	if (config[0] != '\0') {
		c->argv[n++] = config_option;
		c->argv[n++] = c->config;
	}
	c->argv[n] = NULL;
	return 0;
}

/* The environment of the children: ours, with the descriptor and the run, and
 * without the supervisor's orders to us. Borrows `run`. Made before fork().
 * NULL when out of memory. */
static char **make_environment(char *run)
{
	static const char *const left_out[] = {
		"ORDERGATE_SUPERVISED=", "NOTIFY_SOCKET=", "WATCHDOG_USEC=",
		"WATCHDOG_PID=",         "LISTEN_FDS=",    "LISTEN_PID=",
		"ORDERGATE_RUN_ID="};
	static char said[] = "ORDERGATE_RESULT_FD=3";
	char **copy;
	size_t count = 0;
	size_t n = 0;

	while (environ[count] != NULL)
		count++;
	copy = calloc(count + 3, sizeof(*copy));
	for (size_t i = 0; copy != NULL && i < count; i++) {
		bool keep = true;

		for (size_t k = 0; k < COUNT_OF(left_out); k++)
			if (strncmp(environ[i], left_out[k],
				    strlen(left_out[k])) == 0)
				keep = false;
		if (keep)
			copy[n++] = environ[i];
	}
	if (copy != NULL)
		copy[n++] = said;
	if (copy != NULL && run[0] != '\0')
		copy[n] = run;
	return copy;
}

/* Between fork() and exec() of a program with threads: only async-signal-safe
 * calls. */
_Noreturn static void become(const struct child_command *command,
			     char **environment, int result_fd, pid_t parent)
{
	const struct sigaction usual = {.sa_handler = SIG_DFL};
	int null_fd = open("/dev/null", O_RDONLY);
	sigset_t none;

	(void)setpgid(0, 0);
	/* No run outlives its scheduler: the next one could not know of it. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* it died before the line above */
		_exit(EXIT_NOT_STARTED);
	(void)sigaction(SIGPIPE, &usual, NULL);
	(void)sigemptyset(&none);
	(void)pthread_sigmask(SIG_SETMASK, &none, NULL);
	if (dup2(null_fd, STDIN_FILENO) < 0)
		_exit(EXIT_NOT_STARTED);
	/* dup2() to itself would leave the close-on-exec mark. */
	if (result_fd == RESULT_FD ? fcntl(result_fd, F_SETFD, 0) < 0
				   : dup2(result_fd, RESULT_FD) < 0)
		_exit(EXIT_NOT_STARTED);
	(void)execve(command->program, command->argv, environment);
	_exit(EXIT_NOT_STARTED);
}

int child_start(struct child *child, struct child_command *command,
		int64_t now_ms, struct err *e)
{
	CLEANUP_FREE char **environment = make_environment(command->run);
	pid_t parent = getpid();
	int fds[2];
	pid_t pid;

	if (environment == NULL)
		return err_set(e, ERR_NOMEM, "environment: out of memory");
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(e, ERR_IO, "pipe");
	CLEANUP_FD int read_fd = fds[0];
	CLEANUP_FD int write_fd = fds[1];

	(void)fcntl(read_fd, F_SETFL, O_NONBLOCK);
	pid = fork();
	if (pid < 0)
		return err_errno(e, ERR_IO, "fork");
	if (pid == 0)
		become(command, environment, write_fd, parent);
	/* Also here, so that the group exists whoever is faster. */
	(void)setpgid(pid, pid);
	*child = (struct child){
		.pid = pid,
		.result_fd = take_fd(&read_fd),
		.term_at_ms = now_ms + command->timeout_ms,
		.kill_at_ms = INT64_MAX,
	};
	return 0;
}

/* Keep the first line; later ones are read and forgotten, so that nobody blocks
 * on a full pipe. */
static void read_result(struct child *child)
{
	char block[1024];

	for (int i = 0; i < SWALLOW_MAX; i++) {
		ssize_t got = read(child->result_fd, block, sizeof(block));
		size_t room = CHILD_RESULT_BYTES - child->result_bytes;
		size_t take;

		if (got <= 0)
			return;
		take = MIN_OF((size_t)got, room);
		memcpy(child->result + child->result_bytes, block, take);
		child->result_bytes += take;
	}
}

/* The first line, up to what is no UTF-8 (a line that was cut may end inside of
 * a character). */
static void write_detail(struct child *child, char *detail, size_t bytes)
{
	char *text = child->result;
	const char *end;
	size_t n;

	text[child->result_bytes] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	end = text + strlen(text);
	for (char *p = text; p < end; p += n) {
		n = text_utf8_sequence(p, end);
		if (n == 0) {
			*p = '\0';
			break;
		}
		if ((unsigned char)*p < ' ')
			*p = ' ';
	}
	(void)text_copy(detail, bytes, text);
}

static void signal_group(const struct child *child, int number)
{
	/* Before setpgid() there is only the process itself. */
	if (kill(-child->pid, number) < 0)
		(void)kill(child->pid, number);
}

static void apply_timeout(struct child *child, int64_t now_ms)
{
	if (!child->termed && now_ms >= child->term_at_ms) {
		child->termed = true;
		child->kill_at_ms = now_ms + CHILD_KILL_AFTER_MS;
		signal_group(child, SIGTERM);
	} else if (!child->killed && now_ms >= child->kill_at_ms) {
		child->killed = true;
		signal_group(child, SIGKILL);
	}
}

static void judge(struct child *child, const siginfo_t *info,
		  struct child_end *end)
{
	char said[CHILD_RESULT_BYTES + 1];
	bool timed_out = child->termed && !child->stopped;

	write_detail(child, said, sizeof(said));
	if (timed_out) {
		end->outcome = JOB_TIMEOUT;
		(void)snprintf(end->detail, sizeof(end->detail),
			       "ended after its time-out%s%s",
			       said[0] != '\0' ? ": " : "", said);
	} else if (info->si_code != CLD_EXITED) {
		end->outcome = JOB_KILLED;
		(void)snprintf(end->detail, sizeof(end->detail),
			       "killed by signal %d%s%s", info->si_status,
			       said[0] != '\0' ? ": " : "", said);
	} else if (info->si_status != 0) {
		end->outcome = JOB_FAILED;
		(void)snprintf(end->detail, sizeof(end->detail),
			       "exit code %d%s%s", info->si_status,
			       said[0] != '\0' ? ": " : "", said);
	} else {
		end->outcome = JOB_OK;
		(void)text_copy(end->detail, sizeof(end->detail), said);
	}
}

/* The process is a zombie now: its id, and so the group's, is still its own. */
static void bury(struct child *child)
{
	(void)kill(-child->pid, SIGKILL);
	while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	cleanup_fd(&child->result_fd);
	child->result_fd = -1;
	child->pid = 0;
}

bool child_poll(struct child *child, int64_t now_ms, struct child_end *ret_end)
{
	siginfo_t info = {0};

	read_result(child);
	if (waitid(P_PID, (id_t)child->pid, &info,
		   WEXITED | WNOHANG | WNOWAIT) < 0 ||
	    info.si_pid == 0) {
		apply_timeout(child, now_ms);
		return false;
	}
	read_result(child); /* what it said just before it ended */
	judge(child, &info, ret_end);
	bury(child);
	return true;
}

void child_stop(struct child *child, int64_t now_ms)
{
	if (child->pid == 0 || child->termed)
		return;
	child->stopped = true;
	child->term_at_ms = now_ms;
	apply_timeout(child, now_ms);
}

void child_kill(struct child *child)
{
	siginfo_t info;

	if (child->pid == 0)
		return;
	signal_group(child, SIGKILL);
	while (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOWAIT) < 0 &&
	       errno == EINTR)
		continue;
	bury(child);
}

int64_t child_deadline_ms(const struct child *child)
{
	if (child->killed)
		return INT64_MAX;
	return child->termed ? child->kill_at_ms : child->term_at_ms;
}
