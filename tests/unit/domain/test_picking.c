/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "domain/order/order_actions.h"
#include "order_basket.h"

struct pick_row {
	const char *name;
	int line_no;
	int64_t quantity_milli, weight_g;
	const char *reason;
	int want_rc;
	const char *want_remarks;
	enum line_state want_state;
};

/* What a refused pick leaves behind. */
static bool is_untouched(const struct order *order, const struct goods *goods)
{
	if (order->version != 5 || order->picker_until_ms != LEASE_END_MS)
		return false;
	for (size_t i = 0; i < order->line_count; i++)
		if (order->lines[i].qty_picked_milli != goods[i].picked_milli ||
		    order->lines[i].state != goods[i].state ||
		    order->lines[i].weight_picked_g != goods[i].weight_picked_g)
			return false;
	return true;
}

static bool is_on_line(const struct order_line *line,
		       const struct pick_row *row)
{
	bool weighed = row->weight_g > 0 && row->quantity_milli > 0;

	return line->qty_picked_milli == row->quantity_milli &&
	       line->state == row->want_state &&
	       line->weight_picked_g == (weighed ? row->weight_g : -1) &&
	       strcmp(line->reason,
		      row->want_state == LINE_SHORT ? row->reason : "") == 0;
}

static void follow_picks(const struct pick_row *rows, size_t count,
			 const struct goods *goods, size_t goods_count)
{
	for (size_t i = 0; i < count; i++) {
		const struct pick_row *row = &rows[i];
		CLEANUP(order_outcome_clear) struct order_outcome out = {0};
		CLEANUP(order_clear)
		struct order order = basket_order(goods, goods_count);
		struct order_action action = basket_action(ACTION_PICK);
		char remarks[BASKET_TEXT_BYTES];
		int rc;

		action.line_no = row->line_no;
		action.quantity_milli = row->quantity_milli;
		action.weight_g = row->weight_g;
		action.reason = row->reason;
		rc = basket_act(&order, &action, &out);
		basket_remarks(&out, remarks);
		if (rc != row->want_rc ||
		    strcmp(remarks, row->want_remarks) != 0 ||
		    (rc == 0 && (out.refusal != REFUSAL_VALUES ||
				 !is_untouched(&order, goods))) ||
		    (rc == 1 &&
		     (order.version != 6 ||
		      !is_on_line(order_line_find(&order, row->line_no), row))))
			fail_msg("%s: rc %d, remarks '%s'", row->name, rc,
				 remarks);
	}
}

