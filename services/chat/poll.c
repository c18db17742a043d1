/* SPDX-License-Identifier: MIT
 *
 * poll.c - updates by asking for them: works wherever calls can be made.
 *
 * An answer is confirmed by the next question's offset, which is read from the
 * store: what was not kept comes again, and what was kept does not.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "app/log.h"
#include "app/service/service.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "chat.h"
#include "codec/json/json_doc.h"
#include "codec/json/json_out.h"
#include "update.h"

enum {
	HOLD_S = 25, /* Telegram waits so long for something to tell */
	MARGIN_MS = 8000,
	QUESTION_BYTES_MAX = 512
};

/* -1: the answer was not understood; else how many were kept. */
static int take(struct chat *chat, const struct http_answer *http)
{
	CLEANUP_JSON struct json *doc = NULL;
	struct chat_update *updates;
	struct err e = {0};
	int count = 0;
	int rc;

	if (json_doc_parse(http->body, http->body_bytes, &doc, &e) < 0)
		return -1;
	updates = calloc(CHAT_BATCH_MAX, sizeof(*updates));
	if (updates == NULL)
		return -1;
	for (const struct json *v = json_first(json_get(doc, "result"));
	     v != NULL && count < CHAT_BATCH_MAX; v = json_next(v))
		if (update_read(v, chat->bot.id, &updates[count]))
			count++;
	rc = count > 0 ? handle_keep(chat, updates, count, &e) : 0;
	free(updates);
	if (rc < 0) {
		log_error(&e, "updates cannot be kept", LOG_NO_FIELDS);
		return -1;
	}
	/* An answer of nothing but what has no number would come for ever. */
	return count == 0 && json_count(json_get(doc, "result")) > 0 ? -1
								     : count;
}

static void take_answer(const struct http_answer *http, void *context)
{
	struct chat *chat = context;
	struct telegram_answer answer;

	telegram_answer_read(http, chat->bot.token.first, &answer);
	if (answer.is_ok && take(chat, http) < 0) {
		answer.is_ok = false;
		answer.class = ANSWER_SERVER;
	}
	/* A long answer that was cut: in smaller pieces. */
	chat->poll_limit = http->body_cut ? 1 : CHAT_BATCH_MAX;
	chat_note(chat, &chat->poll, "getUpdates", &answer);
}

static int write_question(struct chat *chat, struct buf *body, struct err *e)
{
	struct json_out out = json_out_to(body);
	int64_t offset = 0;
	int rc = chat_updates_offset(chat->service->db, chat->bot.id,
				     clock_wall_ms(), &offset, e);

	if (rc < 0)
		return rc;
	json_object(&out, NULL);
	if (offset > 0)
		json_put_i64(&out, "offset", offset);
	json_put_i64(&out, "limit", chat->poll_limit);
	json_put_i64(&out, "timeout", HOLD_S);
	json_array(&out, "allowed_updates");
	json_put_text(&out, NULL, "message");
	json_put_text(&out, NULL, "callback_query");
	json_end(&out);
	json_end(&out);
	return json_out_finish(&out, e);
}

void poll_step(struct chat *chat, int64_t mono_ms)
{
	CLEANUP(buf_clear) struct buf body = BUF_MAX(QUESTION_BYTES_MAX);
	struct err e = {0};

	if (chat->poll.under_way || mono_ms < chat->poll.at_ms ||
	    strcmp(chat->service->config->telegram.updates, "poll") != 0)
		return;
	if (write_question(chat, &body, &e) < 0) {
		log_error(&e, "updates cannot be asked for", LOG_NO_FIELDS);
		chat->poll.at_ms = mono_ms + MARGIN_MS;
		return;
	}
	chat->poll.under_way =
		chat_call(chat, "getUpdates", buf_text(&body),
			  HOLD_S * 1000 + MARGIN_MS, take_answer);
	if (!chat->poll.under_way)
		chat->poll.at_ms = mono_ms + MARGIN_MS;
}
