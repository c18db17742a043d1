/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <inttypes.h>
#include <string.h>

/* The scheduler's own file: a program is no library. */
#include "../../../scheduler/timetable.c" /* NOLINT */

#include "app/zones.h"
#include "base/text.h"

enum {
	SECOND = 1000,
	MINUTE = 60 * SECOND,
	HOUR = 60 * MINUTE,
	DAY = 24 * HOUR
};

static int64_t moment(const char *text)
{
	int64_t ms = 0;
	struct err e = {0};

	if (text == NULL)
		return 0;
	if (timestamp_parse(text, 0, &ms, &e) < 0)
		fail_msg("%s: %s", text, e.text);
	return ms;
}

static struct timetable table(int64_t every_ms, const char *at,
			      const char *zone_name)
{
	struct config_job job = {.name = "x", .every_ms = every_ms};
	const struct zone *zone = NULL;
	struct timetable t = {0};
	struct err e = {0};

	if (at != NULL && strchr(at, '*') != NULL)
		(void)text_copy(job.cron, sizeof(job.cron), at);
	else if (at != NULL)
		(void)text_copy(job.at, sizeof(job.at), at);
	if (zone_name != NULL && zones_get(zone_name, &zone, &e) < 0)
		fail_msg("%s", e.text);
	if (timetable_read(&job, zone, &t, &e) < 0)
		fail_msg("%s", e.text);
	return t;
}