static void picking_follows_the_table(void **state)
{
	static const struct pick_row rows[] = {
		{"all pieces", 1, 3000, -1, "", 1, "", LINE_PICKED},
		{"all, and a reason that says nothing", 1, 3000, -1, "other", 1,
		 "", LINE_PICKED},
		{"one more piece than wanted", 1, 4000, -1, "", 0, "1:too_much",
		 0},
		{"a thousandth more than wanted", 1, 3001, -1, "", 0,
		 "1:too_much", 0},
		{"fewer with a reason", 1, 2000, -1, "damaged", 1, "",
		 LINE_SHORT},
		{"fewer without a reason", 1, 2000, -1, "", 0,
		 "1:reason_missing", 0},
		{"none with a reason", 1, 0, -1, "not_found", 1, "",
		 LINE_SHORT},
		{"none without a reason", 1, 0, -1, "", 0, "1:reason_missing",
		 0},
		{"a reason that nobody knows", 1, 1000, -1, "lazy", 0,
		 "1:unknown_reason", 0},
		{"an unknown reason for nothing", 1, 3000, -1, "lazy", 0,
		 "1:unknown_reason", 0},
		{"pieces on the scales", 1, 3000, 500, "", 0, "1:not_weighed",
		 0},
		{"pieces that weigh nothing", 1, 3000, 0, "", 1, "",
		 LINE_PICKED},
		{"a line that is not there", 9, 1000, -1, "", 0,
		 "9:no_such_line", 0},
		{"line zero", 0, 1000, -1, "", 0, "0:no_such_line", 0},

		{"a kilogram to the gram", 2, 1000, 1000, "", 1, "",
		 LINE_PICKED},
		{"955 g of a kilogram", 2, 1000, 955, "", 1, "", LINE_PICKED},
		{"just within soft, above", 2, 1000, 1100, "", 1, "",
		 LINE_PICKED},
		{"just within soft, below", 2, 1000, 900, "", 1, "",
		 LINE_PICKED},
		{"a gram beyond soft, above", 2, 1000, 1101, "", 1,
		 "2:weight_differs", LINE_PICKED},
		{"a gram beyond soft, below", 2, 1000, 899, "", 1,
		 "2:weight_differs", LINE_PICKED},
		{"just within hard, above", 2, 1000, 1250, "", 1,
		 "2:weight_differs", LINE_PICKED},
		{"just within hard, below", 2, 1000, 750, "", 1,
		 "2:weight_differs", LINE_PICKED},
		{"a gram beyond hard, above", 2, 1000, 1251, "", 0,
		 "2:weight_off", 0},
		{"a gram beyond hard, below", 2, 1000, 749, "", 0,
		 "2:weight_off", 0},
		{"a kilogram not weighed", 2, 1000, -1, "", 0,
		 "2:weight_missing", 0},
		{"a kilogram that weighs nothing", 2, 1000, 0, "", 0,
		 "2:weight_missing", 0},
		{"none of a kilogram", 2, 0, -1, "expired", 1, "", LINE_SHORT},
		{"none of a kilogram, zero grams", 2, 0, 0, "expired", 1, "",
		 LINE_SHORT},
		{"none of a kilogram, the scales say 5", 2, 0, 5, "expired", 1,
		 "", LINE_SHORT},
		{"part of a pack with its weight", 2, 955, 955, "other", 1, "",
		 LINE_SHORT},
		{"half of the packs, half of the weight", 3, 1000, 300,
		 "not_found", 1, "", LINE_SHORT},
		{"half of the packs, all of the weight", 3, 1000, 600,
		 "not_found", 0, "3:weight_off", 0},
		{"a little more than a pack", 2, 1090, 1090, "", 1, "",
		 LINE_PICKED},
		{"more may not weigh more", 2, 1250, 1300, "", 0,
		 "2:weight_off", 0},
		{"far more than a pack", 2, 1251, 1000, "", 0, "2:too_much", 0},
		{"everything wrong at once", 2, 5000, -1, "lazy", 0,
		 "2:too_much 2:unknown_reason 2:weight_missing", 0},
	};

	(void)state;
	follow_picks(rows, COUNT_OF(rows), basket, COUNT_OF(basket));
}

static void lines_that_changed_meanwhile_follow_the_table(void **state)
{
	static const struct goods goods[] = {
		{LINE_REMOVED, 0, 2000, -1, -1, ""},
		{LINE_REPLACED, 1000, 0, -1, -1, ""},
		{LINE_PENDING, 0, 0, -1, -1, ""},
		{LINE_SHORT, 3000, 1000, -1, -1, "damaged"},
	};
	static const struct pick_row rows[] = {
		{"on a removed line", 1, 1000, -1, "", 0, "1:removed", 0},
		{"put back from a removed line", 1, 0, -1, "", 1, "",
		 LINE_REMOVED},
		{"on a replaced line", 2, 1000, -1, "", 0, "2:replaced", 0},
		{"on a line that is not wanted any more", 3, 1000, -1, "", 0,
		 "3:too_much", 0},
		{"nothing of what is not wanted any more", 3, 0, -1, "", 1, "",
		 LINE_PICKED},
		{"the rest of a short line was found", 4, 3000, -1, "", 1, "",
		 LINE_PICKED},
	};

	(void)state;
	follow_picks(rows, COUNT_OF(rows), goods, COUNT_OF(goods));
}

