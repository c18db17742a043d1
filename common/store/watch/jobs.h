/* SPDX-License-Identifier: MIT
 *
 * jobs.h - what the scheduler has decided and what became of it.
 *
 * A slot is a moment of a job's timetable. `last_slot_ms` says up to where a
 * job's slots are decided (started or skipped); a run is a row of job_runs,
 * written before its process starts and ended when it is over. A slot has one
 * run; only a run that was lost with its scheduler may be repeated.
 *
 * Whatever the scheduler writes names the term of its lease (leases.h): from a
 * scheduler that is no longer the active one it is refused with ERR_STATE.
 * Functions take a write transaction unless they say "Reader".
 */
#ifndef STORE_JOBS_H
#define STORE_JOBS_H

#include <stdbool.h>
#include <stdint.h>

struct db;
struct err;

#define JOBS_LEASE "scheduler"

enum {
	JOB_NAME_BYTES = 32,
	JOB_ASKER_BYTES = 64,
	JOB_REPEATS_MAX = 3 /* lost runs of one slot; then it is given up */
};

/*        symbol, name in the store */
#define JOB_OUTCOMES(X)           \
	X(JOB_RUNNING, "running") \
	X(JOB_OK, "ok")           \
	X(JOB_FAILED, "failed")   \
	X(JOB_TIMEOUT, "timeout") \
	X(JOB_KILLED, "killed")   \
	X(JOB_SKIPPED, "skipped") \
	X(JOB_LOST, "lost")

enum job_outcome {
#define X(symbol, name) symbol,
	JOB_OUTCOMES(X)
#undef X
	JOB_OUTCOME_MAX_
};
const char *job_outcome_name(enum job_outcome outcome);

struct job_state {
	char name[JOB_NAME_BYTES];
	int64_t last_slot_ms; /* 0: nothing was decided yet */
	bool paused;
	bool planned;                       /* something is expected of it */
	char requested_by[JOB_ASKER_BYTES]; /* "" : nobody asks for a run */
};

/* All jobs that were ever scheduled, paused or asked for. Number of them (at
 * most max). Reader. */
int jobs_list(struct db *db, struct job_state *ret_states, int max,
	      struct err *e);

/* Slots up to slot_ms are decided. When count > 0 a row says that so many of
 * them were skipped, and why. */
struct job_skip {
	const char *job;
	int64_t slot_ms;
	int64_t next_ms; /* the slot after it, for people */
	int64_t count;
	const char *reason;
	int64_t term;
};
int jobs_decide(struct db *db, const struct job_skip *skip, int64_t now_ms,
		struct err *e);

struct job_start {
	const char *job;
	const char *trigger;    /* schedule, catch-up, repeat, or who asked */
	int64_t slot_ms;        /* 0: none */
	int64_t decided_ms;     /* slots up to here are decided; 0: unchanged */
	int64_t next_ms;        /* the slot after decided_ms */
	bool answers_a_request; /* clears requested_by */
	int64_t term;
};
/* 1 and *ret_run_id: the process may start. 0: the slot has had its run. */
int jobs_run_start(struct db *db, const struct job_start *start, int64_t now_ms,
		   int64_t *ret_run_id, struct err *e);

/* The run of our term is over. ERR_STATE also when it was ended already. */
struct job_end {
	int64_t run_id, term;
	enum job_outcome outcome;
	const char *detail;
	int64_t expected_ms; /* when the next good run must have ended; 0:
				unchanged */
};
int jobs_run_end(struct db *db, const struct job_end *end, int64_t now_ms,
		 struct err *e);

/* What a run says of itself while it goes on. 1; 0: it has ended. */
int jobs_run_progress(struct db *db, int64_t run_id, const char *detail,
		      struct err *e);

/* What is planned for a job from now on: its next slot, and when a good run
 * must have ended; both 0: nothing, it rests. */
struct job_plan {
	const char *job;
	int64_t next_ms, expected_ms, term;
};
int jobs_plan(struct db *db, const struct job_plan *plan, struct err *e);

/* A run of an earlier term, whose scheduler died, is closed as lost. 1; 0 when
 * it has ended meanwhile. */
int jobs_run_lost(struct db *db, int64_t run_id, int64_t term, int64_t now_ms,
		  struct err *e);

struct job_run {
	int64_t id, started_ms, term;
	int64_t slot_ms;                              /* 0: started by hand */
	int64_t ended_ms;                             /* 0: not yet */
	const char *job, *outcome, *detail, *trigger; /* borrowed */
};
typedef int job_run_visit(const struct job_run *run, void *context);

/* Runs without an end, of terms before `term`. Calls each() until it returns
 * < 0. Number of rows, or < 0. Reader. */
int jobs_open_runs(struct db *db, int64_t term, job_run_visit *each,
		   void *context, struct err *e);
/* The latest runs of a job, newest first. As above. Reader. */
int jobs_history(struct db *db, const char *job, int limit, job_run_visit *each,
		 void *context, struct err *e);

/* Slots after since_ms whose every run was lost, fewer than JOB_REPEATS_MAX
 * times: oldest first. Number of them (at most max). Reader. */
int jobs_lost_slots(struct db *db, const char *job, int64_t since_ms,
		    int64_t *ret_slots, int max, struct err *e);

/* End of the latest good run; 0 when there is none. Reader. */
int jobs_last_ok(struct db *db, const char *job, int64_t *ret_ms,
		 struct err *e);

/* Jobs of which a good run is expected, with the end of their latest one (0:
 * never). Paused ones are none of them. As jobs_history(). Reader. */
struct job_health {
	const char *name; /* borrowed */
	int64_t last_ok_ms;
	int64_t expected_ms; /* when the next good run must have ended */
};
typedef int job_health_visit(const struct job_health *job, void *context);
int jobs_health(struct db *db, job_health_visit *each, void *context,
		struct err *e);

/* For people: run once now, as soon as it does not run (who asks is kept with
 * the run); pause and resume. */
int jobs_request(struct db *db, const char *job, const char *who,
		 struct err *e);
int jobs_pause(struct db *db, const char *job, bool paused, struct err *e);

#endif
