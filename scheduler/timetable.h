/* SPDX-License-Identifier: MIT
 *
 * timetable.h - when a job is due. Pure: the time is a parameter.
 *
 * The slots of "every N" lie on a grid anchored to the epoch, so that neither a
 * slow run nor a restart moves them. "at HH:MM" has one slot per day of its
 * time zone: when the clocks go back, the first of the two moments; when they
 * go forward over it, the first moment after the gap.
 */
#ifndef SCHEDULER_TIMETABLE_H
#define SCHEDULER_TIMETABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "app/config/config.h"

struct err;
struct zone;

enum {
	/* A slot that is later than this was missed. */
	TIMETABLE_GRACE_MS = 5000,
	/* Missed slots that MISFIRE_ALL makes up for, the newest ones. */
	TIMETABLE_CATCH_UP_MAX = 48
};

struct timetable {
	int64_t every_ms;        /* 0: at */
	int minute_of_day;       /* in zone */
	const struct zone *zone; /* borrowed; NULL: UTC */
};

/* What a job's section says. 0, ERR_INVALID. */
int timetable_read(const struct config_job *job, const struct zone *zone,
		   struct timetable *ret_timetable, struct err *e);

/* The newest slot that is not after now_ms. */
int64_t timetable_floor(const struct timetable *t, int64_t now_ms);
/* The first slot after after_ms. */
int64_t timetable_next(const struct timetable *t, int64_t after_ms);

/* What to do at now_ms when the slots up to decided_ms are decided. */
struct timetable_due {
	int64_t slot_ms;    /* start this one's run now; 0: none */
	bool is_late;       /* it is made up for */
	int64_t skipped;    /* slots that are not run, all before slot_ms or,
			       without slot_ms, up to skipped_ms */
	int64_t skipped_ms; /* the newest of them */
};
struct timetable_due timetable_due(const struct timetable *t,
				   enum config_misfire misfire,
				   int64_t decided_ms, int64_t now_ms);

#endif
