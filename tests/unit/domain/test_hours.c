/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "codec/time/timestamp.h"
#include "domain/catalogue/hours.h"

/* 2026-11-23 is a Monday. */
static const struct {
	const char *hours, *open, *closed; /* local times of that week */
} rows[] = {
	{"", "23T00:00 26T03:00 29T23:59", ""},
	{"24/7", "23T00:00 29T23:59", ""},
	{"08:00-22:00", "23T08:00 29T21:59", "23T07:59 29T22:00"},
	{"8:00-22:00", "23T08:00", "23T07:59"},
	{"00:00-24:00", "23T00:00 29T23:59", ""},
	{"08:00-13:00,14:00-20:00", "23T12:59 24T14:00", "23T13:00 23T20:00"},
	{"Mon-Fri 08:00-22:00 Sat,Sun 09:00-20:00",
	 "23T08:00 27T21:59 28T09:00 29T19:59", "28T08:00 29T20:00"},
	{"monday-friday 08:00-22:00", "23T08:00 27T21:59", "28T12:00"},
	{"Пн-Пт 08:00-22:00; Сб 10:00-02:00; Вс closed",
	 "23T08:00 28T23:30 29T01:59", "29T02:00 29T12:00"},
	{"Sun 22:00-06:00", "29T22:00 23T05:59", "23T06:00 29T21:00"},
	{"Sat-Mon 10:00-11:00", "28T10:00 29T10:00 23T10:00", "24T10:00"},
	{"08:00-22:00 Wed off", "24T12:00 26T12:00", "25T12:00"},
	{"08:00-22:00 Wed 10:00-12:00", "24T08:00 25T11:00", "25T08:00"},
};

/* Each moment of the list, told by its day and time, is as it should be. */
static void check(const char *text, const char *list, bool open)
{
	struct hours hours;
	char moment[40];
	int used = 0;
	char when[16];

	assert_int_equal(hours_parse(text, &hours, NULL), 0);
	for (const char *p = list; sscanf(p, " %15s%n", when, &used) == 1;
	     p += used) {
		int64_t at_ms = 0;

		(void)snprintf(moment, sizeof(moment), "2026-11-%s", when);
		assert_int_equal(
			timestamp_parse(moment, 7 * 3600, &at_ms, NULL), 0);
		if (hours_is_open(&hours, at_ms, 7 * 3600) != open)
			fail_msg("'%s' at %s", text, moment);
	}
}

static void a_store_is_open_as_its_text_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		check(rows[i].hours, rows[i].open, true);
		check(rows[i].hours, rows[i].closed, false);
	}
}

static void what_is_no_text_of_hours_is_named(void **state)
{
	(void)state;
	static const struct {
		const char *text, *part;
	} bad[] = {
		{"8-22", "8-22"},
		{"08:00-25:00", "08:00-25:00"},
		{"08:60-22:00", "08:60-22:00"},
		{"08:00-24:01", "08:00-24:01"},
		{"08:00-22:00x", "08:00-22:00x"},
		{"Foo 08:00-22:00", "Foo"},
		{"Mon- 08:00-22:00", "Mon-"},
		{"Mon", "days without times"},
		{"Mon Tue 08:00-22:00", "Tue"},
		{"open", "open"},
	};

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct hours hours;
		struct err e = {0};
		int rc = hours_parse(bad[i].text, &hours, &e);

		if (rc != ERR_INVALID || strstr(e.text, bad[i].part) == NULL)
			fail_msg("'%s': %d %s", bad[i].text, rc, e.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_store_is_open_as_its_text_says),
		cmocka_unit_test(what_is_no_text_of_hours_is_named),
	};

	return cmocka_run_group_tests_name("hours", tests, NULL, NULL);
}
