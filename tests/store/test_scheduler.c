/* SPDX-License-Identifier: MIT
 *
 * A job of the scheduler through days of fake time. There is no program beside
 * this test, so every run ends at once, as failed: what counts is which slots
 * were run.
 */
#include "cmocka_all.h"

#include <inttypes.h>
#include <string.h>

/* The scheduler's own files: a program is no library. */
#include "../../scheduler/child.c"     /* NOLINT */
#include "../../scheduler/job.c"       /* NOLINT */
#include "../../scheduler/ledger.c"    /* NOLINT */
#include "../../scheduler/timetable.c" /* NOLINT */

#include "app/zones.h"
#include "store_fixture.h"

#define SECONDS(n) ((int64_t)(n)*1000)
#define MINUTES(n) SECONDS((n)*60)
#define HOURS(n) MINUTES((n)*60)
#define DAYS(n) HOURS((n)*24)
/* 2026-11-22T12:00:00Z */
#define NOON 1795348800000LL

struct world {
	struct config all;
	struct fixture *f;
	struct service service;
	struct config_job config;
	struct job job;
	int64_t wall_ms, mono_ms, term;
};

static struct world the_world;

static int setup(void **state)
{
	void *fixture = NULL;

	if (fixture_setup(&fixture) < 0)
		return -1;
	the_world = (struct world){.f = fixture, .wall_ms = NOON};
	the_world.service.writer = the_world.f->writer;
	the_world.service.db = the_world.f->db;
	the_world.all.scheduler.lease_ms = 15000;
	the_world.service.config = &the_world.all;
	(void)text_copy(the_world.service.instance.owner,
			sizeof(the_world.service.instance.owner), "me");
	*state = &the_world;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	void *fixture = w->f;

	clock_fake(-1, 0);
	return fixture_teardown(&fixture);
}

static void begin(struct world *w, int64_t every_ms,
		  enum config_misfire misfire)
{
	struct err e = {0};

	w->config = (struct config_job){.name = "j",
					.enabled = true,
					.every_ms = every_ms,
					.timeout_ms = 1000,
					.misfire = misfire};
	w->job = (struct job){.config = &w->config, .child.result_fd = -1};
	(void)text_copy(w->job.name, sizeof(w->job.name), "j");
	if (timetable_read(&w->config, NULL, &w->job.timetable, &e) < 0 ||
	    ledger_take(&w->service, &w->term, &e) != 1)
		fail_msg("%s", e.text);
}

/* The same by times of day; each slot counts. */
static void begin_at(struct world *w, const char *at, const char *zone_name)
{
	const struct zone *zone = NULL;
	struct err e = {0};

	begin(w, HOURS(1), MISFIRE_ALL);
	w->config.every_ms = 0;
	(void)text_copy(w->config.at, sizeof(w->config.at), at);
	if (zones_get(zone_name, &zone, &e) < 0 ||
	    timetable_read(&w->config, zone, &w->job.timetable, &e) < 0)
		fail_msg("%s", e.text);
}

/* One pass of the scheduler, and more until nothing more is due now. */
static void look(struct world *w)
{
	clock_fake(w->wall_ms, w->mono_ms);
	for (int i = 0; i < 200; i++) {
		struct pass pass = {.service = &w->service,
				    .config_path = "",
				    .wall_ms = w->wall_ms,
				    .mono_ms = w->mono_ms,
				    .term = w->term,
				    .lease_until_ms = INT64_MAX};
		struct err e = {0};

		job_watch(&w->job, w->mono_ms);
		if (job_close(&w->job, &pass, &e) < 0 ||
		    job_decide(&w->job, &pass, &e) < 0)
			fail_msg("%s", e.text);
		if (!job_is_busy(&w->job))
			return;
	}
	fail_msg("a job that runs again and again");
}

/* Both clocks go on. */
static void live(struct world *w, int64_t ms, int64_t step_ms)
{
	for (int64_t done = 0; done < ms; done += step_ms) {
		w->wall_ms += step_ms;
		w->mono_ms += step_ms;
		look(w);
	}
}

static int64_t runs(struct world *w, const char *condition)
{
	char sql[256];

	(void)snprintf(sql, sizeof(sql),
		       "SELECT count(*) FROM job_runs WHERE outcome = 'failed'"
		       " AND %s",
		       condition);
	return fixture_i64(w->f, sql);
}

