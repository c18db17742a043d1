/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "codec/decimal.h"

typedef int (*parse_function)(const char *text, int digits, int64_t *ret_value,
			      struct err *e);

struct parse_row {
	const char *text;
	int digits;
	int want_rc;
	int64_t want;
};

static void follow_rows(parse_function parse, const struct parse_row *rows,
			size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct err e = {0};
		int64_t got = 42;
		int rc = parse(rows[i].text, rows[i].digits, &got, &e);

		if (rc != rows[i].want_rc ||
		    got != (rc == 0 ? rows[i].want : 42) ||
		    (rc < 0 && (e.code != (enum err_code)rc ||
				strstr(e.text, rows[i].text) == NULL)))
			fail_msg("row %zu '%s': %s, %" PRId64 " (%s)", i,
				 rows[i].text, err_name(rc), got, e.text);
	}
}

static void exact_numbers_follow_the_table(void **state)
{
	(void)state;
	static const struct parse_row rows[] = {
		{"0", 2, 0, 0},
		{"-0", 2, 0, 0},
		{"-0.00", 2, 0, 0},
		{"19.99", 2, 0, 1999},
		{"-0.05", 2, 0, -5},
		{"7", 2, 0, 700},
		{"7.5", 2, 0, 750},
		{"007.50", 2, 0, 750},
		{"12.5000000000000000000000000", 2, 0, 1250},
		{"1200", 0, 0, 1200},
		{"1200.0", 0, 0, 1200},
		{"0.000001", 6, 0, 1},
		{"92233720368547758.07", 2, 0, INT64_MAX},
		{"-92233720368547758.08", 2, 0, INT64_MIN},
		{"92233720368547758.08", 2, ERR_INVALID, 0},
		{"-92233720368547758.09", 2, ERR_INVALID, 0},
		{"9223372036854775807", 0, 0, INT64_MAX},
		{"9223372036854775808", 0, ERR_INVALID, 0},
		{"99999999999999999999999", 0, ERR_INVALID, 0},
		{"92233720368547759", 2, ERR_INVALID, 0},
		{"19.999", 2, ERR_INVALID, 0},
		{"19.9900001", 2, ERR_INVALID, 0},
		{"0.0000001", 6, ERR_INVALID, 0},
		{"1.5", 0, ERR_INVALID, 0},
		{"1.", 2, ERR_INVALID, 0},
		{".5", 2, ERR_INVALID, 0},
		{"-.5", 2, ERR_INVALID, 0},
		{"", 2, ERR_INVALID, 0},
		{"-", 2, ERR_INVALID, 0},
		{"--1", 2, ERR_INVALID, 0},
		{"+1", 2, ERR_INVALID, 0},
		{"1,50", 2, ERR_INVALID, 0},
		{"1 000", 2, ERR_INVALID, 0},
		{"1e3", 2, ERR_INVALID, 0},
		{" 1", 2, ERR_INVALID, 0},
		{"1 ", 2, ERR_INVALID, 0},
		{"1.2.3", 2, ERR_INVALID, 0},
		{"0x10", 2, ERR_INVALID, 0},
		{"NaN", 2, ERR_INVALID, 0},
		{"inf", 2, ERR_INVALID, 0},
	};

	follow_rows(decimal_parse, rows, COUNT_OF(rows));
}

