/* SPDX-License-Identifier: MIT */
#include "scheduler.h"

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "alarm.h"
#include "app/log.h"
#include "app/metrics/metrics.h"
#include "app/service/service.h"
#include "app/zones.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "job.h"
#include "ledger.h"
#include "taken_config.h"

enum {
	LOOK_EVERY_MS = 1000, /* for the lease, and for what people ask */
	STOP_MS = 6000,       /* runs have so long to end when we end */
	STOP_POLL_MS = 20,
	OPEN_RUNS_MAX = 64
};

struct scheduler {
	struct job jobs[CONFIG_JOBS_MAX];
	int job_count;
	int64_t term;           /* 0: standing by */
	int64_t lease_until_ms; /* these are monotonic */
	int64_t lease_look_ms;
	int64_t jobs_look_ms;
	bool lease_failed; /* the last look */
	bool clock_complained;
	struct alarm alarm;
	char config_path[TAKEN_CONFIG_PATH_BYTES]; /* of runs; "" : none */
};

static struct job *find_job(struct scheduler *sch, const char *name)
{
	for (int i = 0; i < sch->job_count; i++)
		if (strcmp(sch->jobs[i].name, name) == 0)
			return &sch->jobs[i];
	return NULL;
}

static int configure_job(struct scheduler *sch, const struct config_job *config,
			 struct err *e)
{
	struct job *job = find_job(sch, config->name);
	const struct zone *zone = NULL;
	char host[HOST_NAME_MAX + 1] = "";
	struct timetable timetable;
	int rc = config->every_ms > 0 ? 0
				      : zones_get(config->time_zone, &zone, e);

	if (rc == 0)
		rc = timetable_read(config, zone, &timetable, e);
	(void)gethostname(host, sizeof(host) - 1);
	if (rc < 0)
		return err_wrap(e, rc, "job %s", config->name);
	if (job == NULL && sch->job_count == COUNT_OF(sch->jobs))
		return err_set(e, ERR_BUSY, "more than %zu jobs",
			       COUNT_OF(sch->jobs));
	if (job == NULL) {
		job = &sch->jobs[sch->job_count++];
		*job = (struct job){.child.result_fd = -1};
		(void)text_copy(job->name, sizeof(job->name), config->name);
	}
	job->config = config;
	job->timetable = timetable;
	job->delay_ms = timetable_delay_ms(job->name, host, config->jitter_ms);
	job->planned = false;
	return 0;
}

/* Drop jobs that are not configured any more, once they do not run. */
static void drop_jobs(struct scheduler *sch)
{
	for (int i = sch->job_count - 1; i >= 0; i--)
		if (sch->jobs[i].config == NULL && !job_is_busy(&sch->jobs[i]))
			sch->jobs[i] = sch->jobs[--sch->job_count];
}

static int configure(struct scheduler *sch, const struct config *config,
		     struct err *e)
{
	int first = 0;

	for (int i = 0; i < sch->job_count; i++)
		sch->jobs[i].config = NULL;
	for (int i = 0; i < config->job_count; i++) {
		int rc = configure_job(sch, &config->jobs[i], e);

		if (rc < 0 && first == 0)
			first = rc;
	}
	drop_jobs(sch);
	sch->jobs_look_ms = 0;
	return first;
}

/* Take over what the store knows of a job that is new to us. */
static void learn(struct scheduler *sch, const struct job_state *state)
{
	struct job *job = find_job(sch, state->name);

	if (job == NULL)
		return;
	if (job->paused != state->paused)
		job->planned = false;
	job->paused = state->paused;
	(void)text_copy(job->requested_by, sizeof(job->requested_by),
			state->requested_by);
	if (job->decided_ms == 0) {
		job->decided_ms = state->last_slot_ms;
		job->resting = job->paused;
	}
}

/* What people ask for. Of jobs that are gone nothing is expected. */
static int look_at_jobs(struct scheduler *sch, const struct pass *pass,
			struct err *e)
{
	struct job_state states[CONFIG_JOBS_MAX * 2];
	int count;

	count = jobs_list(pass->service->db, states, (int)COUNT_OF(states), e);
	for (int i = 0; i < count; i++)
		learn(sch, &states[i]);
	for (int i = 0; i < count; i++)
		if (states[i].planned &&
		    find_job(sch, states[i].name) == NULL) {
			struct job_plan nothing = {.job = states[i].name,
						   .term = pass->term};
			int rc = ledger_plan(pass->service, &nothing, e);

			if (rc < 0)
				return rc;
		}
	return MIN_OF(count, 0);
}

struct open_runs {
	struct {
		int64_t id;
		char job[JOB_NAME_BYTES];
	} rows[OPEN_RUNS_MAX];
	int count;
};

static int note_open_run(const struct job_run *run, void *context)
{
	struct open_runs *open = context;

	if (open->count == OPEN_RUNS_MAX)
		return 0;
	open->rows[open->count].id = run->id;
	(void)text_copy(open->rows[open->count].job, JOB_NAME_BYTES, run->job);
	open->count++;
	return 0;
}

