/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "cmocka_all.h"
#include "domain/settlement/settlement.h"

static const struct market_format format = {
	.order = "order|заказ",
	.amount = "total|sum",
	.vat = "vat",
	.status = "status",
	.date = "date",
	.delivered = "delivered|завершён",
	.cancelled = "canceled|отменён",
};

/* Amount as a row has it, and in kopecks; -1: refused. */
static void sums_are_read_as_spreadsheets_write_them(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t minor;
	} rows[] = {
		{"1", 100},
		{"1.5", 150},
		{"1234,56", 123456},
		{"1 234,56", 123456},
		{"1\xC2\xA0"
		 "234,56 \xE2\x82\xBD",
		 123456},
		{"1,234,567.89", 123456789},
		{"1.234.567,89", 123456789},
		{"\xE2\x88\x92"
		 "5,00",
		 -500},
		{"12,3400", 1234},
		{"100 руб.", 10000},
		{"1,234", -1},
		{"1,500", -1}, /* one and a half, or a thousand more? */
		{"1.500", -1},
		{"1.500,00", 150000},
		{"1.2.3", -1},
		{"", -1},
		{"-", -1},
		{"1e5", -1},
		{"9999999999999999999", -1},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int places[MARKET_COLUMNS];
		struct market_row row;
		struct csv csv;
		char text[128];
		int rc;

		(void)snprintf(text, sizeof(text), "order;sum\nH1;\"%s\"\n",
			       rows[i].text);
		assert_int_equal(market_open(&csv, text, strlen(text), &format,
					     places, NULL),
				 0);
		assert_int_equal(csv_next(&csv, NULL), 1);
		rc = market_row(&csv, places, &format, &row, NULL);
		if (rows[i].minor == -1
			    ? rc != ERR_INVALID
			    : rc != 1 || row.amount_minor != rows[i].minor)
			fail_msg("'%s': %d, %lld", rows[i].text, rc,
				 (long long)row.amount_minor);
		csv_clear(&csv);
	}
}

static void rows_of_one_order_are_put_together(void **state)
{
	(void)state;
	static const struct market_row rows[] = {
		{.line = 2, .external_id = "B", .amount_minor = -300},
		{.line = 3, .external_id = "A", .amount_minor = 500},
		{.line = 4, .external_id = "B", .amount_minor = 1000},
		{.line = 5, .external_id = "B", .amount_minor = 900},
	};
	struct market_index index = {0};
	const struct market_entry *b;

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(market_index_add(&index, &rows[i], NULL), 0);
	assert_int_equal(market_index_end(&index, NULL), 0);
	b = market_index_row(&index, &rows[2]);
	assert_true(b->counts);
	assert_int_equal(b->amount_minor, 700);
	assert_false(market_index_row(&index, &rows[0])->counts);
	assert_true(market_index_row(&index, &rows[0])->is_return);
	assert_false(market_index_row(&index, &rows[3])->counts);
	assert_true(market_index_has(&index, "A"));
	assert_false(market_index_has(&index, "C"));
	market_index_clear(&index);
}

static void sums_that_do_not_fit_are_an_error(void **state)
{
	(void)state;
	static const struct market_row rows[] = {
		{.line = 2, .external_id = "A", .amount_minor = -INT64_MAX},
		{.line = 3, .external_id = "A", .amount_minor = -INT64_MAX},
	};
	struct market_index index = {0};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(market_index_add(&index, &rows[i], NULL), 0);
	assert_int_equal(market_index_end(&index, NULL), ERR_INVALID);
	market_index_clear(&index);
}

static void findings_past_the_limit_are_counted(void **state)
{
	(void)state;
	const struct settlement_limits exact = {0};
	const struct settlement_ours ours = {
		.is_known = true, .has_sale = true, .amount_minor = 1};
	struct settlement s;

	settlement_begin(&s, &exact);
	for (int i = 0; i < SETTLEMENT_LISTED_MAX + 5; i++)
		assert_int_equal(
			settlement_extra(&s, "H1", "2026-01-01", &ours, NULL),
			0);
	assert_int_equal(settlement_differences(&s), SETTLEMENT_LISTED_MAX + 5);
	assert_int_equal(s.listed, SETTLEMENT_LISTED_MAX);
	settlement_clear(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_are_read_as_spreadsheets_write_them),
		cmocka_unit_test(rows_of_one_order_are_put_together),
		cmocka_unit_test(sums_that_do_not_fit_are_an_error),
		cmocka_unit_test(findings_past_the_limit_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
