/* SPDX-License-Identifier: MIT
 *
 * child.h - one run of a job as a process.
 *
 * The process leads its own process group and dies with the scheduler. It has
 * descriptor 3 for its result line and a time-out: first SIGTERM to the group,
 * CHILD_KILL_AFTER_MS later SIGKILL; what is left of its group when it ends is
 * killed as well. Nothing here waits. Times are monotonic.
 */
#ifndef SCHEDULER_CHILD_H
#define SCHEDULER_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "store/watch/jobs.h"

struct err;

enum {
	CHILD_RESULT_BYTES = 400, /* longer result lines are cut */
	CHILD_KILL_AFTER_MS = 5000,
	CHILD_ARGUMENTS_MAX = 8,
	CHILD_PATH_BYTES = 4096
};

struct child {
	pid_t pid;     /* 0: none; also its process group */
	int result_fd; /* -1: none */
	char result[CHILD_RESULT_BYTES + 1];
	size_t result_bytes;
	int64_t term_at_ms, kill_at_ms;
	bool termed, killed, stopped;
};

struct child_command {
	char program[CHILD_PATH_BYTES];
	char state[CHILD_PATH_BYTES], config[CHILD_PATH_BYTES];
	char *argv[CHILD_ARGUMENTS_MAX]; /* into this structure; ends with NULL
					  */
	char run[48]; /* for its environment; "": it is not told its run */
	int64_t timeout_ms;
};

/* The command that runs a job: ordergate-<job> next to this program, with the
 * same state and, unless config is "", that configuration. Not to be
 * copied. 0; ERR_NOTFOUND when there is no such program. */
int child_command(const char *job, const char *state, const char *config,
		  int64_t timeout_ms, struct child_command *ret_command,
		  struct err *e);

/* 0; ERR_IO. *child is overwritten. */
int child_start(struct child *child, struct child_command *command,
		int64_t now_ms, struct err *e);

/* Read what it says, apply the time-out, see whether it has ended. */
struct child_end {
	enum job_outcome outcome;
	char detail[CHILD_RESULT_BYTES + 64];
};
bool child_poll(struct child *child, int64_t now_ms, struct child_end *ret_end);

/* Ask it to end now, as at its time-out; its outcome is its own. */
void child_stop(struct child *child, int64_t now_ms);
/* Kill it with its group and wait for that. */
void child_kill(struct child *child);

/* When child_poll() has something to do by the clock. */
int64_t child_deadline_ms(const struct child *child);

#endif
