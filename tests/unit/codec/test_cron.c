/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <string.h>

#include "app/zones.h"
#include "base/err.h"
#include "base/macros.h"
#include "codec/time/cron.h"
#include "codec/time/timestamp.h"

static int64_t moment(const char *text)
{
	int64_t ms = 0;

	if (timestamp_parse(text, 0, &ms, NULL) < 0)
		fail_msg("%s", text);
	return ms;
}

/* 2026-11-22 is a Sunday. */
static const struct {
	const char *name, *cron, *zone;
	const char *now, *want_floor, *want_next;
} moment_rows[] = {
	{"every minute", "* * * * *", "UTC", "2026-11-22T03:04:05Z",
	 "2026-11-22T03:04:00Z", "2026-11-22T03:05:00Z"},
	{"a moment is its own floor", "* * * * *", "UTC",
	 "2026-11-22T03:04:00Z", "2026-11-22T03:04:00Z",
	 "2026-11-22T03:05:00Z"},
	{"a step", "*/15 * * * *", "UTC", "2026-11-22T03:59:59Z",
	 "2026-11-22T03:45:00Z", "2026-11-22T04:00:00Z"},
	{"a range with a step, and a number", "10-30/10,55 * * * *", "UTC",
	 "2026-11-22T03:31:00Z", "2026-11-22T03:30:00Z",
	 "2026-11-22T03:55:00Z"},
	{"from a number on", "50/5 * * * *", "UTC", "2026-11-22T03:56:00Z",
	 "2026-11-22T03:55:00Z", "2026-11-22T04:50:00Z"},
	{"a time of day in its zone", "30 8 * * *", "Europe/Moscow",
	 "2026-11-22T05:30:00Z", "2026-11-22T05:30:00Z",
	 "2026-11-23T05:30:00Z"},
	{"working days", "0 9 * * 1-5", "UTC", "2026-11-22T12:00:00Z",
	 "2026-11-20T09:00:00Z", "2026-11-23T09:00:00Z"},
	{"weekdays by name", "0 9 * * MON,wed", "UTC", "2026-11-22T12:00:00Z",
	 "2026-11-18T09:00:00Z", "2026-11-23T09:00:00Z"},
	{"7 is Sunday", "0 9 * * 7", "UTC", "2026-11-22T12:00:00Z",
	 "2026-11-22T09:00:00Z", "2026-11-29T09:00:00Z"},
	{"0 is Sunday", "0 9 * * 0", "UTC", "2026-11-22T12:00:00Z",
	 "2026-11-22T09:00:00Z", "2026-11-29T09:00:00Z"},
	{"Friday to Sunday", "0 9 * * 5-7", "UTC", "2026-11-22T12:00:00Z",
	 "2026-11-22T09:00:00Z", "2026-11-27T09:00:00Z"},
	{"the first of the month", "0 0 1 * *", "UTC", "2026-11-22T12:00:00Z",
	 "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"},
	{"day or weekday, when both are said", "0 0 13 * fri", "UTC",
	 "2026-11-22T12:00:00Z", "2026-11-20T00:00:00Z",
	 "2026-11-27T00:00:00Z"},
	{"and the other one", "0 0 24 * fri", "UTC", "2026-11-22T12:00:00Z",
	 "2026-11-20T00:00:00Z", "2026-11-24T00:00:00Z"},
	{"the 31st of months that have one", "0 0 31 * *", "UTC",
	 "2026-11-22T12:00:00Z", "2026-10-31T00:00:00Z",
	 "2026-12-31T00:00:00Z"},
	{"29 February", "0 12 29 2 *", "UTC", "2026-11-22T12:00:00Z",
	 "2024-02-29T12:00:00Z", "2028-02-29T12:00:00Z"},
	{"29 February around a year that has none", "0 12 29 feb *", "UTC",
	 "2098-01-01T00:00:00Z", "2096-02-29T12:00:00Z",
	 "2104-02-29T12:00:00Z"},
	{"over the end of a year", "59 23 31 12 *", "UTC",
	 "2026-11-22T12:00:00Z", "2025-12-31T23:59:00Z",
	 "2026-12-31T23:59:00Z"},
	{"in spring a skipped time is the end of the gap", "30 2 * * *",
	 "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-28T01:30:00Z",
	 "2026-03-29T01:00:00Z"},
	{"and once only", "30 2 * * *", "Europe/Berlin", "2026-03-29T01:00:00Z",
	 "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"},
	{"in autumn a doubled time is its first", "30 2 * * *", "Europe/Berlin",
	 "2026-10-25T01:30:00Z", "2026-10-25T00:30:00Z",
	 "2026-10-26T01:30:00Z"},
	{"in autumn every hour that passes counts", "0 * * * *",
	 "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T00:00:00Z",
	 "2026-10-25T01:00:00Z"},
	{"also its second", "0 * * * *", "Europe/Berlin",
	 "2026-10-25T01:00:00Z", "2026-10-25T01:00:00Z",
	 "2026-10-25T02:00:00Z"},
	{"in spring no hour is invented", "0 * * * *", "Europe/Berlin",
	 "2026-03-29T00:59:00Z", "2026-03-29T00:00:00Z",
	 "2026-03-29T01:00:00Z"},
	{"a day that a zone left out", "0 12 * * *", "Pacific/Apia",
	 "2011-12-30T05:00:00Z", "2011-12-29T22:00:00Z",
	 "2011-12-30T10:00:00Z"},
	{"half-hour zones", "0 8 * * *", "Asia/Kolkata", "2026-11-22T03:00:00Z",
	 "2026-11-22T02:30:00Z", "2026-11-23T02:30:00Z"},
};

