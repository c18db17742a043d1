/* SPDX-License-Identifier: MIT
 *
 * A message that takes its workers down is found, alone, and takes no other
 * with it; and what is kept of every attempt.
 */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "queue_test.h"
#include "store/queue/attempts.h"

enum {
	BATCH = 4
};

static enum queue_owner everybody_is_dead(const char *owner, void *context)
{
	(void)owner;
	(void)context;
	return OWNER_DEAD;
}

static enum queue_owner everybody_is_the_caller(const char *owner,
						void *context)
{
	(void)owner;
	(void)context;
	return OWNER_SELF;
}

static void reclaim(struct test *t, int64_t now_ms,
		    enum queue_owner (*life_of)(const char *owner,
						void *context))
{
	begin(t);
	assert_true(queue_reclaim(t->db, t->kind->queue, now_ms, life_of, NULL,
				  100, NULL) >= 0);
	commit(t);
}

/* Whoever holds leases has died. */
static void die(struct test *t, int64_t now_ms)
{
	reclaim(t, now_ms, everybody_is_dead);
}

/* The bodies of a batch, as "a,b,". */
static const char *claim_batch(struct test *t, int64_t now_ms)
{
	static char bodies[64];
	struct queue_message messages[BATCH] = {{0}};
	struct queue_lease lease = {.owner = ME, .until_ms = now_ms + LEASE_MS};
	struct queue_message *places[BATCH];
	int count;

	for (int i = 0; i < BATCH; i++)
		places[i] = &messages[i];
	begin(t);
	count = queue_claim_batch(t->db, t->kind->queue, now_ms, &lease, places,
				  BATCH, NULL);
	assert_true(count >= 0);
	commit(t);
	bodies[0] = '\0';
	for (int i = 0, used = 0; i < count; i++) {
		used += snprintf(bodies + used, sizeof(bodies) - (size_t)used,
				 "%s,", messages[i].body);
		queue_message_clear(&messages[i]);
	}
	return bodies;
}

static void a_message_that_lost_two_workers_is_claimed_alone(void **state)
{
	struct test *t = *state;

	add(t, 1, "a", T0);
	add(t, 2, "b", T0 + 1);
	for (int i = 0; i < QUEUE_LOSSES_ALONE; i++) {
		assert_string_equal(claim_batch(t, T0 + 2 + i), "a,b,");
		die(t, T0 + 3 + i);
	}
	assert_string_equal(value(t, "a", "losses"), "2");
	add(t, 3, "c", T0);
	assert_string_equal(claim_batch(t, T0 + 9), "c,");
	assert_string_equal(claim_batch(t, T0 + 9), "a,");
	assert_string_equal(claim_batch(t, T0 + 9), "b,");
}

static void what_is_put_back_loses_no_attempt_and_no_doubt(void **state)
{
	struct test *t = *state;

	add(t, 1, "a", T0);
	add(t, 2, "b", T0 + 1);
	for (int i = 0; i < QUEUE_LOSSES_ALONE; i++) {
		(void)claim_batch(t, T0 + 2 + i);
		die(t, T0 + 3 + i);
	}
	assert_string_equal(claim_batch(t, T0 + 9), "a,");
	assert_string_equal(value(t, "b", "attempts"), "2");
	assert_string_equal(value(t, "b", "losses"), "2");
	assert_string_equal(value(t, "b", "state"), "1");
	assert_string_equal(value(t, "b", "hold"), "none");
}

static void a_result_of_any_kind_ends_the_suspicion(void **state)
{
	struct test *t = *state;
	struct queue_retry later = {.due_ms = T0 + 5};
	MESSAGE m = {0};

	add(t, 1, "a", T0);
	assert_string_equal(claim_batch(t, T0), "a,");
	die(t, T0 + 1);
	assert_string_equal(value(t, "a", "losses"), "1");
	assert_int_equal(claim(t, T0 + 2, &m), 1);
	assert_int_equal(m.losses, 1);
	assert_int_equal(retry(t, &m, &later, T0 + 3), 0);
	assert_string_equal(value(t, "a", "losses"), "0");
}

static void what_the_caller_holds_unknowing_is_no_loss(void **state)
{
	struct test *t = *state;

	add(t, 1, "a", T0);
	for (int i = 0; i < QUEUE_LOSSES_ALONE + 1; i++) {
		assert_string_equal(claim_batch(t, T0 + 2 + i), "a,");
		reclaim(t, T0 + 3 + i, everybody_is_the_caller);
	}
	assert_string_equal(value(t, "a", "state"), "1");
	assert_string_equal(value(t, "a", "losses"), "0");
	assert_int_equal(
		fixture_i64(t->f, "SELECT count(*) FROM message_attempts"), 0);
}

