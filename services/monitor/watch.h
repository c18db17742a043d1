/* SPDX-License-Identifier: MIT
 *
 * watch.h - one pass of the monitor: what is wrong now, what is over.
 *
 * Findings of one rule for one chat are told one by one, up to WATCH_SINGLE_MAX
 * of them within WATCH_STORM_MS; more are one message per pass, with their
 * number, how many there are in all, and the worst few. The state of each alert
 * and its message change in the same transaction.
 */
#ifndef MONITOR_WATCH_H
#define MONITOR_WATCH_H

#include <stdint.h>

struct config;
struct db;
struct err;
struct rule;
struct writer;

enum {
	WATCH_SINGLE_MAX = 5,
	WATCH_STORM_MS = 10 * 60 * 1000,
	WATCH_FINDINGS_MAX = 10000, /* of a rule in a pass; the worst first */
	WATCH_UNIT_MAX = 100        /* alerts in one transaction */
};

struct watch {
	struct db *db; /* reader */
	struct writer *writer;
	const struct config *config;
	int64_t now_ms; /* wall clock */
	/* results */
	int64_t fired, repeated, resolved;
};

/* Apply one rule. A rule that is off ends its alerts without a word. */
int watch_rule(struct watch *watch, const struct rule *rule, struct err *e);

#endif
