/* SPDX-License-Identifier: MIT
 *
 * How many messages the processor claims next, after what fitted into its turn
 * at the write lock.
 */
#include "cmocka_all.h"

#include "base/macros.h"

#include "../../../services/processor/process.c" /* NOLINT */
#include "../../../services/processor/returns.c" /* NOLINT */

enum {
	FIRST_MS = 1000, /* when the first transaction ran */
	SECOND_MS = 1020
};

static void the_next_batch_is_what_fitted_into_a_turn(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		int batch, count, fit;
		int64_t claim_ms; /* of the claim that went along; 0: none */
		int want;
	} rows[] = {
		{"all and the claim", 64, 64, 64, FIRST_MS, 68},
		{"all, and the claim had a turn of its own", 64, 64, 64,
		 SECOND_MS, 60},
		{"a part", 64, 64, 40, SECOND_MS, 40},
		{"a part, and no claim", 64, 64, 40, 0, 40},
		{"a part of few", 64, 10, 9, SECOND_MS, 9},
		{"less than the least", 64, 64, 3, SECOND_MS, 8},
		{"the least, and not the claim", 8, 8, 8, SECOND_MS, 8},
		{"the most", 160, 160, 160, FIRST_MS, 160},
		{"all but the most", 158, 158, 158, FIRST_MS, 160},
		{"all, and no claim", 64, 64, 64, 0, 64},
		{"fewer than asked for say nothing", 64, 10, 10, FIRST_MS, 64},
		{"nor when the claim did not fit", 64, 10, 10, SECOND_MS, 64},
		{"nothing", 64, 0, 0, FIRST_MS, 64},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		static struct flight flight;
		static struct claim later;
		struct process process = {.batch = rows[i].batch};

		for (int k = 0; k < rows[i].count; k++)
			flight.applies[k].ran_ms =
				k < rows[i].fit ? FIRST_MS : SECOND_MS;
		later.ran_ms = rows[i].claim_ms;
		fit_batch(&process, &flight, rows[i].count,
			  rows[i].claim_ms != 0 ? &later : NULL);
		if (process.batch != rows[i].want)
			fail_msg("%s: %d instead of %d", rows[i].name,
				 process.batch, rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_next_batch_is_what_fitted_into_a_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
