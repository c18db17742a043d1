/* SPDX-License-Identifier: MIT
 *
 * telegram_webhook.c - has Telegram call us (telegram.updates = "webhook"), or
 * stop calling anybody.
 */
#include <stdio.h>
#include <string.h>

#include "app/bot/bot_call.h"
#include "app/locale.h"
#include "base/macros.h"
#include "codec/json/json_out.h"
#include "ctl.h"

enum {
	BODY_BYTES_MAX = 4096,
	ADDRESS_BYTES = CONFIG_TEXT_BYTES + 32
};

static int refused(const struct ctl *ctl, const struct bot_caller *bot)
{
	return ctl_fail(ctl, CTL_FAILED, "Telegram refuses: %s", bot->why);
}

/* One update at a time: they are kept in the order of their numbers. */
static int write_set(const char *address, const char *secret, struct buf *body,
		     struct err *e)
{
	struct json_out out = json_out_to(body);

	json_object(&out, NULL);
	json_put_text(&out, "url", address);
	json_put_text(&out, "secret_token", secret);
	json_put_i64(&out, "max_connections", 1);
	json_array(&out, "allowed_updates");
	json_put_text(&out, NULL, "message");
	json_put_text(&out, NULL, "callback_query");
	json_end(&out);
	json_end(&out);
	return json_out_finish(&out, e);
}

static int set(struct ctl *ctl, struct bot_caller *bot)
{
	CLEANUP(buf_clear) struct buf body = BUF_MAX(BODY_BYTES_MAX);
	const char *base = ctl->config->monitor.public_url;
	char address[ADDRESS_BYTES];
	char secret[DIGEST_TEXT_BYTES];
	struct secret key;
	size_t length = strlen(base);

	if (strcmp(ctl->config->telegram.updates, "webhook") != 0)
		return ctl_fail(ctl, CTL_FAILED,
				"nobody would listen: set telegram { updates = "
				"\"webhook\" } first");
	if (length == 0)
		return ctl_fail(ctl, CTL_FAILED,
				"set monitor.public_url to our address as "
				"Telegram sees it (https://...)");
	if (!bot_callback_key(&ctl->dir, &key))
		return ctl_fail(ctl, CTL_FAILED,
				"the secret telegram-callback is missing: "
				"ordergatectl init makes it");
	while (length > 0 && base[length - 1] == '/')
		length--;
	(void)snprintf(address, sizeof(address), "%.*s%s", (int)length, base,
		       BOT_WEBHOOK_PATH);
	bot_webhook_secret(key.first, secret);
	explicit_bzero(&key, sizeof(key));
	if (write_set(address, secret, &body, &ctl->err) < 0)
		return ctl_error(ctl, ERR_NOMEM);
	if (!bot_call(bot, "setWebhook", buf_text(&body)))
		return refused(ctl, bot);
	ctl_say("Telegram calls %s\n", address);
	return CTL_DONE;
}

static int delete (struct ctl *ctl, struct bot_caller *bot)
{
	if (!bot_call(bot, "deleteWebhook", "{}"))
		return refused(ctl, bot);
	(void)puts("Telegram calls nobody");
	return CTL_DONE;
}

static int show(struct ctl *ctl, struct bot_caller *bot)
{
	const struct json *info;
	const char *error;

	if (!bot_call(bot, "getWebhookInfo", "{}"))
		return refused(ctl, bot);
	info = json_get(bot->answer, "result");
	error = json_get_text(info, "last_error_message");
	(void)printf("url      %s\nwaiting  %s\nerror    %s\n",
		     json_get_text(info, "url")[0] != '\0'
			     ? json_get_text(info, "url")
			     : "none",
		     json_get_text(info, "pending_update_count"),
		     error[0] != '\0' ? error : "none");
	return CTL_DONE;
}

int ctl_telegram_webhook(struct ctl *ctl)
{
	static const struct {
		const char *word;
		int (*run)(struct ctl *ctl, struct bot_caller *bot);
	} words[] = {{"set", set}, {"delete", delete}, {"show", show}};
	const char *word = strrchr(ctl->command, ' ') + 1;
	struct bot_caller bot;
	int code = CTL_USAGE;
	int rc = bot_caller_open(&ctl->dir, ctl->config, &bot, &ctl->err);

	if (rc < 0)
		code = ctl_error(ctl, rc);
	for (size_t i = 0; i < COUNT_OF(words) && rc == 0; i++)
		if (strcmp(words[i].word, word) == 0)
			code = words[i].run(ctl, &bot);
	bot_caller_close(&bot);
	return code;
}
