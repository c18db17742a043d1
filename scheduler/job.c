/* SPDX-License-Identifier: MIT */
#include "job.h"

#include <stdio.h>

#include "app/log.h"
#include "app/metrics/metrics.h"
#include "app/service/service.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "ledger.h"

enum {
	WATCH_EVERY_MS = 50, /* while a process runs */
	LOST_SINCE_MS = 48 * 3600 * 1000
};

#define JOB_WAS_PAUSED "the job was paused"

bool job_is_busy(const struct job *job)
{
	return job->child.pid != 0 || job->ended || job->foreign_run_id != 0;
}

static struct metric *job_metric(const struct job *job, enum metric_kind kind,
				 const char *name)
{
	char label[JOB_NAME_BYTES + 8];

	(void)snprintf(label, sizeof(label), "job=\"%s\"", job->name);
	return metric_get(kind, name, label);
}

void job_watch(struct job *job, int64_t mono_ms)
{
	if (job->child.pid == 0 || !child_poll(&job->child, mono_ms, &job->end))
		return;
	job->ended = true;
}

static void count_end(const struct job *job)
{
	bool good = job->end.outcome == JOB_OK;

	metric_add(job_metric(job, METRIC_COUNTER,
			      good ? "ordergate_job_runs_ok_total"
				   : "ordergate_job_runs_failed_total"),
		   1);
	if (good)
		metric_set(job_metric(job, METRIC_GAUGE,
				      "ordergate_job_last_success_seconds"),
			   clock_wall_ms() / 1000);
	log_event(good ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING, "job ended",
		  LOG_TEXT("job", job->name),
		  LOG_TEXT("outcome", job_outcome_name(job->end.outcome)),
		  LOG_TEXT("detail", job->end.detail));
}

/* Nothing is planned for it. */
static bool rests(const struct job *job)
{
	return job->config == NULL || job->paused || !job->config->enabled;
}

static int64_t next_start_ms(const struct job *job, int64_t after_ms)
{
	return timetable_next(&job->timetable, after_ms) + job->delay_ms;
}

/* The clock that its slots go by. */
static int64_t slot_clock_ms(const struct job *job, int64_t wall_ms)
{
	return wall_ms - job->delay_ms;
}

/* When a good run must have ended, if all goes well from now on: also that of a
 * slot that has come and whose delay has not passed yet. */
static int64_t expected_ms(const struct job *job, int64_t wall_ms)
{
	return next_start_ms(job, slot_clock_ms(job, wall_ms)) +
	       job->config->timeout_ms;
}

static void plan_retry(struct job *job)
{
	job->retry_at_ms = 0;
	if (job->end.outcome == JOB_OK || job->config == NULL ||
	    job->child.stopped || job->retry_number >= job->config->retries) {
		job->retry_number = 0;
		return;
	}
	job->retry_number++;
	job->retry_at_ms = clock_mono_ms() +
			   timetable_retry_pause_ms(job->config->retry_ms,
						    job->retry_number);
}

int job_close(struct job *job, const struct pass *pass, struct err *e)
{
	struct job_end end = {
		.run_id = job->run_id,
		.term = pass->term,
		.outcome = job->end.outcome,
		.detail = job->end.detail,
	};
	int rc;

	if (!job->ended)
		return 0;
	/* We lost the lease meanwhile and have it again: it was closed as lost.
	 */
	if (job->run_term != pass->term) {
		job->ended = false;
		return 0;
	}
	if (job->end.outcome == JOB_OK && !rests(job))
		end.expected_ms = expected_ms(job, clock_wall_ms());
	rc = ledger_end(pass->service, &end, e);
	if (rc < 0 && rc != ERR_STATE)
		return rc;
	count_end(job);
	plan_retry(job);
	job->ended = false;
	return rc;
}

/* The process of a run that is written down. */
static void spawn(struct job *job, const struct pass *pass)
{
	const struct service *s = pass->service;
	struct child_command command;
	struct err e = {0};
	int rc = 0;

	/* A scheduler that was stopped after it wrote the run must not start it
	 * when another one may hold the lease by now. */
	if (clock_mono_ms() >= pass->lease_until_ms)
		rc = err_set(&e, ERR_STATE,
			     "the scheduler stood still and may have been "
			     "replaced");
	if (rc == 0)
		rc = child_command(job->name, s->dir.root, pass->config_path,
				   job->config->timeout_ms, &command, &e);
	(void)snprintf(command.run, sizeof(command.run),
		       "ORDERGATE_RUN_ID=%lld", (long long)job->run_id);
	if (rc == 0)
		rc = child_start(&job->child, &command, clock_mono_ms(), &e);
	if (rc == 0)
		return;
	job->ended = true;
	job->end.outcome = JOB_FAILED;
	(void)text_copy(job->end.detail, sizeof(job->end.detail), e.text);
}

