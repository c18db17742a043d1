/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "app/bot/bot.h"
#include "base/macros.h"

#define KEY "of this installation"

static void a_button_is_read_by_whoever_made_it(void **state)
{
	static const struct bot_button buttons[] = {
		{BOT_BUTTON_ALERT, 1},
		{BOT_BUTTON_ALERT, INT64_MAX},
		{BOT_BUTTON_MESSAGE, 17},
		{BOT_BUTTON_MESSAGE, INT64_MAX},
	};
	char data[BOT_BUTTON_BYTES];
	struct bot_button read = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(buttons); i++) {
		bot_button_write(KEY, &buttons[i], data);
		assert_true(strlen(data) < BOT_BUTTON_BYTES);
		assert_true(bot_button_read(KEY, data, &read));
		assert_true(read.kind == buttons[i].kind &&
			    read.id == buttons[i].id);
		assert_false(bot_button_read("another", data, &read));
	}
}

/* Every single byte counts: what differs in one is not ours. */
static void a_button_that_was_changed_is_none(void **state)
{
	static const struct bot_button button = {BOT_BUTTON_ALERT, 4711};
	char good[BOT_BUTTON_BYTES];
	char bad[BOT_BUTTON_BYTES];
	struct bot_button read = {.id = -1};

	(void)state;
	bot_button_write(KEY, &button, good);
	for (size_t i = 0; i < strlen(good); i++) {
		memcpy(bad, good, sizeof(bad));
		bad[i] = bad[i] == '1' ? '2' : '1';
		if (bot_button_read(KEY, bad, &read))
			fail_msg("%s", bad);
		bad[i] = '\0';
		assert_false(bot_button_read(KEY, bad, &read));
	}
	memcpy(bad, good, sizeof(bad));
	memcpy(bad, "all", 3);
	assert_false(bot_button_read(KEY, bad, &read));
	assert_int_equal(read.id, -1);
}

static void what_is_no_button_is_none(void **state)
{
	static const char *const rows[] = {
		"",
		"ack",
		"ack:",
		"ack::",
		"ack:1",
		"ack:1:",
		"ack:0:00",
		"ack:-1:00",
		"ack:99999999999999999999:00",
		"ack: 1:00",
		"silence:1:00",
		"ack:1:000000000000000000000000",
		"all:1:000000000000000000000000",
		"ack:1111111111111111111111111111111111111111:1111111111111",
		"\xF0\x9F\x94\xB4",
	};
	struct bot_button read;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (bot_button_read(KEY, rows[i], &read))
			fail_msg("%s", rows[i]);
}

/* Telegram takes 1 to 256 of A-Z, a-z, 0-9, _ and -. */
static void a_webhook_has_a_secret_of_its_own(void **state)
{
	char secret[DIGEST_TEXT_BYTES];
	char other[DIGEST_TEXT_BYTES];

	(void)state;
	bot_webhook_secret(KEY, secret);
	bot_webhook_secret("another", other);
	assert_string_not_equal(secret, other);
	assert_int_equal(strspn(secret, "0123456789abcdef"), 64);
}

static void an_address_has_one_slash(void **state)
{
	static const char *const bases[] = {"https://api.telegram.org",
					    "https://api.telegram.org/",
					    "https://api.telegram.org//"};
	static struct config config;
	char url[BOT_URL_BYTES];
	struct bot bot = {.token.first = "1:A"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bases); i++) {
		(void)snprintf(config.telegram.base_url,
			       sizeof(config.telegram.base_url), "%s",
			       bases[i]);
		bot_url(&bot, &config, "getMe", url);
		assert_string_equal(url,
				    "https://api.telegram.org/bot1:A/getMe");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_button_is_read_by_whoever_made_it),
		cmocka_unit_test(a_button_that_was_changed_is_none),
		cmocka_unit_test(what_is_no_button_is_none),
		cmocka_unit_test(a_webhook_has_a_secret_of_its_own),
		cmocka_unit_test(an_address_has_one_slash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
