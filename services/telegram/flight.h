/* SPDX-License-Identifier: MIT
 *
 * flight.h - one message under way, and what becomes of it.
 */
#ifndef TELEGRAM_FLIGHT_H
#define TELEGRAM_FLIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "app/bot/answer.h"
#include "store/engine/writer.h"
#include "store/queue/queue.h"

struct delivery;

enum {
	/* Copies of a message whose answers were lost, at most. */
	FLIGHT_COPIES_MAX = 3,
	/* Attempts of a message that servers did not take, at most. */
	FLIGHT_ATTEMPTS_MAX = 12
};

/* What happens to a message after an answer. */
enum verdict_kind {
	VERDICT_SENT,
	VERDICT_AGAIN_NOW, /* in another form, or to the chat's new id */
	VERDICT_LATER,
	VERDICT_FAILED
};
struct verdict {
	enum verdict_kind kind;
	struct queue_retry retry; /* VERDICT_LATER */
	bool stops;               /* nothing more is sent in this run */
};

struct flight {
	struct unit unit; /* that writes the verdict */
	struct delivery *delivery;
	bool under_way, answered;
	struct queue_message message;
	int64_t took_ms;                  /* the call */
	int status;                       /* HTTP, 0: none */
	bool plain;                       /* sent without markup */
	char moved_to[ANSWER_CHAT_BYTES]; /* the chat's new id, or the chat
					     without its topic; "" : none */
	bool topic_gone;
	struct telegram_answer answer;
	struct verdict verdict;
	int64_t judged_ms; /* wall clock, which may not be the store's */
};

/* The chat of "-100123:45" without its topic; false when it has none. Pure. */
bool flight_base_chat(const char *chat, char base[ANSWER_CHAT_BYTES]);

/* Pure. now_ms is the wall clock. */
struct verdict flight_judge(const struct flight *flight, int64_t now_ms);

#endif
