/* SPDX-License-Identifier: MIT
 *
 * crew.h - all children together: who has to run, and keeping them running.
 */
#ifndef SUPERVISOR_CREW_H
#define SUPERVISOR_CREW_H

#include "child.h"

struct buf;
struct config;
struct options;

enum {
	CREW_MAX = 192 /* the largest pools of ordergate.conf, and the rest */
};

struct crew {
	struct child children[CREW_MAX];
	int count;
	const struct launch *launch;
	bool is_stopping; /* nobody is started any more */
};

/* Have as many of each service as the configuration says: missing ones become
 * due ... */
void crew_grow(struct crew *crew, const struct config *config, int64_t now_ms);
/* ... and surplus ones are told to stop and do not come back. */
void crew_shrink(struct crew *crew, const struct config *config);
void crew_add_command(struct crew *crew, const char *command, int64_t now_ms);

/* Start who is due and kill who is stuck. When this has to be called again at
 * the latest, INT64_MAX for never. */
int64_t crew_tend(struct crew *crew, int64_t now_ms);

/* Collect every child that ended. */
void crew_reap(struct crew *crew, int64_t now_ms);

/* A datagram from this pid (bits of net/notify.h). */
void crew_heard(struct crew *crew, pid_t pid, unsigned news, int64_t now_ms);

/* All children have been heard of now: after a pause of the supervisor itself
 * nobody can tell who was silent. */
void crew_forgive(struct crew *crew, int64_t now_ms);

void crew_signal(struct crew *crew, enum child_kind kind, int signal);
/* The same as an order to end: its end is nothing to report. */
void crew_tell(struct crew *crew, enum child_kind kind, int signal);
void crew_kill(struct crew *crew);

int crew_running(const struct crew *crew, enum child_kind kind);

/* True when every service and nginx are ready; otherwise the names of those who
 * are not are added to ret_names, separated by commas. */
bool crew_is_ready(const struct crew *crew, struct buf *ret_names);

#endif
