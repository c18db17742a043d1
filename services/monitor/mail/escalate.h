/* SPDX-License-Identifier: MIT
 *
 * escalate.h - the second way out: what goes by mail because Telegram fails or
 * because nobody acknowledges, and the end of what went.
 *
 * At most one mail per cause and pass, about all of its alerts. It is queued in
 * the transaction that notes of which alerts it tells; ordergate-mail sends it.
 */
#ifndef MONITOR_ESCALATE_H
#define MONITOR_ESCALATE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/monitor/alert_mails.h"

struct config;
struct config_mail;
struct config_rule;
struct db;
struct err;
struct writer;

struct escalate {
	struct db *db; /* reader */
	struct writer *writer;
	const struct config *config;
	int64_t now_ms;
	int64_t mails; /* result: queued, each for all its recipients */
};

/* Is it to go by mail now? rule NULL: it is not configured. Pure. */
bool escalate_is_due(const struct config_mail *mail,
		     const struct config_rule *rule,
		     const struct mailable *alert, bool telegram_failed,
		     enum mail_stage stage, int64_t now_ms);

/* 0 or < 0. Without mail.server nothing happens. */
int escalate_run(struct escalate *x, struct err *e);

#endif
