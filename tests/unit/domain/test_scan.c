/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "base/text.h"
#include "domain/order/order_actions.h"
#include "order_basket.h"

enum {
	SEEN_BYTES = 512,
	NOT_SAID = -1
};

/* One scan of a series, and the line after it as "picked/weight state", or the
 * remarks of a refusal. */
struct scan_row {
	const char *name;
	int line; /* that the goods are on; 9: on none, 0: unknown */
	int64_t quantity_milli, weight_g, price_minor;
	const char *want;
	bool again; /* on what the row before left */
};

static void name_goods(struct named_goods *goods, int line)
{
	*goods = (struct named_goods){.piece_weight_g = -1};
	if (line != 0)
		(void)snprintf(goods->sku, sizeof(goods->sku), "10000%d", line);
}

static void describe(const struct order *order, int line_no,
		     const struct order_outcome *out, int rc,
		     char seen[SEEN_BYTES])
{
	char remarks[BASKET_TEXT_BYTES];
	const struct order_line *line = &order->lines[line_no - 1];

	basket_remarks(out, remarks);
	if (rc == 0)
		(void)snprintf(seen, SEEN_BYTES, "%s", remarks);
	else
		(void)snprintf(seen, SEEN_BYTES, "%lld/%lld %s%s%s",
			       (long long)line->qty_picked_milli,
			       (long long)line->weight_picked_g,
			       line_state_name(line->state),
			       remarks[0] != '\0' ? " " : "", remarks);
}

static void follow(const struct scan_row *rows, size_t count)
{
	CLEANUP(order_clear) struct order order = {0};

	for (size_t i = 0; i < count; i++) {
		const struct scan_row *row = &rows[i];
		struct order_action action = basket_action(ACTION_SCAN);
		CLEANUP(order_outcome_clear) struct order_outcome out = {0};
		struct named_goods goods;
		char seen[SEEN_BYTES];
		int64_t version;
		int rc;

		if (!row->again) {
			order_clear(&order);
			order = basket_order(basket, COUNT_OF(basket));
			order.lines[1].price_minor = 20000;
		}
		name_goods(&goods, row->line);
		action.version = order.version;
		action.goods = &goods;
		action.quantity_milli = row->quantity_milli != 0
						? row->quantity_milli
						: NOT_SAID;
		action.weight_g = row->weight_g;
		action.price_minor = row->price_minor;
		version = order.version;
		rc = basket_act(&order, &action, &out);
		describe(&order, row->line % 9 + (row->line % 9 == 0), &out, rc,
			 seen);
		if (strcmp(seen, row->want) != 0 ||
		    order.version != version + rc)
			fail_msg("%s: '%s' instead of '%s'", row->name, seen,
				 row->want);
	}
}

static void scanning_counts_up(void **state)
{
	static const struct scan_row rows[] = {
		{"one piece", 1, 0, -1, -1, "1000/-1 pending", false},
		{"two more", 1, 2000, -1, -1, "3000/-1 picked", true},
		{"one too many", 1, 0, -1, -1, "1:too_much", true},
		{"all at once", 1, 3000, -1, -1, "3000/-1 picked", false},
		{"more than wanted at once", 1, 4000, -1, -1, "1:too_much",
		 false},
		{"a label with a weight on pieces", 1, 0, 500, -1,
		 "1000/-1 pending", false},
		{"nobody knows it", 0, 0, -1, -1, "0:unknown_code", false},
		{"known, but not ordered", 9, 0, -1, -1, "0:wrong_product",
		 false},

		{"955 g of a kilogram", 2, 0, 955, -1, "1000/955 picked",
		 false},
		{"1090 g", 2, 0, 1090, -1, "1000/1090 picked", false},
		{"1150 g", 2, 0, 1150, -1, "1000/1150 picked 2:weight_differs",
		 false},
		{"1300 g", 2, 0, 1300, -1, "2:weight_off", false},
		{"no weight on the label", 2, 0, 0, -1, "2:weight_missing",
		 false},
		{"a barcode without a weight", 2, 0, -1, -1, "2:weight_missing",
		 false},
		{"the first of two packs", 2, 0, 520, -1, "520/520 pending",
		 false},
		{"the second", 2, 0, 460, -1, "1000/980 picked", true},
		{"a third", 2, 0, 500, -1, "2:weight_off", true},
		{"a price of 190 at 200 a kilogram", 2, 0, -1, 19000,
		 "1000/950 picked", false},
		{"a price of nothing", 2, 0, -1, 0, "2:weight_missing", false},

		{"a pack of 310 g of two", 3, 0, 310, -1, "1000/310 pending",
		 false},
		{"the other", 3, 0, 290, -1, "2000/600 picked", true},
		{"both on one label", 3, 2000, 610, -1, "2000/610 picked",
		 false},
		{"one that is far too heavy", 3, 1000, 450, -1, "3:weight_off",
		 false},
	};

	(void)state;
	follow(rows, COUNT_OF(rows));
}