/* Runs of schedulers before us that never ended. On this machine the process
 * may still be there (its scheduler is frozen, not dead): then the job counts
 * as running. */
static int close_lost_runs(struct scheduler *sch, const struct pass *pass,
			   struct err *e)
{
	struct service *s = pass->service;
	struct open_runs open = {0};
	int rc = jobs_open_runs(s->db, pass->term, note_open_run, &open, e);

	for (int i = 0; i < open.count && rc >= 0; i++) {
		struct job *job = find_job(sch, open.rows[i].job);

		if (job != NULL &&
		    instance_is_running(s->dir.run, job->name, 1)) {
			job->foreign_run_id = open.rows[i].id;
			continue;
		}
		rc = ledger_lost(s, open.rows[i].id, pass->term, e);
		if (rc > 0)
			log_event(LOG_LEVEL_WARNING, "a run was lost",
				  LOG_TEXT("job", open.rows[i].job),
				  LOG_I64("run", open.rows[i].id));
	}
	return MIN_OF(rc, 0);
}

/* For whoever watches that jobs are done: also of a scheduler that stands by,
 * or that cannot write. */
static void publish_last_successes(const struct scheduler *sch,
				   const struct service *s)
{
	for (int i = 0; i < sch->job_count; i++) {
		const char *name = sch->jobs[i].name;
		char label[JOB_NAME_BYTES + 8];
		int64_t last_ms = 0;

		if (jobs_last_ok(s->db, name, &last_ms, NULL) < 0)
			continue;
		(void)snprintf(label, sizeof(label), "job=\"%s\"", name);
		metric_set(metric_get(METRIC_GAUGE,
				      "ordergate_job_last_success_seconds",
				      label),
			   last_ms / 1000);
	}
}

/* We are the active scheduler from now on. */
static int take_over(struct scheduler *sch, const struct pass *pass,
		     struct err *e)
{
	int rc;

	for (int i = 0; i < sch->job_count; i++) {
		struct job *job = &sch->jobs[i];

		/* Another one may have decided more since we last knew. */
		job->decided_ms = 0;
		job->planned = false;
		job->retry_number = 0;
		job->retry_at_ms = 0;
		job->foreign_run_id = 0;
	}
	rc = close_lost_runs(sch, pass, e);
	if (rc == 0)
		rc = look_at_jobs(sch, pass, e);
	for (int i = 0; i < sch->job_count && rc == 0; i++)
		rc = job_load_lost(&sch->jobs[i], pass, e);
	return rc;
}

/* Another scheduler is active: what we started must not go on beside it. */
static void step_down(struct scheduler *sch, int64_t mono_ms)
{
	if (sch->term == 0)
		return;
	log_event(LOG_LEVEL_WARNING, "standing by: another scheduler is active",
		  LOG_I64("term", sch->term));
	sch->term = 0;
	for (int i = 0; i < sch->job_count; i++)
		child_stop(&sch->jobs[i].child, mono_ms);
}

/* Take, keep or look for the lease. */
static int look_at_lease(struct scheduler *sch, struct pass *pass,
			 struct err *e)
{
	int64_t lease_ms = pass->service->config->scheduler.lease_ms;
	int64_t term = 0;
	int rc;

	if (pass->mono_ms < sch->lease_look_ms) {
		pass->service->untried = sch->lease_failed;
		return 0;
	}
	sch->lease_look_ms = pass->mono_ms + LOOK_EVERY_MS;
	rc = ledger_take(pass->service, &term, e);
	sch->lease_failed = rc < 0;
	alarm_note(&sch->alarm, pass->service, rc);
	if (rc == 0)
		step_down(sch, pass->mono_ms);
	if (rc <= 0 || term != sch->term)
		publish_last_successes(sch, pass->service);
	if (rc <= 0)
		return rc;
	sch->lease_until_ms = pass->mono_ms + lease_ms;
	sch->lease_look_ms = pass->mono_ms + lease_ms / LEDGER_RENEWALS;
	pass->lease_until_ms = sch->lease_until_ms;
	if (term == sch->term)
		return 0;
	pass->term = term;
	rc = take_over(sch, pass, e);
	if (rc < 0) {
		sch->lease_look_ms = 0; /* once more */
		return rc;
	}
	log_event(LOG_LEVEL_INFO, "this scheduler is active",
		  LOG_I64("term", term));
	sch->term = term;
	return 0;
}

static void watch_foreign(struct job *job, const struct pass *pass)
{
	if (job->foreign_run_id == 0 ||
	    instance_is_running(pass->service->dir.run, job->name, 1))
		return;
	if (ledger_lost(pass->service, job->foreign_run_id, pass->term, NULL) <
	    0)
		return;
	job->foreign_run_id = 0;
	(void)job_load_lost(job, pass, NULL);
}

