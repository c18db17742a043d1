/* SPDX-License-Identifier: MIT
 *
 * process.h - inbox to orders: claim, read, apply.
 */
#ifndef PROCESSOR_PROCESS_H
#define PROCESSOR_PROCESS_H

#include <stdint.h>

#include "flow/order_flow.h"
#include "returns.h"

struct service;

enum {
	/* Messages of different orders at a time: see fit_batch(). */
	PROCESS_BATCH_MIN = 8,
	PROCESS_BATCH_FIRST = 64,
	PROCESS_BATCH_MAX = 160,
	PROCESS_BATCH_STEP = 4,
	PROCESS_ROUNDS = 8 /* batches until the service is looked after */
};

struct process {
	struct flow_settings settings;
	int64_t reclaim_at_ms; /* monotonic: next look for dead owners */
	int batch;             /* of the next claim */
	struct returns returns;
};

/* One pass: claim a batch of messages, read them outside of any
 * transaction and while others are written, apply each in a unit of its own;
 * and again with what has come, PROCESS_ROUNDS times at most. Number of
 * messages, < 0. One thread at a time. */
int process_batch(struct service *s, struct err *e);

#endif
