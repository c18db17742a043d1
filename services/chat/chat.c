/* SPDX-License-Identifier: MIT */
#include "chat.h"

#include <stdlib.h>
#include <string.h>

#include "app/log.h"
#include "app/metrics/metrics.h"
#include "app/service/service.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/json/json_doc.h"
#include "command.h"
#include "net/doorbell.h"
#include "store/engine/writer.h"
#include "store/telegram/bot_trouble.h"

enum {
	WORK_MS = 1000,    /* a reload waits for so long */
	WAIT_MAX_MS = 500, /* SIGTERM is noticed after so long */
	LOOK_MS = 2000,    /* between looks at the token */
	PAUSE_MS = 1000,   /* after the first failure, doubled */
	PAUSE_MAX_MS = 60000,
	CONFLICT_MS = 10000, /* the other one goes on asking */
	CONFLICT_MAX_MS = 5 * 60000,
	/* A refused token is tried again all the same after so long: it may
	 * have been Telegram's fault. */
	REFUSED_MS = 3600 * 1000,
	CALLS_MAX = 4,
	ANSWER_BYTES_MAX = 1024 * 1024,
	TIDY_MS = 10 * 60000,
	TIDY_LIMIT = 500,
	STRANGERS_MAX = 10000
};

bool chat_call(struct chat *chat, const char *method, const char *body,
	       int timeout_ms, http_done *done)
{
	static const char *const headers[] = {"Content-Type: application/json",
					      NULL};
	char url[BOT_URL_BYTES];
	struct http_request request = {
		.method = "POST",
		.url = url,
		.headers = headers,
		.body = body,
		.body_bytes = strlen(body),
		.timeout_ms = timeout_ms,
		.answer_max_bytes = ANSWER_BYTES_MAX,
	};
	struct err e = {0};
	int rc;

	bot_url(&chat->bot, chat->service->config, method, url);
	rc = http_client_start(chat->client, &request, done, chat, &e);
	explicit_bzero(url, sizeof(url));
	if (rc < 0)
		log_error(&e, "a call cannot be made",
			  LOG_TEXT("method", method));
	return rc == 0;
}

/* So that people are told (rule telegram-refused). */
static void keep_trouble(struct chat *chat, const char *kind,
			 const char *reason)
{
	struct bot_trouble trouble = {0};
	struct err e = {0};

	(void)text_copy(trouble.kind, sizeof(trouble.kind), kind);
	(void)text_copy(trouble.key, sizeof(trouble.key), chat->bot.key);
	(void)text_copy(trouble.reason, sizeof(trouble.reason), reason);
	if (bot_trouble_keep(chat->service->writer, BOT_UPDATES, &trouble, &e) <
	    0)
		log_error(&e, "a trouble cannot be kept", LOG_NO_FIELDS);
	chat->troubled = strcmp(kind, BOT_DENIED) == 0;
}

static int64_t pause_of(const struct chat_try *what,
			const struct telegram_answer *answer)
{
	if (answer->class == ANSWER_THROTTLE)
		return answer->wait_ms;
	if (answer->class == ANSWER_CONFLICT)
		return backoff_ms(what->failures, CONFLICT_MS, CONFLICT_MAX_MS,
				  (uint64_t)clock_mono_us());
	return backoff_ms(what->failures, PAUSE_MS, PAUSE_MAX_MS,
			  (uint64_t)clock_mono_us());
}

/* The first failure in a row, and each conflict: a person has to do something
 * about it. */
static void log_failure(const struct chat_try *what, const char *name,
			const struct telegram_answer *answer)
{
	if (answer->class == ANSWER_CONFLICT)
		log_event(LOG_LEVEL_ERROR,
			  "somebody else receives this bot's updates: another "
			  "installation with the same token, or a webhook "
			  "(ordergatectl telegram webhook delete)",
			  LOG_TEXT("error", answer->error));
	else if (what->failures == 1)
		log_event(LOG_LEVEL_WARNING, "Telegram does not answer",
			  LOG_TEXT("method", name),
			  LOG_TEXT("error", answer->error));
}

/* A conflict is over when it was not seen for a while (the rule's query): one
 * answer proves nothing while two are asking in turn. */
