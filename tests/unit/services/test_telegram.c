/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <string.h>

#include "app/zones.h"

/* The sender's own files: a program is no library. */
#include "../../../services/telegram/digest_text.c" /* NOLINT */
#include "../../../services/telegram/flight.c"      /* NOLINT */
#include "../../../services/telegram/request.c"     /* NOLINT */

#define TOKEN "123456:AAsecretAA"
#define ERROR_JSON(code, text, more)                                    \
	"{\"ok\":false,\"error_code\":" code ",\"description\":\"" text \
	"\"" more "}"
#define PARAMETERS(text) ",\"parameters\":{" text "}"

static const struct {
	const char *name;
	int rc;
	int status;
	const char *body;
	int64_t retry_after_ms;
	enum answer_class want;
	int64_t want_number;   /* message id, or wait in ms */
	const char *want_text; /* new chat, or part of the error */
} answers[] = {
	{"an accepted message", 0, 200,
	 "{\"ok\":true,\"result\":{\"message_id\":4711,\"date\":1}}", -1,
	 ANSWER_DONE, 4711, ""},
	{"ok without a message is no success", 0, 200, "{\"ok\":true}", -1,
	 ANSWER_SERVER, 0, "200"},
	{"a portal's page is no success", 0, 200, "<html>log in</html>", -1,
	 ANSWER_SERVER, 0, "not Telegram's"},
	{"a cut answer is no success", 0, 200, "{\"ok\":true,\"resu", -1,
	 ANSWER_SERVER, 0, "not Telegram's"},
	{"an empty answer is no success", 0, 200, "", -1, ANSWER_SERVER, 0,
	 "not Telegram's"},
	{"an error that came as 200", 0, 200,
	 ERROR_JSON("403", "Forbidden: bot was blocked by the user", ""), -1,
	 ANSWER_BLOCKED, 0, "403 Forbidden: bot was blocked"},
	{"ok:false without a code", 0, 200, "{\"ok\":false}", -1, ANSWER_SERVER,
	 0, "200"},
	{"throttled, by the body", 0, 429,
	 ERROR_JSON("429", "Too Many Requests: retry after 3",
		    PARAMETERS("\"retry_after\":3")),
	 -1, ANSWER_THROTTLE, 3000, "429"},
	{"the larger of header and body counts", 0, 429,
	 ERROR_JSON("429", "x", PARAMETERS("\"retry_after\":3")), 1000,
	 ANSWER_THROTTLE, 3000, "429"},
	{"also when it is the header", 0, 429,
	 ERROR_JSON("429", "x", PARAMETERS("\"retry_after\":3")), 9000,
	 ANSWER_THROTTLE, 9000, "429"},
	{"a wait of nothing is the default", 0, 429,
	 ERROR_JSON("429", "x", PARAMETERS("\"retry_after\":0")), -1,
	 ANSWER_THROTTLE, 5000, "429"},
	{"a negative one too", 0, 429,
	 ERROR_JSON("429", "x", PARAMETERS("\"retry_after\":-5")), -1,
	 ANSWER_THROTTLE, 5000, "429"},
	{"as a text it is read", 0, 429,
	 ERROR_JSON("429", "x", PARAMETERS("\"retry_after\":\"7\"")), -1,
	 ANSWER_THROTTLE, 7000, "429"},
	{"nonsense is the default", 0, 429,
	 ERROR_JSON("429", "x", PARAMETERS("\"retry_after\":\"soon\"")), -1,
	 ANSWER_THROTTLE, 5000, "429"},
	{"a day is a day", 0, 429,
	 ERROR_JSON("429", "x", PARAMETERS("\"retry_after\":86400")), -1,
	 ANSWER_THROTTLE, 86400000, "429"},
	{"more than a day is a day", 0, 429,
	 ERROR_JSON("429", "x", PARAMETERS("\"retry_after\":99999999999")), -1,
	 ANSWER_THROTTLE, 86400000, "429"},
	{"parameters of a 429 are no migration", 0, 429,
	 ERROR_JSON("429", "x",
		    PARAMETERS("\"retry_after\":3,"
			       "\"migrate_to_chat_id\":-1001")),
	 -1, ANSWER_THROTTLE, 3000, "429"},
	{"throttled by something in between", 0, 429, "<html>", 2000,
	 ANSWER_THROTTLE, 2000, "429"},
	{"a group that became a supergroup", 0, 400,
	 ERROR_JSON("400",
		    "Bad Request: group chat was upgraded to a supergroup"
		    " chat",
		    PARAMETERS("\"migrate_to_chat_id\":-1001234567890123")),
	 -1, ANSWER_MOVED, 0, "-1001234567890123"},
	{"without its new id it is refused", 0, 400,
	 ERROR_JSON("400", "Bad Request: group chat was upgraded", ""), -1,
	 ANSWER_REJECTED, 0, "400"},
	{"an id that is no number is none", 0, 400,
	 ERROR_JSON("400", "x", PARAMETERS("\"migrate_to_chat_id\":\"@evil\"")),
	 -1, ANSWER_REJECTED, 0, "400"},
	{"markup that does not parse", 0, 400,
	 ERROR_JSON("400", "Bad Request: Can't parse entities: Unsupported",
		    ""),
	 -1, ANSWER_MARKUP, 0, "400"},
	{"too long", 0, 400,
	 ERROR_JSON("400", "Bad Request: message is too long", ""), -1,
	 ANSWER_MARKUP, 0, "400"},
	{"an unknown chat", 0, 400,
	 ERROR_JSON("400", "Bad Request: chat not found", ""), -1,
	 ANSWER_BLOCKED, 0, "chat not found"},
	{"a topic that was deleted", 0, 400,
	 ERROR_JSON("400", "Bad Request: message thread not found", ""), -1,
	 ANSWER_TOPIC, 0, "400"},
	{"a topic that is closed", 0, 400,
	 ERROR_JSON("400", "Bad Request: TOPIC_CLOSED", ""), -1, ANSWER_TOPIC,
	 0, "400"},
	{"a group where the bot may not write", 0, 400,
	 ERROR_JSON("400",
		    "Bad Request: not enough rights to send text messages to "
		    "the chat",
		    ""),
	 -1, ANSWER_BLOCKED, 0, "400"},
	{"a wrong token", 0, 401, ERROR_JSON("401", "Unauthorized", ""), -1,
	 ANSWER_AUTH, 0, "401 Unauthorized"},
	{"a wrong address", 0, 404, ERROR_JSON("404", "Not Found", ""), -1,
	 ANSWER_AUTH, 0, "404"},
	{"somebody else's 404", 0, 404, "<html>nginx</html>", -1, ANSWER_AUTH,
	 0, "404"},
	{"somebody else's 403 says nothing about the chat", 0, 403,
	 "<html>forbidden by policy</html>", -1, ANSWER_AUTH, 0, "403"},
	{"a redirect", 0, 302, "", -1, ANSWER_AUTH, 0, "302"},
	{"a chat that threw the bot out", 0, 403,
	 ERROR_JSON("403", "Forbidden: bot was kicked from the group chat", ""),
	 -1, ANSWER_BLOCKED, 0, "403"},
	{"a gateway's page", 0, 502, "<html>Bad Gateway</html>", -1,
	 ANSWER_SERVER, 0, "502"},
	{"an internal error", 0, 500,
	 ERROR_JSON("500", "Internal Server Error: restart", ""), -1,
	 ANSWER_SERVER, 0, "500"},
	{"no connection", ERR_REMOTE, 0, NULL, -1, ANSWER_UNSENT, 0,
	 "test says"},
	{"a lost answer", ERR_UNCERTAIN, 0, NULL, -1, ANSWER_UNCERTAIN, 0,
	 "test says"},
	{"an address that is none", ERR_INVALID, 0, NULL, -1, ANSWER_AUTH, 0,
	 "test says"},
	{"the token never comes through", 0, 400,
	 ERROR_JSON("400", "see https://x/bot" TOKEN "/sendMessage", ""), -1,
	 ANSWER_REJECTED, 0, "400 see https://x/bot<TOKEN>"},
};

