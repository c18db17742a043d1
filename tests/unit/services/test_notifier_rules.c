/* SPDX-License-Identifier: MIT
 *
 * The decisions of services/notifier, which no library holds.
 */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "channel/kuper.h"

#include "../../../services/notifier/decide.c"  /* NOLINT */
#include "../../../services/notifier/gate.c"    /* NOLINT */
#include "../../../services/notifier/limiter.c" /* NOLINT */

/* --- the gate --- */

struct gate_row {
	const char *name;
	enum notice notice;
	enum order_state state;
	bool uncertain, marked, refused_store;
	unsigned blockers;
	int attempts;
	enum gate gate;
};

static const struct gate_row gate_rows[] = {
	{"a fresh one goes", NOTICE_ACCEPTED, ORDER_NEW, false, false, false, 0,
	 1, GATE_SEND},
	{"an order we do not know is no reason", NOTICE_READY, ORDER_NONE,
	 false, false, false, 0, 1, GATE_SEND},
	{"a doubt is asked about first", NOTICE_READY, ORDER_ASSEMBLED, true,
	 true, false, 0, 2, GATE_ASK},
	{"a mark without a doubt is sent again", NOTICE_READY, ORDER_ASSEMBLED,
	 false, true, false, 0, 2, GATE_SEND},
	{"ready after a cancellation", NOTICE_READY, ORDER_CANCELED, false,
	 false, false, 0, 1, GATE_OBSOLETE},
	{"ready after a cancellation, even in doubt", NOTICE_READY,
	 ORDER_CANCELED, true, true, false, 0, 2, GATE_OBSOLETE},
	{"in_work after a cancellation", NOTICE_IN_WORK, ORDER_CANCELED, false,
	 false, false, 0, 1, GATE_OBSOLETE},
	{"accepted after a cancellation", NOTICE_ACCEPTED, ORDER_CANCELED,
	 false, false, false, 0, 1, GATE_OBSOLETE},
	{"the cancellation itself", NOTICE_CANCELED, ORDER_CANCELED, false,
	 false, false, 0, 1, GATE_SEND},
	{"a cancellation after the delivery", NOTICE_CANCELED, ORDER_DELIVERED,
	 false, false, false, 0, 1, GATE_OBSOLETE},
	{"the courier has it, so ready arrived", NOTICE_READY, ORDER_RECEIVED,
	 true, true, false, 0, 2, GATE_ARRIVED},
	{"the courier has it, and ready was never sent", NOTICE_READY,
	 ORDER_RECEIVED, false, false, false, 0, 1, GATE_OBSOLETE},
	{"delivered, so in_work arrived", NOTICE_IN_WORK, ORDER_DELIVERED,
	 false, true, false, 0, 4, GATE_ARRIVED},
	{"in_work late but not too late", NOTICE_IN_WORK, ORDER_ASSEMBLED,
	 false, false, false, 0, 1, GATE_SEND},
	{"a store without notifications", NOTICE_ACCEPTED, ORDER_NEW, false,
	 false, true, 0, 1, GATE_SKIP},
	{"ready waits for in_work", NOTICE_READY, ORDER_ASSEMBLED, false, false,
	 false, 1U << NOTICE_IN_WORK, 1, GATE_BLOCKED},
	{"assembled waits for in_work", NOTICE_ASSEMBLED, ORDER_ASSEMBLED,
	 false, false, false, 1U << NOTICE_IN_WORK, 1, GATE_BLOCKED},
	{"a cancellation waits for nothing", NOTICE_CANCELED, ORDER_CANCELED,
	 false, false, false, 1U << NOTICE_IN_WORK, 1, GATE_SEND},
	{"ready does not wait for assembled", NOTICE_READY, ORDER_ASSEMBLED,
	 false, false, false, 1U << NOTICE_ASSEMBLED, 1, GATE_SEND},
	{"in_work does not wait for accepted", NOTICE_IN_WORK, ORDER_ASSEMBLING,
	 false, false, false, 1U << NOTICE_ACCEPTED, 1, GATE_SEND},
	{"blocked and obsolete: obsolete", NOTICE_READY, ORDER_CANCELED, false,
	 false, false, 1U << NOTICE_IN_WORK, 1, GATE_OBSOLETE},
	{"the hundredth attempt", NOTICE_READY, ORDER_ASSEMBLED, false, false,
	 false, 0, RULES_ATTEMPTS_MAX, GATE_SEND},
	{"one too many", NOTICE_READY, ORDER_ASSEMBLED, false, false, false, 0,
	 RULES_ATTEMPTS_MAX + 1, GATE_POISONED},
	{"of a type we do not know", NOTICE_NONE, ORDER_ASSEMBLED, false, false,
	 false, 0, 1, GATE_POISONED},
};

