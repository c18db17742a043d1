/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "store/engine/db.h"
#include "store/watch/jobs.h"
#include "store/watch/leases.h"
#include "store_fixture.h"

enum {
	NOW = 50000000,
	HOLD = 15000
};

/* One argument for all of the calls below. */
struct act {
	int64_t now_ms, term, run_id;
	const char *owner, *dead;
	struct job_start start;
	struct job_skip skip;
	enum job_outcome outcome;
	int64_t ret;
};

typedef int call(struct db *db, int64_t now_ms, void *context, struct err *e);

static bool is_dead(const char *owner, void *context)
{
	const struct act *act = context;

	return act->dead != NULL && strcmp(owner, act->dead) == 0;
}

static int take(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	struct act *act = context;
	struct lease_claim claim = {.name = JOBS_LEASE,
				    .owner = act->owner,
				    .hold_ms = HOLD,
				    .is_dead = is_dead,
				    .context = act};

	(void)now_ms;
	act->ret = 0;
	return leases_take(db, &claim, act->now_ms, &act->ret, e);
}

static int release(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	const struct act *act = context;

	(void)now_ms;
	return leases_release(db, JOBS_LEASE, act->term, e);
}

static int start(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	struct act *act = context;

	(void)now_ms;
	return jobs_run_start(db, &act->start, act->now_ms, &act->run_id, e);
}

static int end(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	const struct act *act = context;
	struct job_end job_end = {
		.run_id = act->run_id,
		.term = act->term,
		.outcome = act->outcome,
		.detail = "made=3",
		.expected_ms = act->outcome == JOB_OK ? 4711 : 0,
	};

	(void)now_ms;
	return jobs_run_end(db, &job_end, act->now_ms, e);
}

static int decide(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	const struct act *act = context;

	(void)now_ms;
	return jobs_decide(db, &act->skip, act->now_ms, e);
}

static int lost(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	const struct act *act = context;

	(void)now_ms;
	return jobs_run_lost(db, act->run_id, act->term, act->now_ms, e);
}

static int ask(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	(void)now_ms;
	(void)context;
	return jobs_request(db, "invoicing", "anna", e);
}

static int pause_it(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	(void)now_ms;
	(void)context;
	return jobs_pause(db, "invoicing", true, e);
}

static int write_call(struct fixture *f, call *run, struct act *act)
{
	struct err e = {0};
	int rc = fixture_write(f, run, act, &e);

	if (rc < 0 && rc != ERR_STATE)
		fail_msg("%s", e.text);
	return rc;
}

static int64_t take_as(struct fixture *f, const char *owner, int64_t now_ms)
{
	struct act act = {.owner = owner, .now_ms = now_ms};

	(void)write_call(f, take, &act);
	return act.ret;
}

static void a_lease_is_taken_by_its_table(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *name;
		const char *owner, *dead;
		int64_t now_ms;
		int64_t want_term; /* 0: refused */
	} rows[] = {
		{"the first takes it", "a", NULL, NOW, 1},
		{"and keeps it", "a", NULL, NOW + 5000, 1},
		{"another stands by", "b", NULL, NOW + 5001, 0},
		{"until it ran out", "b", NULL, NOW + 5000 + HOLD, 2},
		{"now the first stands by", "a", NULL, NOW + 20001, 0},
		{"the lease of a dead owner is over", "a", "b", NOW + 20002, 3},
		{"also late it stays with its owner", "a", NULL, NOW + 9000000,
		 3},
		{"a clock a little back changes nothing", "b", NULL,
		 NOW + 8990000, 0},
		{"a lease from the far future is stale", "b", NULL, NOW, 4},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct act act = {.owner = rows[i].owner,
				  .dead = rows[i].dead,
				  .now_ms = rows[i].now_ms};

		(void)write_call(f, take, &act);
		if (act.ret != rows[i].want_term)
			fail_msg("%s: term %lld", rows[i].name,
				 (long long)act.ret);
	}
}

static void a_released_lease_is_free_at_once(void **state)
{
	struct fixture *f = *state;
	struct act act = {.term = take_as(f, "a", NOW)};

	assert_int_equal(write_call(f, release, &act), 0);
	assert_int_equal(take_as(f, "b", NOW + 1), 2);
	/* Too late: it belongs to b. */
	assert_int_equal(write_call(f, release, &act), 0);
	assert_int_equal(take_as(f, "c", NOW + 2), 0);
}

