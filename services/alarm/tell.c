/* SPDX-License-Identifier: MIT */
#include "tell.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "app/bot/bot_call.h"
#include "app/locale.h"
#include "app/log.h"
#include "app/mail/mail_out.h"
#include "app/service/service.h"
#include "app/zones.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "store/engine/db.h"

enum {
	TEXT_BYTES_MAX = 2000,
	HOST_BYTES = 128,
	MIB = 1024 * 1024
};

struct told {
	int reached, tried;
	struct err why; /* of the last one that was not reached */
};

static void write_disk(const struct service *s, struct buf *text)
{
	struct statvfs disk;

	if ((db_caps(s->config->store.url) & DB_CAP_FILE) == 0 ||
	    statvfs(s->dir.root, &disk) < 0)
		return;
	buf_add_text(text, "\n");
	buf_printf(text, tr("Free on the disk: %lld MiB."),
		   (long long)disk.f_bavail * (long long)disk.f_frsize / MIB);
}

static void write_text(const struct service *s, int64_t since_s,
		       struct buf *text)
{
	char moment[ZONES_MOMENT_BYTES];
	char host[HOST_BYTES] = "";

	(void)gethostname(host, sizeof(host) - 1);
	zones_moment((since_s < 0 ? -since_s : since_s) * 1000,
		     s->config->telegram.time_zone, moment);
	if (since_s < 0) {
		buf_add_text(text, "✅ ");
		buf_printf(text,
			   tr("The store can be written again (alarm of %s, "
			      "%s)."),
			   moment, host);
		return;
	}
	buf_add_text(text, "🔥 ");
	buf_printf(text,
		   tr("The store cannot be written since %s (%s). New orders "
		      "are refused, the marketplace repeats them. Pickers can "
		      "save nothing. Other alerts cannot be sent."),
		   moment, host);
	write_disk(s, text);
	buf_add_text(text, "\n");
	buf_add_text(text, tr("What to do: docs/operate.md, \"The store cannot "
			      "be written\"."));
}

static void note(struct told *told, bool reached, const char *whom,
		 const char *why)
{
	told->tried++;
	told->reached += reached;
	if (!reached)
		(void)err_set(&told->why, ERR_IO, "%s: %s", whom, why);
}

static void tell_chat(const struct service *s, const char *text,
		      struct told *told)
{
	const struct config_telegram *telegram = &s->config->telegram;
	const char *chat = telegram->critical_chat[0] != '\0'
				   ? telegram->critical_chat
				   : telegram->admin_chat;
	struct bot_caller bot;
	struct err why = {0};

	if (chat[0] == '\0')
		return;
	if (bot_caller_open(&s->dir, s->config, &bot, &why) < 0)
		note(told, false, "Telegram", why.text);
	else
		note(told, bot_say(&bot, chat, text, false), "Telegram",
		     bot.why);
	bot_caller_close(&bot);
}

static void note_mail(const char *to, const struct smtp_answer *answer,
		      const char *why, void *context)
{
	(void)answer;
	note(context, why == NULL, to, why);
}

static void tell_by_mail(const struct service *s, const char *text,
			 struct told *told)
{
	struct mail_text mail = {
		.subject = text,
		.subject_bytes = strcspn(text, "\n"),
		.text = text,
		.date_ms = clock_wall_ms(),
		.attempt = 1,
	};
	struct mail_out out;
	struct err why = {0};

	if (s->config->mail.server[0] == '\0')
		return;
	if (mail_out_open(&s->config->mail, &s->dir, &out, &why) < 0)
		note(told, false, "mail", why.text);
	else
		(void)mail_out_send_all(&out, &mail, note_mail, told);
	mail_out_close(&out);
}

int tell_run(struct service *s, struct buf *ret_line, struct err *e)
{
	CLEANUP(buf_clear) struct buf text = BUF_MAX(TEXT_BYTES_MAX);
	const char *said = getenv("ORDERGATE_ALARM"); /* NOLINT */
	struct told told = {0};
	int64_t since_s;

	if (said == NULL || text_to_i64(said, INT32_MIN * 1000LL,
					INT32_MAX * 1000LL, &since_s, NULL) < 0)
		return err_set(e, ERR_INVALID,
			       "$ORDERGATE_ALARM is not set: the scheduler "
			       "starts this program");
	write_text(s, since_s, &text);
	tell_chat(s, buf_text(&text), &told);
	tell_by_mail(s, buf_text(&text), &told);
	buf_printf(ret_line, "reached=%d of %d", told.reached, told.tried);
	if (told.why.text[0] != '\0')
		buf_printf(ret_line, "; %s", told.why.text);
	if (told.reached > 0)
		return 0;
	*e = told.why;
	return told.tried == 0 ? err_set(e, ERR_NOTFOUND,
					 "nobody is to be told: set "
					 "telegram.admin_chat or mail.to")
			       : ERR_IO;
}