static void a_message_is_sent_only_while_it_makes_sense(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(gate_rows); i++) {
		const struct gate_row *row = &gate_rows[i];
		struct outbox_context context = {.order_state = row->state,
						 .uncertain = row->uncertain};
		struct gate_facts facts = {
			.notice = row->notice,
			.known = row->notice != NOTICE_NONE,
			.context = &context,
			.allowed = !row->refused_store,
			.blockers = row->blockers,
			.marked = row->marked,
			.attempts = row->attempts,
		};

		if (gate_decide(&facts) != row->gate)
			fail_msg("%s: %d", row->name, gate_decide(&facts));
	}
}

static void every_notice_has_an_answer_in_every_state(void **state)
{
	(void)state;
	for (int n = NOTICE_NONE + 1; n < NOTICE_MAX_; n++)
		for (int s = ORDER_NONE; s < ORDER_STATE_MAX_; s++)
			if (strchr("GOP", cell_of((enum notice)n,
						  (enum order_state)s)) == NULL)
				fail_msg("%s in %s",
					 notice_name((enum notice)n),
					 order_state_name((enum order_state)s));
}

static void the_first_blocker_that_is_needed_is_named(void **state)
{
	(void)state;
	assert_int_equal(gate_blocker(NOTICE_READY, 1U << NOTICE_IN_WORK),
			 NOTICE_IN_WORK);
	assert_int_equal(gate_blocker(NOTICE_READY, 0), NOTICE_NONE);
}

static void a_notice_is_past_when_the_gate_would_stop_it(void **state)
{
	(void)state;
	assert_true(gate_is_past(NOTICE_IN_WORK, ORDER_CANCELED));
	assert_true(gate_is_past(NOTICE_READY, ORDER_RECEIVED));
	assert_true(gate_is_past(NOTICE_CANCELED, ORDER_DELIVERED));
	assert_false(gate_is_past(NOTICE_CANCELED, ORDER_CANCELED));
	assert_false(gate_is_past(NOTICE_IN_WORK, ORDER_ASSEMBLING));
	assert_false(gate_is_past(NOTICE_READY, ORDER_ASSEMBLED));
}

/* --- after an answer --- */

static struct facts facts_of(enum notice notice)
{
	return (struct facts){
		.notice = notice,
		.attempts = 1,
		.quick_attempts = 3,
		.can_ask = true,
		.retry_after_ms = -1,
		.reconcile = kuper_reconcile(notice),
		.seed = 7,
	};
}

struct sent_row {
	const char *name;
	enum channel_verdict verdict;
	enum notice notice;
	int rc, status, attempts, failures;
	bool unknown, cannot_ask, probe;
	int64_t retry_after_ms;
	/* expected */
	enum plan_kind kind;
	int what; /* outcome or hold */
	bool keep, refund;
	enum endpoint_news news;
	int64_t wait_from_ms, wait_to_ms;
};

#define FINISH PLAN_FINISH
#define LATER PLAN_LATER

