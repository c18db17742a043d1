/* SPDX-License-Identifier: MIT
 *
 * alert_mails.h - which alerts go by mail, and which went.
 *
 * An alert is in at most one mail of each stage: `telegram` (critical, and
 * Telegram has not delivered it), `unacknowledged`, and `over` after one of the
 * others was sent (or may have been).
 */
#ifndef STORE_ALERT_MAILS_H
#define STORE_ALERT_MAILS_H

#include <stdbool.h>
#include <stdint.h>

struct db;
struct err;

enum mail_stage {
	MAIL_TELEGRAM,
	MAIL_UNACKNOWLEDGED,
	MAIL_OVER,
	MAIL_STAGE_MAX_
};
const char *mail_stage_name(enum mail_stage stage);

/* Has Telegram failed for so long? A critical message has waited since before
 * $since, the bot is refused since before it, or its job has had no good run
 * since. 1 or 0, < 0. Reader. */
int alert_mails_telegram_failed(struct db *db, int64_t since_ms, struct err *e);

/* Alerts that are firing, not acknowledged, not silenced and not in a mail of
 * each stage yet. The worst and oldest first. */
struct mailable {
	int64_t alert_id, fired_ms, told_ms;
	const char *rule, *severity; /* borrowed */
	bool arrived;                /* its latest message was delivered */
	bool mailed[MAIL_STAGE_MAX_];
};
typedef int mailable_visit(const struct mailable *alert, void *context);
/* Number of rows or < 0. Reader. */
int alert_mails_firing(struct db *db, int64_t now_ms, int limit,
		       mailable_visit *each, void *context, struct err *e);
/* Alerts that are over since `since_ms` and of which a mail was sent. As above.
 */
int alert_mails_over(struct db *db, int64_t since_ms, int limit,
		     mailable_visit *each, void *context, struct err *e);
/* Who was sent a mail about alerts that are over. Calls each() with the
 * address. Reader. */
int alert_mails_told(struct db *db, int (*each)(const char *address, void *),
		     void *context, struct err *e);
/* The text of an alert as it was told; the caller frees it. "" when there is
 * none (any more), NULL when out of memory. Reader. */
char *alert_mails_text(struct db *db, int64_t alert_id);

/* This mail tells of the alert. 1; 0: another one does, or it is not so any
 * more. Inside a write transaction. */
int alert_mails_mark(struct db *db, int64_t alert_id, enum mail_stage stage,
		     const char *message_id, struct err *e);
/* Of alerts that are over and need no further mail nothing is kept open.
 * Inside a write transaction. 0 or < 0. */
int alert_mails_close(struct db *db, int64_t resolved_before_ms, struct err *e);

#endif
