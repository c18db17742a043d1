/* SPDX-License-Identifier: MIT
 *
 * How long services/hook waits for the processor, which no library decides.
 */
#include "cmocka_all.h"

#include "base/macros.h"

#include "../../../services/hook/give_way.c" /* NOLINT */

static void the_wait_grows_with_the_age_and_ends(void **state)
{
	(void)state;
	static const struct {
		int64_t age_ms, wait_ms;
	} rows[] = {
		{-5000, 0}, /* retried later, or the clock was set back */
		{0, 0},     {150, 0},  {158, 1},
		{400, 31},  {630, 60}, {100000000, 60},
	};
	const int64_t now_ms = INT64_C(1900000000000);

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct give_way g = {.oldest_due_ms = 1};

		assert_int_equal(
			give_way_ms(&g, now_ms - rows[i].age_ms, now_ms),
			rows[i].wait_ms);
	}
}

/* A processor that does not run, or an inbox that is held, slows nobody. */
static void nobody_waits_for_what_does_not_move(void **state)
{
	(void)state;
	struct give_way g = {0};

	assert_int_equal(give_way_ms(&g, 1000, 3000), 60);
	assert_int_equal(give_way_ms(&g, 1000, 3100), 0);
	assert_int_equal(give_way_ms(&g, 1000, 3200), 0);
	assert_int_equal(give_way_ms(&g, 1001, 3300), 60);
	assert_int_equal(give_way_ms(&g, 0, 3400), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_wait_grows_with_the_age_and_ends),
		cmocka_unit_test(nobody_waits_for_what_does_not_move),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
