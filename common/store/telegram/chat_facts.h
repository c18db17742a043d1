/* SPDX-License-Identifier: MIT
 *
 * chat_facts.h - what the bot tells staff who ask. Readers.
 *
 * Nothing of a customer is read here: no name, phone, address or comment.
 */
#ifndef STORE_CHAT_FACTS_H
#define STORE_CHAT_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "domain/order/order.h"

struct db;
struct err;

enum {
	CHAT_FACT_BYTES = 128,
	CHAT_ZONE_BYTES = 64,
	CHAT_HTML_BYTES = 16 * 1024
};

struct chat_status {
	int64_t open, late;              /* orders */
	int64_t firing, unseen;          /* alerts; of these not acknowledged */
	int64_t inbox, outbox, telegram; /* messages that wait */
	int64_t failed;                  /* messages that wait for a person */
	int64_t refused;   /* endpoints that are not closed breakers */
	int64_t jobs_late; /* a good run was due */
};
/* 0 or < 0. */
int chat_status(struct db *db, int64_t now_ms, struct chat_status *ret_status,
		struct err *e);

struct chat_order {
	char number[CHAT_FACT_BYTES], external_id[ORDER_ID_BYTES];
	char store[CHAT_FACT_BYTES], zone[CHAT_ZONE_BYTES];
	char state[CHAT_FACT_BYTES];
	int64_t due_ms; /* 0: none */
	int64_t created_ms, taken_ms, assembled_ms, ready_ms, delivered_ms,
		canceled_ms;    /* 0: not yet */
	int64_t lines, picked;  /* lines in all; those that are worked on */
	int64_t unsent, failed; /* notifications to the marketplace */
};
/* Orders that are not ready though they are due, the latest first. Calls each()
 * until it returns < 0. How many there are, at most limit were shown; < 0. */
typedef int chat_order_visit(const struct chat_order *order, void *context);
int64_t chat_late(struct db *db, int64_t now_ms, int limit,
		  chat_order_visit *each, void *context, struct err *e);
/* By our number or the marketplace's. 1, 0: there is none, < 0. */
int chat_order(struct db *db, const char *name, struct chat_order *ret_order,
	       struct err *e);

struct chat_alert {
	char zone[CHAT_ZONE_BYTES]; /* of its store; "" : of none */
	char acked_by[CHAT_FACT_BYTES];
	int64_t acked_ms, resolved_ms;
	int64_t members, acked; /* of a message: alerts, acknowledged ones */
	char text[CHAT_HTML_BYTES]; /* as it was told last */
};
/* Also a writer, after a change. 1, 0: there is none, < 0. */
int chat_alert(struct db *db, int64_t alert_id, struct chat_alert *ret_alert,
	       struct err *e);
/* What a message told of last, as one: its text, who acknowledged one of them
 * last and when, the zone of their stores when it is one. */
int chat_alerts_told(struct db *db, int64_t message_id,
		     struct chat_alert *ret_alert, struct err *e);

#endif