/* clang-format off */
static const struct sent_row sent_rows[] = {
	/* name, verdict, notice, rc, status, attempts, failures, unknown,
	 * cannot ask, probe, Retry-After: kind, outcome or hold, keep, refund,
	 * news, wait */
	{"taken", REPLY_DONE, NOTICE_IN_WORK, 0, 200, 1, 0, 0, 0, 0, -1,
	 FINISH, OUTCOME_OK, 0, 0, NEWS_ALIVE, 0, 0},
	{"a yes that must be proved", REPLY_CONFIRM, NOTICE_READY, 0, 200, 1, 0, 0, 0, 0, -1,
	 LATER, HOLD_UNCERTAIN, 1, 1, NEWS_ALIVE, 5000, 5000},
	{"a second yes counts as an attempt", REPLY_CONFIRM, NOTICE_READY, 0, 200, 2, 0, 1, 0, 0, -1,
	 LATER, HOLD_UNCERTAIN, 1, 0, NEWS_ALIVE, 5000, 5000},
	{"a yes that nobody can prove", REPLY_CONFIRM, NOTICE_READY, 0, 200, 1, 0, 0, 1, 0, -1,
	 FINISH, OUTCOME_OK, 0, 0, NEWS_ALIVE, 0, 0},
	{"first quick retry", REPLY_RETRY, NOTICE_IN_WORK, 0, 408, 1, 0, 0, 0, 0, -1,
	 LATER, HOLD_NONE, 0, 0, NEWS_FAILED, 2000, 2500},
	{"second quick retry", REPLY_RETRY, NOTICE_IN_WORK, 0, 408, 2, 1, 0, 0, 0, -1,
	 LATER, HOLD_NONE, 0, 0, NEWS_FAILED, 4000, 5000},
	{"the third opens the breaker", REPLY_RETRY, NOTICE_IN_WORK, 0, 408, 3, 2, 0, 0, 0, -1,
	 LATER, HOLD_BREAKER, 0, 1, NEWS_OPEN, 0, 0},
	{"not while others get through", REPLY_RETRY, NOTICE_IN_WORK, 0, 408, 3, 1, 0, 0, 0, -1,
	 LATER, HOLD_NONE, 0, 0, NEWS_FAILED, 10000, 12500},
	{"many failures, but it is its first", REPLY_RETRY, NOTICE_IN_WORK, 0, 408, 1, 9, 0, 0, 0, -1,
	 LATER, HOLD_NONE, 0, 0, NEWS_FAILED, 2000, 2500},
	{"alone for long: at most five minutes", REPLY_RETRY, NOTICE_IN_WORK, 0, 408, 40, 0, 0, 0, 0, -1,
	 LATER, HOLD_NONE, 0, 0, NEWS_FAILED, 300000, 300000},
	{"a failed probe costs nothing", REPLY_RETRY, NOTICE_IN_WORK, 0, 408, 4, 9, 0, 0, 1, -1,
	 LATER, HOLD_BREAKER, 0, 1, NEWS_FAILED, 0, 0},
	{"a failed probe, its message's first attempt", REPLY_RETRY, NOTICE_IN_WORK, 0, 408, 1, 0, 0, 0, 1, -1,
	 LATER, HOLD_BREAKER, 0, 1, NEWS_FAILED, 0, 0},
	{"a 5xx may hide that it arrived", REPLY_RETRY, NOTICE_IN_WORK, 0, 500, 1, 0, 0, 0, 0, -1,
	 LATER, HOLD_NONE, 1, 0, NEWS_FAILED, 2000, 2500},
	{"a gateway does not know", REPLY_RECONCILE, NOTICE_IN_WORK, 0, 502, 1, 0, 0, 0, 0, -1,
	 LATER, HOLD_UNCERTAIN, 1, 0, NEWS_FAILED, 2000, 2500},
	{"a gateway again", REPLY_RECONCILE, NOTICE_IN_WORK, 0, 504, 2, 1, 1, 0, 0, -1,
	 LATER, HOLD_UNCERTAIN, 1, 0, NEWS_FAILED, 4000, 5000},
	{"the gateway's third opens", REPLY_RECONCILE, NOTICE_IN_WORK, 0, 504, 3, 2, 1, 0, 0, -1,
	 LATER, HOLD_UNCERTAIN, 1, 1, NEWS_OPEN, 2000, 2000},
	{"a gateway, and nobody can be asked", REPLY_RECONCILE, NOTICE_IN_WORK, 0, 502, 1, 0, 0, 1, 0, -1,
	 LATER, HOLD_NONE, 1, 0, NEWS_FAILED, 2000, 2500},
	{"a gateway, and no state shows it", REPLY_RECONCILE, NOTICE_ASSEMBLED, 0, 502, 1, 0, 0, 0, 0, -1,
	 LATER, HOLD_NONE, 1, 0, NEWS_FAILED, 2000, 2500},
	{"an old doubt stays", REPLY_RETRY, NOTICE_IN_WORK, ERR_REMOTE, 0, 1, 0, 1, 0, 0, -1,
	 LATER, HOLD_NONE, 1, 0, NEWS_FAILED, 2000, 2500},
	{"503 says when", REPLY_RETRY, NOTICE_IN_WORK, 0, 503, 1, 0, 0, 0, 0, 60000,
	 LATER, HOLD_NONE, 1, 0, NEWS_FAILED, 60000, 60000},
	{"503 asks for a year", REPLY_RETRY, NOTICE_IN_WORK, 0, 503, 1, 0, 0, 0, 0, 31536000000,
	 LATER, HOLD_NONE, 1, 0, NEWS_FAILED, 300000, 300000},
	{"too fast", REPLY_THROTTLE, NOTICE_IN_WORK, 0, 429, 1, 0, 0, 0, 0, 3000,
	 LATER, HOLD_NONE, 0, 1, NEWS_ALIVE, 3000, 3000},
	{"too fast, and not said how long", REPLY_THROTTLE, NOTICE_IN_WORK, 0, 429, 1, 0, 1, 0, 0, -1,
	 LATER, HOLD_NONE, 1, 1, NEWS_ALIVE, 5000, 5000},
	{"wrong credentials", REPLY_AUTH, NOTICE_IN_WORK, 0, 401, 1, 0, 0, 0, 0, -1,
	 LATER, HOLD_AUTH, 0, 1, NEWS_AUTH, 0, 0},
	{"the answer was lost", REPLY_RECONCILE, NOTICE_READY, ERR_UNCERTAIN, 0, 1, 0, 0, 0, 0, -1,
	 LATER, HOLD_UNCERTAIN, 1, 0, NEWS_FAILED, 5000, 5000},
	{"three in a row: opens, still in doubt", REPLY_RECONCILE, NOTICE_READY, ERR_UNCERTAIN, 0, 3, 2, 0, 0, 0, -1,
	 LATER, HOLD_UNCERTAIN, 1, 1, NEWS_OPEN, 5000, 5000},
	{"lost, and nobody can be asked", REPLY_RECONCILE, NOTICE_READY, ERR_UNCERTAIN, 0, 1, 0, 0, 1, 0, -1,
	 LATER, HOLD_NONE, 1, 0, NEWS_FAILED, 2000, 2500},
	{"assembled is lost for good", REPLY_RECONCILE, NOTICE_ASSEMBLED, ERR_UNCERTAIN, 0, 1, 0, 0, 1, 0, -1,
	 FINISH, OUTCOME_OK, 0, 0, NEWS_FAILED, 0, 0},
	{"a proxy's 200 is a lost answer", REPLY_RECONCILE, NOTICE_READY, 0, 200, 1, 0, 0, 0, 0, -1,
	 LATER, HOLD_UNCERTAIN, 1, 0, NEWS_FAILED, 5000, 5000},
	{"a refused repeat", REPLY_RECONCILE, NOTICE_IN_WORK, 0, 422, 2, 0, 1, 0, 0, -1,
	 LATER, HOLD_UNCERTAIN, 1, 0, NEWS_ALIVE, 2000, 2000},
	{"a refused repeat, nobody can be asked", REPLY_RECONCILE, NOTICE_IN_WORK, 0, 422, 2, 0, 1, 1, 0, -1,
	 FINISH, OUTCOME_DUPLICATE, 0, 0, NEWS_ALIVE, 0, 0},
	{"refused", REPLY_REJECT, NOTICE_IN_WORK, 0, 422, 1, 0, 0, 0, 0, -1,
	 FINISH, OUTCOME_REJECTED, 0, 0, NEWS_ALIVE, 0, 0},
};
/* clang-format on */

