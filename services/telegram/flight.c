/* SPDX-License-Identifier: MIT */
#include "flight.h"

#include <string.h>

#include "base/backoff.h"

enum {
	UNSENT_PAUSE_MS = 15000,
	LOST_PAUSE_MS = 30000,
	SERVER_PAUSE_MS = 10000,
	PAUSE_MAX_MS = 10 * 60 * 1000,
	JITTER_MS = 256 /* so that the chats of a storm do not come together */
};

static const struct {
	enum verdict_kind kind;
	enum queue_hold hold;
	int attempts_max;    /* then it fails; 0: never */
	int pause_ms;        /* doubled with each attempt that counts */
	bool refund;         /* the attempt does not count */
	bool keep_uncertain; /* it may have arrived */
	bool stops;
} rules[ANSWER_MAX_] = {
	[ANSWER_DONE] = {.kind = VERDICT_SENT},
	[ANSWER_THROTTLE] = {.kind = VERDICT_LATER, .refund = true},
	[ANSWER_AUTH] = {.kind = VERDICT_LATER,
			 .refund = true,
			 .hold = HOLD_AUTH,
			 .stops = true},
	[ANSWER_MOVED] = {.kind = VERDICT_AGAIN_NOW},
	[ANSWER_MARKUP] = {.kind = VERDICT_AGAIN_NOW},
	[ANSWER_TOPIC] = {.kind = VERDICT_AGAIN_NOW},
	[ANSWER_BLOCKED] = {.kind = VERDICT_FAILED},
	[ANSWER_REJECTED] = {.kind = VERDICT_FAILED},
	[ANSWER_CONFLICT] = {.kind = VERDICT_LATER,
			     .keep_uncertain = true,
			     .attempts_max = FLIGHT_ATTEMPTS_MAX,
			     .pause_ms = SERVER_PAUSE_MS,
			     .hold = HOLD_UNCERTAIN},
	[ANSWER_UNSENT] = {.kind = VERDICT_LATER,
			   .refund = true,
			   .pause_ms = UNSENT_PAUSE_MS},
	[ANSWER_SERVER] = {.kind = VERDICT_LATER,
			   .keep_uncertain = true,
			   .attempts_max = FLIGHT_ATTEMPTS_MAX,
			   .pause_ms = SERVER_PAUSE_MS,
			   .hold = HOLD_UNCERTAIN},
	[ANSWER_UNCERTAIN] = {.kind = VERDICT_LATER,
			      .keep_uncertain = true,
			      .attempts_max = FLIGHT_COPIES_MAX,
			      .pause_ms = LOST_PAUSE_MS,
			      .hold = HOLD_UNCERTAIN},
};

static int64_t pause_of(const struct flight *flight, int pause_ms)
{
	const struct queue_message *m = &flight->message;

	if (flight->answer.class == ANSWER_THROTTLE)
		return flight->answer.wait_ms + m->id % JITTER_MS;
	if (pause_ms == 0)
		return 0;
	return backoff_ms(m->attempts, pause_ms, PAUSE_MAX_MS, (uint64_t)m->id);
}

bool flight_base_chat(const char *chat, char base[ANSWER_CHAT_BYTES])
{
	size_t length = strcspn(chat, ":");

	if (chat[length] == '\0' || length >= ANSWER_CHAT_BYTES)
		return false;
	memcpy(base, chat, length);
	base[length] = '\0';
	return true;
}

/* Whether there is another form or address to try. */
static bool can_change(const struct flight *flight)
{
	char base[ANSWER_CHAT_BYTES];

	if (flight->answer.class == ANSWER_TOPIC)
		return flight->moved_to[0] == '\0' &&
		       flight_base_chat(flight->message.address, base);
	return flight->answer.class == ANSWER_MOVED
		       ? flight->moved_to[0] == '\0'
		       : !flight->plain;
}

struct verdict flight_judge(const struct flight *flight, int64_t now_ms)
{
	const struct queue_message *m = &flight->message;
	enum answer_class class = flight->answer.class;
	struct verdict verdict = {
		.kind = rules[class].kind,
		.stops = rules[class].stops,
	};

	if (verdict.kind == VERDICT_AGAIN_NOW && !can_change(flight))
		verdict.kind = VERDICT_FAILED;
	if (rules[class].attempts_max > 0 &&
	    m->attempts >= rules[class].attempts_max)
		verdict.kind = VERDICT_FAILED;
	if (verdict.kind == VERDICT_LATER)
		verdict.retry = (struct queue_retry){
			.due_ms = now_ms +
				  pause_of(flight, rules[class].pause_ms),
			.hold = rules[class].hold,
			.error = flight->answer.error,
			/* An older doubt does not vanish. */
			.keep_uncertain = rules[class].keep_uncertain ||
					  m->sending_since_ms != 0,
			.refund = rules[class].refund,
		};
	return verdict;
}