static void note_success(struct chat *chat, struct chat_try *what)
{
	if (what->failures > 0)
		log_event(LOG_LEVEL_INFO, "Telegram answers again",
			  LOG_NO_FIELDS);
	what->failures = 0;
	what->at_ms = 0;
	if (chat->troubled)
		keep_trouble(chat, "", "");
}

void chat_note(struct chat *chat, struct chat_try *what, const char *name,
	       const struct telegram_answer *answer)
{
	bool is_refused = answer->class == ANSWER_AUTH && !answer->is_foreign &&
			  answer->error[0] != '\0';

	what->under_way = false;
	if (answer->is_ok) {
		note_success(chat, what);
		return;
	}
	what->failures = MIN_OF(what->failures + 1, 16);
	what->at_ms = clock_mono_ms() + pause_of(what, answer);
	log_failure(what, name, answer);
	if (is_refused) {
		chat->refused = true;
		log_event(LOG_LEVEL_ERROR,
			  "Telegram refuses the token or telegram.base_url: "
			  "waiting for others",
			  LOG_TEXT("error", answer->error));
	}
	if (is_refused || answer->class == ANSWER_CONFLICT)
		keep_trouble(chat, is_refused ? BOT_DENIED : BOT_CONFLICT,
			     answer->error);
}

/* The name by which people in groups call it, and the menu of commands. */

static void take_menu(const struct http_answer *http, void *context)
{
	struct chat *chat = context;

	(void)http; /* without a menu everything works, too */
	chat->greeting.under_way = false;
}

static void take_name(const struct http_answer *http, void *context)
{
	CLEANUP_JSON struct json *doc = NULL;
	struct chat *chat = context;
	struct telegram_answer answer;

	telegram_answer_read(http, chat->bot.token.first, &answer);
	if (answer.is_ok &&
	    json_doc_parse(http->body, http->body_bytes, &doc, NULL) == 0)
		(void)text_copy(
			chat->username, sizeof(chat->username),
			json_get_text(json_get(doc, "result"), "username"));
	if (answer.is_ok && chat->username[0] == '\0')
		(void)text_copy(chat->username, sizeof(chat->username), "?");
	chat_note(chat, &chat->greeting, "getMe", &answer);
}

static void greet_step(struct chat *chat, int64_t mono_ms)
{
	CLEANUP(buf_clear) struct buf body = BUF_MAX(CHAT_BODY_BYTES_MAX);
	int timeout_ms = (int)chat->service->config->telegram.timeout_ms;
	bool has_name = chat->username[0] != '\0';

	if (chat->greeting.under_way || mono_ms < chat->greeting.at_ms)
		return;
	if (has_name)
		command_menu(&body);
	else
		buf_add_text(&body, "{}");
	chat->greeting.under_way = chat_call(
		chat, has_name ? "setMyCommands" : "getMe", buf_text(&body),
		timeout_ms, has_name ? take_menu : take_name);
	chat->greeting.at_ms = has_name ? INT64_MAX : mono_ms + PAUSE_MAX_MS;
}

/* The token and what hangs on it. */

static void open_access(struct chat *chat)
{
	struct chat_access access = {.bot_id = chat->bot.id};

	if (chat->callback.first[0] != '\0')
		bot_webhook_secret(chat->callback.first, access.secret);
	if (chat->callback.second[0] != '\0')
		bot_webhook_secret(chat->callback.second, access.second);
	(void)pthread_mutex_lock(&chat->lock);
	chat->access = access;
	(void)pthread_mutex_unlock(&chat->lock);
}

/* What was refused before a restart is refused still. */
static void read_trouble(struct chat *chat, int64_t wall_ms)
{
	struct bot_trouble trouble = {0};

	if (bot_trouble_get(chat->service->db, BOT_UPDATES, &trouble, NULL) < 0)
		return;
	chat->troubled = strcmp(trouble.kind, BOT_DENIED) == 0;
	chat->refused = chat->troubled &&
			strcmp(trouble.key, chat->bot.key) == 0 &&
			wall_ms < trouble.at_ms + REFUSED_MS;
}

static int open_client(struct chat *chat, struct err *e)
{
	http_client_free(chat->client);
	chat->client = NULL;
	return bot_client_new(CALLS_MAX, &chat->client, e);
}

/* Another token, another writing of its file or another address: everything
 * begins anew, and what was under way is of no interest any more. */