/* 1: it runs. 0: the slot has had its run. */
static int start(struct job *job, const struct pass *pass,
		 const struct job_start *start, struct err *e)
{
	int rc = ledger_start(pass->service, start, &job->run_id, e);

	if (rc < 0)
		return rc;
	if (start->decided_ms != 0)
		job->decided_ms = start->decided_ms;
	if (rc == 0)
		return 0;
	job->run_term = pass->term;
	if (start->slot_ms != 0)
		metric_observe_ms(job_metric(job, METRIC_HISTOGRAM_MS,
					     "ordergate_job_lateness_ms"),
				  clock_wall_ms() - start->slot_ms -
					  job->delay_ms);
	spawn(job, pass);
	return 1;
}

static int leave_out(struct job *job, const struct pass *pass, int64_t slot_ms,
		     int64_t count, const char *reason, struct err *e)
{
	struct job_skip skip = {
		.job = job->name,
		.slot_ms = slot_ms,
		.next_ms = rests(job) ? 0 : next_start_ms(job, slot_ms),
		.count = count,
		.reason = reason,
		.term = pass->term,
	};
	int rc = ledger_decide(pass->service, &skip, e);

	if (rc < 0)
		return rc;
	job->decided_ms = slot_ms;
	if (count > 0) {
		metric_add(job_metric(job, METRIC_COUNTER,
				      "ordergate_job_slots_skipped_total"),
			   count);
		log_event(LOG_LEVEL_WARNING, "slots skipped",
			  LOG_TEXT("job", job->name), LOG_I64("count", count),
			  LOG_TEXT("reason", reason));
	}
	return 0;
}

/* Leave out all slots that have come; count and name them when there is a
 * reason. */
static int leave_out_all(struct job *job, const struct pass *pass,
			 const char *reason, struct err *e)
{
	struct timetable_due due =
		timetable_due(&job->timetable, MISFIRE_ONCE, job->decided_ms,
			      slot_clock_ms(job, pass->wall_ms));

	if (due.slot_ms == 0)
		return 0;
	return leave_out(job, pass, due.slot_ms,
			 reason != NULL ? due.skipped + 1 : 0, reason, e);
}

/* The slots' beginning, and the clock that was set back: what lies in the
 * future cannot have been decided. Slots that have had a run do not get another
 * one (MISFIRE_ALL), since that is in the store. */
static int settle_beginning(struct job *job, const struct pass *pass,
			    struct err *e)
{
	int64_t newest_ms = timetable_floor(&job->timetable,
					    slot_clock_ms(job, pass->wall_ms));

	if (job->decided_ms != 0 && job->decided_ms <= newest_ms)
		return 0;
	if (job->decided_ms != 0)
		log_event(LOG_LEVEL_WARNING, "the clock was set back",
			  LOG_TEXT("job", job->name),
			  LOG_I64("ms", job->decided_ms - newest_ms));
	return leave_out(job, pass, newest_ms, 0, NULL, e);
}

static int start_by_hand(struct job *job, const struct pass *pass,
			 struct err *e)
{
	struct job_start by_hand = {
		.job = job->name,
		.trigger = job->requested_by,
		.answers_a_request = true,
		.term = pass->term,
	};
	int rc = start(job, pass, &by_hand, e);

	if (rc > 0)
		job->requested_by[0] = '\0';
	return rc < 0 ? rc : 0;
}

static int repeat_lost(struct job *job, const struct pass *pass, struct err *e)
{
	struct job_start repeat = {
		.job = job->name,
		.trigger = "repeat",
		.slot_ms = job->again[0],
		.term = pass->term,
	};
	int rc = start(job, pass, &repeat, e);

	if (rc < 0)
		return rc;
	job->again_count--;
	for (int i = 0; i < job->again_count; i++)
		job->again[i] = job->again[i + 1];
	return 0;
}

static int retry(struct job *job, const struct pass *pass, struct err *e)
{
	char trigger[JOB_ASKER_BYTES];
	struct job_start again = {
		.job = job->name,
		.trigger = trigger,
		.term = pass->term,
	};
	int rc;

	(void)snprintf(trigger, sizeof(trigger), "retry %d of %d",
		       job->retry_number, (int)job->config->retries);
	rc = start(job, pass, &again, e);
	if (rc >= 0)
		job->retry_at_ms = 0;
	return MIN_OF(rc, 0);
}

