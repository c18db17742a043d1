/* SPDX-License-Identifier: MIT
 *
 * mail.c - does the mail server take our mail, for each recipient?
 */
#include <stdio.h>
#include <string.h>

#include "app/locale.h"
#include "app/mail/mail_out.h"
#include "base/clock.h"
#include "ctl.h"
#include "store/engine/writer.h"
#include "store/queue/mail_queue.h"

/* Marks a text for translation where it cannot be translated yet. */
#define N_(text) text

static void say(const char *to, const struct smtp_answer *answer,
		const char *why, void *context)
{
	int *all = context;

	(*all)++;
	(void)printf("%s %s: %s\n", why == NULL ? "ok  " : "BAD ", to,
		     why == NULL ? answer->text : why);
}

static int run_release(struct unit *u, struct db *db, int64_t now_ms,
		       struct err *e)
{
	(void)u;
	return mail_queue_release(db, now_ms, e);
}

static int try_all(struct ctl *ctl, const struct mail_out *out)
{
	const char *subject =
		ctl_for_people(ctl, N_("Ordergate: a test message"));
	struct unit release = {.run = run_release};
	struct mail_text mail = {
		.subject = subject,
		.subject_bytes = strlen(subject),
		.text = subject,
		.date_ms = clock_wall_ms(),
		.attempt = 1,
	};
	int all = 0;
	int good = mail_out_send_all(out, &mail, say, &all);

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

	if (ctl->config->mail.server[0] == '\0')
		return ctl_fail(ctl, CTL_FAILED,
				"mail.server is empty: alerts go to Telegram "
				"only");
	rc = mail_out_open(&ctl->config->mail, &ctl->dir, &out, &ctl->err);
	code = rc < 0 ? ctl_error(ctl, rc) : try_all(ctl, &out);
	mail_out_close(&out);
	return code;
}
