/* SPDX-License-Identifier: MIT */
#include "store/watch/jobs.h"

#include <stdio.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "store/engine/db.h"
#include "store/watch/leases.h"

#define RUN_COLUMNS                                                         \
	"id, job, coalesce(slot_ms, 0), started_ms, coalesce(ended_ms, 0)," \
	" outcome, detail, trigger, term"

STMT(jobs_all, "SELECT name, last_slot_ms, paused, requested_by,"
	       " next_ms <> 0 OR expected_ms <> 0 FROM jobs"
	       " ORDER BY name LIMIT $1");
STMT(jobs_set_slot,
     "INSERT INTO jobs (name, last_slot_ms, next_ms) VALUES ($1, $2, $3)"
     " ON CONFLICT (name) DO UPDATE SET last_slot_ms = excluded.last_slot_ms,"
     " next_ms = excluded.next_ms");
STMT(jobs_set_plan,
     "INSERT INTO jobs (name, last_slot_ms, next_ms, expected_ms)"
     " VALUES ($1, 0, $2, $3) ON CONFLICT (name) DO UPDATE SET"
     " next_ms = excluded.next_ms, expected_ms = excluded.expected_ms");
STMT(jobs_set_expected, "UPDATE jobs SET expected_ms = $2 WHERE name ="
			" (SELECT job FROM job_runs WHERE id = $1)");
STMT(jobs_set_request,
     "INSERT INTO jobs (name, last_slot_ms, requested_by) VALUES ($1, 0, $2)"
     " ON CONFLICT (name) DO UPDATE SET requested_by = excluded.requested_by");
STMT(jobs_set_paused,
     "INSERT INTO jobs (name, last_slot_ms, paused) VALUES ($1, 0, $2)"
     " ON CONFLICT (name) DO UPDATE SET paused = excluded.paused");
/* $1 job, $2 slot or null, $3 started, $4 ended or null, $5 outcome,
 * $6 detail, $7 trigger, $8 term */
STMT(jobs_insert_run,
     "INSERT INTO job_runs (job, slot_ms, started_ms, ended_ms, outcome,"
     " detail, trigger, term) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
     " ON CONFLICT DO NOTHING RETURNING id");
STMT(jobs_end_run,
     "UPDATE job_runs SET ended_ms = $3, outcome = $4, detail = $5"
     " WHERE id = $1 AND term = $2 AND ended_ms IS NULL");
STMT(jobs_tell, "UPDATE job_runs SET detail = $2"
		" WHERE id = $1 AND ended_ms IS NULL");
STMT(jobs_lose_run, "UPDATE job_runs SET ended_ms = $2, outcome = 'lost',"
		    " detail = 'the scheduler that ran it has died'"
		    " WHERE id = $1 AND ended_ms IS NULL");
STMT(jobs_open, "SELECT " RUN_COLUMNS " FROM job_runs"
		" WHERE ended_ms IS NULL AND term < $1 ORDER BY id LIMIT 500");
STMT(jobs_latest, "SELECT " RUN_COLUMNS " FROM job_runs WHERE job = $1"
		  " ORDER BY id DESC LIMIT $2");
STMT(jobs_lost,
     "SELECT l.slot_ms FROM job_runs AS l WHERE l.job = $1"
     " AND l.outcome = 'lost' AND l.slot_ms > $2"
     " AND NOT EXISTS (SELECT 1 FROM job_runs AS r WHERE r.job = l.job"
     "  AND r.slot_ms = l.slot_ms AND r.slot_ms IS NOT NULL"
     "  AND r.outcome <> 'lost')"
     " GROUP BY l.slot_ms HAVING count(*) < $3"
     " ORDER BY l.slot_ms LIMIT $4");
STMT(jobs_ok, "SELECT coalesce(ended_ms, 0) FROM job_runs WHERE job = $1"
	      " AND outcome = 'ok' ORDER BY id DESC LIMIT 1");

STMT(jobs_watched,
     "SELECT j.name, coalesce((SELECT r.ended_ms FROM job_runs AS r"
     "  WHERE r.job = j.name AND r.outcome = 'ok' ORDER BY r.id DESC"
     "  LIMIT 1), 0), j.expected_ms FROM jobs AS j"
     " WHERE j.paused = 0 AND j.expected_ms > 0 ORDER BY j.name");

static const char *const outcome_names[JOB_OUTCOME_MAX_] = {
#define X(symbol, name) [symbol] = (name),
	JOB_OUTCOMES(X)
#undef X
};

