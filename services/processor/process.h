/* SPDX-License-Identifier: MIT
 *
 * process.h - inbox to orders: claim, read, apply.
 */
#ifndef PROCESSOR_PROCESS_H
#define PROCESSOR_PROCESS_H

#include <stdint.h>

#include "flow/order_flow.h"

struct service;

enum {
	PROCESS_BATCH = 64, /* messages of different orders at a time */
	PROCESS_ROUNDS = 16 /* batches until the service is looked after */
};

struct process {
	struct flow_settings settings;
	int64_t reclaim_at_ms; /* monotonic: next look for dead owners */
};

/* One pass: claim up to PROCESS_BATCH messages, read them outside of any
 * transaction and while others are written, apply each in a unit of its own;
 * and again with what has come, PROCESS_ROUNDS times at most. Number of
 * messages, < 0. One thread at a time. */
int process_batch(struct service *s, struct err *e);

#endif