static void answers_are_classified(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(answers); i++) {
		struct http_answer http = {
			.rc = answers[i].rc,
			.status = answers[i].status,
			.body = answers[i].body,
			.body_bytes = answers[i].body != NULL
					      ? strlen(answers[i].body)
					      : 0,
			.retry_after_ms = answers[i].retry_after_ms,
		};
		struct telegram_answer got;

		(void)err_set(&http.err, ERR_REMOTE, "test says " TOKEN);
		telegram_answer_read(&http, TOKEN, &got);
		if (got.class != answers[i].want)
			fail_msg("%s: class %d", answers[i].name, got.class);
		if (got.message_id + got.wait_ms != answers[i].want_number)
			fail_msg("%s: %lld", answers[i].name,
				 (long long)(got.message_id + got.wait_ms));
		if (strstr(got.class == ANSWER_MOVED ? got.chat : got.error,
			   answers[i].want_text) == NULL)
			fail_msg("%s: '%s' '%s'", answers[i].name, got.error,
				 got.chat);
		if (strstr(got.error, TOKEN) != NULL)
			fail_msg("%s: tells the token", answers[i].name);
	}
}

static void a_long_error_is_cut_between_characters(void **state)
{
	(void)state;
	struct http_answer http = {.rc = ERR_REMOTE};
	struct telegram_answer got;

	for (int shift = 0; shift < 2; shift++) {
		memset(http.err.text, 'x', sizeof(http.err.text));
		for (size_t i = (size_t)shift; i + 2 < sizeof(http.err.text);
		     i += 2)
			memcpy(http.err.text + i, "\xD0\xAF", 2);
		http.err.text[sizeof(http.err.text) - 1] = '\0';
		telegram_answer_read(&http, TOKEN, &got);
		assert_true(text_is_utf8(got.error, strlen(got.error)));
	}
}

