/* SPDX-License-Identifier: MIT */
#include "mail/escalate.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/config/config.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/id.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/mail/mail_message.h"
#include "mail/letter.h"
#include "store/engine/writer.h"
#include "store/queue/mail_queue.h"

enum {
	MINUTE_MS = 60 * 1000,
	ALERTS_MAX = 10000, /* of a pass */
	UNIT_ALERTS_MAX = 250,
	TIDY_MAX = 100,
	RECIPIENTS_MAX = 32,
	UNTRIED_MS = MINUTE_MS, /* a healthy sender has tried by then */
	/* An end that could not be told for so long is no news. */
	OVER_MAX_MS = 24 * 60 * MINUTE_MS
};

/* What one mail is about. */
struct pile {
	enum mail_stage stage;
	int64_t *ids; /* owned */
	int count, room;
	char severity[CONFIG_NAME_BYTES]; /* of the first, the worst */
};

struct recipients {
	char rows[RECIPIENTS_MAX][MAIL_ADDRESS_BYTES];
	int count;
};

struct collection {
	const struct escalate *escalate;
	struct pile piles[MAIL_STAGE_MAX_];
	bool telegram_failed;
	struct err *e;
};

static void collection_clear(struct collection *c)
{
	for (int i = 0; i < MAIL_STAGE_MAX_; i++)
		free(c->piles[i].ids);
}

static int64_t patience_ms(const struct config_mail *mail,
			   const struct config_rule *rule, const char *severity)
{
	const struct {
		const char *severity;
		int64_t minutes;
	} rows[] = {
		{"critical", mail->critical_minutes},
		{"warning", mail->warning_minutes},
		{"info", mail->info_minutes},
	};

	if (rule->escalate_ms > 0)
		return rule->escalate_ms;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (strcmp(rows[i].severity, severity) == 0)
			return rows[i].minutes * MINUTE_MS;
	return 0;
}

bool escalate_is_due(const struct config_mail *mail,
		     const struct config_rule *rule,
		     const struct mailable *alert, bool telegram_failed,
		     enum mail_stage stage, int64_t now_ms)
{
	int64_t wait_ms;

	if (rule == NULL || !rule->mail || alert->mailed[stage])
		return false;
	if (stage == MAIL_TELEGRAM) {
		wait_ms = mail->telegram_minutes * MINUTE_MS;
		return wait_ms > 0 && !alert->arrived &&
		       strcmp(alert->severity, "critical") == 0 &&
		       (telegram_failed || alert->told_ms <= now_ms - wait_ms);
	}
	wait_ms = patience_ms(mail, rule, alert->severity);
	return wait_ms > 0 && alert->fired_ms <= now_ms - wait_ms;
}

static int add_to(struct pile *pile, const struct mailable *alert,
		  struct err *e)
{
	if (pile->count == pile->room) {
		int room = MAX_OF(pile->room * 2, 64);
		int64_t *ids =
			reallocarray(pile->ids, (size_t)room, sizeof(*ids));

		if (ids == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
		pile->ids = ids;
		pile->room = room;
	}
	if (pile->count == 0)
		(void)text_copy(pile->severity, sizeof(pile->severity),
				alert->severity);
	pile->ids[pile->count++] = alert->alert_id;
	return 0;
}

static int note_firing(const struct mailable *alert, void *context)
{
	struct collection *c = context;
	const struct config *config = c->escalate->config;
	int rc = 0;

	for (int stage = MAIL_TELEGRAM; stage < MAIL_OVER && rc == 0; stage++)
		if (escalate_is_due(&config->mail,
				    config_rule(config, alert->rule), alert,
				    c->telegram_failed, (enum mail_stage)stage,
				    c->escalate->now_ms))
			rc = add_to(&c->piles[stage], alert, c->e);
	return rc;
}

static int note_over(const struct mailable *alert, void *context)
{
	struct collection *c = context;

	return add_to(&c->piles[MAIL_OVER], alert, c->e);
}

static int collect(const struct escalate *x, struct collection *c,
		   struct err *e)
{
	int64_t wait_ms = x->config->mail.telegram_minutes * MINUTE_MS;
	int rc = wait_ms == 0 ? 0
			      : alert_mails_telegram_failed(
					x->db, x->now_ms - wait_ms, e);

	if (rc < 0)
		return rc;
	c->telegram_failed = rc > 0;
	for (int i = 0; i < MAIL_STAGE_MAX_; i++)
		c->piles[i].stage = (enum mail_stage)i;
	rc = alert_mails_firing(x->db, x->now_ms, ALERTS_MAX, note_firing, c,
				e);
	if (rc >= 0)
		rc = alert_mails_over(x->db, x->now_ms - OVER_MAX_MS,
				      ALERTS_MAX, note_over, c, e);
	return MIN_OF(rc, 0);
}

static int add_recipient(const char *address, void *context)
{
	struct recipients *r = context;

	if (r->count < RECIPIENTS_MAX)
		(void)text_copy(r->rows[r->count++], MAIL_ADDRESS_BYTES,
				address);
	return 0;
}

/* Whoever is configured; an end goes to those who know of the beginning. */
static int find_recipients(const struct escalate *x, enum mail_stage stage,
			   struct recipients *r, struct err *e)
{
	char list[CONFIG_TEXT_BYTES];
	char *rest = NULL;