const char *job_outcome_name(enum job_outcome outcome)
{
	return outcome_names[outcome];
}

int jobs_list(struct db *db, struct job_state *ret_states, int max,
	      struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &jobs_all);
	int count = 0;
	int rc;

	query_i64(q, 1, max);
	while ((rc = query_next(q, e)) > 0 && count < max) {
		struct job_state *state = &ret_states[count++];

		(void)text_copy(state->name, sizeof(state->name),
				query_col_text(q, 0));
		state->last_slot_ms = query_col_i64(q, 1);
		state->paused = query_col_i64(q, 2) != 0;
		(void)text_copy(state->requested_by,
				sizeof(state->requested_by),
				query_col_text(q, 3));
		state->planned = query_col_i64(q, 4) != 0;
	}
	return rc < 0 ? rc : count;
}

/* $1 is the job's name, $2 a number. */
static int set_number(struct db *db, const struct stmt *stmt, const char *job,
		      int64_t value, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, stmt);
	int rc;

	query_text(q, 1, job);
	query_i64(q, 2, value);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

static int set_slot(struct db *db, const char *job, int64_t slot_ms,
		    int64_t next_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &jobs_set_slot);
	int rc;

	query_text(q, 1, job);
	query_i64(q, 2, slot_ms);
	query_i64(q, 3, next_ms);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

static int set_request(struct db *db, const char *job, const char *who,
		       struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &jobs_set_request);
	int rc;

	query_text(q, 1, job);
	query_text(q, 2, who);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

static void bind_moment(struct query *q, int n, int64_t ms)
{
	if (ms != 0)
		query_i64(q, n, ms);
	else
		query_null(q, n);
}

/* 1 and *ret_id, 0 when the slot has a run already, < 0. */
static int insert_run(struct db *db, const struct job_run *run, int64_t *ret_id,
		      struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &jobs_insert_run);

	query_text(q, 1, run->job);
	bind_moment(q, 2, run->slot_ms);
	query_i64(q, 3, run->started_ms);
	bind_moment(q, 4, run->ended_ms);
	query_text(q, 5, run->outcome);
	query_text(q, 6, run->detail);
	query_text(q, 7, run->trigger);
	query_i64(q, 8, run->term);
	return query_one_i64(q, ret_id, e);
}

int jobs_decide(struct db *db, const struct job_skip *skip, int64_t now_ms,
		struct err *e)
{
	char detail[160];
	struct job_run run = {
		.job = skip->job,
		.slot_ms = skip->slot_ms,
		.started_ms = now_ms,
		.ended_ms = now_ms,
		.outcome = job_outcome_name(JOB_SKIPPED),
		.detail = detail,
		.trigger = "schedule",
		.term = skip->term,
	};
	int64_t id;
	int rc = leases_check(db, JOBS_LEASE, skip->term, e);

	if (rc == 0 && skip->count > 0) {
		(void)snprintf(detail, sizeof(detail),
			       "slots skipped: %lld, %s",
			       (long long)skip->count, skip->reason);
		rc = insert_run(db, &run, &id, e);
	}
	if (rc >= 0)
		rc = set_slot(db, skip->job, skip->slot_ms, skip->next_ms, e);
	return rc;
}

int jobs_run_start(struct db *db, const struct job_start *start, int64_t now_ms,
		   int64_t *ret_run_id, struct err *e)
{
	struct job_run run = {
		.job = start->job,
		.slot_ms = start->slot_ms,
		.started_ms = now_ms,
		.outcome = job_outcome_name(JOB_RUNNING),
		.detail = "",
		.trigger = start->trigger,
		.term = start->term,
	};
	int inserted = 0;
	int rc = leases_check(db, JOBS_LEASE, start->term, e);

	if (rc == 0)
		rc = inserted = insert_run(db, &run, ret_run_id, e);
	if (rc >= 0 && start->decided_ms != 0)
		rc = set_slot(db, start->job, start->decided_ms, start->next_ms,
			      e);
	if (rc >= 0 && start->answers_a_request)
		rc = set_request(db, start->job, "", e);
	return rc < 0 ? rc : inserted;
}

int jobs_run_progress(struct db *db, int64_t run_id, const char *detail,
		      struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &jobs_tell);

	query_i64(q, 1, run_id);
	query_text(q, 2, detail);
	return query_exec(q, e);
}

