/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include "net/client/http_clock.h"

#include "base/err.h"
#include "base/macros.h"
#include "net/client/http_client.h"

#define DATE 1795348800000LL

static void a_date_proves_no_more_than_it_can(void **state)
{
	static const struct {
		const char *what;
		int64_t began_ms, ended_ms; /* of the call, by our clock */
		int64_t ahead_ms;
	} rows[] = {
		{"the same moment", DATE, DATE, 0},
		{"within its second", DATE + 900, DATE + 999, 0},
		{"a call that took long", DATE - 5000, DATE + 5000, 0},
		{"ahead", DATE + 3999, DATE + 4100, 3000},
		{"behind", DATE - 2100, DATE - 2000, -2000},
		{"two hours", DATE + 7200000, DATE + 7200100, 7199001},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct http_answer answer = {
			.date_ms = DATE,
			.duration_ms = rows[i].ended_ms - rows[i].began_ms,
		};
		int64_t ahead_ms = 1;

		if (!http_clock_ahead(&answer, rows[i].ended_ms, &ahead_ms) ||
		    ahead_ms != rows[i].ahead_ms)
			fail_msg("%s: %lld", rows[i].what, (long long)ahead_ms);
	}
}

static void without_a_date_nothing_is_proved(void **state)
{
	const struct http_answer none = {.date_ms = -1};
	const struct http_answer failed = {.rc = ERR_REMOTE, .date_ms = DATE};
	int64_t ahead_ms;

	(void)state;
	assert_false(http_clock_ahead(&none, DATE, &ahead_ms));
	assert_false(http_clock_ahead(&failed, DATE, &ahead_ms));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_date_proves_no_more_than_it_can),
		cmocka_unit_test(without_a_date_nothing_is_proved),
	};

	return cmocka_run_group_tests_name("http_clock", tests, NULL, NULL);
}