static void every_slot_runs_once_while_time_goes_on(void **state)
{
	struct world *w = *state;

	begin(w, MINUTES(1), MISFIRE_ONCE);
	look(w);
	assert_int_equal(runs(w, "1 = 1"),
			 0); /* the slot of before is not ours */
	live(w, HOURS(2), 977);
	assert_int_equal(runs(w, "slot_ms % 60000 = 0"), 120);
	assert_int_equal(runs(w, "trigger = 'schedule'"), 120);
	if (fixture_is_sqlite()) /* a server's clock is not faked */
		assert_true(fixture_i64(w->f, "SELECT max(started_ms - slot_ms)"
					      " FROM job_runs") < 977);
}

static void a_sleep_of_three_hours_is_one_run_or_each_slot(void **state)
{
	struct world *w = *state;
	static const struct {
		enum config_misfire misfire;
		int64_t every_ms, want_runs, want_skipped_rows;
	} rows[] = {
		{MISFIRE_ONCE, MINUTES(1), 1, 1},
		{MISFIRE_SKIP, MINUTES(1), 0, 1},
		{MISFIRE_ALL, HOURS(1), 3, 0},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		fixture_sql(w->f, "DELETE FROM jobs; DELETE FROM job_runs");
		w->wall_ms = NOON + SECONDS(30);
		begin(w, rows[i].every_ms, rows[i].misfire);
		look(w);
		w->wall_ms += HOURS(3);
		w->mono_ms += HOURS(3);
		look(w);
		if (runs(w, "1 = 1") != rows[i].want_runs)
			fail_msg("row %zu: %" PRId64 " runs", i,
				 runs(w, "1 = 1"));
		assert_int_equal(fixture_i64(w->f,
					     "SELECT count(*) FROM job_runs"
					     " WHERE outcome = 'skipped'"),
				 rows[i].want_skipped_rows);
	}
}

static void a_clock_that_is_set_neither_stops_nor_floods_a_job(void **state)
{
	struct world *w = *state;
	static const struct {
		const char *name;
		int64_t step_ms;
	} rows[] = {
		{"two hours back", -HOURS(2)},
		{"two hours on", HOURS(2)},
		{"a second back", -SECONDS(1)},
		{"ten years on", DAYS(3650)},
		{"and ten years back", -DAYS(3650)},
	};

	begin(w, MINUTES(1), MISFIRE_ONCE);
	look(w);
	/* So that there are slots to come back to. */
	live(w, HOURS(3), SECONDS(10));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t before = runs(w, "1 = 1");
		int64_t got;

		w->wall_ms += rows[i].step_ms;
		live(w, MINUTES(10), SECONDS(1));
		got = runs(w, "1 = 1") - before;
		/* The slot at the step may come a little early or late. */
		if (got < 9 || got > 11)
			fail_msg("%s: %" PRId64 " runs in 10 minutes",
				 rows[i].name, got);
	}
}

static void hourly_slots_run_once_each_however_the_clock_is_set(void **state)
{
	struct world *w = *state;
	static const int64_t steps[] = {-HOURS(2), HOURS(2),    HOURS(5),
					-HOURS(5), -MINUTES(1), MINUTES(1)};

	w->wall_ms = NOON + MINUTES(30);
	begin(w, HOURS(1), MISFIRE_ALL);
	look(w);
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		live(w, HOURS(3), MINUTES(1));
		w->wall_ms += steps[i];
		live(w, HOURS(3), MINUTES(1));
	}
	assert_int_equal(fixture_i64(w->f,
				     "SELECT count(*) - count(DISTINCT slot_ms)"
				     " FROM job_runs WHERE outcome = 'failed'"),
			 0);
	/* None is missing between the first and the last. */
	assert_int_equal(fixture_i64(w->f,
				     "SELECT (max(slot_ms) - min(slot_ms)) /"
				     " 3600000 + 1 - count(*) FROM job_runs"
				     " WHERE outcome = 'failed'"),
			 0);
}

/* A daily job at half past two, and an hourly one, through a week in which the
 * clocks of Berlin are changed: while time goes on, with the machine asleep
 * over the change, and with the clock put right by hours on that day. */
