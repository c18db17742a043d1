/* SPDX-License-Identifier: MIT
 *
 * The queue model is one; these tests run on each queue that has it.
 */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "queue_test.h"

#define HOUR_MS INT64_C(3600000)

static const struct queue_result ok = {.state = QUEUE_DONE,
				       .outcome = OUTCOME_OK};

static void the_head_that_was_due_first_is_claimed_first(void **state)
{
	struct test *t = *state;
	MESSAGE a = {0};
	MESSAGE b = {0};
	MESSAGE c = {0};
	MESSAGE none = {0};

	add(t, 1, "late", T0 + 20);
	add(t, 2, "early", T0);
	add(t, 3, "middle", T0 + 10);
	assert_int_equal(claim(t, T0 - 1, &none), 0);
	expect_body(t, T0 + 30, "early", &a);
	expect_body(t, T0 + 30, "middle", &b);
	expect_body(t, T0 + 30, "late", &c);
	assert_int_equal(claim(t, T0 + 30, &none), 0);
}

static void what_came_at_the_same_time_goes_by_head(void **state)
{
	struct test *t = *state;
	MESSAGE a = {0};
	MESSAGE b = {0};

	add(t, 1, "first", T0);
	add(t, 2, "second", T0);
	expect_body(t, T0, "first", &a);
	expect_body(t, T0, "second", &b);
}

static void one_message_of_a_head_is_under_way_and_others_wait(void **state)
{
	struct test *t = *state;
	MESSAGE a1 = {0};
	MESSAGE b1 = {0};
	MESSAGE a2 = {0};
	MESSAGE none = {0};

	add(t, 1, "a1", T0);
	add(t, 1, "a2", T0);
	add(t, 1, "a3", T0);
	add(t, 2, "b1", T0);
	expect_body(t, T0, "a1", &a1);
	expect_body(t, T0, "b1", &b1);
	assert_int_equal(claim(t, T0 + 1, &none), 0);

	assert_int_equal(finish(t, &a1, &ok, T0 + 5), 0);
	expect_body(t, T0 + 6, "a2", &a2);
	assert_int_equal(a2.order_seq, 2);
	assert_int_equal(claim(t, T0 + 6, &none), 0);
}

static void a_message_brings_what_its_reader_needs(void **state)
{
	struct test *t = *state;
	MESSAGE m = {0};

	add(t, 1, "{\"a\":1}", T0);
	expect_body(t, T0 + 7, "{\"a\":1}", &m);
	assert_int_equal(m.head_id, 1);
	assert_int_equal(m.order_id, 1);
	assert_int_equal(m.order_seq, 1);
	assert_int_equal(m.created_ms, T0);
	assert_int_equal(m.lease_epoch, 1);
	assert_int_equal(m.sending_since_ms, 0);
	assert_string_equal(m.channel, "kuper");
	assert_string_equal(m.external_id, "H1");
	assert_string_equal(m.address, t->kind->is_outbox ? "kuper" : "");
}

static void an_attempt_counts_when_it_begins(void **state)
{
	struct test *t = *state;
	struct queue_retry later = {.due_ms = T0 + 100, .hold = HOLD_NONE};
	struct queue_retry refund = {.due_ms = T0 + 100, .refund = true};
	MESSAGE first = {0};
	MESSAGE second = {0};
	MESSAGE third = {0};

	add(t, 1, "m", T0);
	expect_body(t, T0, "m", &first);
	assert_int_equal(first.attempts, 1);
	/* Already in the store: who dies now has been counted. */
	assert_string_equal(value(t, "m", "attempts"), "1");
	assert_int_equal(retry(t, &first, &later, T0 + 1), 0);
	expect_body(t, T0 + 100, "m", &second);
	assert_int_equal(second.attempts, 2);
	assert_int_equal(retry(t, &second, &refund, T0 + 101), 0);
	expect_body(t, T0 + 101, "m", &third);
	assert_int_equal(third.attempts, 2);
}