static void every_answer_has_its_verdict(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		enum answer_class class;
		int attempts;
		bool doubtful, plain, moved;
		enum verdict_kind want;
		bool want_refund, want_uncertain, want_stops;
	} rows[] = {
		{"accepted", ANSWER_DONE, 1, false, false, false, VERDICT_SENT,
		 false, false, false},
		{"throttled: later, and it does not count", ANSWER_THROTTLE, 99,
		 false, false, false, VERDICT_LATER, true, false, false},
		{"an older doubt stays", ANSWER_THROTTLE, 2, true, false, false,
		 VERDICT_LATER, true, true, false},
		{"a wrong token stops all and does not count", ANSWER_AUTH, 1,
		 false, false, false, VERDICT_LATER, true, false, true},
		{"a moved chat at once", ANSWER_MOVED, 1, false, false, false,
		 VERDICT_AGAIN_NOW, false, false, false},
		{"but not in a circle", ANSWER_MOVED, 1, false, false, true,
		 VERDICT_FAILED, false, false, false},
		{"bad markup as plain text", ANSWER_MARKUP, 1, false, false,
		 false, VERDICT_AGAIN_NOW, false, false, false},
		{"but once", ANSWER_MARKUP, 1, false, true, false,
		 VERDICT_FAILED, false, false, false},
		{"refused", ANSWER_REJECTED, 1, false, false, false,
		 VERDICT_FAILED, false, false, false},
		{"no connection: as often as it takes", ANSWER_UNSENT, 99,
		 false, false, false, VERDICT_LATER, true, false, false},
		{"a lost answer: marked again", ANSWER_UNCERTAIN, 1, false,
		 false, false, VERDICT_LATER, false, true, false},
		{"but three copies at most", ANSWER_UNCERTAIN, 3, true, false,
		 false, VERDICT_FAILED, false, false, false},
		{"a server in trouble", ANSWER_SERVER, 11, true, false, false,
		 VERDICT_LATER, false, true, false},
		{"but not for ever", ANSWER_SERVER, 12, true, false, false,
		 VERDICT_FAILED, false, false, false},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct flight flight = {
			.message = {.id = 5,
				    .attempts = rows[i].attempts,
				    .sending_since_ms =
					    rows[i].doubtful ? 1 : 0},
			.plain = rows[i].plain,
			.moved_to = {rows[i].moved ? '1' : '\0'},
			.answer = {.class = rows[i].class, .wait_ms = 3000},
		};
		struct verdict got = flight_judge(&flight, 1000000);

		if (got.kind != rows[i].want ||
		    got.retry.refund != rows[i].want_refund ||
		    got.retry.keep_uncertain != rows[i].want_uncertain ||
		    got.stops != rows[i].want_stops)
			fail_msg("%s: %d", rows[i].name, got.kind);
		if (rows[i].class == ANSWER_THROTTLE &&
		    (got.retry.due_ms < 1003000 || got.retry.due_ms > 1004000))
			fail_msg("%s: due %lld", rows[i].name,
				 (long long)got.retry.due_ms);
	}
}

