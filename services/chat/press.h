/* SPDX-License-Identifier: MIT
 *
 * press.h - what a press of a button does: an alert, or each that a message
 * tells of, is acknowledged, the press is answered, and its message changes.
 */
#ifndef CHAT_PRESS_H
#define CHAT_PRESS_H

#include <stdint.h>

#include "app/bot/bot.h"
#include "chat.h"
#include "store/telegram/chat_facts.h"

struct db;
struct err;

enum {
	PRESS_WHO_BYTES = 96
};

struct press {
	const struct chat_update *update;
	enum chat_role role;
	struct bot_button button; /* id 0: the data is not ours */
	int acked_before;         /* by press_part() */
	const char *who;          /* "telegram:5 Name" */
	const char *time_zone;    /* of people in no store's chat */
	struct chat_alert alert;  /* scratch */
	const char *outcome;      /* result: for update and audit */
};

/* Acknowledge some of many alerts, so that no transaction takes long. Inside a
 * write transaction. 1: there may be more; 0: the rest is press_apply()'s. */
int press_part(struct db *db, const struct press *press, int64_t now_ms,
	       int *ret_acked, struct err *e);
/* What it is about, so far, into press->alert. Reader. As chat_alert(). */
int press_look_ahead(struct db *db, struct press *press);
/* Inside a write transaction. 0 or < 0. */
int press_apply(struct db *db, struct press *press, int64_t now_ms,
		struct err *e);
/* A press of somebody who may not; "" : only the wheel on the button stops, and
 * nothing is noted. */
int press_turn_away(struct db *db, const struct press *press, const char *text,
		    int64_t now_ms, struct err *e);

#endif
