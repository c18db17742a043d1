/* SPDX-License-Identifier: MIT
 *
 * child.h - one process that the supervisor keeps alive.
 *
 * A child is the leader of its own process group, so that what it leaves
 * behind can be ended with it, and is killed by the kernel when the supervisor
 * dies. It is started again at once when it dies; when it dies young again and
 * again, the pauses grow to CHILD_PAUSE_MAX_MS.
 *
 * The socket of a server stays open here while one process follows another:
 * whoever connects meanwhile waits and is served by the next. One that does not
 * come back soon loses it, so that nginx turns to its siblings.
 */
#ifndef SUPERVISOR_CHILD_H
#define SUPERVISOR_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "app/state_dir.h"

struct err;

enum {
	CHILD_WATCHDOG_MS = 10000, /* silent for longer: killed */
	CHILD_START_MS = 30000,    /* not ready for longer: killed */
	CHILD_YOUNG_MS = 1000,     /* a death before that counts as young */
	CHILD_PAUSE_MS = 100,
	CHILD_PAUSE_MAX_MS = 1500 /* contract.md: back within 3 s */
};

enum child_kind {
	CHILD_SERVICE, /* one of ours: notifies, takes --instance */
	CHILD_EDGE,    /* nginx */
	CHILD_COMMAND  /* of --beside and --then: runs once, on our terminal */
};

enum child_state {
	CHILD_DUE,      /* no process; to be started at due_ms */
	CHILD_STARTING, /* a process that is not ready yet */
	CHILD_READY,
	CHILD_OVER /* no process, and none wanted */
};

struct child {
	const char *name;    /* "hook", "nginx", "command" */
	bool is_server;      /* gets a socket of ours, as systemd gives one */
	int listen_fd;       /* that socket; -1: none */
	const char *command; /* of CHILD_COMMAND */
	int number;          /* from 1 */
	enum child_kind kind;
	enum child_state state;
	bool is_unwanted; /* not started again */
	bool is_told;     /* to stop */
	bool is_killed;   /* by us, and not ended yet */
	pid_t pid;        /* 0: none; also its process group */
	pid_t old_group;  /* of the process before, 0: none */
	int64_t due_ms, started_ms, heard_ms;
	int young_deaths;
};

/* What children have in common. */
struct launch {
	const struct state_dir *dir;
	const char *bin;
	const char *config; /* "": the default */
	char notify_path[STATE_PATH_BYTES];
	int log_fd;    /* stdout and stderr of services */
	int screen_fd; /* stdout and stderr of commands */
};

/* Start the process. 0; ERR_NOTFOUND when the program is not there; ERR_BUSY
 * when the group of the process before still dies; ERR_IO. */
int child_start(struct child *child, const struct launch *launch,
		int64_t now_ms, struct err *e);

/* Close the socket that the next process would have got, if there is one. */
void child_close_socket(struct child *child);

/* The process ended with this waitpid(2) status: say so in the log, end its
 * group, and decide when the next one is due. */
void child_ended(struct child *child, int status, int64_t now_ms);

/* Send a signal to the process, or to its whole group; nothing when there is
 * none. */
void child_signal(const struct child *child, int signal);
void child_kill_group(const struct child *child);

/* What this child waits for next, and when: INT64_MAX for nothing. */
int64_t child_deadline_ms(const struct child *child);
/* True when it is running and has been silent for too long. */
bool child_is_stuck(const struct child *child, int64_t now_ms);

#endif
