/* SPDX-License-Identifier: MIT
 *
 * hours_gauge.h - since when some store has been open: a silent hook means
 * nothing while all of them are closed.
 */
#ifndef MONITOR_HOURS_GAUGE_H
#define MONITOR_HOURS_GAUGE_H

#include <stdint.h>

struct db;
struct err;

enum {
	HOURS_GAUGE_DAY_MS = 24 * 3600 * 1000
};

/* *ret_since_ms: 0 when all stores are closed; 1 when one was open at each
 * moment of the last day, and when there is no store; else since when, to five
 * minutes. What is not understood counts as open. 0 or < 0. */
int hours_gauge_read(struct db *db, int64_t now_ms, int64_t *ret_since_ms,
		     struct err *e);

#endif