static void a_loss_of_the_store_is_a_loss(void **state)
{
	struct test *t = *state;
	struct queue_retry lost = {.due_ms = T0, .lost = true};
	MESSAGE m = {0};

	add(t, 1, "a", T0);
	add(t, 2, "b", T0 + 1);
	for (int i = 1; i <= QUEUE_LOSSES_ALONE; i++) {
		assert_int_equal(claim(t, T0 + 2, &m), 1);
		assert_string_equal(m.body, "a");
		assert_int_equal(retry(t, &m, &lost, T0 + 3), 0);
		queue_message_clear(&m);
	}
	assert_string_equal(value(t, "a", "losses"), "2");
	assert_string_equal(claim_batch(t, T0 + 9), "a,");
}

static void a_lost_attempt_is_kept_with_its_worker(void **state)
{
	struct test *t = *state;

	add(t, 1, "a", T0);
	assert_string_equal(claim_batch(t, T0), "a,");
	die(t, T0 + 1);
	assert_string_equal(
		fixture_text(
			t->f,
			"SELECT class || ' ' || started_ms || ' ' || worker"
			" || ' ' || coalesce(CAST(duration_ms AS TEXT), "
			"'unknown')"
			" || ' ' || attempt_no FROM message_attempts"),
		"lost 1000000 " ME " unknown 1");
	assert_string_equal(
		fixture_text(t->f, "SELECT queue FROM message_attempts"),
		t->kind->queue->name);
}

static void the_latest_attempts_of_a_message_are_kept(void **state)
{
	struct test *t = *state;
	struct attempt attempt = {.kind = "send",
				  .duration_ms = 7,
				  .http_status = 503,
				  .class = "retry",
				  .answer = "busy"};

	begin(t);
	for (int i = 1; i <= ATTEMPTS_KEPT_MAX + 5; i++) {
		attempt.started_ms = i;
		assert_int_equal(
			attempts_add(t->db, t->kind->queue, 1, &attempt, NULL),
			0);
	}
	assert_int_equal(attempts_add(t->db, t->kind->queue, 2, &attempt, NULL),
			 0);
	commit(t);
	assert_string_equal(
		fixture_text(t->f,
			     "SELECT count(*) || ' ' || min(attempt_no) ||"
			     " ' ' || max(started_ms)"
			     " FROM message_attempts WHERE message = 1"),
		"20 6 25");
	assert_int_equal(fixture_i64(t->f,
				     "SELECT attempt_no FROM"
				     " message_attempts WHERE message = 2"),
			 1);
}

static void a_long_answer_is_cut_and_a_missing_one_is_none(void **state)
{
	struct test *t = *state;
	char text[2 * ATTEMPT_ANSWER_BYTES];
	struct attempt attempt = {.kind = "send",
				  .duration_ms = ATTEMPT_UNKNOWN_MS,
				  .class = "retry",
				  .answer = text};

	(void)memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	begin(t);
	assert_int_equal(attempts_add(t->db, t->kind->queue, 1, &attempt, NULL),
			 0);
	attempt.answer = NULL;
	assert_int_equal(attempts_add(t->db, t->kind->queue, 1, &attempt, NULL),
			 0);
	commit(t);
	assert_string_equal(
		fixture_text(t->f, "SELECT group_concat(length(answer)) FROM"
				   " message_attempts"),
		"319,0");
}

static void a_failure_in_doubt_is_asked_about_when_it_is_retried(void **state)
{
	struct queue_result rejected = {.state = QUEUE_FAILED,
					.outcome = OUTCOME_REJECTED,
					.keep_uncertain = true};
	struct test *t = *state;
	MESSAGE m = {0};

	add(t, 1, "a", T0);
	assert_int_equal(claim_as(t, ME, true, T0, &m), 1);
	assert_int_equal(finish(t, &m, &rejected, T0 + 1), 0);
	begin(t);
	assert_int_equal(queue_operate(t->db, t->kind->queue, m.id,
				       OPERATE_RETRY, T0 + 2, NULL),
			 1);
	commit(t);
	assert_string_equal(value(t, "a", "hold"), "uncertain");
	assert_string_equal(value(t, "a", "sending_since_ms"), "1000000");
}

#define ALL(kind)                                                         \
	ON(a_message_that_lost_two_workers_is_claimed_alone, kind),       \
		ON(what_is_put_back_loses_no_attempt_and_no_doubt, kind), \
		ON(a_result_of_any_kind_ends_the_suspicion, kind),        \
		ON(what_the_caller_holds_unknowing_is_no_loss, kind),     \
		ON(a_loss_of_the_store_is_a_loss, kind),                  \
		ON(a_lost_attempt_is_kept_with_its_worker, kind),         \
		ON(the_latest_attempts_of_a_message_are_kept, kind),      \
		ON(a_long_answer_is_cut_and_a_missing_one_is_none, kind), \
		ON(a_failure_in_doubt_is_asked_about_when_it_is_retried, kind)

int main(void)
{
	const struct CMUnitTest inbox[] = {ALL(inbox_kind)};
	const struct CMUnitTest outbox[] = {ALL(outbox_kind)};
	int failed = cmocka_run_group_tests_name("losses in the inbox", inbox,
						 NULL, NULL);

	return failed + cmocka_run_group_tests_name("losses in the outbox",
						    outbox, NULL, NULL);
}
