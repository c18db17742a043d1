/* SPDX-License-Identifier: MIT
 *
 * monitor.h - the questions that the monitor asks: one set-based query per rule
 * for what is wrong and is to be told now, and one for alerts that are over.
 * Their cost does not depend on how much is told. Readers.
 *
 * A rule that is inhibited for a subject (order-not-taken by order-late on the
 * same order) finds nothing there, and its alert ends without a word.
 */
#ifndef STORE_MONITOR_H
#define STORE_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

struct db;
struct err;
struct monitor_query;

extern const struct monitor_query monitor_order_late;
extern const struct monitor_query monitor_order_not_taken;
extern const struct monitor_query monitor_notification_failed;
extern const struct monitor_query monitor_breaker_open;
extern const struct monitor_query monitor_inbox_quarantined;
extern const struct monitor_query monitor_job_failing;
extern const struct monitor_query monitor_telegram_backlog;
extern const struct monitor_query monitor_invoice_blocked;
extern const struct monitor_query monitor_store_unknown;
extern const struct monitor_query monitor_product_unknown;

struct monitor_terms {
	int64_t now_ms;
	int64_t threshold; /* ms for the two order rules, else how many */
	int64_t for_ms, repeat_ms;
	int limit; /* rows; the worst first */
};

/* What is wrong and has no alert yet, or one whose time to fire or to be
 * repeated has come. Texts are borrowed during the callback; "" where the rule
 * has nothing to say. */
struct monitor_finding {
	const char *subject;
	const char *chat;        /* of the store; "" : the administrator's */
	const char *alert_state; /* pending, firing, "" : new */
	const char *number, *external_id, *store, *zone; /* of an order */
	const char *detail, *reason;
	int64_t at_ms, amount;
};
typedef int monitor_found_visit(const struct monitor_finding *finding,
				void *context);

/* Calls each() until it returns < 0. Number of rows, or < 0; *ret_total is how
 * many there are without the limit. */
int monitor_found(struct db *db, const struct monitor_query *query,
		  const struct monitor_terms *terms, monitor_found_visit *each,
		  void *context, int64_t *ret_total, struct err *e);

/* Live alerts whose condition is no longer true, oldest first. */
struct monitor_end {
	int64_t alert_id;
	const char *chat, *severity, *text; /* as it was told; borrowed */
	bool firing;
	bool inhibited; /* ends without a word */
};
typedef int monitor_over_visit(const struct monitor_end *end, void *context);
int monitor_over(struct db *db, const struct monitor_query *query,
		 const struct monitor_terms *terms, monitor_over_visit *each,
		 void *context, struct err *e);

/* All live alerts of a rule that is switched off, as inhibited. */
int monitor_live(struct db *db, const char *rule, int limit,
		 monitor_over_visit *each, void *context, struct err *e);

#endif
