/* SPDX-License-Identifier: MIT
 *
 * alerts.h - what people are told about, once, and when it is over.
 *
 * An alert is (rule, subject): live while pending or firing, at most one row.
 * Its message is queued in the transaction that changes its state (P5).
 */
#ifndef STORE_ALERTS_H
#define STORE_ALERTS_H

#include <stdint.h>

struct db;
struct err;

struct alert_finding {
	const char *rule;    /* config.h rule name */
	const char *subject; /* stable key: an order's number, a store, ... */
	const char *severity;
	const char *chat;  /* who is told; "" : only recorded */
	const char *text;  /* HTML for Telegram */
	int64_t for_ms;    /* must be true this long before it fires */
	int64_t repeat_ms; /* tell again after this; 0: never */
};

/* The condition is true now: begin, go on, fire or repeat. 0 or < 0. */
int alert_found(struct db *db, const struct alert_finding *finding,
		int64_t now_ms, struct err *e);

/* A single event that is told at once and needs no end (order of an unknown
 * store, a quarantined message): recorded as fired and resolved. A second one
 * of the same (rule, subject) is told again only after repeat_ms. */
int alert_notice(struct db *db, const struct alert_finding *finding,
		 int64_t now_ms, struct err *e);

/* The condition of a live alert is over: "resolved" is told only when "firing"
 * was. text is the message; "" : it ends without a word. 0 or < 0. */
int alert_over(struct db *db, int64_t alert_id, const char *text,
	       int64_t now_ms, struct err *e);

/* alert_found() and alert_over() without the message, for whoever tells several
 * at once in the same transaction. What is due to be told, or < 0. */
enum alert_telling {
	ALERT_NOTHING = 0,
	ALERT_FIRE,
	ALERT_REPEAT,
	ALERT_RESOLVE
};
int alert_mark(struct db *db, const struct alert_finding *finding,
	       int64_t now_ms, struct err *e);
int alert_mark_over(struct db *db, int64_t alert_id, int64_t now_ms,
		    struct err *e);
const char *alert_telling_name(enum alert_telling telling); /* message kind */

/* Alerts that are firing now. Reader or writer. 0 or < 0. */
int alerts_firing(struct db *db, int64_t *ret_count, struct err *e);

#endif