#define OPTIONS ",\"link_preview_options\":{\"is_disabled\":true}"
static const struct {
	const char *name, *chat, *text, *severity;
	bool plain, doubtful;
	const char *want;
	bool quiet;
	const char *reply_to;
} request_rows[] = {
	{"an id is a number", "-1001234567890123", "<b>x</b> &amp;", "critical",
	 false, false,
	 "{\"chat_id\":-1001234567890123,\"text\":\"<b>x</b> &amp;\","
	 "\"parse_mode\":\"HTML\"" OPTIONS "}",
	 false, NULL},
	{"a name is a text; information makes no noise", "@shift", "x", "info",
	 false, false,
	 "{\"chat_id\":\"@shift\",\"text\":\"x\",\"parse_mode\":"
	 "\"HTML\"" OPTIONS ",\"disable_notification\":true}",
	 false, NULL},
	{"plain text has no markup", "1", "<b>x</b> &amp;", "critical", true,
	 false, "{\"chat_id\":1,\"text\":\"x &\"" OPTIONS "}", false, NULL},
	{"a possible repeat says so", "1", "x", "critical", false, true,
	 "{\"chat_id\":1,\"text\":\"x\\n(possibly a repeat, #77)\","
	 "\"parse_mode\":\"HTML\"" OPTIONS "}",
	 false, NULL},
	{"a topic of a chat", "-100123:45", "x", "critical", false, false,
	 "{\"chat_id\":-100123,\"message_thread_id\":45,\"text\":"
	 "\"x\",\"parse_mode\":\"HTML\"" OPTIONS "}",
	 false, NULL},
	{"at night a warning makes no noise", "1", "x", "warning", false, false,
	 "{\"chat_id\":1,\"text\":\"x\",\"parse_mode\":\"HTML\"" OPTIONS
	 ",\"disable_notification\":true}",
	 true, NULL},
	{"what is critical does", "1", "x", "critical", false, false,
	 "{\"chat_id\":1,\"text\":\"x\",\"parse_mode\":\"HTML\"" OPTIONS "}",
	 true, NULL},
	{"an end answers its beginning", "1", "x", "critical", false, false,
	 "{\"chat_id\":1,\"text\":\"x\",\"parse_mode\":\"HTML\"" OPTIONS
	 ",\"reply_parameters\":{\"message_id\":4711,"
	 "\"allow_sending_without_reply\":true}}",
	 false, "4711"},
	{"bad bytes do not go out", "1", "a\xFFz", "critical", false, false,
	 "{\"chat_id\":1,\"text\":\"a\xEF\xBF\xBDz\",\"parse_mode\":"
	 "\"HTML\"" OPTIONS "}",
	 false, NULL},
};

static void requests_are_what_telegram_wants(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(request_rows); i++) {
		CLEANUP(buf_clear) struct buf out = BUF_MAX(REQUEST_BYTES_MAX);
		char body[64];
		char chat[32];
		char severity[16];
		char reply_to[16] = "";
		struct queue_message m = {
			.id = 77,
			.external_id = reply_to,
			.body = body,
			.address = chat,
			.channel = severity,
			.sending_since_ms = request_rows[i].doubtful ? 1 : 0};

		memcpy(body, request_rows[i].text,
		       strlen(request_rows[i].text) + 1);
		(void)text_copy(chat, sizeof(chat), request_rows[i].chat);
		(void)text_copy(severity, sizeof(severity),
				request_rows[i].severity);
		if (request_rows[i].reply_to != NULL)
			(void)text_copy(reply_to, sizeof(reply_to),
					request_rows[i].reply_to);
		assert_int_equal(telegram_request_write(
					 &m,
					 &(struct request_form){
						 .chat = chat,
						 .plain = request_rows[i].plain,
						 .quiet = request_rows[i].quiet,
					 },
					 &out, NULL),
				 0);
		if (strcmp(buf_text(&out), request_rows[i].want) != 0)
			fail_msg("%s: %s", request_rows[i].name,
				 buf_text(&out));
	}
}

/* Only while there is something to acknowledge, and only where somebody hears
 * of it. */
