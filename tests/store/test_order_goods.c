/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdio.h>

#include "flow_fixture.h"

static void publish(struct fixture *f, const char *skus)
{
	fixture_sql(f, "INSERT INTO products (generation, sku, name, unit,"
		       " vat_rate, barcodes) VALUES (1, 'A', 'Apples', '', '',"
		       " '')");
	fixture_sql(f, skus);
	fixture_sql(f, "UPDATE catalogue_state SET generation = 1");
}

static void
names_come_from_the_catalogue_and_unknown_goods_are_kept(void **state)
{
	struct fixture *f = *state;

	publish(f, "SELECT 1");
	flow_arrive(f, "H1", "order.created", 10, "A2 B1");
	flow_arrive(f, "H2", "order.created", 11, "B2");
	flow_process(f);
	assert_string_equal(flow_state(f), "accepted");
	assert_string_equal(
		fixture_text(f, "SELECT group_concat(sku || '=' || name, ' ')"
				" FROM order_lines WHERE order_id = 1"),
		"A=Apples B=");
	assert_string_equal(
		fixture_text(f, "SELECT group_concat(sku || order_id, ' ')"
				" FROM unknown_products"),
		"B1");
}

static void a_line_that_comes_later_has_a_name_too(void **state)
{
	struct fixture *f = *state;

	flow_arrive(f, "H1", "order.created", 10, "A2");
	flow_process(f);
	publish(f, "SELECT 1");
	flow_arrive(f, "H1", "order.updated", 11, "A2 C1");
	flow_process(f);
	assert_string_equal(
		fixture_text(f, "SELECT group_concat(sku || '=' || name, ' ')"
				" FROM order_lines"),
		"A=Apples C=");
}

static void without_a_catalogue_nothing_is_unknown(void **state)
{
	struct fixture *f = *state;

	flow_arrive(f, "H1", "order.created", 10, "A2 B1");
	flow_process(f);
	assert_int_equal(
		fixture_i64(f, "SELECT count(*) FROM unknown_products"), 0);
}

/* They are written by fours and one by one. */
static void any_number_of_lines_is_kept_as_it_came(void **state)
{
	struct fixture *f = *state;
	static const char lines[] = "A1 B2 C3 D4 E5 F6 G7 H8 I9";
	char name[8];
	char sql[160];

	for (int count = 1; count <= 9; count++) {
		char some[sizeof(lines)];

		(void)snprintf(some, sizeof(some), "%.*s", count * 3 - 1,
			       lines);
		(void)snprintf(name, sizeof(name), "H%d", count);
		flow_arrive(f, name, "order.created", 10, some);
		flow_process(f);
		(void)snprintf(
			sql, sizeof(sql),
			"SELECT group_concat(sku || (qty_milli / 1000), ' ')"
			" FROM (SELECT * FROM order_lines WHERE order_id = %d"
			" ORDER BY line_no) q",
			count);
		assert_string_equal(fixture_text(f, sql), some);
	}
}

static void an_end_that_contradicts_ours_is_kept(void **state)
{
	struct fixture *f = *state;

	flow_arrive(f, "H1", "order.created", 1, "A2 B1");
	flow_process(f);
	flow_assemble(f);
	flow_arrive(f, "H1", "order.delivered", 20, NULL);
	flow_arrive(f, "H1", "order.canceled", 30, NULL);
	flow_arrive(f, "H2", "order.created", 1, "A2");
	flow_arrive(f, "H2", "order.canceled", 2, NULL);
	flow_arrive(f, "H2", "order.delivered", 3, NULL);
	flow_process(f);
	assert_string_equal(
		fixture_text(f, "SELECT total_minor || body FROM"
				" order_later_changes WHERE state = 'due'"),
		"0[{\"sku\":\"A\",\"line\":1,\"quantity\":0},"
		"{\"sku\":\"B\",\"line\":2,\"quantity\":0}]");
	assert_string_equal(
		fixture_text(f, "SELECT o.external_id || ' ' || c.reason FROM"
				" order_later_changes AS c JOIN orders AS o"
				" ON o.id = c.order_id"
				" WHERE c.state = 'told'"),
		"H2 delivered over there, cancelled here");
}

/* The marketplace may have delivered it after all: no money moves by itself. */
static void
a_cancellation_that_the_delivery_overtook_gives_nothing_back(void **state)
{
	struct fixture *f = *state;

	flow_arrive(f, "H1", "order.created", 1, "A2 B1");
	flow_process(f);
	flow_assemble(f);
	flow_arrive(f, "H1", "order.delivered", 30, NULL);
	flow_process(f);
	flow_arrive(f, "H1", "order.canceled", 20, NULL);
	flow_process(f);
	assert_string_equal(
		fixture_text(f, "SELECT state || ' ' || reason FROM"
				" order_later_changes"),
		"told cancelled over there before it was delivered");
}

#define FLOW_TEST(test) \
	cmocka_unit_test_setup_teardown(test, flow_setup, flow_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FLOW_TEST(an_end_that_contradicts_ours_is_kept),
		FLOW_TEST(
			a_cancellation_that_the_delivery_overtook_gives_nothing_back),
		FLOW_TEST(
			names_come_from_the_catalogue_and_unknown_goods_are_kept),
		FLOW_TEST(a_line_that_comes_later_has_a_name_too),
		FLOW_TEST(without_a_catalogue_nothing_is_unknown),
		FLOW_TEST(any_number_of_lines_is_kept_as_it_came),
	};

	return cmocka_run_group_tests_name("order_goods", tests, NULL, NULL);
}