/* Tell the store what is planned, when that has changed. */
static int plan(struct job *job, const struct pass *pass, struct err *e)
{
	bool rest = rests(job);
	struct job_plan planned = {
		.job = job->name,
		.next_ms = rest ? 0 : next_start_ms(job, job->decided_ms),
		.expected_ms = rest ? 0 : expected_ms(job, pass->wall_ms),
		.term = pass->term,
	};
	int rc = job->planned ? 0 : ledger_plan(pass->service, &planned, e);

	job->planned = rc == 0;
	return rc;
}

static int start_due(struct job *job, const struct pass *pass, struct err *e)
{
	enum config_misfire misfire = job->config->misfire;
	struct timetable_due due =
		timetable_due(&job->timetable, misfire, job->decided_ms,
			      slot_clock_ms(job, pass->wall_ms));
	struct job_start slot = {
		.job = job->name,
		.trigger = due.is_late ? "catch-up" : "schedule",
		.slot_ms = due.slot_ms,
		.decided_ms = due.slot_ms,
		.next_ms = next_start_ms(job, due.slot_ms),
		.term = pass->term,
	};
	int rc = 0;

	if (due.skipped > 0)
		rc = leave_out(job, pass, due.skipped_ms, due.skipped,
			       "missed while no scheduler was there", e);
	if (rc < 0 || due.slot_ms == 0)
		return rc;
	job->retry_number = 0;
	job->retry_at_ms = 0;
	rc = start(job, pass, &slot, e);
	if (rc != 0 || misfire == MISFIRE_ALL)
		return rc < 0 ? rc : 0;
	/* The clock was set back, and this slot ran when it came for the first
	 * time. Whoever runs every few seconds must not rest until then. */
	slot.trigger = "clock";
	slot.slot_ms = 0;
	rc = start(job, pass, &slot, e);
	return rc < 0 ? rc : 0;
}

int job_decide(struct job *job, const struct pass *pass, struct err *e)
{
	bool was_resting = job->resting;
	int rc;

	if (job->config == NULL ||
	    pass->wall_ms < (int64_t)JOB_CLOCK_SET_S * 1000)
		return 0;
	rc = settle_beginning(job, pass, e);
	if (rc == 0)
		rc = plan(job, pass, e);
	if (rc < 0)
		return rc;
	if (job_is_busy(job))
		return job->config->misfire == MISFIRE_ALL
			       ? 0
			       : leave_out_all(job, pass,
					       rests(job)
						       ? JOB_WAS_PAUSED
						       : "the run before had "
							 "not ended",
					       e);
	if (job->requested_by[0] != '\0')
		return start_by_hand(job, pass, e);
	job->resting = rests(job);
	if (job->resting)
		return 0;
	if (was_resting)
		return leave_out_all(job, pass, JOB_WAS_PAUSED, e);
	if (job->again_count > 0)
		return repeat_lost(job, pass, e);
	if (job->retry_at_ms != 0 && pass->mono_ms >= job->retry_at_ms)
		return retry(job, pass, e);
	return start_due(job, pass, e);
}

int job_load_lost(struct job *job, const struct pass *pass, struct err *e)
{
	int rc;

	job->again_count = 0;
	if (job->config == NULL || job->config->misfire == MISFIRE_SKIP)
		return 0;
	/* "once" makes up for the newest slot only. */
	rc = jobs_lost_slots(pass->service->db, job->name,
			     job->config->misfire == MISFIRE_ALL
				     ? pass->wall_ms - LOST_SINCE_MS
				     : job->decided_ms - 1,
			     job->again, JOB_AGAIN_MAX, e);
	if (rc < 0)
		return rc;
	job->again_count = rc;
	return 0;
}

void job_kill(struct job *job)
{
	if (job->child.pid == 0)
		return;
	child_kill(&job->child);
	job->ended = true;
	job->end = (struct child_end){
		.outcome = JOB_KILLED,
		.detail = "the scheduler was stopped",
	};
}

/* Whether the next slot will be something to do. */
static bool awaits_slot(const struct job *job)
{
	return job->config != NULL && job->decided_ms != 0 && !job->resting &&
	       !(job_is_busy(job) && job->config->misfire == MISFIRE_ALL);
}

int64_t job_idle_ms(const struct job *job, bool leading, int64_t wall_ms,
		    int64_t mono_ms)
{
	int64_t idle_ms = INT64_MAX;

	if (job->child.pid != 0)
		idle_ms = MIN_OF((int64_t)WATCH_EVERY_MS,
				 child_deadline_ms(&job->child) - mono_ms);
	if (leading && awaits_slot(job))
		idle_ms = MIN_OF(idle_ms,
				 next_start_ms(job, job->decided_ms) - wall_ms);
	if (leading && job->retry_at_ms != 0)
		idle_ms = MIN_OF(idle_ms, job->retry_at_ms - mono_ms);
	return MAX_OF(idle_ms, 1);
}
