/* SPDX-License-Identifier: MIT
 *
 * chat_updates.h - what people say to the bot: an inbox of its own.
 *
 * An update is kept as soon as it has come, whichever way, and handled later:
 * chat_update_done() is part of the transaction of its effects, so that it has
 * them once. Handled ones stay for CHAT_UPDATES_KEPT_MS, without what was said.
 * Source: https://core.telegram.org/bots/api#getupdates: Telegram keeps updates
 * for a day, and numbers them anew, at random, after a week without any.
 *
 * Inside a write transaction unless they say "Reader".
 */
#ifndef STORE_CHAT_UPDATES_H
#define STORE_CHAT_UPDATES_H

#include <stdbool.h>
#include <stdint.h>

struct db;
struct err;

enum {
	CHAT_NAME_BYTES = 64,
	CHAT_ADDRESS_BYTES = 48,
	CHAT_QUERY_BYTES = 64,
	CHAT_TEXT_BYTES = 256,
	CHAT_UPDATES_KEPT_MS = 48 * 3600 * 1000
};

enum chat_update_kind {
	CHAT_OTHER, /* nothing to us; kept to be known again */
	CHAT_BUTTON,
	CHAT_COMMAND,
	CHAT_KIND_MAX_
};

struct chat_update {
	int64_t bot, id;
	enum chat_update_kind kind;
	char chat[CHAT_ADDRESS_BYTES]; /* "-100123:45" with a topic; "": none */
	bool is_private;
	int64_t message; /* its id in the chat; 0: none */
	int64_t user_id;
	char user_name[CHAT_NAME_BYTES];
	char query[CHAT_QUERY_BYTES]; /* id of a callback query */
	char text[CHAT_TEXT_BYTES];   /* callback data, or what was written */
	int64_t said_ms;              /* 0: unknown */
};

/* 1; 0 when it has come before. */
int chat_update_add(struct db *db, const struct chat_update *update,
		    int64_t now_ms, struct err *e);
/* The oldest update that is not handled: 1, 0 when there is none. Reader. */
int chat_update_next(struct db *db, int64_t bot, struct chat_update *ret_update,
		     struct err *e);
/* It is handled. ERR_STATE when it was already: undo everything. */
int chat_update_done(struct db *db, const struct chat_update *update,
		     const char *outcome, int64_t now_ms, struct err *e);
/* What getUpdates is to go on with; 0: with whatever there is. Reader. */
int chat_updates_offset(struct db *db, int64_t bot, int64_t now_ms,
			int64_t *ret_offset, struct err *e);
/* Commands of a user that were listened to since then. Reader. */
int chat_updates_of_user(struct db *db, int64_t user_id, int64_t since_ms,
			 int64_t *ret_count, struct err *e);
/* Forget those that came before then, at most limit. Number of them. */
int chat_updates_forget(struct db *db, int64_t before_ms, int limit,
			struct err *e);

/* Somebody whom the bot does not know. 1: to be told so, once in his life and
 * at most per_hour people in an hour; 0: only counted. */
int chat_stranger(struct db *db, int64_t user_id, int64_t per_hour,
		  int64_t now_ms, struct err *e);
/* Keep the latest so many. Number of those forgotten. */
int chat_strangers_forget(struct db *db, int64_t kept, struct err *e);

#endif
