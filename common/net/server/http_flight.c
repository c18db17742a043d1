/* SPDX-License-Identifier: MIT */
#include "net/server/http_flight.h"

#include "base/clock.h"
#include "base/macros.h"
#include "net/server/http_exchange.h"

static int64_t value_of(const _Atomic int64_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

/* One writer: no locked instruction is needed. */
static void count(_Atomic int64_t *counter, int64_t by)
{
	atomic_store_explicit(counter, value_of(counter) + by,
			      memory_order_relaxed);
}

static void note_oldest(struct http_flight *f)
{
	int64_t ms = f->oldest != NULL ? f->oldest->started_ms : 0;

	atomic_store_explicit(&f->oldest_started_ms, ms, memory_order_relaxed);
}

void flight_begin(struct http_flight *f, struct http_exchange *x)
{
	x->started_ms = MAX_OF(clock_mono_ms(), (int64_t)1);
	x->newer = NULL;
	x->older = f->newest;
	if (f->newest != NULL)
		f->newest->newer = x;
	else
		f->oldest = x;
	f->newest = x;
	note_oldest(f);
	count(&f->requests, 1);
	count(&f->in_flight, 1);
}

void flight_end(struct http_flight *f, struct http_exchange *x)
{
	if (x->older != NULL)
		x->older->newer = x->newer;
	else
		f->oldest = x->newer;
	if (x->newer != NULL)
		x->newer->older = x->older;
	else
		f->newest = x->older;
	note_oldest(f);
	count(&f->in_flight, -1);
}

void flight_count_answer(struct http_flight *f, int status)
{
	count(&f->by_class[MIN_OF(MAX_OF(status / 100, 0), 5)], 1);
}

int64_t flight_oldest_ms(const struct http_flight *f)
{
	int64_t started_ms = value_of(&f->oldest_started_ms);

	if (started_ms == 0)
		return 0;
	return MAX_OF(clock_mono_ms() - started_ms, (int64_t)0);
}

struct http_server_stats flight_stats(const struct http_flight *f)
{
	struct http_server_stats stats = {
		.requests = value_of(&f->requests),
		.in_flight = value_of(&f->in_flight),
	};

	for (size_t i = 0; i < COUNT_OF(stats.by_class); i++)
		stats.by_class[i] = value_of(&f->by_class[i]);
	return stats;
}
