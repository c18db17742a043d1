/* SPDX-License-Identifier: MIT */
#include "base/backoff.h"

#include "base/macros.h"

int64_t backoff_ms(int attempt, int64_t base_ms, int64_t cap_ms, uint64_t seed)
{
	int64_t wait_ms = MAX_OF(base_ms, 1);

	cap_ms = MAX_OF(cap_ms, 1);
	for (int i = 1; i < attempt && wait_ms < cap_ms; i++)
		wait_ms = wait_ms > cap_ms / 2 ? cap_ms : 2 * wait_ms;
	wait_ms = MIN_OF(wait_ms, cap_ms);
	/* Fibonacci hashing spreads neighbouring seeds over the whole range. */
	seed = (seed + (uint64_t)attempt) * 0x9E3779B97F4A7C15ULL >> 32;
	return wait_ms + (int64_t)(seed % (uint64_t)(wait_ms / 4 + 1));
}