static void a_scan_goes_to_the_first_line_that_wants_more(void **state)
{
	static const struct goods twins[] = {
		{LINE_PICKED, 1000, 1000, -1, -1, ""},
		{LINE_REMOVED, 0, 0, -1, -1, ""},
		{LINE_SHORT, 2000, 1000, -1, -1, "other"},
	};
	CLEANUP(order_clear)
	struct order order = basket_order(twins, COUNT_OF(twins));
	CLEANUP(order_outcome_clear) struct order_outcome out = {0};
	struct order_action action = basket_action(ACTION_SCAN);
	struct named_goods goods;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(twins); i++)
		(void)text_copy(order.lines[i].sku, sizeof(order.lines[i].sku),
				"100001");
	name_goods(&goods, 1);
	action.goods = &goods;
	assert_int_equal(basket_act(&order, &action, &out), 1);
	assert_int_equal(order.lines[2].qty_picked_milli, 2000);
	assert_int_equal(order.lines[2].state, LINE_PICKED);
	assert_string_equal(order.lines[2].reason, "");
	assert_int_equal(order.lines[2].version, order.version);
	assert_int_equal(out.change.only_line_no, 3);
	order_outcome_clear(&out);
	action.version = order.version;
	assert_int_equal(basket_act(&order, &action, &out), 0);
	assert_string_equal(out.remarks[0].code, "too_much");
}

static void the_tolerance_of_the_goods_decides(void **state)
{
	CLEANUP(order_clear)
	struct order order = basket_order(basket, COUNT_OF(basket));
	CLEANUP(order_outcome_clear) struct order_outcome out = {0};
	struct order_action action = basket_action(ACTION_SCAN);
	struct named_goods goods;

	(void)state;
	name_goods(&goods, 2);
	action.goods = &goods;
	action.weight_g = 1060;
	order.lines[1].soft_percent = 3;
	order.lines[1].hard_percent = 5;
	assert_int_equal(basket_act(&order, &action, &out), 0);
	assert_string_equal(out.remarks[0].code, "weight_off");
	order_outcome_clear(&out);
	action.weight_g = 1040;
	assert_int_equal(basket_act(&order, &action, &out), 1);
	assert_string_equal(out.remarks[0].code, "weight_differs");
}

/* --- marking codes */

static struct scanned_code code_of(const char *serial, const char *sku,
				   const char *used_by)
{
	struct scanned_code code = {0};

	(void)snprintf(code.unit, sizeof(code.unit), "010460000000001521%s",
		       serial);
	(void)snprintf(code.code, sizeof(code.code),
		       "%.38s\x1d"
		       "93Zjqw",
		       code.unit);
	(void)text_copy(code.sku, sizeof(code.sku), sku);
	(void)text_copy(code.used_by, sizeof(code.used_by), used_by);
	return code;
}

static void a_unit_is_in_one_bag_only(void **state)
{
	static const struct {
		const char *name, *serial, *sku, *used_by, *want;
		int64_t quantity_milli;
		size_t want_codes;
	} rows[] = {
		{"the first", "AAA", "100001", "", "1000/-1 pending", 0, 1},
		{"the same again", "AAA", "100001", "", "1:duplicate_code", 0,
		 1},
		{"the same, its separator lost", "AAA93Zjqw", "100001", "",
		 "1:duplicate_code", 0, 1},
		{"in another order", "BBB", "100001", "1-000009",
		 "1:code_in_use", 0, 1},
		{"two of one code", "BBB", "100001", "", "1:one_unit", 2000, 1},
		{"the second", "BBB", "100001", "", "2000/-1 pending", 0, 2},
		{"the third", "CCC", "100001", "", "3000/-1 picked", 1000, 3},
		{"a fourth", "DDD", "100001", "", "1:too_much", 0, 3},
	};
	CLEANUP(order_clear)
	struct order order = basket_order(basket, COUNT_OF(basket));
	struct named_goods goods;

	(void)state;
	name_goods(&goods, 1);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct scanned_code code =
			code_of(rows[i].serial, rows[i].sku, rows[i].used_by);
		struct order_action action = basket_action(ACTION_SCAN);
		CLEANUP(order_outcome_clear) struct order_outcome out = {0};
		char seen[SEEN_BYTES];
		int rc;

		action.version = order.version;
		action.goods = &goods;
		action.codes = &code;
		action.code_count = 1;
		action.quantity_milli = rows[i].quantity_milli != 0
						? rows[i].quantity_milli
						: NOT_SAID;
		rc = basket_act(&order, &action, &out);
		describe(&order, 1, &out, rc, seen);
		if (strcmp(seen, rows[i].want) != 0 ||
		    order_codes_count(&order, 1) != rows[i].want_codes ||
		    out.change.codes_changed != (rc == 1))
			fail_msg("%s: '%s', %zu codes", rows[i].name, seen,
				 order_codes_count(&order, 1));
	}
}

