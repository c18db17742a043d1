/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "base/text.h"
#include "domain/order/order_actions.h"
#include "order_basket.h"

static const struct goods five[] = {
	{LINE_PENDING, 5000, 0, -1, -1, ""},
	{LINE_PICKED, 1000, 1000, -1, -1, ""},
	{LINE_REMOVED, 0, 0, -1, -1, ""},
};

/* Line 1 costs 100.00, with a discount 90.00. */
static struct order order_with(const char *policy, int64_t picked_milli)
{
	struct order order = basket_order(five, COUNT_OF(five));

	order.lines[0].price_minor = 10000;
	order.lines[0].discount_price_minor = 9000;
	order.lines[0].qty_picked_milli = picked_milli;
	(void)text_copy(order.terms.replacement_policy,
			sizeof(order.terms.replacement_policy), policy);
	return order;
}

static struct order_action replace_with(struct named_goods *goods,
					const char *sku, int64_t quantity_milli)
{
	struct order_action action = basket_action(ACTION_REPLACE);

	*goods = (struct named_goods){.piece_weight_g = -1,
				      .soft_percent = WEIGHT_SOFT_PERCENT,
				      .hard_percent = WEIGHT_HARD_PERCENT,
				      .name = "Milk"};
	(void)text_copy(goods->sku, sizeof(goods->sku), sku);
	action.goods = goods;
	action.quantity_milli = quantity_milli;
	action.dearer_percent = 10;
	return action;
}

static const struct {
	const char *name, *policy, *consent;
	int line_no;
	const char *sku;
	int64_t quantity_milli, price_minor, picked_milli;
	const char *want; /* "": done */
} attempts[] = {
	{"as the policy says", "call_or_replace", "", 1, "7", 5000, -1, 0, ""},
	{"for the same price", "call_or_replace", "", 1, "7", 5000, 9000, 0,
	 ""},
	{"cheaper", "replace", "", 1, "7", 5000, 10, 0, ""},
	{"dearer, within the cap", "replace", "", 1, "7", 5000, 9900, 0, ""},
	{"dearer, beyond the cap", "replace", "", 1, "7", 5000, 9901, 0,
	 "1:too_dear"},
	{"beyond the cap, agreed", "replace", "call", 1, "7", 5000, 20000, 0,
	 ""},
	{"what is missing of it", "replace", "", 1, "7", 2000, -1, 3000, ""},
	{"more than is missing", "replace", "", 1, "7", 3000, -1, 3000,
	 "1:too_much"},
	{"more than is missing, agreed", "replace", "call", 1, "7", 3000, -1,
	 3000, ""},
	{"rather cancelled", "call_or_cancel", "", 1, "7", 5000, -1, 0,
	 "1:consent_missing"},
	{"rather cancelled, but asked", "call_or_cancel", "call", 1, "7", 5000,
	 -1, 0, ""},
	{"a policy that is not known", "surprise", "", 1, "7", 5000, -1, 0,
	 "1:consent_missing"},
	{"no policy", "", "", 1, "7", 5000, -1, 0, "1:consent_missing"},
	{"no policy, asked", "", "call", 1, "7", 5000, -1, 0, ""},
	{"everything at once", "", "", 1, "7", 6000, 20000, 0,
	 "1:consent_missing 1:too_much 1:too_dear"},
	{"never", "cancel", "call", 1, "7", 5000, -1, 0,
	 "1:replacement_forbidden"},
	{"by itself", "replace", "", 1, "100001", 5000, -1, 0,
	 "1:same_product"},
	{"by nothing", "replace", "", 1, "7", 0, -1, 0, "1:nothing_picked"},
	{"all of it is there", "replace", "", 2, "7", 1000, -1, 0,
	 "2:nothing_to_replace"},
	{"the customer removed it", "replace", "", 3, "7", 1000, -1, 0,
	 "3:removed"},
	{"no such line", "replace", "", 4, "7", 1000, -1, 0, "4:no_such_line"},
};

