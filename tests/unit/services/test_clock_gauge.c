/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <string.h>

/* A program is no library. */
#include "../../../services/monitor/clock_gauge.c" /* NOLINT */

static void what_is_not_known_is_not_zero(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		struct clock_state clock;
		int64_t want_ms;
		const char *want;
	} rows[] = {
		{"nobody keeps it, nobody was seen",
		 {.offset_ms = 0, .error_ms = 16000},
		 -1,
		 "unknown: no time service sets the clock"},
		{"kept, and right",
		 {.is_kept = true},
		 0,
		 "0 ms by the time service"},
		{"kept, and the estimate counts",
		 {.is_kept = true, .offset_ms = -3, .error_ms = 7},
		 7,
		 "7 ms by the time service"},
		{"kept, but Telegram's is another",
		 {.is_kept = true,
		  .error_ms = 7,
		  .is_seen = true,
		  .ahead_ms = -9000},
		 9000,
		 "9000 ms behind Telegram's"},
		{"not kept, ahead of Telegram's",
		 {.is_seen = true, .ahead_ms = 4000},
		 4000,
		 "4000 ms ahead of Telegram's"},
		{"not kept, and Telegram's answers prove nothing wrong",
		 {.is_seen = true},
		 0,
		 "no time service sets the clock; by Telegram's answers it is "
		 "right to a second"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char detail[200];
		int64_t off_ms = clock_gauge_off_ms(&rows[i].clock, detail,
						    sizeof(detail));

		if (off_ms != rows[i].want_ms ||
		    strcmp(detail, rows[i].want) != 0)
			fail_msg("%s: %lld, %s", rows[i].name,
				 (long long)off_ms, detail);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_known_is_not_zero),
	};

	return cmocka_run_group_tests_name("clock_gauge", tests, NULL, NULL);
}
