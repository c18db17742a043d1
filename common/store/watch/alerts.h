/* SPDX-License-Identifier: MIT
 *
 * alerts.h - what people are told about, once, and when it is over.
 *
 * An alert is (rule, subject): live while pending or firing, at most one row.
 * Its message is queued in the transaction that changes its state (P5).
 */
#ifndef STORE_ALERTS_H
#define STORE_ALERTS_H

#include <stdbool.h>
#include <stdint.h>

struct db;
struct err;

struct alert_finding {
	const char *rule;    /* config.h rule name */
	const char *subject; /* stable key: an order's number, a store, ... */
	const char *severity;
	const char *chat;     /* who is told; "" : only recorded */
	const char *text;     /* HTML for Telegram */
	int64_t for_ms;       /* must be true this long before it fires */
	int64_t repeat_ms;    /* tell again after this; 0: never */
	const char *store_id; /* NULL: of none */
	bool silenced; /* it does not fire now, however long it is true */
	bool is_new;   /* a reader has seen no live alert of it: no need to look
			  again when it fires at once */
	int64_t told_id; /* the message about many that tells of it; 0: none */
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
 * was sent, as an answer to that message; one that has waited for a minute is
 * withdrawn instead. text is the message, and what the alert says from now on;
 * "" : it ends without a word. 0 or < 0. */
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
	       int64_t now_ms, int64_t *ret_id, struct err *e);
int alert_mark_over(struct db *db, int64_t alert_id, const char *text,
		    int64_t now_ms, struct err *e);
const char *alert_telling_name(enum alert_telling telling); /* message kind */
/* The message that told of an alert (alert_mark()). 0 or < 0. */
int alert_told(struct db *db, int64_t alert_id, int64_t message_id,
	       struct err *e);

/* Its condition does not hold now (calm), or holds again. 0 or < 0. */
int alert_calm(struct db *db, int64_t alert_id, bool calm, int64_t now_ms,
	       struct err *e);

/* A person has seen it: no more repeats. 1; 0: it is not firing, or somebody
 * has acknowledged it already. */
int alert_ack(struct db *db, int64_t alert_id, const char *who, int64_t now_ms,
	      struct err *e);

/* The same of alerts that a message told of last, the oldest first, at most
 * limit: how many it were, or < 0. */
int alerts_ack_told(struct db *db, int64_t message_id, const char *who,
		    int limit, int64_t now_ms, struct err *e);
/* Whether there are any to acknowledge: 1, 0 or < 0. Reader. */
int alerts_told_by(struct db *db, int64_t message_id, struct err *e);

/* How many alerts of a rule people of a chat have been told about since then,
 * and how many are firing there. Reader or writer. 0 or < 0. */
struct alert_load {
	int64_t told, firing;
};
int alerts_load(struct db *db, const char *rule, const char *chat,
		int64_t since_ms, struct alert_load *ret_load, struct err *e);

/* Alerts that are firing now. Reader or writer. 0 or < 0. */
int alerts_firing(struct db *db, int64_t *ret_count, struct err *e);

#endif