static void an_answer_leads_to_one_action(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(sent_rows); i++) {
		const struct sent_row *row = &sent_rows[i];
		struct facts f = facts_of(row->notice);
		struct plan p;
		int what;

		f.rc = row->rc;
		f.status = row->status;
		f.attempts = row->attempts;
		f.failures = row->failures;
		f.earlier_unknown = row->unknown;
		f.can_ask = !row->cannot_ask;
		f.probe = row->probe;
		f.retry_after_ms = row->retry_after_ms;
		p = decide_sent(row->verdict, &f);
		what = p.kind == PLAN_FINISH ? (int)p.outcome : (int)p.hold;
		if (p.kind != row->kind || what != row->what ||
		    p.keep_uncertain != row->keep || p.refund != row->refund ||
		    p.news != row->news || p.wait_ms < row->wait_from_ms ||
		    p.wait_ms > row->wait_to_ms)
			fail_msg("%s: kind %d what %d keep %d refund %d news "
				 "%d wait %lld",
				 row->name, p.kind, what, p.keep_uncertain,
				 p.refund, p.news, (long long)p.wait_ms);
		if ((p.state == QUEUE_FAILED) != (row->verdict == REPLY_REJECT))
			fail_msg("%s: state %d", row->name, p.state);
	}
}

static void nothing_is_lost_by_any_answer(void **state)
{
	(void)state;
	for (int v = REPLY_DONE; v <= REPLY_REJECT; v++)
		for (int n = NOTICE_NONE + 1; n < NOTICE_MAX_; n++)
			for (int bits = 0; bits < 16; bits++) {
				struct facts f = facts_of((enum notice)n);
				struct plan p;

				f.earlier_unknown = (bits & 1) != 0;
				f.can_ask = (bits & 2) != 0;
				f.probe = (bits & 4) != 0;
				f.attempts = (bits & 8) != 0 ? 50 : 1;
				f.rc = ERR_UNCERTAIN;
				p = decide_sent((enum channel_verdict)v, &f);
				/* A doubt is never forgotten on the way. */
				if (p.kind == PLAN_LATER && f.earlier_unknown &&
				    !p.keep_uncertain)
					fail_msg("verdict %d, %s, bits %d", v,
						 notice_name((enum notice)n),
						 bits);
				if (p.wait_ms > RULES_WAIT_MAX_MS)
					fail_msg("verdict %d waits %lld", v,
						 (long long)p.wait_ms);
			}
}

