/* SPDX-License-Identifier: MIT
 *
 * metrics_private.h - the file of one process's numbers: a header and an array
 * of slots, both of fixed size, shared through mmap(2). A slot is written once
 * (name, label, kind), then published by `state`; its values are atomics. Files
 * are only ever replaced by rename, never cut: whoever maps one may go on.
 */
#ifndef APP_METRICS_PRIVATE_H
#define APP_METRICS_PRIVATE_H

#include <stdatomic.h>
#include <stdint.h>

#include "app/metrics/metrics.h"

enum {
	METRICS_FORMAT = 1, /* changes with any change of this layout */
	METRICS_VERSION_BYTES = 24,
	METRIC_LABEL_BYTES = 56,
	METRIC_BUCKETS = 14,
	/* counters and gauges use values[0]; a histogram its buckets, then the
	 * sum. */
	METRIC_SUM = METRIC_BUCKETS,
	METRIC_VALUES
};

/* Upper bounds in ms of all buckets but the last, which has none. */
extern const int64_t metric_bounds_ms[METRIC_BUCKETS - 1];

enum metrics_slot_state {
	METRICS_SLOT_FREE, /* and so are all after it */
	METRICS_SLOT_READY,
	/* A gauge of the process before: nothing is told of it until this
	 * process asks for it, for 0 would be a claim. */
	METRICS_SLOT_FORGOTTEN
};

struct metrics_slot {
	_Atomic uint32_t state; /* enum metrics_slot_state */
	uint32_t kind;
	char name[METRIC_NAME_BYTES];
	char label[METRIC_LABEL_BYTES];
	_Atomic int64_t values[METRIC_VALUES];
};

struct metrics_file {
	uint32_t format;
	uint32_t slot_bytes;
	char version[METRICS_VERSION_BYTES]; /* of the program */
	struct metrics_slot slots[METRIC_SLOTS_MAX];
};

#endif
