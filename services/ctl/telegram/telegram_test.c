/* SPDX-License-Identifier: MIT
 *
 * telegram_test.c - is the bot's token good, and does each chat take our
 * messages?
 */
#include <stdio.h>
#include <string.h>

#include "app/bot/bot_call.h"
#include "app/locale.h"
#include "base/macros.h"
#include "base/text.h"
#include "ctl.h"
#include "store/engine/db.h"
#include "store/engine/writer.h"
#include "store/queue/telegram_queue.h"
#include "store/telegram/bot_trouble.h"
#include "store/watch/views.h"

/* Marks a text for translation where it cannot be translated yet. */
#define N_(text) text

enum {
	CHATS_MAX = 1000,
	CHAT_BYTES = 64
};

struct trial {
	struct ctl *ctl;
	struct bot_caller bot;
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

/* What was refused is not any more: messages are sent again. */
static int run_well(struct unit *u, struct db *db, int64_t now_ms,
		    struct err *e)
{
	static const char *const parts[] = {BOT_SENDING, BOT_UPDATES};
	int rc = 0;

	(void)u;
	(void)now_ms;
	for (size_t i = 0; i < COUNT_OF(parts) && rc >= 0; i++)
		rc = bot_trouble_clear(db, parts[i], e);
	return MIN_OF(rc, 0);
}

static int try_chats(struct trial *trial)
{
	struct unit well = {.run = run_well};
	int bad = 0;

	(void)ctl_write(trial->ctl, &well);
	for (int i = 0; i < trial->count; i++) {
		struct unblock unblock = {.unit.run = run_unblock,
					  .chat = trial->chats[i]};
		bool ok =
			bot_say(&trial->bot, trial->chats[i],
				ctl_for_people(trial->ctl,
					       N_("Ordergate: a test message")),
				true);

		(void)printf("%s %s%s%s\n", ok ? "ok  " : "BAD ",
			     trial->chats[i], ok ? "" : ": ",
			     ok ? "" : trial->bot.why);
		bad += !ok;
		if (ok)
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
	struct ctl *ctl = trial->ctl;
	int rc =
		bot_caller_open(&ctl->dir, ctl->config, &trial->bot, &ctl->err);

	if (rc == 0)
		rc = collect(trial);
	if (rc < 0)
		return ctl_error(ctl, rc);
	if (!bot_call(&trial->bot, "getMe", "{}"))
		return ctl_fail(ctl, CTL_FAILED,
				"the token or telegram.base_url is wrong: %s",
				trial->bot.why);
	(void)printf("ok   token\n");
	return try_chats(trial);
}

int ctl_telegram_test(struct ctl *ctl)
{
	static struct trial trial; /* too large for a stack */
	int code;

	trial = (struct trial){.ctl = ctl};
	code = try_all(&trial);
	bot_caller_close(&trial.bot);
	return code;
}
