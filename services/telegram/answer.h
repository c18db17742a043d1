/* SPDX-License-Identifier: MIT
 *
 * answer.h - what an answer of the Bot API means for a message. Pure.
 *
 * Source: https://core.telegram.org/bots/api#making-requests and the sources of
 * tdlib/telegram-bot-api. Only error_code and parameters are promised; texts of
 * descriptions are matched in part and in any case, with the code as fallback.
 */
#ifndef TELEGRAM_ANSWER_H
#define TELEGRAM_ANSWER_H

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
	enum answer_class class;
	int64_t message_id;             /* ANSWER_DONE */
	int64_t wait_ms;                /* ANSWER_THROTTLE */
	char chat[ANSWER_CHAT_BYTES];   /* ANSWER_MOVED */
	char error[ANSWER_ERROR_BYTES]; /* what it said; never the token */
};

void telegram_answer_read(const struct http_answer *http, const char *token,
			  struct telegram_answer *ret_answer);

#endif