static int begin_anew(struct chat *chat, const struct bot *bot, struct err *e)
{
	int rc = open_client(chat, e);

	if (rc < 0)
		return rc;
	chat->bot = *bot;
	chat->username[0] = '\0';
	chat->greeting = chat->poll = chat->replies = (struct chat_try){0};
	chat->poll_limit = CHAT_BATCH_MAX;
	chat->has_news = true;
	chat_reply_clear(&chat->reply);
	read_trouble(chat, clock_wall_ms());
	if (bot->id == 0)
		log_event(LOG_LEVEL_WARNING,
			  "there is no good secret telegram-token: nobody is "
			  "heard",
			  LOG_NO_FIELDS);
	return 0;
}

static int look_at_token(struct chat *chat, int64_t mono_ms, struct err *e)
{
	struct service *s = chat->service;
	CLEANUP(bot_wipe) struct bot bot = {0};
	bool is_first = chat->client == NULL;

	if (!is_first && mono_ms < chat->look_ms)
		return 0;
	chat->look_ms = mono_ms + LOOK_MS;
	(void)bot_load(&s->dir, s->config, &bot, NULL);
	(void)bot_callback_key(&s->dir, &chat->callback);
	if (is_first || strcmp(bot.key, chat->bot.key) != 0) {
		int rc = begin_anew(chat, &bot, e);

		if (rc < 0)
			return rc;
	} else if (chat->refused) {
		read_trouble(chat, clock_wall_ms());
	}
	open_access(chat);
	return 0;
}

/* Old updates and the oldest of too many strangers. */

static int run_tidy(struct unit *u, struct db *db, int64_t now_ms,
		    struct err *e)
{
	int rc = chat_updates_forget(db, now_ms - CHAT_UPDATES_KEPT_MS,
				     TIDY_LIMIT, e);

	(void)u;
	if (rc >= 0)
		rc = chat_strangers_forget(db, STRANGERS_MAX, e);
	return MIN_OF(rc, 0);
}

static int tidy_step(struct chat *chat, int64_t mono_ms, struct err *e)
{
	struct unit unit = {.run = run_tidy};

	if (mono_ms < chat->tidy_ms)
		return 0;
	chat->tidy_ms = mono_ms + TIDY_MS;
	return writer_call(chat->service->writer, &unit, e);
}

static int pass(struct chat *chat, struct err *e)
{
	int bell_fd = chat->service->bell_fd;
	int64_t mono_ms = clock_mono_ms();
	int rc = look_at_token(chat, mono_ms, e);

	if (rc == 0)
		rc = tidy_step(chat, mono_ms, e);
	if (rc == 0 && chat->bot.id != 0)
		rc = handle_all(chat, e);
	if (rc == 0 && chat->bot.id != 0 && !chat->refused) {
		greet_step(chat, mono_ms);
		poll_step(chat, mono_ms);
		rc = reply_step(chat, mono_ms, e);
	}
	if (rc < 0)
		return rc;
	(void)http_client_run(chat->client, WAIT_MAX_MS, bell_fd);
	if (doorbell_drain(bell_fd) > 0)
		chat->has_news = true;
	return 0;
}

int chat_work(struct service *s, struct err *e)
{
	struct chat *chat = s->context;
	int64_t end_ms = clock_mono_ms() + WORK_MS;

	/* Whoever called has drained the bell, and may have heard it. */
	chat->has_news = true;
	while (!service_stopping(s) && clock_mono_ms() < end_ms) {
		int rc = pass(chat, e);

		if (rc < 0)
			return rc;
	}
	return 1;
}

int chat_start(struct service *s, struct err *e)
{
	static struct chat chat = {.lock = PTHREAD_MUTEX_INITIALIZER};

	chat.service = s;
	s->context = &chat;
	return look_at_token(&chat, clock_mono_ms(), e);
}

int chat_reload(struct service *s, struct err *e)
{
	struct chat *chat = s->context;

	chat->look_ms = 0;
	/* The menu may have another language. */
	if (chat->username[0] != '\0')
		chat->greeting.at_ms = 0;
	return look_at_token(chat, clock_mono_ms(), e);
}

void chat_stop(struct service *s)
{
	struct chat *chat = s->context;

	http_client_free(chat->client);
	chat_reply_clear(&chat->reply);
	bot_wipe(&chat->bot);
	explicit_bzero(&chat->callback, sizeof(chat->callback));
	explicit_bzero(&chat->access, sizeof(chat->access));
}