static struct act slot_start(int64_t term, int64_t slot_ms)
{
	return (struct act){
		.now_ms = slot_ms + 7,
		.term = term,
		.start = {.job = "invoicing",
			  .trigger = "schedule",
			  .slot_ms = slot_ms,
			  .decided_ms = slot_ms,
			  .term = term},
		.outcome = JOB_OK,
	};
}

static const char *runs(struct fixture *f)
{
	return fixture_text(
		f, "SELECT group_concat(coalesce(CAST(slot_ms AS TEXT), '-') "
		   "|| ' ' ||"
		   " outcome || ' ' || trigger || ' ' || detail, ', ') FROM"
		   " (SELECT * FROM job_runs ORDER BY id) q");
}

static void a_slot_has_one_run(void **state)
{
	struct fixture *f = *state;
	int64_t term = take_as(f, "a", NOW);
	struct act act = slot_start(term, NOW);

	assert_int_equal(write_call(f, start, &act), 1);
	assert_string_equal(runs(f), "50000000 running schedule ");
	assert_int_equal(fixture_i64(f, "SELECT last_slot_ms FROM jobs"), NOW);
	assert_int_equal(write_call(f, end, &act), 0);
	assert_string_equal(runs(f), "50000000 ok schedule made=3");
	/* Ended twice, and started twice. */
	assert_int_equal(write_call(f, end, &act), ERR_STATE);
	assert_int_equal(write_call(f, start, &act), 0);
	assert_string_equal(runs(f), "50000000 ok schedule made=3");
}

static void an_old_term_writes_nothing(void **state)
{
	struct fixture *f = *state;
	int64_t old = take_as(f, "frozen", NOW);
	struct act running = slot_start(old, NOW);
	struct act late = slot_start(old, NOW + 1000);

	assert_int_equal(write_call(f, start, &running), 1);
	assert_int_equal(take_as(f, "b", NOW + HOLD), 2);
	assert_int_equal(write_call(f, start, &late), ERR_STATE);
	assert_int_equal(write_call(f, end, &running), ERR_STATE);
	late.skip = (struct job_skip){.job = "invoicing",
				      .slot_ms = NOW + 1000,
				      .count = 1,
				      .reason = "x",
				      .term = old};
	assert_int_equal(write_call(f, decide, &late), ERR_STATE);
	assert_int_equal(write_call(f, lost, &late), ERR_STATE);
	assert_string_equal(runs(f), "50000000 running schedule ");
	assert_int_equal(fixture_i64(f, "SELECT last_slot_ms FROM jobs"), NOW);
}

static int note_run(const struct job_run *run, void *context)
{
	*(int64_t *)context = run->id;
	return 0;
}

static void a_lost_run_may_be_repeated_a_few_times(void **state)
{
	struct fixture *f = *state;
	int64_t slots[4];

	for (int i = 0; i < JOB_REPEATS_MAX; i++) {
		char owner[8];
		struct act act;
		int64_t open_id = 0;

		(void)snprintf(owner, sizeof(owner), "o%d", i);
		act = slot_start(take_as(f, owner, NOW + i * HOLD), NOW);
		assert_int_equal(write_call(f, start, &act), 1);
		assert_int_equal(jobs_open_runs(f->db, act.term, note_run,
						&open_id, NULL),
				 0);
		act.term = take_as(f, "next", NOW + (i + 1) * HOLD - 1);
		assert_int_equal(act.term, 0);
		act.term = take_as(f, "next", NOW + (i + 1) * HOLD);
		assert_int_equal(jobs_open_runs(f->db, act.term, note_run,
						&open_id, NULL),
				 1);
		assert_int_equal(open_id, act.run_id);
		assert_int_equal(write_call(f, lost, &act), 1);
		assert_int_equal(write_call(f, lost, &act), 0);
		assert_int_equal(jobs_lost_slots(f->db, "invoicing", NOW - 1,
						 slots, 4, NULL),
				 i + 1 < JOB_REPEATS_MAX ? 1 : 0);
		assert_int_equal(write_call(f, release, &act), 0);
	}
}

static void a_repeated_slot_is_lost_no_more(void **state)
{
	struct fixture *f = *state;
	struct act act = slot_start(take_as(f, "a", NOW), NOW);
	int64_t slots[4] = {0};

	assert_int_equal(write_call(f, start, &act), 1);
	act.term = take_as(f, "b", NOW + HOLD);
	assert_int_equal(write_call(f, lost, &act), 1);
	assert_int_equal(jobs_lost_slots(f->db, "invoicing", 0, slots, 4, NULL),
			 1);
	assert_int_equal(slots[0], NOW);
	assert_int_equal(
		jobs_lost_slots(f->db, "invoicing", NOW, slots, 4, NULL), 0);
	act.start.term = act.term;
	act.start.trigger = "repeat";
	assert_int_equal(write_call(f, start, &act), 1);
	assert_int_equal(jobs_lost_slots(f->db, "invoicing", 0, slots, 4, NULL),
			 0);
}

