/* SPDX-License-Identifier: MIT
 *
 * bot.h - the bot as Telegram knows it: its token, where its methods are, and
 * the secrets that we share with it.
 *
 * The token stands in the address of every call, so an address is a secret: it
 * is never logged, and wiped by whoever holds it.
 */
#ifndef APP_BOT_BOT_H
#define APP_BOT_BOT_H

#include <stdbool.h>
#include <stdint.h>

#include "app/config/config.h"
#include "app/secret.h"
#include "codec/digest.h"

struct err;
struct state_dir;

enum {
	BOT_URL_BYTES = CONFIG_TEXT_BYTES + SECRET_BYTES_MAX + 64,
	BOT_BUTTON_BYTES = 64 /* callback_data has 1 to 64 bytes */
};

#define BOT_WEBHOOK_PATH "/telegram/updates"
#define BOT_WEBHOOK_HEADER "X-Telegram-Bot-Api-Secret-Token"

struct bot {
	struct secret token;
	int64_t id; /* the digits of its token */
	/* Tells one token, one writing of its file and one base_url from
	 * others: what Telegram has refused is not tried again before it
	 * changes. No secret. */
	char key[DIGEST_TEXT_BYTES];
};

/* The secret telegram-token. 0; ERR_NOTFOUND (there is none); ERR_DENIED (it is
 * no bot's token); ERR_INVALID, ERR_IO. */
int bot_load(const struct state_dir *dir, const struct config *config,
	     struct bot *ret_bot, struct err *e);
void bot_wipe(struct bot *bot); /* for CLEANUP() */

void bot_url(const struct bot *bot, const struct config *config,
	     const char *method, char ret_url[BOT_URL_BYTES]);

/* What makes data of buttons and webhook calls ours: from the secret
 * telegram-callback, which is made on the first run. False when there is none.
 */
bool bot_callback_key(const struct state_dir *dir, struct secret *ret_key);
/* The value of BOT_WEBHOOK_HEADER. */
void bot_webhook_secret(const char *key, char ret_text[DIGEST_TEXT_BYTES]);
/* A button that acknowledges: an alert, or all that a message tells of. */
enum bot_button_kind {
	BOT_BUTTON_ALERT,   /* alerts.id */
	BOT_BUTTON_MESSAGE, /* telegram_queue.id: alerts whose told_id it is */
	BOT_BUTTON_MAX_
};
struct bot_button {
	enum bot_button_kind kind;
	int64_t id;
};
/* Its data: nobody without the key makes it, for this button or another. */
void bot_button_write(const char *key, const struct bot_button *button,
		      char ret_data[BOT_BUTTON_BYTES]);
/* True and the button when the data is one of ours. */
bool bot_button_read(const char *key, const char *data,
		     struct bot_button *ret_button);

/* For so many calls under way at once. As http_client_new(). */
struct http_client;
int bot_client_new(int parallel_max, struct http_client **ret_client,
		   struct err *e);

#endif
