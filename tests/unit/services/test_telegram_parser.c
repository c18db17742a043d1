/* SPDX-License-Identifier: MIT
 *
 * Every message that we render, and every part of a long one, is read by
 * Telegram's own parser: TDLib, which the Bot API server calls for the same
 * purpose. Offline; skipped, aloud, where `npm ci` in
 * tests/emulators/telegram_parser was not run, and under sanitizers.
 */
#include "cmocka_all.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The programs' own files: a program is no library. */
#include "../../../services/monitor/rules.c"        /* NOLINT */
#include "../../../services/monitor/text.c"         /* NOLINT */
#include "../../../services/telegram/digest_text.c" /* NOLINT */

#include "base/err.h"
#include "codec/html_part.h"
#include "codec/json/json_out.h"

#define PARSER                                                      \
	SOURCE_DIR "/tests/emulators/telegram_parser/node_modules/" \
		   "@prebuilt-tdlib/linux-x64-glibc/libtdjson.so"

enum {
	ROUNDS = 3000,
	DATA_BYTES = 400,
	LONG_BYTES = 10240,
	POINTS_MAX = 4096,
	RAW_BYTES_MAX = 32768
};

/* The sanitizers would look for faults in TDLib. */
#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
	__has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static const char *(*td_execute)(const char *request);

/* What goods and shops are called by people who do not think of markup. */
static const char *const pieces[] = {
	"<3",
	"&&",
	"a_b*",
	"<b>",
	"</b>",
	"&amp;",
	"&lt",
	"\"'",
	"]](",
	"`",
	"{order}",
	"{",
	"\xD0\x9C\xD0\xBE\xD0\xBB\xD0\xBE\xD0\xBA\xD0\xBE",
	"\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x9A\x80",
	"\xD7\xA9\xD7\x9C",
	"\xE2\x80\xAE",
	"\xED\xA0\x80",
	"\xC3",
	"\xFF\xFE",
	"\x01\x1F",
	"\t",
	"\n",
	"\xF4\x90\x80\x80",
	"<a href=\"",
	"tg://x",
	"&#x3c;",
	"<!--",
	" ",
	"\xC2\xA0",
	"0",
};

static void fill(char *data, size_t bytes, unsigned *seed)
{
	size_t used = 0;

	while (used + 16 < bytes && rand_r(seed) % 40 != 0) {
		const char *piece =
			pieces[(size_t)rand_r(seed) % COUNT_OF(pieces)];

		memcpy(data + used, piece, strlen(piece));
		used += strlen(piece);
	}
	data[used] = '\0';
}

static void check(const char *name, const char *html)
{
	CLEANUP(buf_clear) struct buf request = BUF_MAX(256 * 1024);
	struct json_out out = json_out_to(&request);
	const char *answer;

	json_object(&out, NULL);
	json_put_text(&out, "@type", "parseTextEntities");
	json_put_text(&out, "text", html);
	json_object(&out, "parse_mode");
	json_put_text(&out, "@type", "textParseModeHTML");
	json_end(&out);
	json_end(&out);
	assert_int_equal(json_out_finish(&out, NULL), 0);
	answer = td_execute(buf_text(&request));
	if (answer == NULL || strstr(answer, "\"@type\":\"error\"") != NULL)
		fail_msg("%s: %s\n%s", name, answer, html);
	assert_true(strlen(html) <= RAW_BYTES_MAX);
	assert_true(html_points(html) <= POINTS_MAX);
}

static int load_parser(void **state)
{
	void *library =
		SANITIZED ? NULL : dlopen(PARSER, RTLD_NOW | RTLD_LOCAL);
	void *symbol = library != NULL ? dlsym(library, "td_execute") : NULL;

	(void)state;
	if (symbol == NULL) {
		(void)fprintf(stderr, "SKIPPED: no Telegram parser (a "
				      "sanitizer, or npm ci was not run in "
				      "tests/emulators/telegram_parser)\n");
		return 0;
	}
	memcpy(&td_execute, &symbol, sizeof(td_execute));
	(void)td_execute("{\"@type\":\"setLogVerbosityLevel\","
			 "\"new_verbosity_level\":0}");
	return 0;
}

static void the_parser_refuses_what_is_wrong(void **state)
{
	(void)state;
	const char *answer;

	if (td_execute == NULL)
		skip();
	answer = td_execute("{\"@type\":\"parseTextEntities\",\"text\":"
			    "\"5 <3\",\"parse_mode\":{\"@type\":"
			    "\"textParseModeHTML\"}}");
	assert_non_null(strstr(answer, "\"@type\":\"error\""));
}

struct sample {
	char data[6][LONG_BYTES];
};

static struct monitor_finding finding_of(struct sample *order, size_t bytes,
					 unsigned *seed)
{
	for (size_t i = 0; i < COUNT_OF(order->data); i++)
		fill(order->data[i], bytes, seed);
	return (struct monitor_finding){
		.subject = order->data[0],
		.chat = "",
		.alert_state = "",
		.number = "1-000007",
		.external_id = order->data[1],
		.store = order->data[2],
		.zone = "Europe/Moscow",
		.store_id = order->data[3],
		.detail = order->data[4],
		.reason = order->data[5],
		.at_ms = rand_r(seed),
		.amount = rand_r(seed),
	};
}