/* --- after the order's state was read --- */

/* clang-format off */
static const struct {
	const char *name;
	enum notice notice;
	enum channel_arrival arrival;
	int reads, last_status, attempts;
	enum plan_kind kind;
	int outcome;
	bool arrived;
} asked_rows[] = {
	{"it is there: once is enough", NOTICE_READY, ARRIVAL_YES, 1, 200, 1, FINISH, OUTCOME_OK, true},
	{"it is there, the repeat was one", NOTICE_READY, ARRIVAL_YES, 1, 422, 2, FINISH, OUTCOME_DUPLICATE, true},
	{"gone past it", NOTICE_READY, ARRIVAL_OBSOLETE, 1, 0, 1, FINISH, OUTCOME_OBSOLETE, false},
	{"not yet: look again", NOTICE_READY, ARRIVAL_NO, 1, 200, 1, PLAN_ASK_AGAIN, 0, false},
	{"twice no: again", NOTICE_READY, ARRIVAL_NO, 2, 200, 1, PLAN_SEND, 0, false},
	{"twice no after a lost answer: again, however often", NOTICE_READY, ARRIVAL_NO, 2, 0, 50, PLAN_SEND, 0, false},
	{"a yes without effect, three times", NOTICE_READY, ARRIVAL_NO, 2, 200, 3, FINISH, OUTCOME_REJECTED, false},
	{"refused, and it is not there", NOTICE_IN_WORK, ARRIVAL_NO, 2, 422, 2, FINISH, OUTCOME_REJECTED, false},
	{"undecided once", NOTICE_IN_WORK, ARRIVAL_UNDECIDED, 1, 0, 1, PLAN_ASK_AGAIN, 0, false},
	{"undecided: repeated", NOTICE_IN_WORK, ARRIVAL_UNDECIDED, 2, 0, 1, PLAN_SEND, 0, false},
	{"undecided: assembled is never repeated", NOTICE_ASSEMBLED, ARRIVAL_UNDECIDED, 1, 0, 1, FINISH, OUTCOME_OK, true},
};
/* clang-format on */