static int pick_with(struct order *order, int64_t quantity_milli,
		     const struct scanned_code *codes, size_t count,
		     bool has_codes, struct order_outcome *out)
{
	struct order_action action = basket_action(ACTION_PICK);

	action.version = order->version;
	action.quantity_milli = quantity_milli;
	action.reason = "other";
	action.codes = codes;
	action.code_count = count;
	action.has_codes = has_codes;
	return basket_act(order, &action, out);
}

static void picking_says_all_codes_of_a_line(void **state)
{
	struct scanned_code good[] = {code_of("AAA", "100001", ""),
				      code_of("BBB", "", "")};
	struct scanned_code twice[] = {good[0], good[0]};
	struct scanned_code other = code_of("CCC", "100004", "");
	const struct {
		const char *name;
		int64_t quantity_milli;
		const struct scanned_code *codes;
		size_t count;
		bool has_codes;
		const char *want; /* "": done */
		size_t want_codes;
	} rows[] = {
		{"two of two", 2000, good, 2, true, "", 2},
		{"none are named: those stay", 3000, NULL, 0, false, "", 2},
		{"more than pieces", 1000, good, 2, true, "1:too_many_codes",
		 2},
		{"one of them twice", 2000, twice, 2, true, "1:duplicate_code",
		 2},
		{"of other goods", 2000, &other, 1, true, "1:wrong_product", 2},
		{"the other one only", 2000, good + 1, 1, true, "", 1},
		{"named as none", 2000, NULL, 0, true, "", 0},
		{"two again", 2000, good, 2, true, "", 2},
		{"nothing picked", 0, NULL, 0, false, "", 0},
	};
	CLEANUP(order_clear)
	struct order order = basket_order(basket, COUNT_OF(basket));

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(order_outcome_clear) struct order_outcome out = {0};
		char remarks[BASKET_TEXT_BYTES];
		int rc =
			pick_with(&order, rows[i].quantity_milli, rows[i].codes,
				  rows[i].count, rows[i].has_codes, &out);

		basket_remarks(&out, remarks);
		if (strcmp(remarks, rows[i].want) != 0 ||
		    rc != (rows[i].want[0] == '\0') ||
		    order_codes_count(&order, 1) != rows[i].want_codes)
			fail_msg("%s: '%s', %zu codes", rows[i].name, remarks,
				 order_codes_count(&order, 1));
	}
}

static void marked_goods_leave_with_a_code_for_each_piece_only(void **state)
{
	static const struct goods done[] = {
		{LINE_PICKED, 2000, 2000, -1, -1, ""},
		{LINE_PICKED, 1000, 1000, -1, -1, ""},
	};
	CLEANUP(order_clear) struct order order = basket_order(done, 2);
	struct order_action action = basket_action(ACTION_FINISH);

	(void)state;
	order.lines[0].is_marked = true;
	for (int codes = 0; codes < 2; codes++) {
		CLEANUP(order_outcome_clear) struct order_outcome out = {0};

		assert_int_equal(basket_act(&order, &action, &out), 0);
		assert_int_equal(out.remark_count, 1);
		assert_int_equal(out.remarks[0].line_no, 1);
		assert_string_equal(out.remarks[0].code, "codes_differ");
		assert_int_equal(order_code_add(&order, 1,
						codes == 0 ? "u1" : "u2", "c",
						NULL),
				 0);
	}
	CLEANUP(order_outcome_clear) struct order_outcome out = {0};

	assert_int_equal(basket_act(&order, &action, &out), 1);
}