static void a_pick_is_told_once_and_a_repeat_changes_nothing(void **state)
{
	CLEANUP(order_clear)
	struct order order = basket_order(basket, COUNT_OF(basket));
	CLEANUP(order_outcome_clear) struct order_outcome first = {0};
	CLEANUP(order_outcome_clear) struct order_outcome second = {0};
	struct order_action action = basket_action(ACTION_PICK);

	(void)state;
	action.line_no = 2;
	action.quantity_milli = 1000;
	action.weight_g = 955;
	assert_int_equal(basket_act(&order, &action, &first), 1);
	assert_int_equal(order.version, 6);
	assert_true(first.change.changed && first.change.lines_changed);
	assert_int_equal(first.change.only_line_no, 2);
	assert_int_equal(first.change.note_count, 1);
	assert_string_equal(first.change.notes[0].kind, "pick");
	assert_string_equal(first.change.notes[0].actor, "anna");
	assert_string_equal(
		first.change.notes[0].detail,
		"{\"line\":2,\"sku\":\"100002\",\"from\":0,\"to\":1,"
		"\"weight\":955,\"state\":\"picked\"}");
	assert_int_equal(order.picker_until_ms, NOW_MS + ORDER_LEASE_MS);
	assert_int_equal(order.updated_ms, NOW_MS);

	action.version = 6;
	assert_int_equal(basket_act(&order, &action, &second), 1);
	assert_int_equal(order.version, 6);
	assert_int_equal(second.change.note_count, 0);
	assert_false(second.change.lines_changed);
}

static void a_reset_line_is_as_before_the_first_pick(void **state)
{
	static const struct goods goods[] = {
		{LINE_PICKED, 1000, 1000, 1000, 955, ""},
		{LINE_SHORT, 3000, 1000, -1, -1, "damaged"},
		{LINE_REMOVED, 0, 2000, -1, -1, ""},
	};
	static const enum line_state want[] = {LINE_PENDING, LINE_PENDING,
					       LINE_REMOVED};

	(void)state;
	for (int i = 0; i < (int)COUNT_OF(goods); i++) {
		CLEANUP(order_clear)
		struct order order = basket_order(goods, COUNT_OF(goods));
		CLEANUP(order_outcome_clear) struct order_outcome out = {0};
		struct order_action action = basket_action(ACTION_RESET);
		const struct order_line *line = &order.lines[i];

		action.line_no = i + 1;
		if (basket_act(&order, &action, &out) != 1 ||
		    order.version != 6 || line->state != want[i] ||
		    line->qty_picked_milli != 0 ||
		    line->weight_picked_g != -1 || line->reason[0] != '\0' ||
		    out.change.only_line_no != i + 1 ||
		    strcmp(out.change.notes[0].kind, "reset") != 0)
			fail_msg("line %d", i + 1);
	}
}

struct finish_row {
	const char *name;
	struct goods goods[4];
	const char *want_remarks;
	enum order_state want_state;
	const char *want_notices;
};

static void follow_finish(const struct finish_row *row)
{
	CLEANUP(order_outcome_clear) struct order_outcome out = {0};
	struct order_action action = basket_action(ACTION_FINISH);
	CLEANUP(order_clear) struct order order = {0};
	char remarks[BASKET_TEXT_BYTES];
	char notices[BASKET_TEXT_BYTES];
	size_t count = 0;
	int rc;

	while (count < COUNT_OF(row->goods) &&
	       row->goods[count].state != LINE_NONE)
		count++;
	order = basket_order(row->goods, count);
	action.bags = 2;
	rc = basket_act(&order, &action, &out);
	basket_remarks(&out, remarks);
	basket_notices(&out.change, notices);
	if (rc != (row->want_state != ORDER_ASSEMBLING) ||
	    order.state != row->want_state ||
	    strcmp(remarks, row->want_remarks) != 0 ||
	    strcmp(notices, row->want_notices) != 0)
		fail_msg("%s: rc %d, %s, remarks '%s', notices '%s'", row->name,
			 rc, order_state_name(order.state), remarks, notices);
	assert_int_equal(out.refusal, rc == 1 ? REFUSAL_NONE : REFUSAL_VALUES);
	assert_int_equal(order.version, rc == 1 ? 6 : 5);
	assert_int_equal(order.bags, order.state == ORDER_ASSEMBLED ? 2 : 0);
	assert_int_equal(order.assembled_ms,
			 order.state == ORDER_ASSEMBLED ? NOW_MS : 0);
}

#define FINISHED "order.assembled order.ready_for_delivery"