static void any_order_gives_messages_that_telegram_takes(void **state)
{
	(void)state;
	static struct sample order; /* too large for a stack */
	unsigned seed = 20261122;

	if (td_execute == NULL)
		skip();
	for (int round = 0; round < ROUNDS; round++) {
		const struct rule *rule = &rules[(size_t)round % rule_count];
		struct monitor_finding finding = finding_of(
			&order, round % 10 == 0 ? LONG_BYTES : DATA_BYTES,
			&seed);
		CLEANUP(buf_clear) struct buf one = BUF_MAX(TEXT_BYTES_MAX);
		CLEANUP(buf_clear) struct buf line = BUF_MAX(TEXT_BYTES_MAX);
		CLEANUP(buf_clear) struct buf many = BUF_MAX(TEXT_BYTES_MAX);
		CLEANUP(buf_clear) struct buf over = BUF_MAX(TEXT_BYTES_MAX);
		CLEANUP(buf_clear) struct buf digest = BUF_MAX(TEXT_BYTES_MAX);
		const char *lines[5];

		text_finding(&one, rule, "critical", &finding, 1,
			     "https://og.example/o?x=1&n={number}");
		text_line(&line, rule, &finding, 1);
		for (size_t i = 0; i < COUNT_OF(lines); i++)
			lines[i] = buf_text(&line);
		text_many(&many, rule, "info", 99, 999, lines, COUNT_OF(lines));
		text_over(&over, rule, &finding, 1, "https://og.example/o");
		buf_add_text(&digest, "<b>400</b>");
		for (int i = 0; i < DIGEST_LINES_MAX; i++)
			(void)digest_line(&digest, buf_text(&one));
		check(rule->name, buf_text(&one));
		check(rule->name, buf_text(&many));
		check(rule->name, buf_text(&over));
		check(rule->name, buf_text(&digest));
	}
}

/* Tags of ours around data, nested at random; long lines and short ones. */
static void write_long(struct buf *html, char *data, unsigned *seed)
{
	static const char *const tags[][2] = {
		{"<b>", "</b>"},
		{"<i>", "</i>"},
		{"<code>", "</code>"},
		{"<a href=\"https://og.example/o?x=1&amp;n=2\">", "</a>"},
	};
	size_t open[HTML_PART_DEPTH_MAX];
	size_t depth = 0;
	int pieces_left = 5 + rand_r(seed) % 60;

	while (pieces_left-- > 0) {
		int what = rand_r(seed) % 4;

		if (what == 0 && depth < 3) {
			open[depth] = (size_t)rand_r(seed) % COUNT_OF(tags);
			buf_add_text(html, tags[open[depth++]][0]);
		} else if (what == 1 && depth > 0) {
			buf_add_text(html, tags[open[--depth]][1]);
		} else if (what == 2) {
			buf_add_char(html, rand_r(seed) % 2 ? '\n' : ' ');
		}
		fill(data, DATA_BYTES, seed);
		html_put(html, data, SIZE_MAX);
	}
	while (depth > 0)
		buf_add_text(html, tags[open[--depth]][1]);
}

/* What is read, without what a cut may take away. */
static void add_read(struct buf *out, const char *html)
{
	CLEANUP(buf_clear) struct buf plain = BUF_MAX((size_t)256 * 1024);

	html_put_plain(&plain, html, SIZE_MAX);
	for (const char *p = buf_text(&plain); *p != '\0'; p++)
		if (*p != ' ' && *p != '\n')
			buf_add_char(out, *p);
}

static void any_part_of_a_long_message_is_one_that_telegram_takes(void **state)
{
	static char data[DATA_BYTES];
	unsigned seed = 20261126;

	(void)state;
	if (td_execute == NULL)
		skip();
	for (int round = 0; round < ROUNDS; round++) {
		CLEANUP(buf_clear)
		struct buf html = BUF_MAX((size_t)256 * 1024);
		CLEANUP(buf_clear)
		struct buf whole = BUF_MAX((size_t)256 * 1024);
		CLEANUP(buf_clear)
		struct buf parted = BUF_MAX((size_t)256 * 1024);
		size_t points =
			20 + (size_t)rand_r(&seed) % (round % 2 ? 3980 : 100);
		struct html_parts parts;

		write_long(&html, data, &seed);
		add_read(&whole, buf_text(&html));
		parts = html_parts_of(buf_text(&html));
		for (;;) {
			CLEANUP(buf_clear)
			struct buf one = BUF_MAX(RAW_BYTES_MAX);

			if (!html_parts_next(&parts, points, &one))
				break;
			assert_int_equal(buf_finish(&one, NULL), 0);
			check("a part", buf_text(&one));
			assert_true(html_points(buf_text(&one)) <= points);
			add_read(&parted, buf_text(&one));
		}
		assert_string_equal(buf_text(&parted), buf_text(&whole));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_parser_refuses_what_is_wrong),
		cmocka_unit_test(any_order_gives_messages_that_telegram_takes),
		cmocka_unit_test(
			any_part_of_a_long_message_is_one_that_telegram_takes),
	};
	return cmocka_run_group_tests_name("telegram parser", tests,
					   load_parser, NULL);
}
