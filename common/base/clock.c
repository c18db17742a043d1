/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <stdatomic.h>
#include <time.h>

static _Atomic int64_t fake_wall_ms = -1;
static _Atomic int64_t fake_mono_ms;

static int64_t read_us(clockid_t id)
{
	struct timespec now;

	(void)clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_wall_ms(void)
{
	int64_t fake =
		atomic_load_explicit(&fake_wall_ms, memory_order_relaxed);

	return fake >= 0 ? fake : read_us(CLOCK_REALTIME) / 1000;
}

int64_t clock_mono_us(void)
{
	if (atomic_load_explicit(&fake_wall_ms, memory_order_relaxed) >= 0)
		return atomic_load(&fake_mono_ms) * 1000;
	return read_us(CLOCK_BOOTTIME);
}

int64_t clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

void clock_fake(int64_t wall_ms, int64_t mono_ms)
{
	atomic_store(&fake_mono_ms, mono_ms);
	atomic_store(&fake_wall_ms, wall_ms);
}