static void what_may_be_replaced_follows_the_table(void **state)
{

	(void)state;
	for (size_t i = 0; i < COUNT_OF(attempts); i++) {
		CLEANUP(order_clear)
		struct order order = order_with(attempts[i].policy,
						attempts[i].picked_milli);
		CLEANUP(order_outcome_clear) struct order_outcome out = {0};
		struct named_goods goods;
		struct order_action action = replace_with(
			&goods, attempts[i].sku, attempts[i].quantity_milli);
		char remarks[BASKET_TEXT_BYTES];
		bool done = attempts[i].want[0] == '\0';
		int rc;

		action.line_no = attempts[i].line_no;
		action.price_minor = attempts[i].price_minor;
		action.consent = attempts[i].consent;
		rc = basket_act(&order, &action, &out);
		basket_remarks(&out, remarks);
		if (strcmp(remarks, attempts[i].want) != 0 || rc != done ||
		    order.line_count != COUNT_OF(five) + done ||
		    order.version != 5 + done)
			fail_msg("%s: rc %d, '%s'", attempts[i].name, rc,
				 remarks);
	}
}

static void how_much_dearer_is_a_setting(void **state)
{
	static const struct {
		int64_t percent, price_minor;
		int done;
	} rows[] = {{0, 9000, 1}, {0, 9001, 0}, {50, 13500, 1}, {50, 13501, 0}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(order_clear)
		struct order order = order_with("replace", 0);
		CLEANUP(order_outcome_clear) struct order_outcome out = {0};
		struct named_goods goods;
		struct order_action action = replace_with(&goods, "7", 5000);

		action.line_no = 1;
		action.consent = "";
		action.price_minor = rows[i].price_minor;
		action.dearer_percent = rows[i].percent;
		if (basket_act(&order, &action, &out) != rows[i].done)
			fail_msg("row %zu", i);
	}
}

static void the_original_points_to_what_stands_for_it(void **state)
{
	CLEANUP(order_clear) struct order order = order_with("replace", 3000);
	CLEANUP(order_outcome_clear) struct order_outcome out = {0};
	struct named_goods goods;
	struct order_action action = replace_with(&goods, "7", 2000);
	const struct order_line *line;

	(void)state;
	action.price_minor = 8050;
	action.consent = "call";
	assert_int_equal(basket_act(&order, &action, &out), 1);
	line = &order.lines[3];
	assert_int_equal(order.lines[0].state, LINE_REPLACED);
	assert_int_equal(order.lines[0].replaced_by, 4);
	assert_int_equal(order.lines[0].qty_picked_milli, 3000);
	assert_int_equal(order.lines[0].version, 6);
	assert_int_equal(line->line_no, 4);
	assert_int_equal(line->replaces, 1);
	assert_string_equal(line->sku, "7");
	assert_string_equal(line->name, "Milk");
	assert_int_equal(line->qty_ordered_milli, 0);
	assert_int_equal(line->qty_picked_milli, 2000);
	assert_int_equal(line->state, LINE_PICKED);
	assert_int_equal(line->price_minor, 8050);
	assert_int_equal(line->discount_total_minor, 16100);
	assert_int_equal(line->weight_g, -1);
	assert_int_equal(line->version, 6);
	assert_int_equal(out.change.only_line_no, 0);
	assert_string_equal(out.change.notes[0].kind, "replace");
	assert_string_equal(
		out.change.notes[0].detail,
		"{\"line\":4,\"sku\":\"7\",\"from\":0,\"to\":2,"
		"\"state\":\"picked\",\"replaces\":1,\"consent\":\"call\"}");
}

static void a_price_of_nothing_is_refused(void **state)
{
	CLEANUP(order_clear) struct order order = order_with("replace", 0);
	CLEANUP(order_outcome_clear) struct order_outcome out = {0};
	struct named_goods goods;
	struct order_action action = replace_with(&goods, "7", 1000);

	(void)state;
	action.price_minor = 0;
	action.consent = "call";
	assert_int_equal(basket_act(&order, &action, &out), 0);
	assert_int_equal(out.refusal, REFUSAL_VALUES);
	assert_string_equal(out.remarks[0].field, "price");
	assert_string_equal(out.remarks[0].code, "no_price");
}

