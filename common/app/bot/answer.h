/* SPDX-License-Identifier: MIT
 *
 * answer.h - what an answer of the Bot API means for a call. Pure.
 *
 * Source: https://core.telegram.org/bots/api#making-requests and the sources of
 * tdlib/telegram-bot-api. Only error_code and parameters are promised; texts of
 * descriptions are matched in part and in any case, with the code as fallback.
 */
#ifndef APP_BOT_ANSWER_H
#define APP_BOT_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "net/client/http_client.h"

enum answer_class {
	ANSWER_DONE,     /* it is in the chat */
	ANSWER_THROTTLE, /* not taken: again after wait_ms */
	ANSWER_AUTH,     /* the token or the address is wrong for every message:
			    stop, nothing of it is the message's fault */
	ANSWER_MOVED,    /* the chat is another one now: chat */
	ANSWER_MARKUP,  /* this form is refused: once more as plain text, cut */
	ANSWER_TOPIC,   /* the topic is gone or closed, the chat is there */
	ANSWER_BLOCKED, /* the chat takes nothing from us */
	ANSWER_REJECTED,  /* never for this message and chat */
	ANSWER_UNSENT,    /* certainly not taken: again, without counting */
	ANSWER_CONFLICT,  /* somebody else receives the bot's updates */
	ANSWER_SERVER,    /* 5xx: it may be in the chat */
	ANSWER_UNCERTAIN, /* it went out and no answer came */
	ANSWER_MAX_
};

enum {
	ANSWER_WAIT_DEFAULT_MS = 5000,
	ANSWER_WAIT_MAX_MS = 24 * 3600 * 1000,
	ANSWER_CHAT_BYTES = 24,
	ANSWER_ERROR_BYTES = 200
};

struct telegram_answer {
	enum answer_class class; /* of a message */
	/* Of calls that send no message: Telegram has done what was asked. */
	bool is_ok;
	bool is_foreign;                /* something in between has answered */
	int64_t message_id;             /* ANSWER_DONE */
	int64_t wait_ms;                /* ANSWER_THROTTLE */
	char chat[ANSWER_CHAT_BYTES];   /* ANSWER_MOVED */
	char error[ANSWER_ERROR_BYTES]; /* what it said; never the token */
};

void telegram_answer_read(const struct http_answer *http, const char *token,
			  struct telegram_answer *ret_answer);

#endif