static void alerts_have_a_button(void **state)
{
	static const struct {
		char kind[16];
		int64_t alert;
		bool plain;
		const char *key;
		bool tells_many;
		bool want;
	} rows[] = {
		{"fire", 17, false, "key", false, true},
		{"repeat", 17, false, "key", false, true},
		{"fire", 17, false, NULL, false, false},
		{"fire", 17, true, "key", false, false},
		{"resolve", 17, false, "key", false, false},
		{"notice", 17, false, "key", false, false},
		{"fire", 0, false, "key", true, true},
		{"digest", 0, false, "key", true, true},
		{"fire", 0, false, "key", false, false}, /* all are seen */
		{"fire", 0, false, NULL, true, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_clear) struct buf out = BUF_MAX(REQUEST_BYTES_MAX);
		char kind[16];
		char chat[] = "-100";
		char body[] = "x";
		char severity[] = "critical";
		char data[BOT_BUTTON_BYTES];
		struct queue_message m = {.id = 1,
					  .order_id = rows[i].alert,
					  .event_type = kind,
					  .body = body,
					  .address = chat,
					  .channel = severity};
		const struct request_form form = {.chat = chat,
						  .plain = rows[i].plain,
						  .tells_many =
							  rows[i].tells_many,
						  .button_key = rows[i].key};
		const struct bot_button button = {
			rows[i].alert != 0 ? BOT_BUTTON_ALERT
					   : BOT_BUTTON_MESSAGE,
			rows[i].alert != 0 ? rows[i].alert : m.id};

		(void)text_copy(kind, sizeof(kind), rows[i].kind);
		assert_int_equal(telegram_request_write(&m, &form, &out, NULL),
				 0);
		bot_button_write("key", &button, data);
		if ((strstr(buf_text(&out), data) != NULL) != rows[i].want)
			fail_msg("row %zu: %s", i, buf_text(&out));
	}
}

static void nights_go_over_midnight(void **state)
{
	(void)state;
	static const struct {
		const char *hours, *now;
		bool want;
	} rows[] = {
		{"", "2026-11-22T00:00:00Z", false},
		{"22:00-08:00", "2026-11-22T18:59:59Z", false},
		{"22:00-08:00", "2026-11-22T19:00:00Z", true},
		{"22:00-08:00", "2026-11-22T21:00:00Z", true},
		{"22:00-08:00", "2026-11-22T04:59:59Z", true},
		{"22:00-08:00", "2026-11-22T05:00:00Z", false},
		{"13:00-14:00", "2026-11-22T10:30:00Z", true},
		{"13:00-14:00", "2026-11-22T11:00:00Z", false},
	};
	const struct zone *moscow = NULL;

	assert_int_equal(zones_get("Europe/Moscow", &moscow, NULL), 0);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t now = 0;

		assert_int_equal(timestamp_parse(rows[i].now, 0, &now, NULL),
				 0);
		if (telegram_request_quiet(rows[i].hours, moscow, now) !=
		    rows[i].want)
			fail_msg("%s at %s", rows[i].hours, rows[i].now);
	}
}

static void only_a_chat_with_a_topic_has_a_group_to_fall_back_to(void **state)
{
	(void)state;
	static const struct {
		const char *address, *moved_to;
		enum verdict_kind want;
	} rows[] = {
		{"-100123:45", "", VERDICT_AGAIN_NOW},
		{"-100123:45", "-100123", VERDICT_FAILED},
		{"-100123", "", VERDICT_FAILED},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char address[32];
		struct flight flight = {.message = {.address = address},
					.answer.class = ANSWER_TOPIC};

		(void)text_copy(address, sizeof(address), rows[i].address);
		(void)text_copy(flight.moved_to, sizeof(flight.moved_to),
				rows[i].moved_to);
		assert_int_equal(flight_judge(&flight, 1).kind, rows[i].want);
	}
}

static void a_digest_shows_whole_lines_only(void **state)
{
	(void)state;
	CLEANUP(buf_clear) struct buf out = BUF_MAX(64 * 1024);
	char text[2500];
	int lines = 0;

	assert_true(digest_line(&out, "<b>Late</b>\nOrder H1\nStore: 7"));
	assert_string_equal(buf_text(&out), "\n<b>Late</b>: Order H1");
	memset(text, 'x', sizeof(text));
	memcpy(text, "<b>Late</b>\n", 12);
	text[sizeof(text) - 1] = '\0';
	while (digest_line(&out, text))
		lines++;
	assert_int_equal(lines, 1);
	assert_true(html_points(buf_text(&out)) <= DIGEST_POINTS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_classified),
		cmocka_unit_test(a_long_error_is_cut_between_characters),
		cmocka_unit_test(every_answer_has_its_verdict),
		cmocka_unit_test(requests_are_what_telegram_wants),
		cmocka_unit_test(alerts_have_a_button),
		cmocka_unit_test(nights_go_over_midnight),
		cmocka_unit_test(
			only_a_chat_with_a_topic_has_a_group_to_fall_back_to),
		cmocka_unit_test(a_digest_shows_whole_lines_only),
	};
	return cmocka_run_group_tests_name("telegram", tests, NULL, NULL);
}