static void a_change_of_the_clocks_loses_and_doubles_nothing(void **state)
{
	struct world *w = *state;
	static const struct {
		const char *name, *at;
		const char *from;
		/* A sleep, or a step of the wall clock alone, from that moment.
		 */
		const char *asleep_from;
		int64_t asleep_ms, step_ms;
		int64_t days, want_runs;
	} rows[] = {
		{"spring, daily", "02:30", "2026-03-27T12:00:00Z", NULL, 0, 0,
		 4, 4},
		{"autumn, daily", "02:30", "2026-10-23T12:00:00Z", NULL, 0, 0,
		 4, 4},
		{"spring, hourly", ":30", "2026-03-28T12:00:00Z", NULL, 0, 0, 1,
		 24},
		{"autumn, hourly", ":30", "2026-10-24T12:00:00Z", NULL, 0, 0, 1,
		 24},
		{"spring, asleep", "02:30", "2026-03-27T12:00:00Z",
		 "2026-03-29T00:10:00Z", HOURS(3), 0, 4, 4},
		{"autumn, asleep", "02:30", "2026-10-23T12:00:00Z",
		 "2026-10-24T23:50:00Z", HOURS(3), 0, 4, 4},
		{"spring, hourly, asleep", ":30", "2026-03-28T12:00:00Z",
		 "2026-03-29T00:10:00Z", HOURS(3), 0, 1, 24},
		{"spring, the clock is put on", "02:30", "2026-03-27T12:00:00Z",
		 "2026-03-29T00:10:00Z", 0, HOURS(3), 4, 4},
		{"autumn, the clock is put back", "02:30",
		 "2026-10-23T12:00:00Z", "2026-10-25T01:10:00Z", 0, -HOURS(2),
		 4, 4},
		{"spring, the clock is put back", "02:30",
		 "2026-03-27T12:00:00Z", "2026-03-29T01:40:00Z", 0, -HOURS(2),
		 4, 4},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t end_ms = 0;
		int64_t break_ms = INT64_MAX;
		int64_t got;

		fixture_sql(w->f, "DELETE FROM jobs; DELETE FROM job_runs");
		(void)timestamp_parse(rows[i].from, 0, &w->wall_ms, NULL);
		if (rows[i].asleep_from != NULL)
			(void)timestamp_parse(rows[i].asleep_from, 0, &break_ms,
					      NULL);
		end_ms = w->wall_ms + DAYS(rows[i].days);
		begin_at(w, rows[i].at, "Europe/Berlin");
		look(w);
		while (w->wall_ms < end_ms) {
			live(w, MINUTES(5), MINUTES(5));
			if (w->wall_ms < break_ms)
				continue;
			break_ms = INT64_MAX;
			w->wall_ms += rows[i].asleep_ms + rows[i].step_ms;
			w->mono_ms += rows[i].asleep_ms;
			look(w);
		}
		got = runs(w, "slot_ms IS NOT NULL");
		if (got != rows[i].want_runs)
			fail_msg("%s: %" PRId64 " runs", rows[i].name, got);
		assert_int_equal(fixture_i64(w->f,
					     "SELECT count(*) - count(DISTINCT"
					     " slot_ms) FROM job_runs WHERE"
					     " outcome = 'failed'"),
				 0);
	}
}

static void without_a_clock_nothing_is_started(void **state)
{
	struct world *w = *state;

	w->wall_ms = SECONDS(5); /* 1970 */
	begin(w, MINUTES(1), MISFIRE_ALL);
	live(w, HOURS(1), MINUTES(1));
	assert_int_equal(fixture_i64(w->f, "SELECT count(*) FROM job_runs"), 0);
	assert_int_equal(fixture_i64(w->f, "SELECT count(*) FROM jobs"), 0);
	/* Then the time comes over the network. */
	w->wall_ms = NOON;
	look(w);
	live(w, MINUTES(3), SECONDS(1));
	assert_int_equal(runs(w, "1 = 1"), 3);
}

static void a_paused_job_rests_and_makes_up_for_nothing(void **state)
{
	struct world *w = *state;

	w->wall_ms = NOON + SECONDS(30);
	begin(w, HOURS(1), MISFIRE_ALL);
	look(w);
	live(w, HOURS(1), MINUTES(1));
	assert_int_equal(runs(w, "1 = 1"), 1);
	w->job.paused = true;
	live(w, HOURS(5), MINUTES(1));
	assert_int_equal(runs(w, "1 = 1"), 1);
	w->job.paused = false;
	live(w, HOURS(1), MINUTES(1));
	assert_int_equal(runs(w, "1 = 1"), 2);
	assert_string_equal(fixture_text(w->f,
					 "SELECT detail FROM job_runs WHERE"
					 " outcome = 'skipped'"),
			    "slots skipped: 5, the job was paused");
}