static void a_message_that_waits_keeps_its_place(void **state)
{
	struct test *t = *state;
	struct queue_retry later = {.due_ms = T0 + 5000,
				    .hold = HOLD_BREAKER,
				    .error = "HTTP 503",
				    .http_status = 503};
	MESSAGE m = {0};
	MESSAGE again = {0};
	MESSAGE none = {0};

	add(t, 1, "first", T0);
	expect_body(t, T0, "first", &m);
	add(t, 1, "second", T0 + 1);
	assert_int_equal(retry(t, &m, &later, T0 + 2), 0);
	assert_int_equal(claim(t, T0 + 4999, &none), 0);
	assert_string_equal(value(t, "first", "hold"), "breaker");
	assert_string_equal(value(t, "first", "error"), "HTTP 503");
	if (t->kind->is_outbox)
		assert_string_equal(value(t, "first", "http_status"), "503");
	expect_body(t, T0 + 5000, "first", &again);
	assert_string_equal(value(t, "first", "hold"), "none");
}

static void a_result_is_written_with_its_reason(void **state)
{
	struct test *t = *state;
	struct queue_result rejected = {.state = QUEUE_FAILED,
					.outcome = OUTCOME_REJECTED,
					.error = "HTTP 422: no",
					.http_status = 422};
	MESSAGE a = {0};
	MESSAGE b = {0};

	add(t, 1, "good", T0);
	add(t, 1, "bad", T0);
	expect_body(t, T0, "good", &a);
	assert_int_equal(finish(t, &a, &ok, T0 + 3), 0);
	assert_string_equal(value(t, "good", "state"), "3");
	assert_string_equal(value(t, "good", "outcome"), "ok");
	assert_string_equal(value(t, "good", "updated_ms"), "1000003");
	assert_string_equal(value(t, "good", "lease_owner"), "");
	expect_body(t, T0 + 4, "bad", &b);
	assert_int_equal(finish(t, &b, &rejected, T0 + 5), 0);
	assert_string_equal(value(t, "bad", "state"), "4");
	assert_string_equal(value(t, "bad", "outcome"), "rejected");
	assert_string_equal(value(t, "bad", "error"), "HTTP 422: no");
	assert_string_equal(head_value(t, 1, "state"), "0");
}

/* The other one is dead; of this one we know what the context says. */
static enum queue_owner life_of(const char *owner, void *context)
{
	return strcmp(owner, OTHER) == 0 ? OWNER_DEAD
					 : *(enum queue_owner *)context;
}

static int reclaim_knowing(struct test *t, int64_t now_ms, int limit,
			   enum queue_owner life)
{
	int rc;

	begin(t);
	rc = queue_reclaim(t->db, t->kind->queue, now_ms, life_of, &life, limit,
			   NULL);
	commit(t);
	return rc;
}

static int reclaim(struct test *t, int64_t now_ms, int limit)
{
	return reclaim_knowing(t, now_ms, limit, OWNER_UNKNOWN);
}

static void what_a_dead_owner_held_is_given_back_at_once(void **state)
{
	struct test *t = *state;
	MESSAGE mine = {0};
	MESSAGE theirs = {0};
	MESSAGE again = {0};
	MESSAGE none = {0};

	add(t, 1, "mine", T0);
	add(t, 2, "theirs", T0);
	expect_body(t, T0, "mine", &mine);
	assert_int_equal(claim_as(t, OTHER, false, T0, &theirs), 1);
	assert_int_equal(reclaim(t, T0 + 1, 100), 1);
	expect_body(t, T0 + 1, "theirs", &again);
	assert_int_equal(again.attempts, 2);
	assert_int_equal(claim(t, T0 + 1, &none), 0);
	assert_int_equal(reclaim(t, T0 + 2, 100), 0);
}

static void a_lease_that_ran_out_is_given_back(void **state)
{
	struct test *t = *state;
	MESSAGE m = {0};
	MESSAGE again = {0};

	add(t, 1, "m", T0);
	expect_body(t, T0, "m", &m);
	assert_int_equal(reclaim(t, T0 + LEASE_MS, 100), 0);
	assert_int_equal(reclaim(t, T0 + LEASE_MS + 1, 100), 1);
	expect_body(t, T0 + LEASE_MS + 1, "m", &again);
}

