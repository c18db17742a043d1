/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "codec/html_out.h"
#include "codec/html_part.h"

#define EMOJI "\xF0\x9F\x9A\x80"

/* All parts, with " | " between them. */
static void write_parts(const char *html, size_t points, struct buf *out)
{
	struct html_parts parts = html_parts_of(html);
	size_t count = 0;

	for (;;) {
		CLEANUP(buf_clear) struct buf one = BUF_MAX(100000);

		if (!html_parts_next(&parts, points, &one))
			return;
		buf_printf(out, "%s%s", count++ > 0 ? " | " : "",
			   buf_text(&one));
		if (html_points(buf_text(&one)) > points)
			fail_msg("too long: %s", buf_text(&one));
	}
}

static void parts_are_whole_messages(void **state)
{
	static const struct {
		const char *html;
		size_t points;
		const char *want;
	} rows[] = {
		{"", 3, ""},
		{"abc", 3, "abc"},
		{"abc\ndef", 7, "abc\ndef"},
		{"abc\ndef", 6, "abc | def"},
		{"a\nb\nc\nd", 5, "a\nb\nc | d"},
		/* A part may be as long as it may be. */
		{"abc\ndef\nghi", 7, "abc\ndef | ghi"},
		/* An early end of a line leaves no stub. */
		{"a\nbcd efg", 8, "a\nbcd | efg"},
		{"a b\ncdefghijk", 8, "a b | cdefghij | k"},
		/* Between words, and only then anywhere. */
		{"abc def", 5, "abc | def"},
		{"abcdef", 4, "abcd | ef"},
		{"abcdef\ngh", 3, "abc | def | gh"},
		/* Tags and entities are one or none. */
		{"<b>abc</b>\ndef", 6, "<b>abc</b> | def"},
		{"&lt;&amp;&quot;\nx", 4, "&lt;&amp;&quot; | x"},
		{"&lt;&amp;&quot;", 2, "&lt;&amp; | &quot;"},
		/* What is open is closed, and opened again. */
		{"<b>a\nb\nc</b>\nd", 3, "<b>a\nb</b> | <b>c</b>\nd"},
		{"<a href=\"x\"><i>abcd</i></a>", 2,
		 "<a href=\"x\"><i>ab</i></a> | <a href=\"x\"><i>cd</i></a>"},
		{"<b>ab</b>cd", 2, "<b>ab</b> | cd"},
		{"<b>ab\n</b>cd", 2, "<b>ab</b> | cd"},
		{"\nabc", 2, "\na | bc"},
		/* What is no markup of ours does no harm. */
		{"</b>a\nb", 2, "a | b"},
		{"a<b", 1, "a<b</b>"},
		{EMOJI EMOJI EMOJI, 2, EMOJI EMOJI " | " EMOJI},
		{"\xD1\x8B\n\xD1\x8F", 2, "\xD1\x8B | \xD1\x8F"},
		{"<b><b><b><b><b><b><b><b><b>a\nb</b></b></b></b></b></b></b>"
		 "</b></b>",
		 2,
		 "<b><b><b><b><b><b><b><b>a</b></b></b></b></b></b></b></b>"
		 " | "
		 "<b><b><b><b><b><b><b><b>b</b></b></b></b></b></b></b></b>"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_clear) struct buf got = BUF_MAX(100000);

		write_parts(rows[i].html, rows[i].points, &got);
		if (strcmp(buf_text(&got), rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].html, buf_text(&got));
	}
}

/* A link on each line makes many bytes of few characters. */
static void no_part_has_more_bytes_than_telegram_reads(void **state)
{
	CLEANUP(buf_clear) struct buf html = BUF_MAX(1000000);
	struct html_parts parts;
	size_t lines = 0;

	(void)state;
	for (int i = 0; i < 300; i++)
		buf_printf(&html, "<a href=\"https://x/%0900d\">x</a>\n", i);
	parts = html_parts_of(buf_text(&html));
	for (;;) {
		CLEANUP(buf_clear) struct buf one = BUF_MAX(100000);

		if (!html_parts_next(&parts, 4000, &one))
			break;
		assert_true(one.used_bytes <= HTML_PART_BYTES_MAX);
		for (const char *p = buf_text(&one); (p = strstr(p, "</a>"));
		     p++)
			lines++;
	}
	assert_int_equal(lines, 300);
}

/* They come again in every part. */
static void tags_that_are_opened_again_count(void **state)
{
	CLEANUP(buf_clear) struct buf html = BUF_MAX(1000000);
	struct html_parts parts;
	size_t count = 0;

	(void)state;
	for (int i = 0; i < HTML_PART_DEPTH_MAX; i++)
		buf_printf(&html, "<a href=\"https://x/%03000d\">", i);
	for (int i = 0; i < 8000; i++)
		buf_add_text(&html, EMOJI);
	parts = html_parts_of(buf_text(&html));
	for (;;) {
		CLEANUP(buf_clear) struct buf one = BUF_MAX(100000);

		if (!html_parts_next(&parts, 4000, &one))
			break;
		assert_true(one.used_bytes <= HTML_PART_BYTES_MAX);
		count++;
	}
	assert_true(count > 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_are_whole_messages),
		cmocka_unit_test(no_part_has_more_bytes_than_telegram_reads),
		cmocka_unit_test(tags_that_are_opened_again_count),
	};

	return cmocka_run_group_tests_name("html_part", tests, NULL, NULL);
}
