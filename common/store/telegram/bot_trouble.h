/* SPDX-License-Identifier: MIT
 *
 * bot_trouble.h - where Telegram refuses the bot itself: its token, or its
 * second receiver of updates. The rule telegram-refused tells of it.
 */
#ifndef STORE_BOT_TROUBLE_H
#define STORE_BOT_TROUBLE_H

#include <stdint.h>

struct db;
struct err;
struct writer;

#define BOT_SENDING "sending"
#define BOT_UPDATES "updates"
#define BOT_DENIED "denied"     /* the token or the address */
#define BOT_CONFLICT "conflict" /* somebody else takes its updates */

enum {
	BOT_KEY_BYTES = 72,
	BOT_REASON_BYTES = 200
};

struct bot_trouble {
	char kind[16];                 /* "" : none */
	char key[BOT_KEY_BYTES];       /* of what was refused */
	char reason[BOT_REASON_BYTES]; /* what Telegram said; no secret */
	int64_t at_ms;                 /* the last time */
};

/* Reader or writer. 0 or < 0. */
int bot_trouble_get(struct db *db, const char *part,
		    struct bot_trouble *ret_trouble, struct err *e);
/* Inside a write transaction. It began when its kind and key were new. */
int bot_trouble_set(struct db *db, const char *part,
		    const struct bot_trouble *trouble, int64_t now_ms,
		    struct err *e);
/* Inside a write transaction. It is over. 1; 0: there was none. */
int bot_trouble_clear(struct db *db, const char *part, struct err *e);
/* Either of them in a transaction of its own; kind "": it is over. 0 or < 0. */
int bot_trouble_keep(struct writer *writer, const char *part,
		     const struct bot_trouble *trouble, struct err *e);

#endif
