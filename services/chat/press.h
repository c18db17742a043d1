/* SPDX-License-Identifier: MIT
 *
 * press.h - what a press of a button does: an alert is acknowledged by the same
 * function as in the shell, the press is answered, and its message changes.
 */
#ifndef CHAT_PRESS_H
#define CHAT_PRESS_H

#include <stdint.h>

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
	int64_t alert_id;        /* 0: the data is not ours */
	const char *who;         /* "telegram:5 Name" */
	const char *time_zone;   /* of people in no store's chat */
	struct chat_alert alert; /* scratch */
	const char *outcome;     /* result: for update and audit */
};

/* Inside a write transaction. 0 or < 0. */
int press_apply(struct db *db, struct press *press, int64_t now_ms,
		struct err *e);
/* A press of somebody who may not; "" : only the wheel on the button stops, and
 * nothing is noted. */
int press_turn_away(struct db *db, const struct press *press, const char *text,
		    int64_t now_ms, struct err *e);

#endif
