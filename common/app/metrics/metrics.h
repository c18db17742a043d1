/* SPDX-License-Identifier: MIT
 *
 * metrics.h - numbers of every process, readable by any of them.
 *
 * Each process maps `<run>/metrics/<service>-<instance>` and adds to slots in
 * it; the file outlives a crash, so counters go on where they were. The
 * exporter maps all of the files and writes Prometheus text, with the labels
 * service and instance. Names are static texts. Thread-safe (atomics).
 */
#ifndef APP_METRICS_H
#define APP_METRICS_H

#include <stdint.h>

#include "base/buf.h"

struct err;

enum metric_kind {
	METRIC_COUNTER = 1, /* goes up; name ends in _total */
	METRIC_GAUGE,
	METRIC_HISTOGRAM_MS /* buckets of milliseconds */
};

enum {
	METRIC_NAME_BYTES = 56,
	METRIC_SLOTS_MAX = 128
};

/* Map this process's file. Until then (and when it fails) all calls count into
 * private memory. 0 or ERR_IO. */
int metrics_open(const char *run_dir, const char *service, int instance,
		 struct err *e);

struct metric; /* a slot; never freed */

/* The slot of that name; made at first use. label is "" or one label such as
 * `code="2xx"`. help is shown by the exporter. Never NULL: when all slots are
 * taken, a shared overflow slot. */
struct metric *metric_get(enum metric_kind kind, const char *name,
			  const char *label);
void metric_add(struct metric *m, int64_t delta);
void metric_set(struct metric *m, int64_t value);
void metric_observe_ms(struct metric *m, int64_t value_ms);

/* Prometheus text (version 0.0.4) of every file in run_dir, sorted by name.
 * ERR_IO, ERR_NOMEM. */
int metrics_export(const char *run_dir, struct buf *out, struct err *e);

#endif