static void a_skip_is_written_down_once_and_counts(void **state)
{
	struct fixture *f = *state;
	struct act act = {.now_ms = NOW,
			  .skip = {.job = "monitor",
				   .slot_ms = NOW - 5,
				   .count = 12,
				   .reason = "the scheduler was not there",
				   .term = take_as(f, "a", NOW)}};

	assert_int_equal(write_call(f, decide, &act), 0);
	assert_int_equal(write_call(f, decide, &act), 0);
	assert_string_equal(runs(f), "49999995 skipped schedule slots skipped:"
				     " 12, the scheduler was not there");
	act.skip.count = 0;
	act.skip.slot_ms = NOW;
	assert_int_equal(write_call(f, decide, &act), 0);
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM job_runs"), 1);
	assert_int_equal(fixture_i64(f, "SELECT last_slot_ms FROM jobs"), NOW);
}

static void a_run_by_hand_answers_its_request(void **state)
{
	struct fixture *f = *state;
	struct act act = {.now_ms = NOW};
	struct job_state states[2];

	act.start = (struct job_start){.job = "invoicing",
				       .trigger = "anna",
				       .answers_a_request = true,
				       .term = take_as(f, "a", NOW)};
	assert_int_equal(write_call(f, pause_it, &act), 0);
	assert_int_equal(write_call(f, ask, &act), 0);
	assert_int_equal(write_call(f, ask, &act), 0);
	assert_int_equal(jobs_list(f->db, states, 2, NULL), 1);
	assert_string_equal(states[0].name, "invoicing");
	assert_string_equal(states[0].requested_by, "anna");
	assert_true(states[0].paused);
	assert_int_equal(states[0].last_slot_ms, 0);
	assert_int_equal(write_call(f, start, &act), 1);
	assert_int_equal(jobs_list(f->db, states, 2, NULL), 1);
	assert_string_equal(states[0].requested_by, "");
	assert_true(states[0].paused);
	assert_int_equal(states[0].last_slot_ms, 0);
	assert_string_equal(runs(f), "- running anna ");
}

static int note_slot(const struct job_run *run, void *context)
{
	int64_t **next = context;

	*(*next)++ = run->slot_ms;
	return 0;
}

static void history_comes_newest_first(void **state)
{
	struct fixture *f = *state;
	int64_t term = take_as(f, "a", NOW);
	int64_t slots[3] = {0};
	int64_t *next = slots;
	int64_t last_ok = -1;

	assert_int_equal(jobs_last_ok(f->db, "invoicing", &last_ok, NULL), 0);
	assert_int_equal(last_ok, 0);
	for (int i = 0; i < 3; i++) {
		struct act act = slot_start(term, NOW + i);

		act.outcome = i == 2 ? JOB_FAILED : JOB_OK;
		assert_int_equal(write_call(f, start, &act), 1);
		assert_int_equal(write_call(f, end, &act), 0);
	}
	assert_int_equal(
		jobs_history(f->db, "invoicing", 2, note_slot, &next, NULL), 2);
	assert_int_equal(slots[0], NOW + 2);
	assert_int_equal(slots[1], NOW + 1);
	assert_int_equal(jobs_last_ok(f->db, "invoicing", &last_ok, NULL), 0);
	assert_int_equal(last_ok, NOW + 1 + 7);
}

#define STORE_TEST(function)                                     \
	cmocka_unit_test_setup_teardown(function, fixture_setup, \
					fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(a_lease_is_taken_by_its_table),
		STORE_TEST(a_released_lease_is_free_at_once),
		STORE_TEST(a_slot_has_one_run),
		STORE_TEST(an_old_term_writes_nothing),
		STORE_TEST(a_lost_run_may_be_repeated_a_few_times),
		STORE_TEST(a_repeated_slot_is_lost_no_more),
		STORE_TEST(a_skip_is_written_down_once_and_counts),
		STORE_TEST(a_run_by_hand_answers_its_request),
		STORE_TEST(history_comes_newest_first),
	};
	return cmocka_run_group_tests_name("jobs", tests, NULL, NULL);
}
