/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "store/catalogue/labels.h"
#include "store/catalogue/store_places.h"
#include "store/order/marking_codes.h"
#include "store_fixture.h"

#define UNIT "0104600000000015215Qbag!"

/* Order 1 is being assembled, 2 too; 3 is delivered, 4 cancelled. */
static int setup(void **state)
{
	int rc = fixture_setup(state);

	if (rc == 0)
		fixture_sql(*state,
			    "INSERT INTO stores (id, name, time_zone,"
			    " opening_hours, telegram_chat, integration_type,"
			    " imported, created_ms, updated_ms)"
			    " VALUES ('7', '', '', '', '', 3, 1, 0, 0);"
			    "INSERT INTO orders (id, channel, external_id,"
			    " number, store_id, state, version, event_ms,"
			    " snapshot_ms, created_ms, updated_ms) VALUES"
			    " (1, 'k', '1', '1-1', '7', 'assembling', 1, 0, 0,"
			    " 0, 0),"
			    " (2, 'k', '2', '1-2', '7', 'assembling', 1, 0, 0,"
			    " 0, 0),"
			    " (3, 'k', '3', '1-3', '7', 'delivered', 1, 0, 0,"
			    " 0, 0),"
			    " (4, 'k', '4', '1-4', '7', 'canceled', 1, 0, 0, 0,"
			    " 0)");
	return rc;
}

struct save {
	const struct order *order;
	int line_no;
};

static int run_save(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	const struct save *save = context;

	(void)now_ms;
	return marking_codes_save(db, save->order, save->line_no, e);
}

static void save_codes(struct fixture *f, const struct order *order,
		       int line_no)
{
	struct save save = {order, line_no};
	struct err e = {0};

	if (fixture_write(f, run_save, &save, &e) < 0)
		fail_msg("%s", e.text);
}

static void put(struct fixture *f, int64_t order_id, const char *unit)
{
	CLEANUP(order_clear) struct order order = {.id = order_id};

	assert_int_equal(order_code_add(&order, 1, unit, unit, NULL), 0);
	save_codes(f, &order, 1);
}

static void codes_come_back_as_they_were_put(void **state)
{
	struct fixture *f = *state;
	static const struct {
		int line_no;
		const char *code;
	} want[] = {{1, "b\x1d"}, {1, "a"}, {3, "c"}};
	CLEANUP(order_clear) struct order order = {.id = 1};
	CLEANUP(order_clear) struct order again = {.id = 1};

	for (size_t i = 0; i < COUNT_OF(want); i++)
		assert_int_equal(order_code_add(&order, want[i].line_no,
						want[i].code, want[i].code,
						NULL),
				 0);
	save_codes(f, &order, 0);
	assert_int_equal(marking_codes_load(f->db, &again, NULL), 0);
	assert_int_equal(again.code_count, COUNT_OF(want));
	for (size_t i = 0; i < COUNT_OF(want); i++) {
		assert_int_equal(again.codes[i].line_no, want[i].line_no);
		assert_string_equal(again.codes[i].code, want[i].code);
	}
	/* One line is written without touching the other. */
	order_codes_remove(&order, 1);
	save_codes(f, &order, 1);
	order_clear(&again);
	again.id = 1;
	assert_int_equal(marking_codes_load(f->db, &again, NULL), 0);
	assert_int_equal(again.code_count, 1);
	assert_string_equal(again.codes[0].code, "c");
}