int jobs_run_end(struct db *db, const struct job_end *end, int64_t now_ms,
		 struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &jobs_end_run);
	CLEANUP_QUERY struct query *plan = query_start(db, &jobs_set_expected);
	int rc = leases_check(db, JOBS_LEASE, end->term, e);

	if (rc < 0)
		return rc;
	query_i64(q, 1, end->run_id);
	query_i64(q, 2, end->term);
	query_i64(q, 3, now_ms);
	query_text(q, 4, job_outcome_name(end->outcome));
	query_text(q, 5, end->detail);
	rc = query_exec(q, e);
	if (rc == 0)
		return err_set(e, ERR_STATE, "run %lld has ended already",
			       (long long)end->run_id);
	if (rc < 0 || end->expected_ms == 0)
		return MIN_OF(rc, 0);
	query_i64(plan, 1, end->run_id);
	query_i64(plan, 2, end->expected_ms);
	return MIN_OF(query_exec(plan, e), 0);
}

int jobs_plan(struct db *db, const struct job_plan *plan, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &jobs_set_plan);
	int rc = leases_check(db, JOBS_LEASE, plan->term, e);

	if (rc < 0)
		return rc;
	query_text(q, 1, plan->job);
	query_i64(q, 2, plan->next_ms);
	query_i64(q, 3, plan->expected_ms);
	return MIN_OF(query_exec(q, e), 0);
}

int jobs_run_lost(struct db *db, int64_t run_id, int64_t term, int64_t now_ms,
		  struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &jobs_lose_run);
	int rc = leases_check(db, JOBS_LEASE, term, e);

	if (rc < 0)
		return rc;
	query_i64(q, 1, run_id);
	query_i64(q, 2, now_ms);
	return query_exec(q, e);
}

static int visit_runs(struct query *q, job_run_visit *each, void *context,
		      struct err *e)
{
	int count = 0;
	int rc;

	while ((rc = query_next(q, e)) > 0) {
		struct job_run run = {
			.id = query_col_i64(q, 0),
			.job = query_col_text(q, 1),
			.slot_ms = query_col_i64(q, 2),
			.started_ms = query_col_i64(q, 3),
			.ended_ms = query_col_i64(q, 4),
			.outcome = query_col_text(q, 5),
			.detail = query_col_text(q, 6),
			.trigger = query_col_text(q, 7),
			.term = query_col_i64(q, 8),
		};

		rc = each(&run, context);
		if (rc < 0)
			return rc;
		count++;
	}
	return rc < 0 ? rc : count;
}

int jobs_open_runs(struct db *db, int64_t term, job_run_visit *each,
		   void *context, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &jobs_open);

	query_i64(q, 1, term);
	return visit_runs(q, each, context, e);
}

int jobs_history(struct db *db, const char *job, int limit, job_run_visit *each,
		 void *context, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &jobs_latest);

	query_text(q, 1, job);
	query_i64(q, 2, limit);
	return visit_runs(q, each, context, e);
}

int jobs_lost_slots(struct db *db, const char *job, int64_t since_ms,
		    int64_t *ret_slots, int max, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &jobs_lost);
	int count = 0;
	int rc;

	query_text(q, 1, job);
	query_i64(q, 2, since_ms);
	query_i64(q, 3, JOB_REPEATS_MAX);
	query_i64(q, 4, max);
	while ((rc = query_next(q, e)) > 0 && count < max)
		ret_slots[count++] = query_col_i64(q, 0);
	return rc < 0 ? rc : count;
}

int jobs_health(struct db *db, job_health_visit *each, void *context,
		struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &jobs_watched);
	int count = 0;
	int rc;

	while ((rc = query_next(q, e)) > 0) {
		struct job_health job = {
			.name = query_col_text(q, 0),
			.last_ok_ms = query_col_i64(q, 1),
			.expected_ms = query_col_i64(q, 2),
		};

		rc = each(&job, context);
		if (rc < 0)
			return rc;
		count++;
	}
	return rc < 0 ? rc : count;
}

int jobs_last_ok(struct db *db, const char *job, int64_t *ret_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &jobs_ok);
	int rc;

	*ret_ms = 0;
	query_text(q, 1, job);
	rc = query_one_i64(q, ret_ms, e);
	return rc < 0 ? rc : 0;
}

int jobs_request(struct db *db, const char *job, const char *who, struct err *e)
{
	return set_request(db, job, who, e);
}

int jobs_pause(struct db *db, const char *job, bool paused, struct err *e)
{
	return set_number(db, &jobs_set_paused, job, paused ? 1 : 0, e);
}