static void who_lives_here_is_never_robbed(void **state)
{
	struct test *t = *state;
	MESSAGE m = {0};
	MESSAGE none = {0};

	add(t, 1, "m", T0);
	expect_body(t, T0, "m", &m);
	/* The clock is set forward by hours while it works. */
	assert_int_equal(reclaim_knowing(t, T0 + 5 * HOUR_MS, 100, OWNER_ALIVE),
			 0);
	assert_int_equal(claim(t, T0 + 5 * HOUR_MS, &none), 0);
	assert_int_equal(finish(t, &m,
				&(struct queue_result){.state = QUEUE_DONE},
				T0 + 5 * HOUR_MS),
			 0);
}

static void what_waits_by_a_clock_that_was_set_back_is_due_now(void **state)
{
	struct test *t = *state;
	/* The longest wait of the notifier, RULES_WAIT_MAX_MS. */
	struct queue_retry soon = {.due_ms = T0 + 300000};
	MESSAGE m = {0};
	MESSAGE none = {0};
	MESSAGE wrong = {0};

	add(t, 1, "soon", T0);
	expect_body(t, T0, "soon", &m);
	assert_int_equal(retry(t, &m, &soon, T0), 0);
	add(t, 2, "wrong", T0 + HOUR_MS);
	assert_int_equal(claim(t, T0, &none), 0);
	assert_int_equal(reclaim(t, T0, 100), 0);
	expect_body(t, T0, "wrong", &wrong);
	/* A wait that somebody meant is left alone. */
	assert_int_equal(claim(t, T0 + 299999, &none), 0);
}

static void giving_back_stops_at_its_limit(void **state)
{
	struct test *t = *state;

	for (int i = 0; i < 3; i++) {
		MESSAGE m = {0};

		add(t, i + 1, "m", T0);
		assert_int_equal(claim_as(t, OTHER, false, T0, &m), 1);
	}
	assert_int_equal(reclaim(t, T0 + 1, 2), 2);
	assert_int_equal(reclaim(t, T0 + 1, 2), 1);
}

static void whoever_lost_the_lease_changes_nothing(void **state)
{
	struct test *t = *state;
	struct queue_retry later = {.due_ms = T0 + 9, .error = "stale"};
	MESSAGE theirs = {0};
	MESSAGE mine = {0};

	add(t, 1, "m", T0);
	assert_int_equal(claim_as(t, OTHER, false, T0, &theirs), 1);
	assert_int_equal(reclaim(t, T0 + 1, 100), 1);
	/* Given back, and not claimed again yet. */
	assert_int_equal(finish(t, &theirs, &ok, T0 + 2), ERR_STATE);
	assert_int_equal(retry(t, &theirs, &later, T0 + 2), ERR_STATE);
	expect_body(t, T0 + 3, "m", &mine);
	assert_int_equal(finish(t, &theirs, &ok, T0 + 4), ERR_STATE);
	assert_int_equal(retry(t, &theirs, &later, T0 + 4), ERR_STATE);
	assert_string_equal(value(t, "m", "state"), "2");
	assert_string_equal(value(t, "m", "lease_owner"), ME);
	assert_string_equal(value(t, "m", "error"), "");
	assert_int_equal(finish(t, &mine, &ok, T0 + 5), 0);
	/* Over is over. */
	assert_int_equal(finish(t, &mine, &ok, T0 + 6), ERR_STATE);
}