static const struct finish_row finish_rows[] = {
	{"all is there",
	 {{LINE_PICKED, 3000, 3000, -1, -1, ""},
	  {LINE_PICKED, 1000, 1000, 1000, 955, ""}},
	 "",
	 ORDER_ASSEMBLED,
	 FINISHED},
	{"some is short",
	 {{LINE_PICKED, 3000, 3000, -1, -1, ""},
	  {LINE_SHORT, 1000, 0, -1, -1, "not_found"}},
	 "",
	 ORDER_ASSEMBLED,
	 FINISHED},
	{"only part of one line is there",
	 {{LINE_SHORT, 3000, 1000, -1, -1, "damaged"},
	  {LINE_SHORT, 1000, 0, 1000, -1, "not_found"}},
	 "",
	 ORDER_ASSEMBLED,
	 FINISHED},
	{"the customer removed a line",
	 {{LINE_PICKED, 3000, 3000, -1, -1, ""},
	  {LINE_REMOVED, 0, 0, -1, -1, ""}},
	 "",
	 ORDER_ASSEMBLED,
	 FINISHED},
	{"the customer wants none of a line",
	 {{LINE_PICKED, 3000, 3000, -1, -1, ""},
	  {LINE_PENDING, 0, 0, -1, -1, ""}},
	 "",
	 ORDER_ASSEMBLED,
	 FINISHED},
	{"nothing is there",
	 {{LINE_SHORT, 3000, 0, -1, -1, "not_found"},
	  {LINE_SHORT, 1000, 0, 1000, -1, "expired"}},
	 "",
	 ORDER_CANCELED,
	 "order.canceled"},
	{"the customer removed everything",
	 {{LINE_REMOVED, 0, 0, -1, -1, ""}},
	 "",
	 ORDER_CANCELED,
	 "order.canceled"},
	{"an order without lines",
	 {{LINE_NONE, 0, 0, -1, -1, ""}},
	 "",
	 ORDER_CANCELED,
	 "order.canceled"},
	{"every fault at once",
	 {{LINE_PENDING, 3000, 0, -1, -1, ""},
	  {LINE_REMOVED, 0, 1000, -1, -1, ""},
	  {LINE_PICKED, 1000, 1000, 1000, -1, ""},
	  {LINE_PICKED, 1000, 1000, 1000, 1300, ""}},
	 "1:not_picked 2:put_back 3:weight_missing 4:weight_off",
	 ORDER_ASSEMBLING,
	 ""},
	{"nothing is there, and a line is left",
	 {{LINE_SHORT, 3000, 0, -1, -1, "not_found"},
	  {LINE_PENDING, 1000, 0, -1, -1, ""}},
	 "2:not_picked",
	 ORDER_ASSEMBLING,
	 ""},
	{"fewer are wanted than are in the bag",
	 {{LINE_PICKED, 2000, 3000, -1, -1, ""}},
	 "1:too_much",
	 ORDER_ASSEMBLING,
	 ""},
	{"more are wanted than are in the bag",
	 {{LINE_PICKED, 4000, 3000, -1, -1, ""}},
	 "1:not_picked",
	 ORDER_ASSEMBLING,
	 ""},
	{"counted, but not decided",
	 {{LINE_PENDING, 3000, 1000, -1, -1, ""}},
	 "1:not_picked",
	 ORDER_ASSEMBLING,
	 ""},
	{"not wanted any more, but in the bag",
	 {{LINE_PENDING, 0, 1000, -1, -1, ""}},
	 "1:not_picked",
	 ORDER_ASSEMBLING,
	 ""},
	{"short for no reason",
	 {{LINE_SHORT, 3000, 1000, -1, -1, ""}},
	 "1:reason_missing",
	 ORDER_ASSEMBLING,
	 ""},
	{"a short line that was not weighed",
	 {{LINE_SHORT, 2000, 1000, 600, -1, "damaged"}},
	 "1:weight_missing",
	 ORDER_ASSEMBLING,
	 ""},
	{"a line that the customer wants heavier now",
	 {{LINE_PICKED, 1000, 1000, 2000, 1000, ""}},
	 "1:weight_off",
	 ORDER_ASSEMBLING,
	 ""},
};

static void finishing_follows_the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(finish_rows); i++)
		follow_finish(&finish_rows[i]);
}

