/* SPDX-License-Identifier: MIT
 *
 * backoff.h - how long to wait before the next attempt. Pure.
 */
#ifndef BASE_BACKOFF_H
#define BASE_BACKOFF_H

#include <stdint.h>

/* base_ms doubled for each attempt after the first, at most cap_ms, plus up to
 * a quarter of it as jitter taken from seed (an id serves, so that the rows of
 * a burst do not come back together). attempt counts from 1.
 * Times below 1 ms count as 1 ms. */
int64_t backoff_ms(int attempt, int64_t base_ms, int64_t cap_ms, uint64_t seed);

#endif
