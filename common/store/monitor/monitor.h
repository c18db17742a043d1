/* SPDX-License-Identifier: MIT
 *
 * monitor.h - the questions that the monitor asks: one set-based query per rule
 * for what is wrong and is to be told now, and one for alerts that are over.
 * Their cost does not depend on how much is told. Readers.
 *
 * A rule is one row of the monitor's table and one text in a file beside this
 * one (monitor_rule.h): monitor_orders.c, monitor_shares.c, monitor_queues.c.
 */
#ifndef STORE_MONITOR_H
#define STORE_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

struct db;
struct err;
struct monitor_query;

extern const struct monitor_query monitor_order_late, monitor_order_not_ready,
	monitor_assembly_long, monitor_order_not_taken,
	monitor_order_not_picked_up, monitor_order_not_delivered,
	monitor_order_not_paid, monitor_cancel_share, monitor_short_share,
	monitor_found_rate, monitor_notification_failed,
	monitor_notification_uncertain, monitor_breaker_open,
	monitor_inbox_quarantined, monitor_queue_backlog, monitor_hook_silent,
	monitor_self_probe, monitor_invoice_missing, monitor_invoice_blocked,
	monitor_report_differs, monitor_report_refused, monitor_order_changed,
	monitor_erp_refused, monitor_telegram_backlog, monitor_chat_blocked,
	monitor_telegram_refused, monitor_job_failing, monitor_job_late,
	monitor_disk_low, monitor_wal_large, monitor_backup_old,
	monitor_certificate_expiry, monitor_clock_unset, monitor_clock_offset,
	monitor_measure_missing, monitor_store_unknown, monitor_product_unknown,
	monitor_breaker_opened, monitor_mail_failing, monitor_erp_away,
	monitor_machine_silent;

struct monitor_terms {
	int64_t now_ms;
	int64_t threshold; /* ms for rules that count minutes, else a number */
	int64_t slack;     /* the condition still holds so far below it */
	int64_t hold_ms;   /* `for` of what is found, `keep` of what is over */
	int64_t repeat_ms;
	int64_t allowance_ms, window_ms, minimum; /* config_rule */
	int limit;                                /* rows; the worst first */
};

#define MONITOR_NO_AMOUNT INT64_MIN

/* What is wrong and has no alert yet, or one whose time to fire or to be
 * repeated has come. Texts are borrowed during the callback; "" where the rule
 * has nothing to say. */
struct monitor_finding {
	const char *subject;
	const char *chat;        /* of the store; "" : the administrator's */
	const char *alert_state; /* pending, firing, "" : new */
	const char *number, *external_id, *store, *zone; /* of an order */
	const char *store_id;
	const char *detail, *reason;
	int64_t at_ms, amount; /* or MONITOR_NO_AMOUNT */
	bool silenced;         /* it is noted, and nobody is told */
};
typedef int monitor_found_visit(const struct monitor_finding *finding,
				void *context);

/* Calls each() until it returns < 0. Number of rows, or < 0. */
int monitor_found(struct db *db, const struct monitor_query *query,
		  const struct monitor_terms *terms, monitor_found_visit *each,
		  void *context, struct err *e);

/* Live alerts of which something is to be noted, oldest first: their condition
 * does not hold any more, or it holds again after all. */
struct monitor_end {
	int64_t alert_id;
	const char *chat, *severity; /* borrowed */
	bool firing;
	bool quiet; /* ends without a word: a worse alert tells it, or
		       it is silenced */
	bool holds; /* the condition is true (again) */
	int64_t calm_since_ms; /* it has not been, as far as noted; 0: not noted
				*/
	/* How things are with the subject now: detail is the order's state, the
	 * outcome of the job's last run or what was measured, reason the
	 * order's latest document, at_ms since when the alert is live. */
	struct monitor_finding now;
};
typedef int monitor_over_visit(const struct monitor_end *end, void *context);
int monitor_over(struct db *db, const struct monitor_query *query,
		 const struct monitor_terms *terms, monitor_over_visit *each,
		 void *context, struct err *e);

/* All live alerts of a rule that is switched off, as quiet. */
int monitor_live(struct db *db, const char *rule, int limit,
		 monitor_over_visit *each, void *context, struct err *e);

#endif
