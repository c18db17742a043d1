/* SPDX-License-Identifier: MIT
 *
 * measures.h - the latest value of what no query can tell (a disk, a file, a
 * clock, a probe), and messages of the inbox by hour.
 */
#ifndef STORE_MEASURES_H
#define STORE_MEASURES_H

#include <stdint.h>

struct db;
struct err;

/* How far our clock is ahead of somebody else's, in milliseconds: kept by
 * whoever hears from him (subject). */
#define MEASURE_CLOCK_SEEN "clock-seen"
/* When a probe of ours was kept as a notification would have been, by channel.
 */
#define MEASURE_PROBE_SEEN "probe-seen"

/* Inside a write transaction. detail is for people. 0 or < 0. */
int measures_put(struct db *db, const char *name, const char *subject,
		 int64_t value, const char *detail, int64_t now_ms,
		 struct err *e);
/* 1 and *ret_value, 0 when there is none, < 0. Reader or writer. */
int measures_get(struct db *db, const char *name, const char *subject,
		 int64_t *ret_value, struct err *e);
/* The same of what was measured since then. */
int measures_recent(struct db *db, const char *name, const char *subject,
		    int64_t since_ms, int64_t *ret_value, struct err *e);
/* What was not measured since then is forgotten. Inside a write transaction. */
int measures_forget(struct db *db, const char *name, int64_t before_ms,
		    struct err *e);

/* Count the messages that came into the inbox since the last call, by hour, and
 * keep the moment of the latest of each channel. Inside a write transaction: a
 * part of them; 1: there may be more, 0: all are counted. */
int intake_hours_count(struct db *db, int64_t now_ms, struct err *e);

/* When the store was made. Reader or writer. 1 or < 0. */
int measures_store_made(struct db *db, int64_t *ret_ms, struct err *e);

#endif
