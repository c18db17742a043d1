/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

/* The service's own files: a program is no library. */
#include "../../../services/chat/command.c" /* NOLINT */
#include "../../../services/chat/update.c"  /* NOLINT */

#define FROM "\"from\":{\"id\":5,\"first_name\":\"A\"}"
#define CHAT "\"chat\":{\"id\":-1001234567890123,\"type\":\"supergroup\"}"
#define PRIVATE "\"chat\":{\"id\":5,\"type\":\"private\"}"
#define MESSAGE(id, more) \
	"{\"update_id\":" id ",\"message\":{\"message_id\":9," more "}}"
#define PRESS(id, more) "{\"update_id\":" id ",\"callback_query\":{" more "}}"

static const struct {
	const char *name, *json;
	bool readable;
	enum chat_update_kind kind;
	const char *chat, *text;
} rows[] = {
	{"a command in a group",
	 MESSAGE("1", FROM "," CHAT ",\"text\":\"/late\""), true, CHAT_COMMAND,
	 "-1001234567890123", "/late"},
	{"in a topic",
	 MESSAGE("1", FROM "," CHAT ",\"text\":\"/late\",\"is_topic_message\":"
			   "true,\"message_thread_id\":45"),
	 true, CHAT_COMMAND, "-1001234567890123:45", "/late"},
	{"an answer in a group that has no topics",
	 MESSAGE("1",
		 FROM "," CHAT ",\"text\":\"/late\",\"message_thread_id\":45"),
	 true, CHAT_COMMAND, "-1001234567890123", "/late"},
	{"a word to the bot alone",
	 MESSAGE("1", FROM "," PRIVATE ",\"text\":\"hello\""), true,
	 CHAT_COMMAND, "5", "hello"},
	{"talk in a group", MESSAGE("1", FROM "," CHAT ",\"text\":\"hello\""),
	 true, CHAT_OTHER, "", ""},
	{"another bot",
	 MESSAGE("1", "\"from\":{\"id\":5,\"is_bot\":true}," CHAT
		      ",\"text\":\"/late\""),
	 true, CHAT_OTHER, "", ""},
	{"nobody", MESSAGE("1", CHAT ",\"text\":\"/late\""), true, CHAT_OTHER,
	 "", ""},
	{"a photo", MESSAGE("1", FROM "," PRIVATE ",\"photo\":[]"), true,
	 CHAT_OTHER, "", ""},
	{"a group that became another",
	 MESSAGE("1", FROM "," CHAT ",\"migrate_to_chat_id\":-100"), true,
	 CHAT_OTHER, "", ""},
	{"nowhere", MESSAGE("1", FROM ",\"text\":\"/late\""), true, CHAT_OTHER,
	 "", ""},
	{"control characters are spaces",
	 MESSAGE("1", FROM "," CHAT ",\"text\":\"/order\\n1\\u0007\""), true,
	 CHAT_COMMAND, "-1001234567890123", "/order 1 "},
	{"a press",
	 PRESS("1", FROM ",\"id\":\"q\",\"data\":\"ack:1:0\",\"message\":{"
			 "\"message_id\":9," CHAT "}"),
	 true, CHAT_BUTTON, "-1001234567890123", "ack:1:0"},
	{"of a message that is gone",
	 PRESS("1", FROM ",\"id\":\"q\",\"data\":\"ack:1:0\""), true,
	 CHAT_BUTTON, "", "ack:1:0"},
	{"without data", PRESS("1", FROM ",\"id\":\"q\""), true, CHAT_BUTTON,
	 "", ""},
	{"of nobody", PRESS("1", "\"id\":\"q\",\"data\":\"x\""), true,
	 CHAT_OTHER, "", ""},
	{"that cannot be answered", PRESS("1", FROM ",\"data\":\"x\""), true,
	 CHAT_OTHER, "", ""},
	{"a kind that we do not know",
	 "{\"update_id\":1,\"message_reaction\":{}}", true, CHAT_OTHER, "", ""},
	{"parts that are none", "{\"update_id\":1,\"message\":7}", true,
	 CHAT_OTHER, "", ""},
	{"the largest number", "{\"update_id\":9007199254740992}", true,
	 CHAT_OTHER, "", ""},
	{"a larger one", "{\"update_id\":9007199254740993}", false, CHAT_OTHER,
	 "", ""},
	{"zero", "{\"update_id\":0}", false, CHAT_OTHER, "", ""},
	{"less", "{\"update_id\":-1}", false, CHAT_OTHER, "", ""},
	{"a part of one", "{\"update_id\":1.5}", false, CHAT_OTHER, "", ""},
	{"an exponent", "{\"update_id\":1e3}", false, CHAT_OTHER, "", ""},
	{"a word", "{\"update_id\":\"x\"}", false, CHAT_OTHER, "", ""},
	{"no number", "{\"message\":{}}", false, CHAT_OTHER, "", ""},
	{"a list", "[1]", false, CHAT_OTHER, "", ""},
	{"a chat whose number is too large",
	 MESSAGE("1", FROM ",\"chat\":{\"id\":-99999999999999999999},\"text\":"
			   "\"/late\""),
	 true, CHAT_OTHER, "", ""},
	{"a user whose number is too large",
	 MESSAGE("1", "\"from\":{\"id\":99999999999999999999}," CHAT
		      ",\"text\":\"/late\""),
	 true, CHAT_OTHER, "", ""},
};