static void a_send_without_a_result_leaves_a_mark(void **state)
{
	struct test *t = *state;
	MESSAGE first = {0};
	MESSAGE second = {0};
	MESSAGE third = {0};
	char since[32];

	add(t, 1, "m", T0);
	assert_int_equal(claim_as(t, OTHER, true, T0, &first), 1);
	assert_int_equal(first.sending_since_ms, 0); /* this very attempt */
	assert_string_equal(value(t, "m", "sending_since_ms"), "1000000");
	assert_int_equal(reclaim(t, T0 + 1, 100), 1);
	assert_string_equal(value(t, "m", "hold"), "uncertain");
	assert_int_equal(claim_as(t, OTHER, true, T0 + 2, &second), 1);
	assert_int_equal(second.sending_since_ms, T0);
	assert_int_equal(reclaim(t, T0 + 3, 100), 1);
	/* Also one who only looks sees since when it has been so. */
	assert_int_equal(claim_as(t, ME, false, T0 + 4, &third), 1);
	assert_int_equal(third.sending_since_ms, T0);
	assert_int_equal(finish(t, &third, &ok, T0 + 5), 0);
	(void)snprintf(since, sizeof(since), "%s",
		       value(t, "m", "sending_since_ms"));
	assert_string_equal(since, "");
}

static void a_claim_that_sent_nothing_leaves_no_mark(void **state)
{
	struct test *t = *state;
	MESSAGE m = {0};
	MESSAGE again = {0};

	add(t, 1, "m", T0);
	assert_int_equal(claim_as(t, OTHER, false, T0, &m), 1);
	assert_int_equal(reclaim(t, T0 + 1, 100), 1);
	assert_string_equal(value(t, "m", "hold"), "none");
	expect_body(t, T0 + 1, "m", &again);
	assert_int_equal(again.sending_since_ms, 0);
}

static void a_retry_says_whether_the_outcome_is_unknown(void **state)
{
	struct test *t = *state;
	struct queue_retry unknown = {.due_ms = T0 + 10,
				      .hold = HOLD_UNCERTAIN,
				      .keep_uncertain = true};
	struct queue_retry known = {.due_ms = T0 + 20};
	MESSAGE first = {0};
	MESSAGE second = {0};
	MESSAGE third = {0};

	add(t, 1, "m", T0);
	assert_int_equal(claim_as(t, ME, true, T0, &first), 1);
	assert_int_equal(retry(t, &first, &unknown, T0 + 1), 0);
	assert_string_equal(value(t, "m", "hold"), "uncertain");
	assert_int_equal(claim_as(t, ME, true, T0 + 10, &second), 1);
	assert_int_equal(second.sending_since_ms, T0);
	assert_int_equal(retry(t, &second, &known, T0 + 11), 0);
	assert_int_equal(claim_as(t, ME, true, T0 + 20, &third), 1);
	assert_int_equal(third.sending_since_ms, 0);
}

static void a_head_without_a_message_is_put_to_rest(void **state)
{
	struct test *t = *state;
	char sql[128];
	MESSAGE m = {0};

	add(t, 1, "m", T0);
	(void)snprintf(sql, sizeof(sql), "DELETE FROM %s", t->kind->table);
	fixture_sql(t->f, sql);
	assert_int_equal(claim(t, T0 + 1, &m), 0);
	assert_string_equal(head_value(t, 1, "state"), "0");
	/* And it wakes up with the next message, which has the next number. */
	add(t, 1, "next", T0 + 2);
	expect_body(t, T0 + 2, "next", &m);
	assert_int_equal(m.order_seq, 2);
}

static void an_idle_head_is_due_when_its_next_message_comes(void **state)
{
	struct test *t = *state;
	MESSAGE a = {0};
	MESSAGE b = {0};

	add(t, 1, "a", T0);
	expect_body(t, T0, "a", &a);
	assert_int_equal(finish(t, &a, &ok, T0 + 1), 0);
	add(t, 1, "b", T0 + 500);
	assert_string_equal(head_value(t, 1, "due_ms"), "1000500");
	expect_body(t, T0 + 500, "b", &b);
}

static int seize(struct test *t, int64_t head, int64_t now_ms,
		 struct queue_message *m)
{
	struct queue_lease lease = {.owner = ME, .until_ms = now_ms + 1};
	int rc;

	begin(t);
	rc = queue_seize(t->db, t->kind->queue, head, now_ms, &lease, m, NULL);
	commit(t);
	return rc;
}