static void without_a_price_it_costs_what_the_original_did(void **state)
{
	CLEANUP(order_clear) struct order order = order_with("replace", 0);
	CLEANUP(order_outcome_clear) struct order_outcome out = {0};
	struct named_goods goods;
	struct order_action action = replace_with(&goods, "7", 5000);

	(void)state;
	assert_int_equal(basket_act(&order, &action, &out), 1);
	assert_int_equal(order.lines[3].price_minor, 10000);
	assert_int_equal(order.lines[3].discount_price_minor, 9000);
	assert_int_equal(order.lines[3].total_minor, 50000);
}

static void a_weighed_replacement_weighs_what_it_should(void **state)
{
	static const struct {
		int64_t weight_g;
		int want_rc;
		const char *want;
	} rows[] = {
		{-1, 1, ""}, /* by the piece, then */
		{1000, 1, ""},
		{1150, 1, "1:weight_differs"},
		{1300, 0, "1:weight_off"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(order_clear)
		struct order order = order_with("replace", 0);
		CLEANUP(order_outcome_clear) struct order_outcome out = {0};
		struct named_goods goods;
		struct order_action action = replace_with(&goods, "7", 2000);
		char remarks[BASKET_TEXT_BYTES];

		goods.piece_weight_g = 500;
		action.weight_g = rows[i].weight_g;
		assert_int_equal(basket_act(&order, &action, &out),
				 rows[i].want_rc);
		basket_remarks(&out, remarks);
		if (out.remark_count > 0)
			assert_string_equal(remarks + 1, rows[i].want + 1);
		assert_int_equal(out.remark_count > 0, rows[i].want[0] != '\0');
	}
}

static void a_replacement_can_be_replaced_and_taken_back(void **state)
{
	CLEANUP(order_clear) struct order order = order_with("replace", 0);
	struct named_goods goods;
	struct order_action action = replace_with(&goods, "7", 5000);
	CLEANUP(order_outcome_clear) struct order_outcome out = {0};

	(void)state;
	assert_int_equal(basket_act(&order, &action, &out), 1);
	order_outcome_clear(&out);
	/* There was none of that either. */
	action = basket_action(ACTION_RESET);
	action.line_no = 4;
	action.version = order.version;
	assert_int_equal(basket_act(&order, &action, &out), 1);
	order_outcome_clear(&out);
	action = replace_with(&goods, "8", 5000);
	action.line_no = 4;
	action.version = order.version;
	assert_int_equal(basket_act(&order, &action, &out), 1);
	assert_int_equal(order.lines[3].state, LINE_REPLACED);
	assert_int_equal(order.lines[3].replaced_by, 5);
	assert_int_equal(order.lines[3].replaces, 1);
	assert_int_equal(order.lines[4].replaces, 4);
	order_outcome_clear(&out);

	assert_int_equal(order_code_add(&order, 5, "u", "c", NULL), 0);
	action = basket_action(ACTION_RESET);
	action.version = order.version;
	assert_int_equal(basket_act(&order, &action, &out), 1);
	assert_int_equal(order.lines[0].state, LINE_PENDING);
	assert_int_equal(order.lines[0].replaced_by, 0);
	for (size_t i = 3; i < 5; i++) {
		assert_int_equal(order.lines[i].state, LINE_REMOVED);
		assert_int_equal(order.lines[i].qty_picked_milli, 0);
		assert_int_equal(order.lines[i].version, order.version);
	}
	assert_int_equal(order.code_count, 0);
	assert_int_equal(out.change.only_line_no, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_may_be_replaced_follows_the_table),
		cmocka_unit_test(how_much_dearer_is_a_setting),
		cmocka_unit_test(the_original_points_to_what_stands_for_it),
		cmocka_unit_test(a_price_of_nothing_is_refused),
		cmocka_unit_test(
			without_a_price_it_costs_what_the_original_did),
		cmocka_unit_test(a_weighed_replacement_weighs_what_it_should),
		cmocka_unit_test(a_replacement_can_be_replaced_and_taken_back),
	};

	return cmocka_run_group_tests_name("replace", tests, NULL, NULL);
}
