/* SPDX-License-Identifier: MIT
 *
 * job.h - one job of the scheduler: what is decided about its slots, and the
 * run that goes on.
 *
 * A job never runs twice at a time. While it runs, slots of a job whose misfire
 * policy is "all" wait; those of others are skipped and written down. Nothing
 * here waits for a process.
 */
#ifndef SCHEDULER_JOB_H
#define SCHEDULER_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "child.h"
#include "store/watch/jobs.h"
#include "timetable.h"

struct err;
struct service;

enum {
	JOB_AGAIN_MAX = 8,
	/* Before this moment (2024-01-01) the clock has not been set, and
	 * nothing is done by the calendar. */
	JOB_CLOCK_SET_S = 1704067200
};

struct job {
	char name[JOB_NAME_BYTES];
	const struct config_job *config; /* NULL: no longer configured */
	struct timetable timetable;
	int64_t delay_ms; /* its slots start so much later (config jitter) */

	int64_t decided_ms;   /* slots up to here are decided; 0: unknown */
	bool paused, resting; /* resting: it was paused at the last look */
	bool planned;         /* what is planned is in the store */
	char requested_by[JOB_ASKER_BYTES];

	struct child child;
	int64_t run_id, run_term;
	bool ended; /* its end is still to be written */
	struct child_end end;

	/* A run of another scheduler whose process still lives on this machine;
	 * 0: none. */
	int64_t foreign_run_id;
	/* Slots whose runs were lost, to be repeated; oldest first. */
	int64_t again[JOB_AGAIN_MAX];
	int again_count;
	/* A run that failed is tried again, until its next slot comes. */
	int retry_number;    /* of the run that was the last; 0: a slot's */
	int64_t retry_at_ms; /* monotonic; 0: none */
};

/* What a pass knows. */
struct pass {
	struct service *service;
	int64_t wall_ms, mono_ms;
	int64_t term;            /* of our lease */
	int64_t lease_until_ms;  /* monotonic; nothing is started later */
	const char *config_path; /* of runs; "" : none */
};

/* True while a run goes on, or its end is not written yet. */
bool job_is_busy(const struct job *job);

/* See whether its process has ended; cheap. */
void job_watch(struct job *job, int64_t mono_ms);
/* Write the end of a run. 0; ERR_STATE: the lease is lost; < 0: try later. */
int job_close(struct job *job, const struct pass *pass, struct err *e);
/* Start what is due, skip what is to be skipped. As above. */
int job_decide(struct job *job, const struct pass *pass, struct err *e);
/* Read which lost slots are to be repeated. */
int job_load_lost(struct job *job, const struct pass *pass, struct err *e);

/* End its process now; its end is still to be written. */
void job_kill(struct job *job);

/* How long nothing will be due, at least; without the lease, only its process
 * counts. */
int64_t job_idle_ms(const struct job *job, bool leading, int64_t wall_ms,
		    int64_t mono_ms);

#endif