static void a_state_decides_about_a_doubt(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(asked_rows); i++) {
		struct facts f = facts_of(asked_rows[i].notice);
		struct plan p;

		f.status = 200; /* of the state request */
		f.last_status = asked_rows[i].last_status;
		f.attempts = asked_rows[i].attempts;
		f.earlier_unknown = true;
		p = decide_asked(asked_rows[i].arrival, asked_rows[i].reads,
				 &f);
		if (p.kind != asked_rows[i].kind ||
		    (p.kind == PLAN_FINISH &&
		     ((int)p.outcome != asked_rows[i].outcome ||
		      p.http_status != asked_rows[i].last_status)) ||
		    p.arrived != asked_rows[i].arrived || p.news != NEWS_ALIVE)
			fail_msg("%s: kind %d outcome %d status %d",
				 asked_rows[i].name, p.kind, p.outcome,
				 p.http_status);
	}
}

/* clang-format off */
static const struct {
	const char *name;
	int rc, status, attempts, failures;
	enum plan_kind kind;
	int what;
	enum endpoint_news news;
	bool probe, refund;
} not_asked_rows[] = {
	{"away", ERR_REMOTE, 0, 1, 0, LATER, HOLD_UNCERTAIN, NEWS_FAILED, false, false},
	{"away for long", ERR_UNCERTAIN, 0, 3, 5, LATER, HOLD_UNCERTAIN, NEWS_OPEN, false, true},
	{"a failed probe", 0, 503, 3, 5, LATER, HOLD_UNCERTAIN, NEWS_FAILED, true, true},
	{"too fast", 0, 429, 1, 0, LATER, HOLD_UNCERTAIN, NEWS_ALIVE, false, true},
	{"wrong credentials", 0, 401, 1, 0, LATER, HOLD_UNCERTAIN, NEWS_AUTH, false, true},
	{"no such order there", 0, 404, 1, 0, LATER, HOLD_UNCERTAIN, NEWS_NONE, false, false},
	{"an answer we cannot read", 0, 200, 9, 0, LATER, HOLD_UNCERTAIN, NEWS_NONE, false, false},
	{"never readable: for a person", 0, 404, RULES_ASKS_MAX, 0, FINISH, OUTCOME_REJECTED, NEWS_ALIVE, false, false},
	{"not by a probe", 0, 404, RULES_ASKS_MAX, 0, LATER, HOLD_UNCERTAIN, NEWS_NONE, true, true},
};
/* clang-format on */

