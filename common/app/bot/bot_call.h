/* SPDX-License-Identifier: MIT
 *
 * bot_call.h - one call of the Bot API after another, without queue or store.
 * Blocks for telegram.timeout_ms per call. Not thread-safe.
 */
#ifndef APP_BOT_BOT_CALL_H
#define APP_BOT_BOT_CALL_H

#include "app/bot/bot.h"
#include "codec/json/json_doc.h"

struct http_client;

enum {
	BOT_CALL_WHY_BYTES = 200
};

struct bot_caller {
	const struct config *config; /* borrowed */
	struct bot bot;
	struct http_client *client;
	char why[BOT_CALL_WHY_BYTES]; /* what the last call said; no token */
	struct json *answer;          /* of the last call; owned; NULL: none */
};

/* 0, or as bot_load(). Ended by bot_caller_close(), also after a failure. */
int bot_caller_open(const struct state_dir *dir, const struct config *config,
		    struct bot_caller *ret_caller, struct err *e);
void bot_caller_close(struct bot_caller *caller);

/* True when Telegram says "ok". */
bool bot_call(struct bot_caller *caller, const char *method, const char *body);

/* Plain text to a chat, which may name a topic ("-100123:45"). True when it is
 * in the chat. */
bool bot_say(struct bot_caller *caller, const char *chat, const char *text,
	     bool quiet);

#endif