static void rounded_numbers_follow_the_table(void **state)
{
	(void)state;
	static const struct parse_row rows[] = {
		{"19.99", 2, 0, 1999},
		{"19.994", 2, 0, 1999},
		{"19.995", 2, 0, 2000},
		{"19.9949999999999999999", 2, 0, 1999},
		{"-19.995", 2, 0, -2000},
		{"-19.994", 2, 0, -1999},
		{"0.5", 0, 0, 1},
		{"-0.5", 0, 0, -1},
		{"0.49", 0, 0, 0},
		{"-0.49", 0, 0, 0},
		{"99.5", 0, 0, 100},
		{"1.1500000000000001", 2, 0, 115},
		{"0.30000000000000004", 3, 0, 300},
		{"1.5e2", 2, 0, 15000},
		{"1.5E+2", 2, 0, 15000},
		{"15e-1", 2, 0, 150},
		{"1e-2", 2, 0, 1},
		{"4e-3", 2, 0, 0},
		{"5e-3", 2, 0, 1},
		{"9e-4", 2, 0, 0},
		{"99e-4", 2, 0, 1},
		{"-123456e-4", 2, 0, -1235},
		{"0e999999999999999999999", 2, 0, 0},
		{"1e-999999999999999999999", 2, 0, 0},
		{"0.000000000000000000001e21", 0, 0, 1},
		{"9.223372036854775807e18", 0, 0, INT64_MAX},
		{"-9.223372036854775808e18", 0, 0, INT64_MIN},
		{"9.223372036854775808e18", 0, ERR_INVALID, 0},
		{"9223372036854775807.4", 0, 0, INT64_MAX},
		{"9223372036854775807.5", 0, ERR_INVALID, 0},
		{"-9223372036854775808.4", 0, 0, INT64_MIN},
		{"-9223372036854775808.5", 0, ERR_INVALID, 0},
		{"1e17", 2, ERR_INVALID, 0},
		{"1e999999999999999999999", 2, ERR_INVALID, 0},
		{"1e", 2, ERR_INVALID, 0},
		{"1e+", 2, ERR_INVALID, 0},
		{"1e-", 2, ERR_INVALID, 0},
		{"1e+-1", 2, ERR_INVALID, 0},
		{"1e1.5", 2, ERR_INVALID, 0},
		{"e1", 2, ERR_INVALID, 0},
		{".5", 2, ERR_INVALID, 0},
		{"5.", 2, ERR_INVALID, 0},
		{"", 2, ERR_INVALID, 0},
		{"1 e1", 2, ERR_INVALID, 0},
	};

	follow_rows(decimal_parse_rounded, rows, COUNT_OF(rows));
}

/* Every thousandth between -20 and 20, against plain integer arithmetic. */
static void rounding_goes_half_away_from_zero(void **state)
{
	(void)state;
	for (int milli = -20000; milli <= 20000; milli++) {
		char text[32];
		int64_t got = 0;
		int size = abs(milli);
		int want = size / 10 + (size % 10 >= 5);

		(void)snprintf(text, sizeof(text), "%s%d.%03d",
			       milli < 0 ? "-" : "", size / 1000, size % 1000);
		assert_int_equal(decimal_parse_rounded(text, 2, &got, NULL), 0);
		if (got != (milli < 0 ? -want : want))
			fail_msg("%s: %" PRId64, text, got);
		assert_int_equal(decimal_parse(text, 2, &got, NULL),
				 size % 10 == 0 ? 0 : ERR_INVALID);
	}
}

static void numbers_are_written_as_the_table_says(void **state)
{
	(void)state;
	static const struct {
		int64_t value;
		int digits;
		const char *want, *want_short;
	} rows[] = {
		{0, 0, "0", "0"},
		{0, 2, "0.00", "0"},
		{5, 2, "0.05", "0.05"},
		{-5, 2, "-0.05", "-0.05"},
		{50, 2, "0.50", "0.5"},
		{1250, 2, "12.50", "12.5"},
		{-1200, 2, "-12.00", "-12"},
		{1500, 3, "1.500", "1.5"},
		{2000, 3, "2.000", "2"},
		{1000, 0, "1000", "1000"},
		{-10, 0, "-10", "-10"},
		{1, 6, "0.000001", "0.000001"},
		{INT64_MAX, 2, "92233720368547758.07", "92233720368547758.07"},
		{INT64_MIN, 6, "-9223372036854.775808",
		 "-9223372036854.775808"},
		{INT64_MIN, 0, "-9223372036854775808", "-9223372036854775808"},
	};
	char text[DECIMAL_TEXT_BYTES];

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (strcmp(decimal_format(rows[i].value, rows[i].digits, text),
			   rows[i].want) != 0)
			fail_msg("row %zu: %s", i, text);
		if (strcmp(decimal_format_short(rows[i].value, rows[i].digits,
						text),
			   rows[i].want_short) != 0)
			fail_msg("row %zu, short: %s", i, text);
	}
}

