/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "domain/order/order_actions.h"
#include "order_basket.h"

static void taking_follows_the_table(void **state)
{
	static const struct {
		const char *name;
		enum order_state from;
		const char *holder;
		int64_t until_ms;
		bool take_over;
		int want_rc;
		const char *want_kind, *want_detail, *want_notices;
		int64_t want_version;
	} rows[] = {
		{"a new order", ORDER_NEW, "", 0, false, 1, "take", "{}",
		 "order.in_work", 6},
		{"an accepted order", ORDER_ACCEPTED, "", 0, false, 1, "take",
		 "{}", "order.in_work", 6},
		{"an accepted order, by force", ORDER_ACCEPTED, "", 0, true, 1,
		 "take", "{}", "order.in_work", 6},
		{"again", ORDER_ASSEMBLING, "boris", LEASE_END_MS, false, 1,
		 NULL, NULL, "", 5},
		{"again after the lease has ended", ORDER_ASSEMBLING, "boris",
		 NOW_MS - 1, false, 1, NULL, NULL, "", 5},
		{"released by somebody", ORDER_ASSEMBLING, "", 0, false, 1,
		 "take", "{}", "", 6},
		{"held by another", ORDER_ASSEMBLING, "anna", LEASE_END_MS,
		 false, 0, NULL, NULL, "", 5},
		{"held by another a millisecond longer", ORDER_ASSEMBLING,
		 "anna", NOW_MS + 1, false, 0, NULL, NULL, "", 5},
		{"held by another until now", ORDER_ASSEMBLING, "anna", NOW_MS,
		 false, 1, "take", "{\"from\":\"anna\"}", "", 6},
		{"taken over", ORDER_ASSEMBLING, "anna", LEASE_END_MS, true, 1,
		 "takeOver", "{\"from\":\"anna\"}", "", 6},
		{"taken over, but nobody is there any more", ORDER_ASSEMBLING,
		 "anna", NOW_MS, true, 1, "take", "{\"from\":\"anna\"}", "", 6},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(order_clear)
		struct order order = basket_order(basket, 1);
		CLEANUP(order_outcome_clear) struct order_outcome out = {0};
		struct order_action action = basket_action(ACTION_TAKE);
		char notices[BASKET_TEXT_BYTES];
		int rc;

		order.state = rows[i].from;
		(void)text_copy(order.picker_id, sizeof(order.picker_id),
				rows[i].holder);
		order.picker_until_ms = rows[i].until_ms;
		action.picker_id = "boris";
		action.take_over = rows[i].take_over;
		rc = basket_act(&order, &action, &out);
		basket_notices(&out.change, notices);
		if (rc != rows[i].want_rc ||
		    strcmp(notices, rows[i].want_notices) != 0 ||
		    order.version != rows[i].want_version ||
		    out.change.note_count != (rows[i].want_kind != NULL))
			fail_msg("%s: rc %d, notices '%s'", rows[i].name, rc,
				 notices);
		if (rows[i].want_kind != NULL) {
			assert_string_equal(out.change.notes[0].kind,
					    rows[i].want_kind);
			assert_string_equal(out.change.notes[0].detail,
					    rows[i].want_detail);
			assert_int_equal(order.taken_ms, NOW_MS);
		}
		if (rc == 0) {
			assert_int_equal(out.refusal, REFUSAL_PICKER);
			assert_string_equal(order.picker_id, "anna");
			continue;
		}
		assert_int_equal(order.state, ORDER_ASSEMBLING);
		assert_string_equal(order.picker_id, "boris");
		assert_int_equal(order.picker_until_ms,
				 NOW_MS + ORDER_LEASE_MS);
	}
}

static void a_released_order_is_nobodys_and_stays_in_work(void **state)
{
	CLEANUP(order_clear) struct order order = basket_order(basket, 1);
	CLEANUP(order_outcome_clear) struct order_outcome out = {0};
	struct order_action action = basket_action(ACTION_RELEASE);

	(void)state;
	assert_int_equal(basket_act(&order, &action, &out), 1);
	assert_int_equal(order.state, ORDER_ASSEMBLING);
	assert_string_equal(order.picker_id, "");
	assert_int_equal(order.picker_until_ms, 0);
	assert_int_equal(order.version, 6);
	assert_int_equal(out.change.notice_count, 0);
	assert_string_equal(out.change.notes[0].kind, "release");
}

static void a_heartbeat_extends_the_lease_and_nothing_else(void **state)
{
	CLEANUP(order_clear) struct order order = basket_order(basket, 1);
	CLEANUP(order_outcome_clear) struct order_outcome out = {0};
	struct order_action action = basket_action(ACTION_KEEP_ALIVE);

	(void)state;
	assert_int_equal(basket_act(&order, &action, &out), 1);
	assert_int_equal(order.picker_until_ms, NOW_MS + ORDER_LEASE_MS);
	assert_int_equal(order.version, 5);
	assert_true(out.change.changed);
	assert_int_equal(out.change.note_count, 0);
}

static void the_store_cancels_with_its_reason(void **state)
{
	CLEANUP(order_outcome_clear) struct order_outcome out = {0};
	struct order_action action = basket_action(ACTION_CANCEL);
	CLEANUP(order_clear) struct order order = basket_order(basket, 1);
	char notices[BASKET_TEXT_BYTES];

	(void)state;
	action.picker_id = "";
	action.reason = "out_of_stock";
	assert_int_equal(basket_act(&order, &action, &out), 1);
	basket_notices(&out.change, notices);
	assert_string_equal(notices, "order.canceled");
	assert_int_equal(order.state, ORDER_CANCELED);
	assert_string_equal(order.cancel_reason, "out_of_stock");
	assert_string_equal(out.change.notes[0].actor, "store");
	assert_int_equal(order.version, 6);
}

