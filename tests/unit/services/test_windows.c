/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

/* The monitor's own file: a program is no library. */
#include "../../../services/monitor/windows.c" /* NOLINT */

#include "base/text.h"

static int64_t moment(const char *text)
{
	int64_t ms = 0;

	if (timestamp_parse(text, 0, &ms, NULL) < 0)
		fail_msg("%s", text);
	return ms;
}

static void a_window_is_open_on_its_days_for_its_length(void **state)
{
	(void)state;
	/* 2026-11-22 is a Sunday. */
	static const struct {
		const char *name, *days, *at, *zone;
		int64_t hours;
		const char *now, *until; /* NULL: closed */
	} rows[] = {
		{"at its first moment", "", "02:00", "Europe/Moscow", 3,
		 "2026-11-22T02:00:00+03:00", "2026-11-22T05:00:00+03:00"},
		{"a moment before", "", "02:00", "Europe/Moscow", 3,
		 "2026-11-22T01:59:59+03:00", NULL},
		{"at its end", "", "02:00", "Europe/Moscow", 3,
		 "2026-11-22T05:00:00+03:00", NULL},
		{"on its day", "sat sun", "02:00", "Europe/Moscow", 3,
		 "2026-11-22T03:00:00+03:00", "2026-11-22T05:00:00+03:00"},
		{"on another day", "mon fri", "02:00", "Europe/Moscow", 3,
		 "2026-11-22T03:00:00+03:00", NULL},
		{"one that began yesterday", "sat", "22:00", "Europe/Moscow", 8,
		 "2026-11-22T03:00:00+03:00", "2026-11-22T06:00:00+03:00"},
		{"yesterday was not its day", "sun", "22:00", "Europe/Moscow",
		 8, "2026-11-22T03:00:00+03:00", NULL},
		{"its zone's day counts, not ours", "sun", "01:00",
		 "Asia/Kamchatka", 1, "2026-11-21T13:30:00Z",
		 "2026-11-21T14:00:00Z"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct config_window window = {.length_ms =
						       rows[i].hours * 3600000};
		const struct zone *zone = NULL;
		int64_t from_ms = 0;
		int64_t until_ms = 0;
		bool open;

		(void)text_copy(window.days, sizeof(window.days), rows[i].days);
		(void)text_copy(window.at, sizeof(window.at), rows[i].at);
		assert_int_equal(zones_get(rows[i].zone, &zone, NULL), 0);
		open = window_open(&window, zone, moment(rows[i].now), &from_ms,
				   &until_ms);
		if (open != (rows[i].until != NULL))
			fail_msg("%s: %d", rows[i].name, open);
		if (open)
			assert_int_equal(until_ms, moment(rows[i].until));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_is_open_on_its_days_for_its_length),
	};
	return cmocka_run_group_tests_name("windows", tests, NULL, NULL);
}
