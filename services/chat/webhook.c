/* SPDX-License-Identifier: MIT
 *
 * webhook.c - updates by Telegram's calls. An update is kept before it is
 * answered with 200; Telegram repeats what was not.
 */
#include <string.h>

#include "app/log.h"
#include "app/metrics/metrics.h"
#include "app/service/service.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "chat.h"
#include "codec/json/json_doc.h"
#include "net/server/http_server.h"
#include "store/engine/writer.h"
#include "update.h"

struct arrival {
	struct unit unit;
	struct http_exchange *x;
	struct chat_update update;
};

static int run_keep(struct unit *u, struct db *db, int64_t now_ms,
		    struct err *e)
{
	struct arrival *a = CONTAINER_OF(u, struct arrival, unit);

	u->bells = BELL_CHAT;
	return MIN_OF(chat_update_add(db, &a->update, now_ms, e), 0);
}

static void reply_unavailable(struct http_exchange *x)
{
	http_reply_header(x, "Retry-After", "1");
	http_reply_error(x, 503, "store_unavailable",
			 "not stored: please send it again");
}

static void answer(struct unit *u, int rc, const struct err *e)
{
	struct arrival *a = CONTAINER_OF(u, struct arrival, unit);

	(void)e; /* the writer's metrics report it */
	if (rc < 0)
		reply_unavailable(a->x);
	else
		http_reply(a->x, 200, "application/json", "{}", 2);
}

/* Both are always compared. An empty secret lets nobody in. */
static bool is_telegram(const struct chat_access *access, const char *given)
{
	bool first;
	bool second;

	if (given == NULL || access->secret[0] == '\0')
		return false;
	first = text_equal_constant_time(given, access->secret);
	second = text_equal_constant_time(given, access->second);
	return first || (second && access->second[0] != '\0');
}

static void count(const char *label)
{
	metric_add(
		metric_get(METRIC_COUNTER, "ordergate_chat_calls_total", label),
		1);
}

static void keep(struct http_exchange *x, struct chat *chat, int64_t bot_id)
{
	CLEANUP_JSON struct json *doc = NULL;
	struct arrival *a = http_exchange_alloc(x, sizeof(*a));

	if (a == NULL) {
		reply_unavailable(x);
		return;
	}
	a->x = x;
	a->unit.run = run_keep;
	a->unit.done = answer;
	if (json_doc_parse(http_body(x), http_body_bytes(x), &doc, NULL) < 0 ||
	    !update_read(doc, bot_id, &a->update)) {
		/* Refused, it would come again and again, and nothing else. */
		count("result=\"unreadable\"");
		log_event(LOG_LEVEL_WARNING, "an update cannot be read",
			  LOG_I64("bytes", (int64_t)http_body_bytes(x)));
		http_reply(x, 200, "application/json", "{}", 2);
		return;
	}
	count("result=\"kept\"");
	if (writer_submit(chat->service->writer, &a->unit, NULL) < 0)
		reply_unavailable(x);
}

void webhook_receive(struct http_exchange *x, void *context)
{
	struct service *s = context;
	struct chat *chat = s->context;
	const struct config *config = s->config;
	struct chat_access access;

	if (strcmp(config->telegram.updates, "webhook") != 0) {
		http_reply_error(x, 404, "not_found",
				 "telegram.updates is not \"webhook\"");
		return;
	}
	(void)pthread_mutex_lock(&chat->lock);
	access = chat->access;
	(void)pthread_mutex_unlock(&chat->lock);
	if (!is_telegram(&access, http_header(x, BOT_WEBHOOK_HEADER))) {
		count("result=\"denied\"");
		http_reply_error(x, 401, "unauthorized",
				 "the secret of the webhook is missing or "
				 "wrong");
		return;
	}
	keep(x, chat, access.bot_id);
}
