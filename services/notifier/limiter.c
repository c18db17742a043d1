/* SPDX-License-Identifier: MIT */
#include "rules.h"

#include "base/macros.h"

enum {
	CALL_PPM = 1000000,
	BURST_PER_S = 10, /* the bucket holds 1/10 of a second's calls */
	SECOND_US = 1000000
};

static int64_t capacity_ppm(const struct limiter *limiter)
{
	return MAX_OF(limiter->rate_per_s / BURST_PER_S, (int64_t)1) * CALL_PPM;
}

/* Rate calls per second are rate millionths of a call per microsecond. */
static void refill(struct limiter *limiter, int64_t now_us)
{
	int64_t passed_us = now_us - limiter->counted_us;

	if (passed_us <= 0)
		return;
	limiter->counted_us = now_us;
	limiter->tokens_ppm +=
		MIN_OF(passed_us, (int64_t)SECOND_US) * limiter->rate_per_s;
	limiter->tokens_ppm =
		MIN_OF(limiter->tokens_ppm, capacity_ppm(limiter));
}

struct limiter limiter_make(int64_t rate_per_s, int64_t now_us)
{
	struct limiter limiter = {
		.rate_per_s = MAX_OF(rate_per_s, (int64_t)1),
		.counted_us = now_us,
	};

	limiter.tokens_ppm = capacity_ppm(&limiter);
	return limiter;
}

int limiter_available(struct limiter *limiter, int64_t now_us)
{
	refill(limiter, now_us);
	return (int)(limiter->tokens_ppm / CALL_PPM);
}

bool limiter_take(struct limiter *limiter, int64_t now_us)
{
	if (limiter_available(limiter, now_us) < 1)
		return false;
	limiter->tokens_ppm -= CALL_PPM;
	return true;
}

int limiter_wait_ms(struct limiter *limiter, int64_t now_us)
{
	int64_t missing_ppm;

	if (limiter_available(limiter, now_us) >= 1)
		return 0;
	missing_ppm = CALL_PPM - limiter->tokens_ppm;
	return (int)(missing_ppm / limiter->rate_per_s / 1000 + 1);
}
