/* SPDX-License-Identifier: MIT
 *
 * reply.c - the calls that follow from what was handled, one after another.
 *
 * All of them may be repeated: a second answer to a button is refused, and an
 * edit that changes nothing, too; either is as good as done.
 */
#include <string.h>
#include <strings.h>

#include "app/log.h"
#include "app/metrics/metrics.h"
#include "app/service/service.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "chat.h"
#include "store/engine/writer.h"
#include "store/queue/telegram_queue.h"
#include "store/watch/jobs.h"

enum {
	RETRY_MS = 2000,
	RETRY_MAX_MS = 60000,
	WAIT_MS = 1000 /* when there is nothing to do: the safety net */
};

enum fate {
	FATE_DONE,
	FATE_INSTEAD, /* refused for good: a message says it */
	FATE_LATER,   /* not counted: nothing of it is its fault */
	FATE_AGAIN    /* counted */
};

struct settle {
	struct unit unit;
	const struct chat_reply *reply;
	enum fate fate;
	int64_t pause_ms;
};

/* What Telegram says of a call that has had its effect before. */
static bool is_as_good(const char *error)
{
	static const char *const texts[] = {"message is not modified",
					    "query is too old",
					    "query id is invalid"};

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		if (strcasestr(error, texts[i]) != NULL)
			return true;
	return false;
}

static enum fate judge(const struct chat_reply *reply,
		       const struct telegram_answer *answer)
{
	static const enum fate fates[ANSWER_MAX_] = {
		[ANSWER_DONE] = FATE_DONE,
		[ANSWER_THROTTLE] = FATE_LATER,
		[ANSWER_AUTH] = FATE_LATER,
		[ANSWER_MOVED] = FATE_INSTEAD,
		[ANSWER_MARKUP] = FATE_INSTEAD,
		[ANSWER_TOPIC] = FATE_INSTEAD,
		[ANSWER_BLOCKED] = FATE_INSTEAD,
		[ANSWER_REJECTED] = FATE_INSTEAD,
		[ANSWER_CONFLICT] = FATE_AGAIN,
		[ANSWER_UNSENT] = FATE_AGAIN,
		[ANSWER_SERVER] = FATE_AGAIN,
		[ANSWER_UNCERTAIN] = FATE_AGAIN,
	};
	enum fate fate = fates[answer->class];

	if (answer->is_ok || is_as_good(answer->error))
		return FATE_DONE;
	if (fate == FATE_AGAIN &&
	    reply->attempts + 1 >= CHAT_REPLY_ATTEMPTS_MAX)
		return FATE_INSTEAD;
	return fate;
}

static int say_instead(struct unit *u, struct db *db,
		       const struct chat_reply *reply, int64_t now_ms,
		       struct err *e)
{
	struct telegram_message message = {
		.chat = reply->chat,
		.kind = "answer",
		.severity = "warning",
		.text = reply->instead,
	};

	int rc;

	if (reply->instead[0] == '\0')
		return 0;
	rc = telegram_queue_add(db, &message, now_ms, e);
	if (rc >= 0)
		rc = jobs_request(db, "telegram", "chat", e);
	u->bells = BELL_SCHEDULER;
	return MIN_OF(rc, 0);
}

static int run_settle(struct unit *u, struct db *db, int64_t now_ms,
		      struct err *e)
{
	struct settle *settle = CONTAINER_OF(u, struct settle, unit);
	const struct chat_reply *reply = settle->reply;
	int rc = 0;

	if (settle->fate == FATE_LATER || settle->fate == FATE_AGAIN)
		return chat_reply_later(db, reply->id,
					now_ms + settle->pause_ms,
					settle->fate == FATE_AGAIN ? 1 : 0, e);
	if (settle->fate == FATE_INSTEAD)
		rc = say_instead(u, db, reply, now_ms, e);
	return rc < 0 ? rc : chat_reply_done(db, reply->id, e);
}

static void count(enum fate fate)
{
	static const char *const labels[] = {
		[FATE_DONE] = "result=\"done\"",
		[FATE_INSTEAD] = "result=\"refused\"",
		[FATE_LATER] = "result=\"later\"",
		[FATE_AGAIN] = "result=\"failed\"",
	};

	metric_add(metric_get(METRIC_COUNTER, "ordergate_chat_replies_total",
			      labels[fate]),
		   1);
}

static int settle(struct chat *chat, enum fate fate, int64_t pause_ms,
		  struct err *e)
{
	struct settle unit = {
		.unit.run = run_settle,
		.reply = &chat->reply,
		.fate = fate,
		.pause_ms = pause_ms,
	};
	int rc = writer_call(chat->service->writer, &unit.unit, e);

	count(fate);
	chat_reply_clear(&chat->reply);
	return rc;
}

static void take_answer(const struct http_answer *http, void *context)
{
	struct chat *chat = context;
	struct telegram_answer answer;
	struct err e = {0};
	enum fate fate;
	int64_t pause_ms;

	telegram_answer_read(http, chat->bot.token.first, &answer);
	fate = judge(&chat->reply, &answer);
	pause_ms = answer.class == ANSWER_THROTTLE
			   ? answer.wait_ms
			   : backoff_ms((int)chat->reply.attempts + 1, RETRY_MS,
					RETRY_MAX_MS, (uint64_t)chat->reply.id);
	if (fate != FATE_DONE)
		log_event(LOG_LEVEL_WARNING, "a reply was not taken",
			  LOG_TEXT("method", chat->reply.method),
			  LOG_TEXT("error", answer.error));
	if (answer.class == ANSWER_AUTH)
		chat_note(chat, &chat->replies, chat->reply.method, &answer);
	chat->replies = (struct chat_try){0};
	if (settle(chat, fate, pause_ms, &e) < 0)
		log_error(&e, "a reply cannot be settled", LOG_NO_FIELDS);
}

int reply_step(struct chat *chat, int64_t mono_ms, struct err *e)
{
	int64_t wall_ms = clock_wall_ms();
	int rc;

	if (chat->replies.under_way || mono_ms < chat->replies.at_ms)
		return 0;
	rc = chat_reply_next(chat->service->db, wall_ms, &chat->reply, e);
	if (rc == 0)
		chat->replies.at_ms = mono_ms + WAIT_MS;
	if (rc <= 0)
		return rc;
	if (chat->reply.until_ms < wall_ms)
		return settle(chat, FATE_DONE, 0, e);
	chat->replies.under_way = chat_call(
		chat, chat->reply.method, chat->reply.body,
		(int)chat->service->config->telegram.timeout_ms, take_answer);
	return chat->replies.under_way
		       ? 0
		       : settle(chat, FATE_AGAIN, RETRY_MAX_MS, e);
}
