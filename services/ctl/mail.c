/* SPDX-License-Identifier: MIT
 *
 * mail.c - does the mail server take our mail, for each recipient?
 */
#include <stdio.h>
#include <string.h>

#include "app/locale.h"
#include "app/mail/mail_out.h"
#include "base/clock.h"
#include "base/id.h"
#include "ctl.h"
#include "store/engine/writer.h"
#include "store/queue/mail_queue.h"

/* 1: it was taken. */
static int try_one(const struct mail_out *out, const char *address,
		   const char *id)
{
	const char *subject = tr("Ordergate: a test message");
	struct smtp_answer answer;
	struct err why = {0};
	struct mail_text mail = {
		.to = address,
		.id = id,
		.subject = subject,
		.subject_bytes = strlen(subject),
		.text = subject,
		.date_ms = clock_wall_ms(),
		.attempt = 1,
	};
	int rc = mail_out_send(out, &mail, &answer, &why);

	(void)printf("%s %s: %s\n", rc == 0 ? "ok  " : "BAD ", address,
		     rc == 0 ? answer.text : why.text);
	return rc == 0;
}

static int run_release(struct unit *u, struct db *db, int64_t now_ms,
		       struct err *e)
{
	(void)u;
	return mail_queue_release(db, now_ms, e);
}

static int try_all(struct ctl *ctl, const struct mail_out *out)
{
	struct unit release = {.run = run_release};
	char list[CONFIG_TEXT_BYTES];
	char id[ID_TEXT_BYTES];
	char *rest = NULL;
	int all = 0;
	int good = 0;

	id_make(clock_wall_ms(), id);
	(void)snprintf(list, sizeof(list), "%s", ctl->config->mail.to);
	for (const char *word = strtok_r(list, " ", &rest); word != NULL;
	     word = strtok_r(NULL, " ", &rest)) {
		good += try_one(out, word, id);
		all++;
	}
	if (good > 0)
		(void)ctl_write(ctl, &release);
	return good == all ? CTL_DONE
			   : ctl_fail(ctl, CTL_FAILED,
				      "%d of %d recipients were not reached",
				      all - good, all);
}

int ctl_mail_test(struct ctl *ctl)
{
	struct mail_out out;
	int code;
	int rc;

	locale_open(ctl->config->log.locale);
	if (ctl->config->mail.server[0] == '\0')
		return ctl_fail(ctl, CTL_FAILED,
				"mail.server is empty: alerts go to Telegram "
				"only");
	rc = mail_out_open(&ctl->config->mail, &ctl->dir, &out, &ctl->err);
	code = rc < 0 ? ctl_error(ctl, rc) : try_all(ctl, &out);
	mail_out_close(&out);
	return code;
}