	if (stage == MAIL_OVER)
		return alert_mails_told(x->db, add_recipient, r, e);
	(void)text_copy(list, sizeof(list), x->config->mail.to);
	for (const char *word = strtok_r(list, " ", &rest); word != NULL;
	     word = strtok_r(NULL, " ", &rest))
		(void)add_recipient(word, r);
	return 0;
}

/* Some alerts of a pile: one transaction. The mail comes with the first. */
struct post {
	struct unit unit;
	const struct pile *pile;
	const struct mail_draft *mail;
	const struct recipients *recipients;
	int first, count;
	bool queued_before;
	bool queued; /* result */
	int64_t now_ms;
};

static int queue_for_all(struct db *db, const struct post *post, struct err *e)
{
	int rc = 0;

	for (int i = 0; i < post->recipients->count && rc == 0; i++)
		rc = mail_queue_put(db, post->mail, post->recipients->rows[i],
				    post->now_ms, e);
	return rc;
}

static int run_post(struct unit *u, struct db *db, int64_t now_ms,
		    struct err *e)
{
	struct post *post = CONTAINER_OF(u, struct post, unit);
	int marked = 0;

	(void)now_ms; /* one moment for the whole pass */
	for (int i = post->first; i < post->first + post->count; i++) {
		int rc = alert_mails_mark(db, post->pile->ids[i],
					  post->pile->stage,
					  post->mail->message_id, e);

		if (rc < 0)
			return rc;
		marked += rc;
	}
	post->queued = post->queued_before || marked > 0;
	return post->queued && !post->queued_before ? queue_for_all(db, post, e)
						    : 0;
}

static int write_letter(const struct escalate *x, const struct pile *pile,
			struct buf *subject, struct buf *text, struct err *e)
{
	char host[HOST_NAME_MAX + 1] = "";
	int shown = MIN_OF(pile->count, (int)LETTER_ALERTS_MAX);

	(void)gethostname(host, sizeof(host) - 1);
	letter_begin(text, pile->stage, host);
	for (int i = 0; i < shown; i++) {
		CLEANUP_FREE char *html = alert_mails_text(x->db, pile->ids[i]);

		if (html == NULL)
			return err_set(e, ERR_NOMEM, "out of memory");
		letter_alert(text, pile->ids[i], html);
		if (i == 0) {
			CLEANUP(buf_clear)
			struct buf title = BUF_MAX(LETTER_BYTES_MAX);

			letter_title(&title, html);
			letter_subject(subject, pile->stage, buf_text(&title),
				       pile->count);
		}
	}
	letter_end(text, pile->stage, pile->count - shown);
	return buf_finish(text, e);
}

static int post_pile(struct escalate *x, const struct pile *pile,
		     const struct recipients *recipients, struct err *e)
{
	CLEANUP(buf_clear) struct buf subject = BUF_MAX(LETTER_BYTES_MAX);
	CLEANUP(buf_clear) struct buf text = BUF_MAX(LETTER_BYTES_MAX);
	char message_id[ID_TEXT_BYTES];
	struct mail_draft mail = {
		.message_id = message_id,
		.kind = mail_stage_name(pile->stage),
		.severity = pile->severity,
	};
	int rc = write_letter(x, pile, &subject, &text, e);
	bool queued = false;

	id_make(x->now_ms, message_id);
	mail.subject = buf_text(&subject);
	mail.text = buf_text(&text);
	for (int done = 0; done < pile->count && rc >= 0;
	     done += UNIT_ALERTS_MAX) {
		struct post post = {
			.unit.run = run_post,
			.pile = pile,
			.mail = &mail,
			.recipients = recipients,
			.first = done,
			.count = MIN_OF(pile->count - done,
					(int)UNIT_ALERTS_MAX),
			.queued_before = queued,
			.now_ms = x->now_ms,
		};

		rc = writer_call(x->writer, &post.unit, e);
		queued = post.queued;
	}
	x->mails += rc >= 0 && queued;
	return MIN_OF(rc, 0);
}

static int tell(struct escalate *x, const struct pile *pile, struct err *e)
{
	struct recipients recipients = {0};
	int64_t pause_ms = x->config->mail.interval_minutes * MINUTE_MS;
	int64_t latest_ms = 0;
	int rc;

	if (pile->count == 0)
		return 0;
	rc = mail_queue_latest(x->db, mail_stage_name(pile->stage), &latest_ms,
			       e);
	/* A time in the future was named by a clock that was set back. */
	if (rc < 0 ||
	    (latest_ms <= x->now_ms && latest_ms > x->now_ms - pause_ms))
		return rc;
	rc = find_recipients(x, pile->stage, &recipients, e);
	return rc < 0 || recipients.count == 0
		       ? rc
		       : post_pile(x, pile, &recipients, e);
}

struct tidy {
	struct unit unit;
	int64_t now_ms;
};

/* Before anything is said: what need not be said any more. */
static int run_tidy(struct unit *u, struct db *db, int64_t now_ms,
		    struct err *e)
{
	const struct tidy *tidy = CONTAINER_OF(u, struct tidy, unit);
	int rc =
		mail_queue_withdraw(db, tidy->now_ms - UNTRIED_MS, TIDY_MAX, e);

	(void)now_ms;
	return rc < 0 ? rc
		      : alert_mails_close(db, tidy->now_ms - OVER_MAX_MS, e);
}

int escalate_run(struct escalate *x, struct err *e)
{
	CLEANUP(collection_clear)
	struct collection c = {.escalate = x, .e = e};
	struct tidy tidy = {.unit.run = run_tidy, .now_ms = x->now_ms};
	int rc;

	if (x->config->mail.server[0] == '\0')
		return 0;
	rc = writer_call(x->writer, &tidy.unit, e);
	if (rc >= 0)
		rc = collect(x, &c, e);
	for (int i = 0; i < MAIL_STAGE_MAX_ && rc >= 0; i++)
		rc = tell(x, &c.piles[i], e);
	return MIN_OF(rc, 0);
}