static void a_unit_is_found_in_other_open_orders_only(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *name;
		int64_t in;
		const char *there, *asked;
		int want;
	} rows[] = {
		{"another open order", 2, UNIT, UNIT, 1},
		{"the order itself", 1, UNIT, UNIT, 0},
		{"a delivered one", 3, UNIT, UNIT, 0},
		{"a cancelled one", 4, UNIT, UNIT, 0},
		{"asked without separators", 2, UNIT, UNIT "93Zjqw", 1},
		{"scanned without separators", 2, UNIT "93Zjqw", UNIT, 1},
		{"another serial", 2, UNIT, "0104600000000015215Qbag?", 0},
		{"another serial that begins alike", 2, UNIT "A", UNIT "B", 0},
		{"other goods", 2, UNIT, "0104600000000022215Qbag!", 0},
		{"the shortest serial", 2, "010460000000001521A",
		 "010460000000001521A", 1},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char number[ORDER_NUMBER_BYTES] = "";
		int rc;

		fixture_sql(f, "DELETE FROM order_marking_codes");
		put(f, rows[i].in, rows[i].there);
		rc = marking_codes_find(f->db, rows[i].asked, 1, number, NULL);
		if (rc != rows[i].want ||
		    (rc == 1) != (strcmp(number, "1-2") == 0))
			fail_msg("%s: %d, '%s'", rows[i].name, rc, number);
	}
}

static int run_set(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	(void)now_ms;
	return labels_set(db, "7", context, e);
}

static int run_remove(struct db *db, int64_t now_ms, void *context,
		      struct err *e)
{
	(void)now_ms;
	return labels_remove(db, "7", context, e);
}

static void a_store_has_its_own_labels_or_the_common_ones(void **state)
{
	struct fixture *f = *state;
	struct barcode_rule rules[LABEL_RULES_MAX];
	struct barcode_rule own = {"23", 4, true, 1};
	char prefix[] = "23";

	assert_int_equal(labels_load(f->db, "7", rules, NULL), 10);
	assert_string_equal(rules[0].prefix, "20");
	assert_false(rules[0].is_price);
	assert_int_equal(rules[0].divisor, 1000);
	assert_int_equal(fixture_write(f, run_set, &own, NULL), 0);
	assert_int_equal(labels_load(f->db, "7", rules, NULL), 1);
	assert_string_equal(rules[0].prefix, "23");
	assert_true(rules[0].is_price);
	assert_int_equal(rules[0].article_digits, 4);
	assert_int_equal(labels_load(f->db, "8", rules, NULL), 10);
	assert_int_equal(fixture_write(f, run_remove, prefix, NULL), 0);
	assert_int_equal(fixture_write(f, run_remove, prefix, NULL),
			 ERR_NOTFOUND);
	assert_int_equal(labels_load(f->db, "7", rules, NULL), 10);
}

static int run_place(struct db *db, int64_t now_ms, void *context,
		     struct err *e)
{
	(void)now_ms;
	return store_places_set(db, context, e);
}

static void
goods_stand_where_the_store_says_or_where_all_have_them(void **state)
{
	struct fixture *f = *state;
	struct store_place common = {"", "1", "Dairy", "A"};
	struct store_place own = {"7", "1", "Cold", "B"};
	struct store_place place = {0};

	assert_int_equal(store_places_get(f->db, "7", "1", &place, NULL), 0);
	assert_int_equal(fixture_write(f, run_place, &common, NULL), 0);
	assert_int_equal(store_places_get(f->db, "7", "1", &place, NULL), 1);
	assert_string_equal(place.zone, "Dairy");
	assert_int_equal(fixture_write(f, run_place, &own, NULL), 0);
	assert_int_equal(store_places_get(f->db, "7", "1", &place, NULL), 1);
	assert_string_equal(place.zone, "Cold");
	assert_int_equal(store_places_get(f->db, "8", "1", &place, NULL), 1);
	assert_string_equal(place.shelf, "A");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			codes_come_back_as_they_were_put, setup,
			fixture_teardown),
		cmocka_unit_test_setup_teardown(
			a_unit_is_found_in_other_open_orders_only, setup,
			fixture_teardown),
		cmocka_unit_test_setup_teardown(
			a_store_has_its_own_labels_or_the_common_ones, setup,
			fixture_teardown),
		cmocka_unit_test_setup_teardown(
			goods_stand_where_the_store_says_or_where_all_have_them,
			setup, fixture_teardown),
	};

	return cmocka_run_group_tests_name("picking_tables", tests, NULL, NULL);
}