static void a_run_by_hand_takes_no_slot(void **state)
{
	struct world *w = *state;

	w->wall_ms = NOON + SECONDS(30);
	begin(w, HOURS(1), MISFIRE_ALL);
	w->job.paused = true;
	look(w);
	(void)text_copy(w->job.requested_by, sizeof(w->job.requested_by),
			"anna");
	look(w);
	look(w);
	assert_int_equal(runs(w, "slot_ms IS NULL AND trigger = 'anna'"), 1);
	w->job.paused = false;
	live(w, HOURS(1), MINUTES(1));
	assert_int_equal(runs(w, "slot_ms IS NOT NULL"), 1);
}

static void a_running_job_leaves_slots_out_or_lets_them_wait(void **state)
{
	struct world *w = *state;

	for (int each = 0; each < 2; each++) {
		fixture_sql(w->f, "DELETE FROM jobs; DELETE FROM job_runs");
		w->wall_ms = NOON + SECONDS(30);
		begin(w, MINUTES(1), each ? MISFIRE_ALL : MISFIRE_ONCE);
		look(w);
		w->job.foreign_run_id = 1; /* something goes on */
		for (int i = 0; i < 5; i++) {
			struct pass pass = {.service = &w->service,
					    .config_path = "",
					    .term = w->term};

			pass.wall_ms = w->wall_ms += MINUTES(1);
			assert_int_equal(job_decide(&w->job, &pass, NULL), 0);
			/* And it does not spin meanwhile. */
			assert_true(job_idle_ms(&w->job, true, w->wall_ms,
						w->mono_ms) > SECONDS(10));
		}
		w->job.foreign_run_id = 0;
		look(w);
		assert_int_equal(runs(w, "1 = 1"), each ? 5 : 0);
		assert_int_equal(fixture_i64(w->f,
					     "SELECT count(*) FROM job_runs"
					     " WHERE outcome = 'skipped'"),
				 each ? 0 : 5);
	}
}

static void who_lost_the_lease_starts_nothing(void **state)
{
	struct world *w = *state;
	struct pass pass = {.service = &w->service, .config_path = ""};
	struct err e = {0};

	begin(w, MINUTES(1), MISFIRE_ALL);
	look(w);
	fixture_sql(w->f, "UPDATE leases SET term = term + 1, owner = 'other'");
	w->wall_ms += MINUTES(2);
	pass.wall_ms = w->wall_ms;
	pass.term = w->term;
	pass.lease_until_ms = INT64_MAX;
	assert_int_equal(job_decide(&w->job, &pass, &e), ERR_STATE);
	assert_false(job_is_busy(&w->job));
	assert_int_equal(fixture_i64(w->f, "SELECT count(*) FROM job_runs"), 0);
}

static void a_process_is_not_started_after_the_lease(void **state)
{
	struct world *w = *state;
	struct pass pass = {.service = &w->service, .config_path = ""};

	begin(w, MINUTES(1), MISFIRE_ALL);
	look(w);
	/* Written in time, but then this process stood still. */
	w->wall_ms += MINUTES(1);
	w->mono_ms += MINUTES(1);
	clock_fake(w->wall_ms, w->mono_ms);
	pass.wall_ms = w->wall_ms;
	pass.term = w->term;
	pass.lease_until_ms = w->mono_ms - 1;
	fixture_sql(w->f, "DELETE FROM job_runs");
	assert_int_equal(job_decide(&w->job, &pass, NULL), 0);
	assert_int_equal(w->job.child.pid, 0);
	assert_int_equal(w->job.end.outcome, JOB_FAILED);
	assert_non_null(strstr(w->job.end.detail, "stood still"));
}

#define WORLD_TEST(function) \
	cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(every_slot_runs_once_while_time_goes_on),
		WORLD_TEST(a_sleep_of_three_hours_is_one_run_or_each_slot),
		WORLD_TEST(a_clock_that_is_set_neither_stops_nor_floods_a_job),
		WORLD_TEST(hourly_slots_run_once_each_however_the_clock_is_set),
		WORLD_TEST(a_change_of_the_clocks_loses_and_doubles_nothing),
		WORLD_TEST(without_a_clock_nothing_is_started),
		WORLD_TEST(a_paused_job_rests_and_makes_up_for_nothing),
		WORLD_TEST(a_run_by_hand_takes_no_slot),
		WORLD_TEST(a_running_job_leaves_slots_out_or_lets_them_wait),
		WORLD_TEST(who_lost_the_lease_starts_nothing),
		WORLD_TEST(a_process_is_not_started_after_the_lease),
	};
	return cmocka_run_group_tests_name("scheduler", tests, NULL, NULL);
}
