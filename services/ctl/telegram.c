/* SPDX-License-Identifier: MIT
 *
 * telegram.c - is the bot's token good, and does each chat take our messages?
 */
#include <stdio.h>
#include <string.h>

#include "app/locale.h"
#include "app/secret.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/json/json_doc.h"
#include "codec/json/json_out.h"
#include "ctl.h"
#include "net/client/http_client.h"
#include "store/engine/db.h"
#include "store/engine/writer.h"
#include "store/queue/telegram_queue.h"
#include "store/watch/views.h"

enum {
	CHATS_MAX = 1000,
	CHAT_BYTES = 64,
	URL_BYTES = CONFIG_TEXT_BYTES + SECRET_BYTES_MAX + 32,
	BODY_BYTES_MAX = 4096,
	WHY_BYTES = 200
};

struct trial {
	struct ctl *ctl;
	struct secret token;
	struct http_client *client;
	char chats[CHATS_MAX][CHAT_BYTES];
	int count;
};

static void add_chat(struct trial *trial, const char *chat)
{
	for (int i = 0; i < trial->count; i++)
		if (strcmp(trial->chats[i], chat) == 0)
			return;
	if (chat[0] != '\0' && trial->count < CHATS_MAX)
		(void)text_copy(trial->chats[trial->count++], CHAT_BYTES, chat);
}

static int add_row(struct query *row, void *context)
{
	add_chat(context, query_col_text(row, 0));
	return 0;
}

static int collect(struct trial *trial)
{
	const struct config *config = trial->ctl->config;
	const struct config_telegram *t = &config->telegram;
	const char *const chats[] = {t->admin_chat, t->critical_chat,
				     t->warning_chat, t->info_chat};

	for (size_t i = 0; i < COUNT_OF(chats); i++)
		add_chat(trial, chats[i]);
	for (int i = 0; i < config->rule_count; i++)
		add_chat(trial, config->rules[i].chat);
	return view_run(trial->ctl->db, view_find("store.chats"), NULL, 0,
			add_row, trial, &trial->ctl->err);
}

/* 1: it answered "ok". Else why says what it answered, never the token. */
static int call(struct trial *trial, const char *method, const char *body,
		char why[WHY_BYTES])
{
	static const char *const headers[] = {"Content-Type: application/json",
					      NULL};
	const char *base = trial->ctl->config->telegram.base_url;
	char url[URL_BYTES];
	struct http_request request = {
		.method = "POST",
		.url = url,
		.headers = headers,
		.body = body,
		.body_bytes = strlen(body),
		.timeout_ms = (int)trial->ctl->config->telegram.timeout_ms,
	};
	struct http_answer answer = {.retry_after_ms = -1};
	CLEANUP_JSON struct json *doc = NULL;
	struct err e = {0};
	bool ok;

	(void)snprintf(url, sizeof(url), "%s/bot%s/%s", base,
		       trial->token.first, method);
	if (http_client_call(trial->client, &request, &answer, &e) == 0 &&
	    answer.body != NULL)
		(void)json_doc_parse(answer.body, answer.body_bytes, &doc,
				     NULL);
	ok = json_get_bool(doc, "ok", false);
	(void)snprintf(why, WHY_BYTES, "%d %.150s", answer.status,
		       doc != NULL ? json_get_text(doc, "description")
				   : e.text);
	if (strstr(why, trial->token.first) != NULL)
		(void)snprintf(why, WHY_BYTES, "%d", answer.status);
	http_answer_clear(&answer);
	explicit_bzero(url, sizeof(url));
	return ok;
}

static void write_body(const char *chat, struct buf *body)
{
	struct json_out out = json_out_to(body);
	const char *topic = strchr(chat, ':');
	char base[CHAT_BYTES];

	(void)text_copy(base, sizeof(base), chat);
	base[strcspn(base, ":")] = '\0';
	json_object(&out, NULL);
	json_put_text(&out, "chat_id", base);
	if (topic != NULL)
		json_put_text(&out, "message_thread_id", topic + 1);
	json_put_text(&out, "text", tr("Ordergate: a test message"));
	json_put_bool(&out, "disable_notification", true);
	json_end(&out);
	(void)json_out_finish(&out, NULL);
}

struct unblock {
	struct unit unit;
	const char *chat;
};

static int run_unblock(struct unit *u, struct db *db, int64_t now_ms,
		       struct err *e)
{
	const struct unblock *unblock = CONTAINER_OF(u, struct unblock, unit);

	return telegram_queue_unblock(db, unblock->chat, now_ms, e);
}

static int try_chats(struct trial *trial)
{
	char why[WHY_BYTES];
	int bad = 0;

	for (int i = 0; i < trial->count; i++) {
		CLEANUP(buf_clear) struct buf body = BUF_MAX(BODY_BYTES_MAX);
		struct unblock unblock = {.unit.run = run_unblock,
					  .chat = trial->chats[i]};
		int ok;

		write_body(trial->chats[i], &body);
		ok = call(trial, "sendMessage", buf_text(&body), why);
		(void)printf("%s %s%s%s\n", ok > 0 ? "ok  " : "BAD ",
			     trial->chats[i], ok > 0 ? "" : ": ",
			     ok > 0 ? "" : why);
		bad += ok <= 0;
		if (ok > 0)
			(void)ctl_write(trial->ctl, &unblock.unit);
	}
	if (trial->count == 0)
		return ctl_fail(trial->ctl, CTL_FAILED,
				"nobody would be told: set "
				"telegram.admin_chat or the stores' chats");
	return bad == 0 ? CTL_DONE
			: ctl_fail(trial->ctl, CTL_FAILED,
				   "%d of %d chats take no messages: is the "
				   "bot a member, and may it write?",
				   bad, trial->count);
}

static int try_all(struct trial *trial)
{
	const struct http_client_options options = {
		.user_agent = "ordergate/" ORDERGATE_VERSION,
		.parallel_max = 1,
	};
	struct ctl *ctl = trial->ctl;
	char why[WHY_BYTES];
	int rc = secret_load(&ctl->dir, "telegram-token", &trial->token,
			     &ctl->err);

	if (rc == 0)
		rc = http_client_new(&options, &trial->client, &ctl->err);
	if (rc == 0)
		rc = collect(trial);
	if (rc < 0)
		return ctl_error(ctl, rc);
	if (call(trial, "getMe", "{}", why) <= 0)
		return ctl_fail(ctl, CTL_FAILED,
				"the token or telegram.base_url is wrong: %s",
				why);
	(void)printf("ok   token\n");
	return try_chats(trial);
}

int ctl_telegram_test(struct ctl *ctl)
{
	static struct trial trial; /* too large for a stack */
	int code;

	trial = (struct trial){.ctl = ctl};
	locale_open(ctl->config->log.locale);
	code = try_all(&trial);
	http_client_free(trial.client);
	explicit_bzero(&trial.token, sizeof(trial.token));
	return code;
}