static void an_order_leaves_with_a_code_for_each_piece_or_without(void **state)
{
	static const struct goods done[] = {
		{LINE_PICKED, 2000, 2000, -1, -1, ""},
		{LINE_PICKED, 1000, 1000, -1, -1, ""},
	};
	CLEANUP(order_clear) struct order order = basket_order(done, 2);
	struct order_action action = basket_action(ACTION_FINISH);
	CLEANUP(order_outcome_clear) struct order_outcome out = {0};

	(void)state;
	assert_int_equal(order_code_add(&order, 1, "u1", "c1", NULL), 0);
	assert_int_equal(basket_act(&order, &action, &out), 0);
	assert_int_equal(out.remark_count, 1);
	assert_string_equal(out.remarks[0].code, "codes_differ");
	order_outcome_clear(&out);
	assert_int_equal(order_code_add(&order, 1, "u2", "c2", NULL), 0);
	assert_int_equal(basket_act(&order, &action, &out), 1);
	assert_int_equal(order.state, ORDER_ASSEMBLED);
}

/* --- journals */

static void a_journal_is_held_against_lines(void **state)
{
	static const struct {
		const char *name;
		const char *picker;
		bool held_once;
		int64_t base, line_version, own;
		enum order_refusal want;
	} rows[] = {
		{"seen as it is", "anna", false, 3, 3, 0, REFUSAL_NONE},
		{"changed since", "anna", false, 3, 4, 0, REFUSAL_LINE},
		{"changed by an entry before", "anna", false, 3, 4, 4,
		 REFUSAL_NONE},
		{"changed by somebody after that", "anna", false, 3, 5, 4,
		 REFUSAL_LINE},
		{"taken over, line untouched", "boris", true, 3, 3, 0,
		 REFUSAL_NONE},
		{"taken over, line touched", "boris", true, 3, 4, 0,
		 REFUSAL_LINE},
		{"never had the order", "boris", false, 3, 3, 0,
		 REFUSAL_PICKER},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(order_clear)
		struct order order = basket_order(basket, COUNT_OF(basket));
		CLEANUP(order_outcome_clear) struct order_outcome out = {0};
		struct order_action action = basket_action(ACTION_PICK);

		order.lines[0].version = rows[i].line_version;
		action.picker_id = rows[i].picker;
		action.quantity_milli = 3000;
		action.replayed = true;
		action.held_once = rows[i].held_once;
		action.version = rows[i].base;
		action.own_versions = &rows[i].own;
		action.own_version_count = 1;
		action.device_time = "2026-02-03T10:00:00Z";
		(void)basket_act(&order, &action, &out);
		if (out.refusal != rows[i].want)
			fail_msg("%s: refusal %d", rows[i].name, out.refusal);
		if (out.refusal == REFUSAL_NONE)
			assert_non_null(strstr(out.change.notes[0].detail,
					       "\"replayed\":true"));
		/* Another one's lease is left alone. */
		assert_int_equal(order.picker_until_ms != LEASE_END_MS,
				 rows[i].want == REFUSAL_NONE &&
					 !rows[i].held_once);
	}
}

static void the_end_of_an_assembly_has_seen_all_of_it(void **state)
{
	CLEANUP(order_clear) struct order order = basket_order(basket, 1);
	CLEANUP(order_outcome_clear) struct order_outcome out = {0};
	struct order_action action = basket_action(ACTION_FINISH);

	(void)state;
	action.replayed = true;
	action.held_once = true;
	action.version = 4;
	assert_int_equal(basket_act(&order, &action, &out), 0);
	assert_int_equal(out.refusal, REFUSAL_VERSION);
	action.version = 5;
	action.picker_id = "boris";
	assert_int_equal(basket_act(&order, &action, &out), 0);
	assert_int_equal(out.refusal, REFUSAL_PICKER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scanning_counts_up),
		cmocka_unit_test(a_scan_goes_to_the_first_line_that_wants_more),
		cmocka_unit_test(the_tolerance_of_the_goods_decides),
		cmocka_unit_test(a_unit_is_in_one_bag_only),
		cmocka_unit_test(picking_says_all_codes_of_a_line),
		cmocka_unit_test(
			marked_goods_leave_with_a_code_for_each_piece_only),
		cmocka_unit_test(
			an_order_leaves_with_a_code_for_each_piece_or_without),
		cmocka_unit_test(a_journal_is_held_against_lines),
		cmocka_unit_test(the_end_of_an_assembly_has_seen_all_of_it),
	};

	return cmocka_run_group_tests_name("scan", tests, NULL, NULL);
}
