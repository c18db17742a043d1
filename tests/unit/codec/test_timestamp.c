/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "codec/time/timestamp.h"

static const int64_t day_ms = 86400000;
static const int64_t year_9999_end_ms = 253402300799999;

static const struct {
	const char *text;
	int assume_offset_s;
	int64_t want; /* -1: refused */
} read_rows[] = {
	{"1970-01-01T00:00:00Z", 0, 0},
	{"1970-01-01T00:00Z", 7200, 0},
	{"2025-03-14T09:12:41+03:00", 0, 1741932761000},
	{"2025-03-14T06:12:41Z", 0, 1741932761000},
	{"2025-03-14 06:12:41", 0, 1741932761000},
	{"2025-03-14 09:12:41", 10800, 1741932761000},
	{"2025-03-14T09:12:41+03", 0, 1741932761000},
	{"2025-03-14T09:12:41+0300", 0, 1741932761000},
	{"2025-03-14T02:42:41-03:30", 0, 1741932761000},
	{"2025-03-14T06:12:41.5Z", 0, 1741932761500},
	{"2025-03-14T06:12:41.05Z", 0, 1741932761050},
	{"2025-03-14T06:12:41.6789999999999Z", 0, 1741932761678},
	{"2025-03-14T06:12:41.999999+00:00", 0, 1741932761999},
	{"2024-02-29T00:00:00Z", 0, 1709164800000},
	{"2000-02-29T00:00:00Z", 0, 951782400000},
	{"2016-12-31T23:59:60Z", 0, 1483228799000},
	{"9999-12-31T23:59:59.999Z", 0, 253402300799999},
	{"2025-01-01T00:00:00+14:00", 0, 1735639200000},
	{"2025-01-01T00:00:00-14:00", 0, 1735740000000},
	{"1970-01-01T00:00:00-00:00", 0, 0},
	{"2025-01-01T00:00:00+14:01", 0, -1},
	{"2025-01-01T00:00:00-15:00", 0, -1},
	{"2025-01-01T00:00:00+99:00", 0, -1},
	{"2025-01-01T00:00:00+03:60", 0, -1},
	{"2025-01-01T00:00:00+03:", 0, -1},
	{"2025-01-01T00:00:00+03:0", 0, -1},
	{"2025-01-01T00:00:00+3", 0, -1},
	{"2025-01-01T00:00:00+03:00x", 0, -1},
	{"2025-01-01T00:00:00+03:00:00", 0, -1},
	{"2025-01-01T00:00:00ZZ", 0, -1},
	{"2025-01-01T00:00:00z", 0, -1},
	{"2025-01-01T00:00:00 Z", 0, -1},
	{"2025-02-29T00:00:00Z", 0, -1},
	{"2100-02-29T00:00:00Z", 0, -1},
	{"2025-02-31T00:00:00Z", 0, -1},
	{"2025-04-31T00:00:00Z", 0, -1},
	{"2025-00-10T00:00:00Z", 0, -1},
	{"2025-13-10T00:00:00Z", 0, -1},
	{"2025-01-00T00:00:00Z", 0, -1},
	{"2025-01-32T00:00:00Z", 0, -1},
	{"2025-01-01T24:00:00Z", 0, -1},
	{"2025-01-01T23:60:00Z", 0, -1},
	{"2025-01-01T23:59:61Z", 0, -1},
	{"2025-01-01T23:59:59.Z", 0, -1},
	{"2025-01-01T23:59:59,5Z", 0, -1},
	{"2025-01-01T23:59:Z", 0, -1},
	{"2025-01-01T23Z", 0, -1},
	{"2025-01-01T2:00Z", 0, -1},
	{"2025-01-01t00:00:00Z", 0, -1},
	{"2025-01-01  00:00:00Z", 0, -1},
	{"2025-01-01", 0, -1},
	{"20250101T000000Z", 0, -1},
	{"25-01-01T00:00:00Z", 0, -1},
	{"02025-01-01T00:00:00Z", 0, -1},
	{"10000-01-01T00:00:00Z", 0, -1},
	{"1969-12-31T23:59:59Z", 0, -1},
	{"1970-01-01T00:00:00+00:01", 0, -1},
	{"9999-12-31T23:59:59-00:01", 0, -1},
	{"-2025-01-01T00:00:00Z", 0, -1},
	{" 2025-01-01T00:00:00Z", 0, -1},
	{"2025-01-01T00:00:00Z ", 0, -1},
	{"", 0, -1},
};

static void texts_are_read_as_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(read_rows); i++) {
		struct err e = {0};
		int64_t got = -1;
		int rc =
			timestamp_parse(read_rows[i].text,
					read_rows[i].assume_offset_s, &got, &e);

		if (got != read_rows[i].want ||
		    rc != (read_rows[i].want < 0 ? ERR_INVALID : 0) ||
		    e.code != (enum err_code)rc)
			fail_msg("row %zu '%s': %s, %" PRId64, i,
				 read_rows[i].text, err_name(rc), got);
	}
}