static int lead(struct scheduler *sch, const struct pass *pass, struct err *e)
{
	int first = 0;

	if (pass->mono_ms >= sch->jobs_look_ms) {
		sch->jobs_look_ms = pass->mono_ms + LOOK_EVERY_MS;
		/* Without it, a job that is new to us would lose its slots. */
		first = look_at_jobs(sch, pass, e);
		if (first < 0)
			return first;
		for (int i = 0; i < sch->job_count; i++)
			watch_foreign(&sch->jobs[i], pass);
	}
	for (int i = 0; i < sch->job_count; i++) {
		struct job *job = &sch->jobs[i];
		struct err why = {0};
		int rc = job_close(job, pass, &why);

		if (rc == 0)
			rc = job_decide(job, pass, &why);
		if (rc == ERR_STATE) {
			step_down(sch, pass->mono_ms);
			return 0;
		}
		if (rc < 0 && first == 0) {
			first = rc;
			*e = why;
		}
	}
	return first;
}

static void complain_about_clock(struct scheduler *sch, int64_t wall_ms)
{
	bool is_set = wall_ms >= (int64_t)JOB_CLOCK_SET_S * 1000;

	if (!is_set && !sch->clock_complained)
		log_event(LOG_LEVEL_ERROR,
			  "the clock is not set: no job is started",
			  LOG_I64("wall_ms", wall_ms));
	sch->clock_complained = !is_set;
}

/* An outage of the store does not end a lease, but it runs out. */
static bool holds_lease(const struct scheduler *sch)
{
	return sch->term != 0 && clock_mono_ms() < sch->lease_until_ms;
}

static int64_t idle_ms(const struct scheduler *sch)
{
	int64_t idle = LOOK_EVERY_MS;
	int64_t wall_ms = clock_wall_ms();
	int64_t mono_ms = clock_mono_ms();

	for (int i = 0; i < sch->job_count; i++)
		idle = MIN_OF(idle, job_idle_ms(&sch->jobs[i], holds_lease(sch),
						wall_ms, mono_ms));
	return idle;
}

int scheduler_work(struct service *s, struct err *e)
{
	struct scheduler *sch = s->context;
	struct pass pass = {
		.service = s,
		.wall_ms = clock_wall_ms(),
		.mono_ms = clock_mono_ms(),
		.term = sch->term,
		.lease_until_ms = sch->lease_until_ms,
		.config_path = sch->config_path,
	};
	int rc;

	complain_about_clock(sch, pass.wall_ms);
	for (int i = 0; i < sch->job_count; i++) {
		job_watch(&sch->jobs[i], pass.mono_ms);
		if (sch->term == 0)
			sch->jobs[i].ended = false;
	}
	alarm_watch(&sch->alarm);
	rc = look_at_lease(sch, &pass, e);
	metric_set(metric_get(METRIC_GAUGE, "ordergate_scheduler_active", ""),
		   sch->term != 0);
	if (holds_lease(sch)) {
		int led = lead(sch, &pass, e);

		rc = rc < 0 ? rc : led;
	}
	drop_jobs(sch);
	s->wait_ms = idle_ms(sch);
	return MIN_OF(rc, 0);
}

int scheduler_reload(struct service *s, struct err *e)
{
	struct scheduler *sch = s->context;
	struct err why = {0};
	int rc = configure(sch, s->config, e);

	/* Runs go on with the one before. */
	if (taken_config_copy(s, sch->config_path, &why) < 0)
		log_error(&why, "the configuration cannot be kept for runs",
			  LOG_NO_FIELDS);
	return rc;
}

int scheduler_start(struct service *s, struct err *e)
{
	static struct scheduler scheduler;
	int rc = configure(&scheduler, s->config, e);

	if (rc == 0)
		rc = taken_config_copy(s, scheduler.config_path, e);
	if (rc < 0)
		return rc;
	s->context = &scheduler;
	alarm_open(&scheduler.alarm, s, scheduler.config_path);
	return 0;
}

static bool any_child(const struct scheduler *sch)
{
	for (int i = 0; i < sch->job_count; i++)
		if (sch->jobs[i].child.pid != 0)
			return true;
	return false;
}

void scheduler_stop(struct service *s)
{
	struct scheduler *sch = s->context;
	struct pass pass = {.service = s, .term = sch->term};
	int64_t until_ms = clock_mono_ms() + STOP_MS;

	for (int i = 0; i < sch->job_count; i++)
		child_stop(&sch->jobs[i].child, clock_mono_ms());
	while (any_child(sch) && clock_mono_ms() < until_ms) {
		for (int i = 0; i < sch->job_count; i++)
			job_watch(&sch->jobs[i], clock_mono_ms());
		(void)poll(NULL, 0, STOP_POLL_MS);
	}
	for (int i = 0; i < sch->job_count; i++) {
		job_kill(&sch->jobs[i]);
		if (sch->term != 0)
			(void)job_close(&sch->jobs[i], &pass, NULL);
	}
	alarm_stop(&sch->alarm);
	if (sch->term != 0)
		(void)ledger_release(s, sch->term, NULL);
}
