/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <systemd/sd-daemon.h>

#include "app/log.h"
#include "app/metrics/metrics.h"
#include "app/service/service_private.h"
#include "base/clock.h"
#include "base/macros.h"
#include "store/engine/db.h"

enum {
	/* Every request is answered within seconds, by 503 if need be: one
	 * this old was forgotten. */
	OLDEST_REQUEST_MAX_MS = 20000,
	/* Writers queue for one lock. Whoever is stuck with it must lose it by
	 * its own watchdog before those who wait lose their patience. */
	LOCKED_MAX_MS = 30000,
	OLDEST_UNIT_MAX_MS = 60000,
	/* The gauge of the longest lock shows the last one to two minutes, so
	 * that no scrape misses a peak. */
	MAX_WINDOW_MS = 60000
};

/* A member of a stats structure, published as it is. */
struct row {
	enum metric_kind kind;
	const char *name;
	const char *label;
	size_t offset;
};

#define WRITER(k, n, member)                                  \
	{                                                     \
		METRIC_##k, "ordergate_" n, "",               \
			offsetof(struct writer_stats, member) \
	}
#define HTTP(k, n, label, member)                                  \
	{                                                          \
		METRIC_##k, "ordergate_" n, label,                 \
			offsetof(struct http_server_stats, member) \
	}

static const struct row writer_rows[] = {
	WRITER(COUNTER, "writer_batches_total", batches),
	WRITER(COUNTER, "writer_units_total", units),
	WRITER(COUNTER, "writer_failed_units_total", failed_units),
	WRITER(COUNTER, "writer_lock_wait_us_total", lock_wait_us),
	WRITER(COUNTER, "writer_lock_held_us_total", lock_held_us),
	WRITER(COUNTER, "writer_commit_us_total", commit_us),
	WRITER(COUNTER, "writer_checkpoint_us_total", checkpoint_us),
	WRITER(COUNTER, "writer_sync_us_total", sync_us),
	WRITER(GAUGE, "writer_waiting", waiting),
	WRITER(GAUGE, "writer_oldest_waiting_ms", oldest_waiting_ms),
	WRITER(GAUGE, "store_wal_pages", wal_pages),
};

static const struct row http_rows[] = {
	HTTP(COUNTER, "http_requests_total", "code=\"1xx\"", by_class[1]),
	HTTP(COUNTER, "http_requests_total", "code=\"2xx\"", by_class[2]),
	HTTP(COUNTER, "http_requests_total", "code=\"3xx\"", by_class[3]),
	HTTP(COUNTER, "http_requests_total", "code=\"4xx\"", by_class[4]),
	HTTP(COUNTER, "http_requests_total", "code=\"5xx\"", by_class[5]),
	HTTP(GAUGE, "http_in_flight", "", in_flight),
};

/* The files of metrics go on after a restart, the stats begin at 0: counters
 * are fed with what has been added since the last tick. */
static void publish(const struct row *row, const void *stats,
		    const void *before)
{
	struct metric *m = metric_get(row->kind, row->name, row->label);
	int64_t value;
	int64_t value_before;

	memcpy(&value, (const char *)stats + row->offset, sizeof(value));
	memcpy(&value_before, (const char *)before + row->offset,
	       sizeof(value_before));
	if (row->kind == METRIC_COUNTER)
		metric_add(m, value - value_before);
	else
		metric_set(m, value);
}

static void publish_longest_lock(struct process *p, int64_t now_ms,
				 int64_t max_us)
{
	if (now_ms >= p->max_from_ms + MAX_WINDOW_MS) {
		p->max_before_us = p->max_us;
		p->max_us = 0;
		p->max_from_ms = now_ms;
	}
	p->max_us = MAX_OF(p->max_us, max_us);
	metric_set(metric_get(METRIC_GAUGE, "ordergate_writer_lock_held_max_ms",
			      ""),
		   (MAX_OF(p->max_us, p->max_before_us) + 999) / 1000);
}

static void publish_writer(struct process *p, int64_t now_ms,
			   const struct writer_stats *stats)
{
	for (size_t i = 0; i < COUNT_OF(writer_rows); i++)
		publish(&writer_rows[i], stats, &p->writer_before);
	publish_longest_lock(p, now_ms, stats->lock_held_max_us);
	metric_set(metric_get(METRIC_GAUGE, "ordergate_store_wal_bytes", ""),
		   db_wal_bytes(p->service.db));
	p->writer_before = *stats;
}

static void publish_http(struct process *p, int64_t oldest_ms)
{
	struct http_server_stats stats = http_server_stats(p->service.server);

	for (size_t i = 0; i < COUNT_OF(http_rows); i++)
		publish(&http_rows[i], &stats, &p->http_before);
	metric_set(metric_get(METRIC_GAUGE, "ordergate_http_oldest_ms", ""),
		   oldest_ms);
	p->http_before = stats;
}

/* No more pings, and the supervisor kills and restarts us. */
static void judge(struct process *p, int64_t request_ms,
		  const struct writer_stats *writer)
{
	int64_t unit_ms = writer->oldest_waiting_ms;
	bool healthy = request_ms < OLDEST_REQUEST_MAX_MS &&
		       writer->locked_ms < LOCKED_MAX_MS &&
		       unit_ms < OLDEST_UNIT_MAX_MS;

	if (healthy && p->watchdog)
		(void)sd_notify(0, "WATCHDOG=1");
	if (!healthy && !p->unhealthy)
		log_event(LOG_LEVEL_ERROR, "stuck: no watchdog pings any more",
			  LOG_I64("request_ms", request_ms),
			  LOG_I64("locked_ms", writer->locked_ms),
			  LOG_I64("unit_ms", unit_ms));
	if (healthy && p->unhealthy)
		log_event(LOG_LEVEL_INFO, "no longer stuck", LOG_NO_FIELDS);
	p->unhealthy = !healthy;
}

void service_watch_open(struct process *p)
{
	uint64_t usec = 0;

	p->tick_ms = SERVICE_TICK_MS;
	p->watchdog = sd_watchdog_enabled(0, &usec) > 0;
	/* Three times within its patience, at least every 10 ms. */
	if (p->watchdog && usec / 3000 < SERVICE_TICK_MS)
		p->tick_ms = MAX_OF((int64_t)(usec / 3000), 10);
}

void service_watch(struct process *p)
{
	int64_t now_ms = clock_mono_ms();
	struct writer_stats stats;
	int64_t oldest_ms = 0;

	if (now_ms < p->tick_due_ms)
		return;
	p->tick_due_ms = now_ms + p->tick_ms;
	stats = writer_stats(p->service.writer);
	publish_writer(p, now_ms, &stats);
	if (p->service.server != NULL) {
		oldest_ms = http_server_oldest_ms(p->service.server);
		publish_http(p, oldest_ms);
	}
	if (stats.broken && !p->broken)
		log_event(LOG_LEVEL_ERROR,
			  "the store failed: ending, to be restarted",
			  LOG_NO_FIELDS);
	p->broken = p->broken || stats.broken;
	service_beat(p, now_ms);
	judge(p, oldest_ms, &stats);
}

bool service_stopping(struct service *s)
{
	struct process *p = CONTAINER_OF(s, struct process, service);

	process_take_signals(p);
	service_watch(p);
	return p->stopping || p->broken;
}
