/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

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

#define FLOW_TEST(test) \
	cmocka_unit_test_setup_teardown(test, flow_setup, flow_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FLOW_TEST(
			names_come_from_the_catalogue_and_unknown_goods_are_kept),
		FLOW_TEST(a_line_that_comes_later_has_a_name_too),
		FLOW_TEST(without_a_catalogue_nothing_is_unknown),
	};

	return cmocka_run_group_tests_name("order_goods", tests, NULL, NULL);
}