static void texts_are_written_as_the_table_says(void **state)
{
	(void)state;
	static const struct {
		int64_t wall_ms;
		int offset_s;
		const char *want, *want_date;
	} rows[] = {
		{0, 0, "1970-01-01T00:00:00Z", "1970-01-01"},
		{0, -60, "1969-12-31T23:59:00-00:01", "1969-12-31"},
		{-1, 0, "1969-12-31T23:59:59.999Z", "1969-12-31"},
		{1741932761000, 10800, "2025-03-14T09:12:41+03:00",
		 "2025-03-14"},
		{1741932761007, -12600, "2025-03-14T02:42:41.007-03:30",
		 "2025-03-14"},
		{1741989599999, 10800, "2025-03-15T00:59:59.999+03:00",
		 "2025-03-15"},
		/* Moscow before 1917: minutes on both sides, same moment. */
		{-1688265017000, 9017, "1916-07-02T23:59:43+02:30",
		 "1916-07-03"},
		{INT64_MAX, 0, "9999-12-31T23:59:59.999Z", "9999-12-31"},
		{INT64_MIN, 0, "0000-01-01T00:00:00Z", "0000-01-01"},
		{INT64_MAX, 50400, "9999-12-31T23:59:59.999+14:00",
		 "9999-12-31"},
	};
	char text[TIMESTAMP_TEXT_BYTES];
	char date[DATE_TEXT_BYTES];

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		(void)timestamp_format(rows[i].wall_ms, rows[i].offset_s, text);
		(void)timestamp_date(rows[i].wall_ms, rows[i].offset_s, date);
		if (strcmp(text, rows[i].want) != 0 ||
		    strcmp(date, rows[i].want_date) != 0)
			fail_msg("row %zu: %s, %s", i, text, date);
	}
}

/* Every day from year 0 to 9999: consecutive, of the right weekday, and back.
 * A calendar kept by hand says what comes next. */
static void every_day_follows_the_calendar(void **state)
{
	(void)state;
	static const int lengths[] = {31, 28, 31, 30, 31, 30,
				      31, 31, 30, 31, 30, 31};
	int year = 0;
	int month = 1;
	int day = 1;
	int weekday = 6; /* 0000-01-01 was a Saturday */

	for (int64_t ms = -62167219200000; ms < year_9999_end_ms;
	     ms += day_ms) {
		struct civil c = timestamp_civil(ms, 0);
		bool leap =
			year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);

		if (c.year != year || c.month != month || c.day != day ||
		    c.weekday != weekday ||
		    c.hour + c.minute + c.second + c.milli != 0)
			fail_msg("%04d-%02d-%02d is given as %04d-%02d-%02d",
				 year, month, day, c.year, c.month, c.day);
		assert_true(timestamp_from_civil(&c, 0) == ms);
		weekday = weekday % 7 + 1;
		day++;
		if (day > lengths[month - 1] + (month == 2 && leap)) {
			day = 1;
			month = month % 12 + 1;
			year += month == 1;
		}
	}
	assert_int_equal(year, 10000);
}

static void every_part_of_a_day_goes_there_and_back(void **state)
{
	(void)state;
	for (int64_t ms = 1741910400000; ms < 1741910400000 + day_ms; ms += 997)
		for (int offset_s = -50400; offset_s <= 50400;
		     offset_s += 12600) {
			char text[TIMESTAMP_TEXT_BYTES];
			struct civil c = timestamp_civil(ms, offset_s);
			int64_t got = 0;

			assert_true(timestamp_from_civil(&c, offset_s) == ms);
			(void)timestamp_format(ms, offset_s, text);
			if (timestamp_parse(text, 1, &got, NULL) != 0 ||
			    got != ms)
				fail_msg("%s: %" PRId64, text, got);
		}
}

static void random_moments_agree_with_libc(void **state)
{
	(void)state;
	uint64_t random = 1;

	for (int round = 0; round < 200000; round++) {
		random = random * 6364136223846793005U + 1442695040888963407U;
		int64_t ms = (int64_t)(random >> 11) % (year_9999_end_ms + 1);
		time_t seconds = ms / 1000;
		struct civil c = timestamp_civil(ms, 0);
		struct tm want;
		char text[TIMESTAMP_TEXT_BYTES];
		int64_t got = 0;

		assert_non_null(gmtime_r(&seconds, &want));
		if (c.year != want.tm_year + 1900 ||
		    c.month != want.tm_mon + 1 || c.day != want.tm_mday ||
		    c.hour != want.tm_hour || c.minute != want.tm_min ||
		    c.second != want.tm_sec || c.milli != ms % 1000 ||
		    c.weekday % 7 != want.tm_wday)
			fail_msg("%" PRId64, ms);
		assert_int_equal(timestamp_parse(timestamp_format(ms, 0, text),
						 0, &got, NULL),
				 0);
		assert_true(got == ms);
	}
}

static void fields_out_of_range_count_on(void **state)
{
	(void)state;
	static const struct civil day_zero = {.year = 2025, .month = 3};
	static const struct civil late = {
		.year = 2025, .month = 1, .day = 1, .hour = 25, .minute = -1};
	char text[TIMESTAMP_TEXT_BYTES];

	assert_string_equal(
		timestamp_format(timestamp_from_civil(&day_zero, 0), 0, text),
		"2025-02-28T00:00:00Z");
	assert_string_equal(
		timestamp_format(timestamp_from_civil(&late, 0), 0, text),
		"2025-01-02T00:59:00Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_read_as_the_table_says),
		cmocka_unit_test(texts_are_written_as_the_table_says),
		cmocka_unit_test(every_day_follows_the_calendar),
		cmocka_unit_test(every_part_of_a_day_goes_there_and_back),
		cmocka_unit_test(random_moments_agree_with_libc),
		cmocka_unit_test(fields_out_of_range_count_on),
	};
	return cmocka_run_group_tests_name("timestamp", tests, NULL, NULL);
}
