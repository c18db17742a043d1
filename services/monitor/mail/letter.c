/* SPDX-License-Identifier: MIT */
#include "mail/letter.h"

#include <string.h>

#include "app/locale.h"
#include "base/cleanup.h"
#include "codec/html_out.h"

enum {
	TITLE_POINTS = 120,
	ALERT_POINTS = 1500
};

/* Marks a text for translation where it cannot be translated yet. */
#define N_(text) text

static const struct {
	const char *subject, *first_line;
} texts[MAIL_STAGE_MAX_] = {
	[MAIL_TELEGRAM] = {N_("Ordergate"),
			   N_("Telegram does not deliver these messages:")},
	[MAIL_UNACKNOWLEDGED] = {N_("Ordergate, nobody has acknowledged"),
				 N_("Nobody has acknowledged these alerts:")},
	[MAIL_OVER] = {N_("Ordergate, over"), N_("These alerts are over:")},
};

#define SIGN_OVER "\xE2\x9C\x85" /* as in text.c */

/* Past the coloured sign in front of a title, which is no letter. */
static const char *past_sign(const char *text)
{
	while ((unsigned char)*text >= 0xf0 ||
	       strncmp(text, SIGN_OVER, strlen(SIGN_OVER)) == 0)
		text += strcspn(text, " ") + (strchr(text, ' ') != NULL);
	return text;
}

void letter_title(struct buf *out, const char *html)
{
	CLEANUP(buf_clear) struct buf line = BUF_MAX(LETTER_BYTES_MAX);
	CLEANUP(buf_clear) struct buf plain = BUF_MAX(LETTER_BYTES_MAX);
	const char *over;

	buf_add(&line, html, strcspn(html, "\n"));
	over = strstr(buf_text(&line), "</b>: "); /* text_over() */
	html_put_plain(&plain,
		       over != NULL ? over + strlen("</b>: ") : buf_text(&line),
		       TITLE_POINTS);
	buf_add_text(out, past_sign(buf_text(&plain)));
}

void letter_subject(struct buf *out, enum mail_stage stage, const char *title,
		    int count)
{
	buf_printf(out, "%s: %s", tr(texts[stage].subject), title);
	if (count > 1)
		buf_printf(out, tr(" (alerts: %d)"), count);
}

void letter_begin(struct buf *out, enum mail_stage stage, const char *host)
{
	buf_printf(out, "%s\n", tr(texts[stage].first_line));
	buf_printf(out, tr("Installation: %s"), host);
	buf_add_char(out, '\n');
}

/* A link of ours as its address (text.c puts it on a line of its own). */
static void put_link(struct buf *out, const char *link)
{
	CLEANUP(buf_clear) struct buf url = BUF_MAX(LETTER_BYTES_MAX);
	const char *from = strchr(link, '"');

	if (from == NULL)
		return;
	buf_add(&url, from + 1, strcspn(from + 1, "\""));
	buf_add_char(out, '\n');
	html_put_plain(out, buf_text(&url), ALERT_POINTS);
}

void letter_alert(struct buf *out, int64_t alert_id, const char *html)
{
	CLEANUP(buf_clear) struct buf body = BUF_MAX(LETTER_BYTES_MAX);
	CLEANUP(buf_clear) struct buf plain = BUF_MAX(LETTER_BYTES_MAX);
	const char *link = strstr(html, "\n<a href=\"");

	buf_add(&body, html,
		link != NULL ? (size_t)(link - html) : strlen(html));
	html_put_plain(&plain, buf_text(&body), ALERT_POINTS);
	buf_printf(out, "\n[%lld] %s", (long long)alert_id,
		   past_sign(buf_text(&plain)));
	if (link != NULL)
		put_link(out, link);
	buf_add_char(out, '\n');
}

void letter_end(struct buf *out, enum mail_stage stage, int left_out)
{
	if (left_out > 0) {
		buf_add_char(out, '\n');
		buf_printf(out, tr("and %lld more"), (long long)left_out);
		buf_add_char(out, '\n');
	}
	if (stage != MAIL_OVER)
		buf_printf(out, "\n%s\n",
			   tr("To acknowledge: ordergatectl alert ack NUMBER"));
}