static void goods_are_handed_over_by_whoever_is_at_the_desk(void **state)
{
	CLEANUP(order_outcome_clear) struct order_outcome out = {0};
	struct order_action action = basket_action(ACTION_HAND_OVER);
	CLEANUP(order_clear) struct order order = basket_order(basket, 1);

	(void)state;
	order.state = ORDER_READY;
	action.picker_id = "boris";
	action.code = "318";
	assert_int_equal(basket_act(&order, &action, &out), 1);
	assert_int_equal(order.state, ORDER_RECEIVED);
	assert_int_equal(order.received_ms, NOW_MS);
	assert_string_equal(order.picker_id, "anna");
	assert_string_equal(out.change.notes[0].actor, "boris");
	assert_string_equal(out.change.notes[0].detail, "{\"code\":\"318\"}");
	assert_int_equal(out.change.notice_count, 0);
}

/* Every action in every state: refused as a step exactly when the state table
 * does not allow its event, and then without a trace. */
static void the_state_table_decides_what_is_possible(void **state)
{
	(void)state;
	for (int type = 1; type < ACTION_MAX_; type++)
		for (int s = 0; s < ORDER_STATE_MAX_; s++) {
			enum order_action_type t = (enum order_action_type)type;
			struct order_action action = basket_action(t);
			CLEANUP(order_clear)
			struct order order = basket_order(basket, 1);
			CLEANUP(order_outcome_clear)
			struct order_outcome out = {0};
			enum order_verdict verdict;
			int rc;

			order.state = (enum order_state)s;
			verdict = order_step(order.state, order_action_event(t))
					  .verdict;
			action.quantity_milli = 3000;
			rc = basket_act(&order, &action, &out);
			if ((out.refusal == REFUSAL_STEP) ==
			    (verdict == VERDICT_MOVE ||
			     verdict == VERDICT_STAY))
				fail_msg("action %d in %s: %d", type,
					 order_state_name((enum order_state)s),
					 out.refusal);
			if (out.refusal != REFUSAL_STEP)
				continue;
			assert_int_equal(rc, 0);
			assert_int_equal(order.state, s);
			assert_int_equal(order.version, 5);
			assert_false(out.change.changed);
			assert_int_equal(out.change.note_count, 0);
		}
}

static void only_the_holder_acts_and_only_on_what_he_saw(void **state)
{
	static const struct {
		enum order_action_type type;
		bool holder_only, versioned;
	} rows[] = {
		{ACTION_TAKE, true, false},   {ACTION_RELEASE, true, false},
		{ACTION_PICK, true, true},    {ACTION_KEEP_ALIVE, true, false},
		{ACTION_RESET, true, true},   {ACTION_FINISH, true, true},
		{ACTION_CANCEL, false, true}, {ACTION_HAND_OVER, false, true},
		{ACTION_SCAN, true, true},    {ACTION_REPLACE, true, true},
	};
	static const int64_t other_versions[] = {4, 6, 0, -1};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(order_clear)
		struct order order = basket_order(basket, 1);
		CLEANUP(order_outcome_clear) struct order_outcome out = {0};
		struct order_action action = basket_action(rows[i].type);

		if (rows[i].type == ACTION_HAND_OVER)
			order.state = ORDER_READY;
		for (size_t v = 0; v < COUNT_OF(other_versions); v++) {
			action.version = other_versions[v];
			if (!rows[i].versioned)
				continue;
			assert_int_equal(basket_act(&order, &action, &out), 0);
			assert_int_equal(out.refusal, REFUSAL_VERSION);
			order_outcome_clear(&out);
		}
		action.picker_id = "boris";
		action.version = 5;
		(void)basket_act(&order, &action, &out);
		if ((out.refusal == REFUSAL_PICKER) != rows[i].holder_only)
			fail_msg("row %zu: refusal %d", i, out.refusal);
	}
}

static void an_order_that_nobody_holds_must_be_taken_first(void **state)
{
	CLEANUP(order_clear) struct order order = basket_order(basket, 1);
	CLEANUP(order_outcome_clear) struct order_outcome out = {0};
	struct order_action action = basket_action(ACTION_PICK);

	(void)state;
	order.picker_id[0] = '\0';
	action.quantity_milli = 3000;
	assert_int_equal(basket_act(&order, &action, &out), 0);
	assert_int_equal(out.refusal, REFUSAL_PICKER);
}

static void a_holder_whose_lease_has_ended_may_go_on(void **state)
{
	CLEANUP(order_clear) struct order order = basket_order(basket, 1);
	CLEANUP(order_outcome_clear) struct order_outcome out = {0};
	struct order_action action = basket_action(ACTION_PICK);

	(void)state;
	order.picker_until_ms = NOW_MS - 1;
	action.quantity_milli = 3000;
	assert_int_equal(basket_act(&order, &action, &out), 1);
	assert_int_equal(order.picker_until_ms, NOW_MS + ORDER_LEASE_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taking_follows_the_table),
		cmocka_unit_test(a_released_order_is_nobodys_and_stays_in_work),
		cmocka_unit_test(
			a_heartbeat_extends_the_lease_and_nothing_else),
		cmocka_unit_test(the_store_cancels_with_its_reason),
		cmocka_unit_test(
			goods_are_handed_over_by_whoever_is_at_the_desk),
		cmocka_unit_test(the_state_table_decides_what_is_possible),
		cmocka_unit_test(only_the_holder_acts_and_only_on_what_he_saw),
		cmocka_unit_test(
			an_order_that_nobody_holds_must_be_taken_first),
		cmocka_unit_test(a_holder_whose_lease_has_ended_may_go_on),
	};

	return cmocka_run_group_tests_name("order_actions", tests, NULL, NULL);
}