static void moments_lie_where_the_fields_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(moment_rows); i++) {
		const struct zone *zone = NULL;
		char text[TIMESTAMP_TEXT_BYTES];
		struct cron cron;
		struct err e = {0};
		int64_t now = moment(moment_rows[i].now);
		int64_t got;

		if (strcmp(moment_rows[i].zone, "UTC") != 0)
			assert_int_equal(
				zones_get(moment_rows[i].zone, &zone, NULL), 0);
		if (cron_parse(moment_rows[i].cron, &cron, &e) < 0)
			fail_msg("%s: %s", moment_rows[i].name, e.text);
		got = cron_floor(&cron, zone, now);
		if (got != moment(moment_rows[i].want_floor))
			fail_msg("%s: floor %s", moment_rows[i].name,
				 timestamp_format(got, 0, text));
		got = cron_next(&cron, zone, now);
		if (got != moment(moment_rows[i].want_next))
			fail_msg("%s: next %s", moment_rows[i].name,
				 timestamp_format(got, 0, text));
	}
}

static void a_year_has_as_many_moments_as_it_should(void **state)
{
	(void)state;
	static const struct {
		const char *cron, *zone;
		int want;
	} rows[] = {
		{"0 * * * *", "Europe/Berlin", 8760},
		{"30 2 * * *", "Europe/Berlin", 365},
		{"0 2,3 * * *", "Europe/Berlin", 729}, /* 2:00 and 3:00 are
							  one in spring */
		{"0 0 1 */3 *", "Europe/Moscow", 4},
		{"*/20 9-17 * * mon-fri", "Europe/Moscow", 27 * 261},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct zone *zone = NULL;
		struct cron cron;
		int64_t at = 0;
		int64_t end = 0;
		int count = 0;

		assert_int_equal(zones_get(rows[i].zone, &zone, NULL), 0);
		assert_int_equal(cron_parse(rows[i].cron, &cron, NULL), 0);
		at = zone_from_civil(
			zone,
			&(struct civil){.year = 2026, .month = 1, .day = 1});
		end = zone_from_civil(
			zone,
			&(struct civil){.year = 2027, .month = 1, .day = 1});
		at = cron_next(&cron, zone, at - 1);
		for (; at < end && count < 20000; count++) {
			int64_t next = cron_next(&cron, zone, at);

			assert_int_equal(cron_floor(&cron, zone, next - 1), at);
			at = next;
		}
		if (count != rows[i].want)
			fail_msg("%s: %d", rows[i].cron, count);
	}
}

static void what_is_no_expression_or_never_comes_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *cron, *says;
	} rows[] = {
		{"", "no minute"},
		{"* * * *", "no weekday"},
		{"* * * * * *", "more than five"},
		{"60 * * * *", "'60' is no minute (0 to 59)"},
		{"* 24 * * *", "'24' is no hour"},
		{"* * 0 * *", "'0' is no day"},
		{"* * 32 * *", "'32' is no day"},
		{"* * * 13 *", "'13' is no month"},
		{"* * * * 8", "'8' is no weekday"},
		{"*/0 * * * *", "is no minute"},
		{"5-1 * * * *", "is no minute"},
		{"1, * * * *", "is no minute"},
		{"1-2-3 * * * *", "is no minute"},
		{"-1 * * * *", "is no minute"},
		{"007 * * * *", "is no minute"},
		{"* * * foo *", "is no month"},
		{"* * * * monday", "is no weekday"},
		{"@daily", "is no minute"},
		{"0 0 30 2 *", "no day ever fits"},
		{"0 0 31 4,6,9,11 *", "no day ever fits"},
		{"0 0 31 feb *", "no day ever fits"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct cron cron;
		struct err e = {0};

		if (cron_parse(rows[i].cron, &cron, &e) != ERR_INVALID ||
		    strstr(e.text, rows[i].says) == NULL)
			fail_msg("'%s': '%s'", rows[i].cron, e.text);
	}
	/* A weekday saves a day that never comes. */
	assert_int_equal(cron_parse("0 0 30 2 mon", &(struct cron){0}, NULL),
			 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moments_lie_where_the_fields_say),
		cmocka_unit_test(a_year_has_as_many_moments_as_it_should),
		cmocka_unit_test(
			what_is_no_expression_or_never_comes_is_refused),
	};
	return cmocka_run_group_tests_name("cron", tests, NULL, NULL);
}