static void updates_are_read_or_left_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP_JSON struct json *doc = NULL;
		struct chat_update u = {0};

		assert_int_equal(json_doc_parse(rows[i].json,
						strlen(rows[i].json), &doc,
						NULL),
				 0);
		if (update_read(doc, 42, &u) != rows[i].readable)
			fail_msg("%s", rows[i].name);
		if (rows[i].readable &&
		    (u.bot != 42 || u.id < 1 || u.kind != rows[i].kind ||
		     strcmp(u.chat, rows[i].chat) != 0 ||
		     strcmp(u.text, rows[i].text) != 0))
			fail_msg("%s: kind %d, chat %s, text %s", rows[i].name,
				 (int)u.kind, u.chat, u.text);
	}
}

/* Long texts are cut between characters; what would mean something else is not
 * taken at all. */
static void long_texts_are_cut(void **state)
{
	char json[8192];
	char many[2001];
	CLEANUP_JSON struct json *doc = NULL;
	CLEANUP_JSON struct json *press = NULL;
	struct chat_update u;

	(void)state;
	for (size_t i = 0; i < sizeof(many) - 1; i += 2)
		memcpy(many + i, "\xD1\x8F", 2);
	many[sizeof(many) - 1] = '\0';
	(void)snprintf(json, sizeof(json),
		       "{\"update_id\":1,\"message\":{\"from\":{\"id\":5,"
		       "\"first_name\":\"%s\",\"last_name\":\"%s\"}," PRIVATE
		       ",\"text\":\"/%s\"}}",
		       many, many, many);
	assert_int_equal(json_doc_parse(json, strlen(json), &doc, NULL), 0);
	assert_true(update_read(doc, 1, &u));
	assert_int_equal(u.kind, CHAT_COMMAND);
	assert_true(text_is_utf8(u.user_name, strlen(u.user_name)));
	assert_true(text_is_utf8(u.text, strlen(u.text)));
	assert_int_equal(strlen(u.text), CHAT_TEXT_BYTES - 1);
	(void)snprintf(json, sizeof(json),
		       PRESS("1", FROM ",\"id\":\"q\",\"data\":\"%s\""), many);
	assert_int_equal(json_doc_parse(json, strlen(json), &press, NULL), 0);
	assert_true(update_read(press, 1, &u));
	assert_int_equal(u.kind, CHAT_OTHER);
}

static void commands_are_split(void **state)
{
	static const struct {
		const char *text, *name, *first, *second;
	} splits[] = {
		{"/late", "late", "", ""},
		{"/late@our_bot", "late", "", ""},
		{"/late@OUR_bot x", "late", "x", ""},
		{"/late@other_bot", "", "", ""},
		{"/silence order-late 2h", "silence", "order-late", "2h"},
		{"/silence  order-late\n 2h more and more", "silence",
		 "order-late", "2h"},
		{"hello", "", "", ""},
		{"/", "", "", ""},
		{"/ late", "", "late", ""},
		{"", "", "", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(splits); i++) {
		char name[COMMAND_WORD_BYTES];
		char words[3][COMMAND_WORD_BYTES];

		command_split(splits[i].text, "our_bot", name, words);
		if (strcmp(name, splits[i].name) != 0 ||
		    (splits[i].name[0] != '\0' &&
		     (strcmp(words[0], splits[i].first) != 0 ||
		      strcmp(words[1], splits[i].second) != 0)))
			fail_msg("%s: '%s' '%s' '%s'", splits[i].text, name,
				 words[0], words[1]);
	}
}

static void people_see_what_they_may_do(void **state)
{
	static const struct {
		enum chat_role role;
		bool silence;
	} helps[] = {{ROLE_VIEWER, false}, {ROLE_OPERATOR, true}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(helps); i++) {
		CLEANUP(buf_clear) struct buf out = BUF_MAX(4096);

		command_help(&out, helps[i].role);
		assert_non_null(strstr(buf_text(&out), "/late"));
		assert_int_equal(strstr(buf_text(&out), "/silence") != NULL,
				 helps[i].silence);
		assert_null(strstr(buf_text(&out), "/start"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(updates_are_read_or_left_alone),
		cmocka_unit_test(long_texts_are_cut),
		cmocka_unit_test(commands_are_split),
		cmocka_unit_test(people_see_what_they_may_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