static void reading_undoes_writing(void **state)
{
	(void)state;
	int64_t value = 1;
	char text[DECIMAL_TEXT_BYTES];

	for (int round = 0; round < 20000; round++) {
		int digits = round % (DECIMAL_DIGITS_MAX + 1);
		int64_t got = 0;

		/* Knuth's MMIX generator; shifts give all magnitudes. */
		value = (int64_t)((uint64_t)value * 6364136223846793005U +
				  1442695040888963407U);
		int64_t sample = value >> (round % 64);

		(void)decimal_format(sample, digits, text);
		assert_int_equal(decimal_parse(text, digits, &got, NULL), 0);
		assert_true(got == sample);
		(void)decimal_format_short(sample, digits, text);
		assert_int_equal(decimal_parse(text, digits, &got, NULL), 0);
		assert_true(got == sample);
		assert_int_equal(
			decimal_parse_rounded(text, digits, &got, NULL), 0);
		assert_true(got == sample);
	}
}

static void products_follow_the_table(void **state)
{
	(void)state;
	static const struct {
		int64_t a, b, divisor;
		int want_rc;
		int64_t want;
	} rows[] = {
		{8990, 1500, 1000, 0, 13485}, /* 89.90 * 1.5 pieces */
		{1, 1, 2, 0, 1},
		{-1, 1, 2, 0, -1},
		{1, -1, 2, 0, -1},
		{-1, -1, 2, 0, 1},
		{1, 1, 3, 0, 0},
		{2, 1, 3, 0, 1},
		{-2, 1, 3, 0, -1},
		{0, INT64_MIN, 1, 0, 0},
		{INT64_MAX, INT64_MAX, INT64_MAX, 0, INT64_MAX},
		{INT64_MIN, INT64_MAX, INT64_MAX, 0, INT64_MIN},
		{INT64_MIN, 1, 1, 0, INT64_MIN},
		{INT64_MIN, -1, 1, ERR_INVALID, 0},
		{INT64_MIN, INT64_MIN, INT64_MAX, ERR_INVALID, 0},
		{INT64_MAX, 2, 1, ERR_INVALID, 0},
		{INT64_MAX, 3, 2, ERR_INVALID, 0},
		{INT64_MAX, 1, INT64_MAX, 0, 1},
		{INT64_MAX / 2, 1, INT64_MAX, 0, 0},
		{INT64_MAX / 2 + 1, 1, INT64_MAX, 0, 1},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t got = 42;
		int rc = decimal_mul_div(rows[i].a, rows[i].b, rows[i].divisor,
					 &got, NULL);

		if (rc != rows[i].want_rc ||
		    got != (rc == 0 ? rows[i].want : 42))
			fail_msg("row %zu: %s, %" PRId64, i, err_name(rc), got);
	}
	for (int a = -50; a <= 50; a++)
		for (int divisor = 1; divisor <= 20; divisor++) {
			int want = (2 * abs(a) + divisor) / (2 * divisor);
			int64_t got = 0;

			assert_int_equal(
				decimal_mul_div(a, 1, divisor, &got, NULL), 0);
			assert_int_equal(got, a < 0 ? -want : want);
		}
}

static void sums_that_overflow_are_refused(void **state)
{
	(void)state;
	struct err e = {0};
	int64_t sum = 42;

	assert_int_equal(decimal_add(INT64_MAX, 1, &sum, &e), ERR_INVALID);
	assert_int_equal(e.code, ERR_INVALID);
	assert_int_equal(decimal_add(INT64_MIN, -1, &sum, NULL), ERR_INVALID);
	assert_int_equal(sum, 42);
	assert_int_equal(decimal_add(INT64_MAX, INT64_MIN, &sum, NULL), 0);
	assert_int_equal(sum, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact_numbers_follow_the_table),
		cmocka_unit_test(rounded_numbers_follow_the_table),
		cmocka_unit_test(rounding_goes_half_away_from_zero),
		cmocka_unit_test(numbers_are_written_as_the_table_says),
		cmocka_unit_test(reading_undoes_writing),
		cmocka_unit_test(products_follow_the_table),
		cmocka_unit_test(sums_that_overflow_are_refused),
	};
	return cmocka_run_group_tests_name("decimal", tests, NULL, NULL);
}