static void a_seized_head_leaves_its_former_owner_outside(void **state)
{
	struct test *t = *state;
	char sql[128];
	MESSAGE theirs = {0};
	MESSAGE mine = {0};
	MESSAGE none = {0};

	add(t, 1, "m", T0);
	assert_int_equal(claim_as(t, OTHER, false, T0, &theirs), 1);
	assert_int_equal(seize(t, 1, T0 + 1, &mine), 1);
	assert_string_equal(mine.body, "m");
	assert_int_equal(mine.attempts, 2);
	assert_int_equal(finish(t, &theirs, &ok, T0 + 2), ERR_STATE);
	assert_int_equal(finish(t, &mine, &ok, T0 + 3), 0);
	(void)snprintf(sql, sizeof(sql), "UPDATE %s SET state = 4",
		       t->kind->head_table);
	fixture_sql(t->f, sql);
	assert_int_equal(seize(t, 1, T0 + 4, &none), 0);
	assert_int_equal(seize(t, 99, T0 + 4, &none), 0);
}

static void looking_ahead_shows_what_is_not_over(void **state)
{
	struct test *t = *state;
	struct queue_message seen[4] = {{0}};
	MESSAGE a = {0};
	MESSAGE b = {0};

	add(t, 1, "a", T0);
	add(t, 2, "other", T0);
	add(t, 1, "b", T0);
	add(t, 1, "c", T0);
	expect_body(t, T0, "a", &a);
	assert_int_equal(finish(t, &a, &ok, T0), 0);
	assert_int_equal(queue_peek(t->db, t->kind->queue, 1, seen, 1, NULL),
			 1);
	assert_string_equal(seen[0].body, "b");
	queue_message_clear(&seen[0]);
	expect_body(t, T0, "b", &b); /* taken is not over */
	assert_int_equal(queue_peek(t->db, t->kind->queue, 1, seen, 4, NULL),
			 2);
	assert_string_equal(seen[0].body, "b");
	assert_string_equal(seen[1].body, "c");
	assert_int_equal(seen[1].head_id, 1);
	queue_message_clear(&seen[0]);
	queue_message_clear(&seen[1]);
}

#define ALL(kind)                                                             \
	ON(the_head_that_was_due_first_is_claimed_first, kind),               \
		ON(what_came_at_the_same_time_goes_by_head, kind),            \
		ON(one_message_of_a_head_is_under_way_and_others_wait, kind), \
		ON(a_message_brings_what_its_reader_needs, kind),             \
		ON(an_attempt_counts_when_it_begins, kind),                   \
		ON(a_message_that_waits_keeps_its_place, kind),               \
		ON(a_result_is_written_with_its_reason, kind),                \
		ON(what_a_dead_owner_held_is_given_back_at_once, kind),       \
		ON(a_lease_that_ran_out_is_given_back, kind),                 \
		ON(who_lives_here_is_never_robbed, kind),                     \
		ON(what_waits_by_a_clock_that_was_set_back_is_due_now, kind), \
		ON(giving_back_stops_at_its_limit, kind),                     \
		ON(whoever_lost_the_lease_changes_nothing, kind),             \
		ON(a_send_without_a_result_leaves_a_mark, kind),              \
		ON(a_claim_that_sent_nothing_leaves_no_mark, kind),           \
		ON(a_retry_says_whether_the_outcome_is_unknown, kind),        \
		ON(a_head_without_a_message_is_put_to_rest, kind),            \
		ON(an_idle_head_is_due_when_its_next_message_comes, kind),    \
		ON(a_seized_head_leaves_its_former_owner_outside, kind),      \
		ON(looking_ahead_shows_what_is_not_over, kind)

int main(void)
{
	const struct CMUnitTest inbox[] = {ALL(inbox_kind)};
	const struct CMUnitTest outbox[] = {ALL(outbox_kind)};
	int failed = cmocka_run_group_tests_name("queue model on the inbox",
						 inbox, NULL, NULL);

	return failed + cmocka_run_group_tests_name("queue model on the outbox",
						    outbox, NULL, NULL);
}