static void a_doubt_outlives_an_unreadable_state(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(not_asked_rows); i++) {
		struct facts f = facts_of(NOTICE_READY);
		struct plan p;
		int what;

		f.rc = not_asked_rows[i].rc;
		f.status = not_asked_rows[i].status;
		f.attempts = not_asked_rows[i].attempts;
		f.failures = not_asked_rows[i].failures;
		f.probe = not_asked_rows[i].probe;
		f.last_status = 200;
		p = decide_not_asked(&f);
		what = p.kind == PLAN_FINISH ? (int)p.outcome : (int)p.hold;
		if (p.kind != not_asked_rows[i].kind ||
		    what != not_asked_rows[i].what ||
		    p.refund != not_asked_rows[i].refund ||
		    p.news != not_asked_rows[i].news || p.http_status != 200 ||
		    (p.kind == PLAN_LATER && !p.keep_uncertain))
			fail_msg("%s: kind %d what %d refund %d news %d "
				 "status %d",
				 not_asked_rows[i].name, p.kind, what, p.refund,
				 p.news, p.http_status);
	}
}

/* --- the limiter --- */

static void no_second_sees_more_than_its_rate_and_a_tenth(void **state)
{
	static const int64_t rates[] = {1, 7, 20, 100, 1000};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rates); i++) {
		struct limiter l = limiter_make(rates[i], 0);
		int64_t taken = 0;
		int64_t most = rates[i] + MAX_OF(rates[i] / 10, (int64_t)1);

		for (int64_t us = 0; us < 1000000; us += 500)
			while (limiter_take(&l, us))
				taken++;
		if (taken > most || taken < rates[i])
			fail_msg("rate %lld: %lld in a second",
				 (long long)rates[i], (long long)taken);
		for (int64_t us = 1000000; us < 11000000; us += 500)
			while (limiter_take(&l, us))
				taken++;
		if (taken < 11 * rates[i] || taken > 11 * rates[i] + most)
			fail_msg("rate %lld: %lld in eleven seconds",
				 (long long)rates[i], (long long)taken);
	}
}

static void waiting_as_long_as_told_is_enough(void **state)
{
	static const int64_t rates[] = {1, 3, 20, 999, 1000};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rates); i++) {
		struct limiter l = limiter_make(rates[i], 0);
		int64_t us = 0;

		for (int n = 0; n < 3000; n++) {
			int wait_ms = limiter_wait_ms(&l, us);

			assert_in_range(wait_ms, 0, 1001);
			us += (int64_t)wait_ms * 1000;
			if (!limiter_take(&l, us))
				fail_msg("rate %lld, call %d",
					 (long long)rates[i], n);
		}
	}
}

static void a_pause_saves_up_no_more_than_one_burst(void **state)
{
	struct limiter l = limiter_make(50, 0);

	(void)state;
	assert_int_equal(limiter_available(&l, 0), 5);
	assert_int_equal(limiter_available(&l, 3600000000LL), 5);
	for (int i = 0; i < 5; i++)
		assert_true(limiter_take(&l, 3600000000LL));
	assert_false(limiter_take(&l, 3600000000LL));
	assert_int_equal(limiter_make(0, 0).rate_per_s, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_sent_only_while_it_makes_sense),
		cmocka_unit_test(every_notice_has_an_answer_in_every_state),
		cmocka_unit_test(the_first_blocker_that_is_needed_is_named),
		cmocka_unit_test(a_notice_is_past_when_the_gate_would_stop_it),
		cmocka_unit_test(an_answer_leads_to_one_action),
		cmocka_unit_test(nothing_is_lost_by_any_answer),
		cmocka_unit_test(a_state_decides_about_a_doubt),
		cmocka_unit_test(a_doubt_outlives_an_unreadable_state),
		cmocka_unit_test(no_second_sees_more_than_its_rate_and_a_tenth),
		cmocka_unit_test(waiting_as_long_as_told_is_enough),
		cmocka_unit_test(a_pause_saves_up_no_more_than_one_burst),
	};
	return cmocka_run_group_tests_name("notifier rules", tests, NULL, NULL);
}
