/* SPDX-License-Identifier: MIT
 *
 * chat_replies.h - calls of the Bot API that follow from what people did: the
 * answer to a button, and the change of its message. Made in the transaction of
 * the effect, so that a crash loses none; each may be repeated without harm.
 *
 * Inside a write transaction unless they say "Reader".
 */
#ifndef STORE_CHAT_REPLIES_H
#define STORE_CHAT_REPLIES_H

#include <stdint.h>

struct db;
struct err;

enum {
	CHAT_METHOD_BYTES = 32,
	CHAT_REPLY_ATTEMPTS_MAX = 8
};

struct chat_reply {
	int64_t id;
	const char *method; /* "answerCallbackQuery" */
	const char *body;   /* JSON */
	/* HTML for that chat when Telegram refuses the call; "": nothing. */
	const char *chat, *instead;
	int64_t attempts;
	int64_t until_ms; /* later it is of no use */
};

int chat_reply_add(struct db *db, const struct chat_reply *reply,
		   int64_t now_ms, struct err *e);

/* The first that is due, with texts that the caller frees by
 * chat_reply_clear(): 1, 0 when there is none. Reader. */
int chat_reply_next(struct db *db, int64_t now_ms, struct chat_reply *ret_reply,
		    struct err *e);
void chat_reply_clear(struct chat_reply *reply);
/* It is over, whatever became of it. */
int chat_reply_done(struct db *db, int64_t id, struct err *e);
/* Again not before then; counted: one attempt more. */
int chat_reply_later(struct db *db, int64_t id, int64_t due_ms, int counted,
		     struct err *e);

#endif