static void slots_lie_where_the_calendar_says(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		int64_t every_ms;
		const char *at, *zone;
		const char *now, *want_floor, *want_next;
	} rows[] = {
		{"a grid is anchored to the epoch", 10 * SECOND, NULL, NULL,
		 "2026-11-22T03:04:05.678Z", "2026-11-22T03:04:00Z",
		 "2026-11-22T03:04:10Z"},
		{"a slot is its own floor", 10 * SECOND, NULL, NULL,
		 "2026-11-22T03:04:10Z", "2026-11-22T03:04:10Z",
		 "2026-11-22T03:04:20Z"},
		{"one millisecond before it is not", 10 * SECOND, NULL, NULL,
		 "2026-11-22T03:04:09.999Z", "2026-11-22T03:04:00Z",
		 "2026-11-22T03:04:10Z"},
		{"an odd grid too", 7 * SECOND, NULL, NULL,
		 "1970-01-01T00:00:20Z", "1970-01-01T00:00:14Z",
		 "1970-01-01T00:00:21Z"},
		{"hours are UTC hours", HOUR, NULL, NULL,
		 "2026-10-25T02:59:59+02:00", "2026-10-25T00:00:00Z",
		 "2026-10-25T01:00:00Z"},
		{"a time of day is one of its zone", 0, "03:30",
		 "Europe/Moscow", "2026-11-22T00:29:59Z",
		 "2026-11-21T00:30:00Z", "2026-11-22T00:30:00Z"},
		{"also where the date differs from UTC", 0, "01:00",
		 "Asia/Kamchatka", "2026-11-22T12:59:59Z",
		 "2026-11-21T13:00:00Z", "2026-11-22T13:00:00Z"},
		{"and far in the west", 0, "23:00", "Pacific/Pago_Pago",
		 "2026-11-22T10:00:00Z", "2026-11-22T10:00:00Z",
		 "2026-11-23T10:00:00Z"},
		{"in spring a skipped time is the end of the gap", 0, "02:30",
		 "Europe/Berlin", "2026-03-29T12:00:00Z",
		 "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"},
		{"in autumn a doubled time is its first", 0, "02:30",
		 "Europe/Berlin", "2026-10-25T01:30:00Z",
		 "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
		{"of several times of day the nearest", 0, "20:00 08:00 14:30",
		 "Europe/Moscow", "2026-11-22T12:00:00+03:00",
		 "2026-11-22T08:00:00+03:00", "2026-11-22T14:30:00+03:00"},
		{"before the first of them it is yesterday's last", 0,
		 "20:00 08:00 14:30", "Europe/Moscow",
		 "2026-11-22T07:59:00+03:00", "2026-11-21T20:00:00+03:00",
		 "2026-11-22T08:00:00+03:00"},
		{"a minute of every hour", 0, ":15", "Europe/Moscow",
		 "2026-11-22T03:14:59Z", "2026-11-22T02:15:00Z",
		 "2026-11-22T03:15:00Z"},
		{"also of both hours of an autumn night", 0, ":30",
		 "Europe/Berlin", "2026-10-25T01:00:00Z",
		 "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"},
		{"cron", 0, "*/30 9-17 * * 1-5", "Europe/Moscow",
		 "2026-11-22T12:00:00Z", "2026-11-20T17:30:00+03:00",
		 "2026-11-23T09:00:00+03:00"},
		{"a day that a zone left out has its slot at its end", 0,
		 "12:00", "Pacific/Apia", "2011-12-30T11:00:00Z",
		 "2011-12-30T10:00:00Z", "2011-12-30T22:00:00Z"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct timetable t =
			table(rows[i].every_ms, rows[i].at, rows[i].zone);
		char text[TIMESTAMP_TEXT_BYTES];
		int64_t now = moment(rows[i].now);
		int64_t got = timetable_floor(&t, now);

		if (got != moment(rows[i].want_floor))
			fail_msg("%s: floor %s", rows[i].name,
				 timestamp_format(got, 0, text));
		got = timetable_next(&t, now);
		if (got != moment(rows[i].want_next))
			fail_msg("%s: next %s", rows[i].name,
				 timestamp_format(got, 0, text));
	}
}

static void starts_are_spread_and_retries_come_later_and_later(void **state)
{
	(void)state;
	static const int64_t pauses[] = {60000, 120000, 240000, 480000};
	int64_t delay = timetable_delay_ms("backup", "a", 60000);
	int apart = 0;

	assert_in_range(delay, 0, 60000);
	assert_int_equal(timetable_delay_ms("backup", "a", 60000), delay);
	assert_int_equal(timetable_delay_ms("backup", "a", 0), 0);
	for (char host[2] = "b"; host[0] <= 'k'; host[0]++)
		apart += timetable_delay_ms("backup", host, 60000) != delay;
	assert_int_equal(apart, 10);
	for (size_t i = 0; i < COUNT_OF(pauses); i++)
		assert_int_equal(timetable_retry_pause_ms(60000, (int)i + 1),
				 pauses[i]);
	assert_int_equal(timetable_retry_pause_ms(60000, 100),
			 TIMETABLE_RETRY_MAX_MS);
}

static const struct {
	const char *name;
	int64_t every_ms;
	const char *at;
	enum config_misfire misfire;
	const char *decided, *now;
	const char *want_slot; /* NULL: none */
	bool want_late;
	int64_t want_skipped;
	const char *want_skipped_until;
} policy_rows[] = {
	{"before the slot nothing is due", MINUTE, NULL, MISFIRE_ONCE,
	 "2026-11-22T03:04:00Z", "2026-11-22T03:04:59.999Z", NULL, false, 0,
	 NULL},
	{"on the slot it is", MINUTE, NULL, MISFIRE_SKIP,
	 "2026-11-22T03:04:00Z", "2026-11-22T03:05:00Z", "2026-11-22T03:05:00Z",
	 false, 0, NULL},
	{"a little late is in time", MINUTE, NULL, MISFIRE_SKIP,
	 "2026-11-22T03:04:00Z", "2026-11-22T03:05:05Z", "2026-11-22T03:05:00Z",
	 false, 0, NULL},
	{"skip: a late slot is left out", MINUTE, NULL, MISFIRE_SKIP,
	 "2026-11-22T03:04:00Z", "2026-11-22T03:05:05.001Z", NULL, false, 1,
	 "2026-11-22T03:05:00Z"},
	{"skip: of three hours nothing is made up for", MINUTE, NULL,
	 MISFIRE_SKIP, "2026-11-22T03:00:00Z", "2026-11-22T06:00:30Z", NULL,
	 false, 180, "2026-11-22T06:00:00Z"},
	{"once: of three hours one", MINUTE, NULL, MISFIRE_ONCE,
	 "2026-11-22T03:00:00Z", "2026-11-22T06:00:30Z", "2026-11-22T06:00:00Z",
	 true, 179, "2026-11-22T05:59:00Z"},
	{"once: after ten years one too", MINUTE, NULL, MISFIRE_ONCE,
	 "2026-11-22T03:00:00Z", "2036-11-22T03:00:00Z", "2036-11-22T03:00:00Z",
	 false, 5260319, "2036-11-22T02:59:00Z"},
	{"all: the oldest first", HOUR, NULL, MISFIRE_ALL,
	 "2026-11-22T03:00:00Z", "2026-11-22T06:10:00Z", "2026-11-22T04:00:00Z",
	 true, 0, NULL},
	{"all: then the next", HOUR, NULL, MISFIRE_ALL, "2026-11-22T05:00:00Z",
	 "2026-11-22T06:10:00Z", "2026-11-22T06:00:00Z", true, 0, NULL},
	{"all: at most the last 48", HOUR, NULL, MISFIRE_ALL,
	 "2026-11-12T00:00:00Z", "2026-11-22T00:00:00Z", "2026-11-20T01:00:00Z",
	 true, 192, "2026-11-20T00:00:00Z"},
	{"all: exactly 48 are all made up for", HOUR, NULL, MISFIRE_ALL,
	 "2026-11-20T00:00:00Z", "2026-11-22T00:00:00Z", "2026-11-20T01:00:00Z",
	 true, 0, NULL},
	{"a clock that was set back has nothing due", HOUR, NULL, MISFIRE_ALL,
	 "2026-11-22T06:00:00Z", "2026-11-22T04:30:00Z", NULL, false, 0, NULL},
	{"daily, once: a week is one", 0, "03:30", MISFIRE_ONCE,
	 "2026-11-15T03:30:00Z", "2026-11-22T04:00:00Z", "2026-11-22T03:30:00Z",
	 true, 6, "2026-11-21T03:30:00Z"},
	{"daily, all: a week is seven", 0, "03:30", MISFIRE_ALL,
	 "2026-11-15T03:30:00Z", "2026-11-22T04:00:00Z", "2026-11-16T03:30:00Z",
	 true, 0, NULL},
	{"daily, all: a year is 48 days", 0, "03:30", MISFIRE_ALL,
	 "2025-11-22T03:30:00Z", "2026-11-22T04:00:00Z", "2026-10-06T03:30:00Z",
	 true, 317, "2026-10-05T03:30:00Z"},
};

static void missed_slots_follow_the_policy(void **state)
{
	(void)state;

	for (size_t i = 0; i < COUNT_OF(policy_rows); i++) {
		struct timetable t =
			table(policy_rows[i].every_ms, policy_rows[i].at, NULL);
		struct timetable_due due =
			timetable_due(&t, policy_rows[i].misfire,
				      moment(policy_rows[i].decided),
				      moment(policy_rows[i].now));
		char text[TIMESTAMP_TEXT_BYTES];

		if (due.slot_ms != moment(policy_rows[i].want_slot) ||
		    due.is_late != policy_rows[i].want_late)
			fail_msg("%s: %s%s", policy_rows[i].name,
				 timestamp_format(due.slot_ms, 0, text),
				 due.is_late ? " late" : "");
		if (due.skipped != policy_rows[i].want_skipped ||
		    due.skipped_ms != moment(policy_rows[i].want_skipped_until))
			fail_msg("%s: %" PRId64 " skipped until %s",
				 policy_rows[i].name, due.skipped,
				 timestamp_format(due.skipped_ms, 0, text));
	}
}

/* Let the clock go through a day in steps; returns how often it ran. Slots that
 * come while it runs are left out, as the scheduler does. */
static int run_a_day(const struct timetable *t, enum config_misfire misfire,
		     int64_t from_ms, int64_t step_ms, int64_t run_ms)
{
	int64_t decided_ms = timetable_floor(t, from_ms);
	int64_t busy_until_ms = 0;
	int runs = 0;

	for (int64_t now = from_ms; now <= from_ms + DAY; now += step_ms) {
		struct timetable_due due;

		if (now < busy_until_ms) {
			decided_ms = timetable_floor(t, now);
			continue;
		}
		due = timetable_due(t, misfire, decided_ms, now);
		if (due.slot_ms == 0)
			continue;
		assert_int_equal(due.slot_ms, timetable_floor(t, due.slot_ms));
		decided_ms = due.slot_ms;
		busy_until_ms = now + run_ms;
		runs++;
	}
	return runs;
}

static void a_day_has_its_slots_without_drift(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		int64_t every_ms;
		const char *at;
		enum config_misfire misfire;
		const char *from;
		int64_t step_ms, run_ms;
		int want;
	} rows[] = {
		{"every minute is every minute", MINUTE, NULL, MISFIRE_ONCE,
		 "2026-11-22T00:00:30Z", 137, 900, 1440},
		{"a run of 150 s takes every third slot of a minute", MINUTE,
		 NULL, MISFIRE_ONCE, "2026-11-22T00:00:30Z", 1000, 150 * SECOND,
		 480},
		{"every hour, also on the day of 25 hours", HOUR, NULL,
		 MISFIRE_ALL, "2026-10-24T22:30:00Z", 1000, 1, 24},
		{"half past two comes once in autumn", 0, "02:30", MISFIRE_ALL,
		 "2026-10-24T22:00:00Z", 1000, 1, 1},
		{"half past two comes once in spring", 0, "02:30", MISFIRE_ALL,
		 "2026-03-28T23:00:00Z", 1000, 1, 1},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct timetable t =
			table(rows[i].every_ms, rows[i].at, "Europe/Berlin");
		int got = run_a_day(&t, rows[i].misfire, moment(rows[i].from),
				    rows[i].step_ms, rows[i].run_ms);

		if (got != rows[i].want)
			fail_msg("%s: %d runs", rows[i].name, got);
	}
}

static void a_section_without_a_time_is_refused(void **state)
{
	(void)state;
	static const char *const rows[] = {"",      "2",     "24:00", "12:60",
					   "12.30", "ab:cd", "1a:00", "12:"};
	struct timetable t;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct config_job job = {.name = "x"};

		(void)text_copy(job.at, sizeof(job.at), rows[i]);
		if (timetable_read(&job, NULL, &t, NULL) != ERR_INVALID)
			fail_msg("'%s' is taken", rows[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_lie_where_the_calendar_says),
		cmocka_unit_test(
			starts_are_spread_and_retries_come_later_and_later),
		cmocka_unit_test(missed_slots_follow_the_policy),
		cmocka_unit_test(a_day_has_its_slots_without_drift),
		cmocka_unit_test(a_section_without_a_time_is_refused),
	};
	return cmocka_run_group_tests_name("timetable", tests, NULL, NULL);
}
