/* SPDX-License-Identifier: MIT
 *
 * timetable.h - when a job is due. Pure: the time is a parameter.
 *
 * The slots of "every N" lie on a grid anchored to the epoch, so that neither a
 * slow run nor a restart moves them. "at HH:MM" has one slot per day of its
 * time zone: when the clocks go back, the first of the two moments; when they
 * go forward over it, the first moment after the gap. ":MM" is that minute of
 * every hour that passes, and cron is as in codec/time/cron.h.
 */
#ifndef SCHEDULER_TIMETABLE_H
#define SCHEDULER_TIMETABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "app/config/config.h"
#include "codec/time/cron.h"

struct err;
struct zone;

enum {
	/* A slot that is later than this was missed. */
	TIMETABLE_GRACE_MS = 5000,
	/* Missed slots that MISFIRE_ALL makes up for, the newest ones. */
	TIMETABLE_CATCH_UP_MAX = 48,
	/* Missed slots of at and cron are counted up to here. */
	TIMETABLE_COUNT_MAX = 500,
	TIMETABLE_TIMES_MAX = 20,
	TIMETABLE_RETRY_MAX_MS = 6 * 3600 * 1000
};

struct timetable {
	int64_t every_ms; /* 0: at or cron */
	bool is_cron;
	struct cron cron;
	int times[TIMETABLE_TIMES_MAX]; /* minutes of the day, in zone */
	int time_count;
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

/* How much later than its slots this job starts here: the same every time, so
 * that machines do not all call somebody at the same second. */
int64_t timetable_delay_ms(const char *name, const char *host,
			   int64_t jitter_ms);

/* Pause before the retry of that number (from 1): doubled each time, at most
 * TIMETABLE_RETRY_MAX_MS. */
int64_t timetable_retry_pause_ms(int64_t first_ms, int number);

#endif