static void a_thousand_faults_are_all_named(void **state)
{
	CLEANUP(order_outcome_clear) struct order_outcome out = {0};
	struct order_action action = basket_action(ACTION_FINISH);
	CLEANUP(order_clear) struct order order = basket_order(basket, 0);

	(void)state;
	for (int i = 0; i < ORDER_LINES_MAX; i++)
		basket_add(&order, &basket[0]);
	assert_int_equal(basket_act(&order, &action, &out), 0);
	assert_int_equal(out.remark_count, ORDER_LINES_MAX);
	assert_int_equal(out.remarks[999].line_no, 1000);
}

static void the_optional_notice_is_left_out_when_not_wanted(void **state)
{
	static const struct order_policy quiet = {0};
	static const struct goods one = {LINE_PICKED, 1000, 1000, -1, -1, ""};
	CLEANUP(order_outcome_clear) struct order_outcome out = {0};
	struct order_action action = basket_action(ACTION_FINISH);
	CLEANUP(order_clear) struct order order = basket_order(&one, 1);

	(void)state;
	assert_int_equal(order_act(&order, &action, &quiet, NOW_MS, &out, NULL),
			 1);
	assert_int_equal(out.change.notice_count, 1);
	assert_int_equal(out.change.notices[0], NOTICE_READY);
}

static void a_piece_has_no_parts_unless_they_were_ordered(void **state)
{
	static const struct {
		const char *name;
		bool is_piece;
		int64_t ordered_milli, quantity_milli;
		int want_rc;
	} rows[] = {
		{"half a piece", true, 3000, 500, 0},
		{"whole pieces", true, 3000, 2000, 1},
		{"nothing", true, 3000, 0, 1},
		{"a part that was ordered", true, 1500, 500, 1},
		{"the catalogue does not say", false, 3000, 500, 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(order_outcome_clear) struct order_outcome out = {0};
		CLEANUP(order_clear)
		struct order order = basket_order(basket, COUNT_OF(basket));
		struct order_action action = basket_action(ACTION_PICK);

		order.lines[0].is_piece = rows[i].is_piece;
		order.lines[0].qty_milli = rows[i].ordered_milli;
		action.line_no = 1;
		action.quantity_milli = rows[i].quantity_milli;
		action.reason = "not_found";
		if (basket_act(&order, &action, &out) != rows[i].want_rc ||
		    (rows[i].want_rc == 0 &&
		     strcmp(out.remarks[0].code, "not_whole") != 0))
			fail_msg("%s", rows[i].name);
	}
}

static void an_empty_bag_says_why_the_order_was_cancelled(void **state)
{
	static const struct goods none = {LINE_SHORT, 1000, 0,
					  -1,         -1,   "expired"};
	CLEANUP(order_outcome_clear) struct order_outcome out = {0};
	struct order_action action = basket_action(ACTION_FINISH);
	CLEANUP(order_clear) struct order order = basket_order(&none, 1);

	(void)state;
	assert_int_equal(basket_act(&order, &action, &out), 1);
	assert_string_equal(order.cancel_source, "store");
	assert_string_equal(order.cancel_reason, "nothing_picked");
	assert_int_equal(order.canceled_ms, NOW_MS);
	assert_string_equal(out.change.notes[0].kind, "cancel");
	assert_string_equal(out.change.notes[0].detail,
			    "{\"reason\":\"nothing_picked\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(picking_follows_the_table),
		cmocka_unit_test(lines_that_changed_meanwhile_follow_the_table),
		cmocka_unit_test(
			a_pick_is_told_once_and_a_repeat_changes_nothing),
		cmocka_unit_test(a_reset_line_is_as_before_the_first_pick),
		cmocka_unit_test(finishing_follows_the_table),
		cmocka_unit_test(a_thousand_faults_are_all_named),
		cmocka_unit_test(
			the_optional_notice_is_left_out_when_not_wanted),
		cmocka_unit_test(a_piece_has_no_parts_unless_they_were_ordered),
		cmocka_unit_test(an_empty_bag_says_why_the_order_was_cancelled),
	};

	return cmocka_run_group_tests_name("picking", tests, NULL, NULL);
}
