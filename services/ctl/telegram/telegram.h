/* SPDX-License-Identifier: MIT
 *
 * telegram.h - calls of the Bot API by hand.
 */
#ifndef CTL_TELEGRAM_TELEGRAM_H
#define CTL_TELEGRAM_TELEGRAM_H

#include "app/bot/bot.h"
#include "codec/json/json_doc.h"
#include "ctl.h"

struct http_client;

enum {
	CTL_BOT_WHY_BYTES = 200
};

struct ctl_bot {
	struct ctl *ctl;
	struct bot bot;
	struct http_client *client;
	char why[CTL_BOT_WHY_BYTES]; /* what the last call said; no token */
	struct json *answer;         /* of the last call; owned; NULL: none */
};

/* 0 or < 0 (ctl->err). Ended by ctl_bot_close(), also after a failure. */
int ctl_bot_open(struct ctl *ctl, struct ctl_bot *ret_bot);
void ctl_bot_close(struct ctl_bot *bot);
/* True when Telegram says "ok". */
bool ctl_bot_call(struct ctl_bot *bot, const char *method, const char *body);

#endif
