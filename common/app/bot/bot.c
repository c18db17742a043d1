/* SPDX-License-Identifier: MIT */
#include "app/bot/bot.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "app/state_dir.h"
#include "base/err.h"
#include "base/text.h"
#include "net/client/http_client.h"

enum {
	MARK_BYTES = 25, /* 96 bits in hexadecimal, and the NUL */
	ID_BYTES_MAX = 16,
	KEY_TEXT_BYTES = CONFIG_TEXT_BYTES + SECRET_BYTES_MAX + 128
};

/* "<id>:<letters, digits, - and _>": nothing that would change an address. */
static bool read_id(const char *token, int64_t *ret_id)
{
	char digits[ID_BYTES_MAX];
	size_t length = strcspn(token, ":");

	if (token[length] == '\0' || length >= sizeof(digits))
		return false;
	memcpy(digits, token, length);
	digits[length] = '\0';
	for (const char *p = token + length + 1; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr("_-", *p) == NULL)
			return false;
	return text_to_i64(digits, 1, INT64_MAX, ret_id, NULL) == 0;
}

/* The file counts, too: whoever writes the same token again wants it to be
 * tried again. */
static void make_key(const struct state_dir *dir, const struct config *config,
		     struct bot *bot)
{
	char path[STATE_PATH_BYTES + 32];
	char text[KEY_TEXT_BYTES];
	struct stat file = {0};

	(void)snprintf(path, sizeof(path), "%s/telegram-token", dir->secrets);
	(void)stat(path, &file); /* elsewhere: the token alone counts */
	(void)snprintf(text, sizeof(text), "%s %s %ju %jd.%09ld",
		       bot->token.first, config->telegram.base_url,
		       (uintmax_t)file.st_ino, (intmax_t)file.st_mtim.tv_sec,
		       file.st_mtim.tv_nsec);
	digest_hmac_sha256("ordergate bot key", text, strlen(text), bot->key);
	explicit_bzero(text, sizeof(text));
}

int bot_load(const struct state_dir *dir, const struct config *config,
	     struct bot *ret_bot, struct err *e)
{
	int rc;

	*ret_bot = (struct bot){0};
	rc = secret_load(dir, "telegram-token", &ret_bot->token, e);
	if (rc < 0)
		return rc;
	if (!read_id(ret_bot->token.first, &ret_bot->id)) {
		bot_wipe(ret_bot);
		return err_set(e, ERR_DENIED,
			       "telegram-token is no bot token "
			       "(123456:ABC...)");
	}
	make_key(dir, config, ret_bot);
	return 0;
}

void bot_wipe(struct bot *bot)
{
	explicit_bzero(bot, sizeof(*bot));
}

void bot_url(const struct bot *bot, const struct config *config,
	     const char *method, char ret_url[BOT_URL_BYTES])
{
	const char *base = config->telegram.base_url;
	size_t length = strlen(base);

	while (length > 0 && base[length - 1] == '/')
		length--;
	(void)snprintf(ret_url, BOT_URL_BYTES, "%.*s/bot%s/%s", (int)length,
		       base, bot->token.first, method);
}

bool bot_callback_key(const struct state_dir *dir, struct secret *ret_key)
{
	*ret_key = (struct secret){0};
	return secret_load(dir, "telegram-callback", ret_key, NULL) == 0;
}

void bot_webhook_secret(const char *key, char ret_text[DIGEST_TEXT_BYTES])
{
	digest_hmac_sha256(key, "webhook", strlen("webhook"), ret_text);
}

static const char *const button_words[BOT_BUTTON_MAX_] = {
	[BOT_BUTTON_ALERT] = "ack",
	[BOT_BUTTON_MESSAGE] = "all",
};

void bot_button_write(const char *key, const struct bot_button *button,
		      char ret_data[BOT_BUTTON_BYTES])
{
	char mark[DIGEST_TEXT_BYTES];
	int length = snprintf(ret_data, BOT_BUTTON_BYTES, "%s:%" PRId64,
			      button_words[button->kind], button->id);

	digest_hmac_sha256(key, ret_data, strlen(ret_data), mark);
	(void)snprintf(ret_data + length, BOT_BUTTON_BYTES - (size_t)length,
		       ":%.*s", MARK_BYTES - 1, mark);
}

/* Whatever it says; only what is written again the same way is ours. */
static bool parse(const char *data, struct bot_button *button)
{
	char digits[BOT_BUTTON_BYTES];
	size_t word = strcspn(data, ":");
	size_t length;

	if (data[word] != ':' || strlen(data) >= BOT_BUTTON_BYTES)
		return false;
	length = strcspn(data + word + 1, ":");
	memcpy(digits, data + word + 1, length);
	digits[length] = '\0';
	for (int kind = 0; kind < BOT_BUTTON_MAX_; kind++)
		if (strlen(button_words[kind]) == word &&
		    memcmp(button_words[kind], data, word) == 0) {
			button->kind = (enum bot_button_kind)kind;
			return text_to_i64(digits, 1, INT64_MAX, &button->id,
					   NULL) == 0;
		}
	return false;
}

bool bot_button_read(const char *key, const char *data,
		     struct bot_button *ret_button)
{
	char expected[BOT_BUTTON_BYTES];
	struct bot_button button;

	if (!parse(data, &button))
		return false;
	bot_button_write(key, &button, expected);
	if (!text_equal_constant_time(data, expected))
		return false;
	*ret_button = button;
	return true;
}

int bot_client_new(int parallel_max, struct http_client **ret_client,
		   struct err *e)
{
	const struct http_client_options options = {
		.user_agent = "ordergate/" ORDERGATE_VERSION,
		.parallel_max = parallel_max,
	};

	return http_client_new(&options, ret_client, e);
}
