/* SPDX-License-Identifier: MIT
 *
 * alarm.h - people are told that the store cannot be written, without it.
 *
 * Every other message goes through the store. The scheduler writes its lease
 * every few seconds, so it knows first; ordergate-alarm, which needs neither
 * the store nor room on the disk, tells. What was told is remembered in
 * <run>/scheduler-N.alarm, so that a scheduler that is restarted again and
 * again (a failing disk does that) tells once. Who stands by is silent: the
 * active one tells.
 */
#ifndef SCHEDULER_ALARM_H
#define SCHEDULER_ALARM_H

#include <stdbool.h>
#include <stdint.h>

#include "child.h"

struct service;

struct alarm {
	struct child child;
	int fd; /* of the file; -1: a restart forgets */
	struct alarm_times {
		int64_t written_ms; /* wall clock, as the next */
		int64_t told_ms;    /* 0: nothing to take back */
	} times;
	int64_t telling_ms; /* what told_ms becomes when it was told */
	int64_t next_ms;    /* monotonic: not before */
	bool standing_by;
	const char *config; /* of runs; borrowed */
};

void alarm_open(struct alarm *alarm, const struct service *s,
		const char *config_path);

/* After each try to write: what ledger_take() returned. */
void alarm_note(struct alarm *alarm, const struct service *s, int taken);

/* Has ordergate-alarm ended? Cheap. */
void alarm_watch(struct alarm *alarm);

/* Give ordergate-alarm a moment to end, then kill it. */
void alarm_stop(struct alarm *alarm);

#endif
