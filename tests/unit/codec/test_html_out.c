/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "codec/html_out.h"

static void data_is_cut_and_escaped(void **state)
{
	(void)state;
	static const struct {
		const char *name, *text;
		size_t max_points;
		const char *want;
	} rows[] = {
		{"plain text stays", "late \xD0\xAF", 10, "late \xD0\xAF"},
		{"four characters are escaped", "<a & \"b\">", 20,
		 "&lt;a &amp; &quot;b&quot;&gt;"},
		{"an entity is escaped again", "&lt;", 10, "&amp;lt;"},
		{"exactly as long as allowed is whole", "abc", 3, "abc"},
		{"longer is cut by code points", "\xD0\x90\xD0\x91\xD0\x92", 2,
		 "\xD0\x90\xD0\x91\xE2\x80\xA6"},
		{"never inside of an entity", "a<b", 2, "a&lt;\xE2\x80\xA6"},
		{"bad bytes are replaced", "a\xFFz\xD0", 9,
		 "a\xEF\xBF\xBDz\xEF\xBF\xBD"},
		{"control characters become spaces",
		 "a\tb\x01"
		 "c\nd",
		 9, "a b c\nd"},
		{"nothing is nothing", "", 9, ""},
		{"an emoji is one", "\xF0\x9F\x94\xB4x", 1,
		 "\xF0\x9F\x94\xB4\xE2\x80\xA6"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_clear) struct buf b = BUF_MAX(1000);

		html_put(&b, rows[i].text, rows[i].max_points);
		if (strcmp(buf_text(&b), rows[i].want) != 0)
			fail_msg("%s: '%s'", rows[i].name, buf_text(&b));
	}
}

static void a_reader_sees_no_markup(void **state)
{
	(void)state;
	static const struct {
		const char *name, *html;
		size_t max_points;
		const char *want;
		size_t want_points; /* of the whole */
	} rows[] = {
		{"tags vanish", "<b>late</b> order", 99, "late order", 10},
		{"attributes too", "<a href=\"x>\">y</a>", 99, "\">y", 3},
		{"entities become characters", "&lt;&amp;&gt;&quot; &nbsp; &",
		 99, "<&>\" &nbsp; &", 13},
		{"the cut counts what is seen", "<b>&lt;bc</b>", 2,
		 "<b\xE2\x80\xA6", 3},
		{"a tag that never ends hides the rest", "a<b", 99, "a", 1},
		{"only tags are nothing", "<b></b>", 99, "", 0},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_clear) struct buf b = BUF_MAX(1000);

		html_put_plain(&b, rows[i].html, rows[i].max_points);
		if (strcmp(buf_text(&b), rows[i].want) != 0)
			fail_msg("%s: '%s'", rows[i].name, buf_text(&b));
		if (html_points(rows[i].html) != rows[i].want_points)
			fail_msg("%s: %zu points", rows[i].name,
				 html_points(rows[i].html));
	}
}

static void escaping_is_undone_by_reading(void **state)
{
	(void)state;
	char text[40];
	unsigned seed = 1;

	for (int round = 0; round < 2000; round++) {
		static const char alphabet[] = "<>&\"ab; lt;amp#";
		CLEANUP(buf_clear) struct buf html = BUF_MAX(1000);
		CLEANUP(buf_clear) struct buf back = BUF_MAX(1000);
		size_t bytes = (size_t)round % (sizeof(text) - 1);

		for (size_t i = 0; i < bytes; i++) {
			seed = seed * 1103515245U + 12345U;
			text[i] =
				alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
		}
		text[bytes] = '\0';
		html_put(&html, text, 99);
		html_put_plain(&back, buf_text(&html), 99);
		assert_string_equal(buf_text(&back), text);
	}
}

static void templates_are_ours_and_fields_are_data(void **state)
{
	(void)state;
	static const struct html_field fields[] = {
		{"name", "<b>&"}, {"long", "abcdef"}, {"empty", ""}, {0}};
	static const struct {
		const char *name, *text, *want;
	} rows[] = {
		{"tags of the template stay", "<b>{name}</b>",
		 "<b>&lt;b&gt;&amp;</b>"},
		{"fields are cut", "({long})", "(abcd\xE2\x80\xA6)"},
		{"an empty field is nothing", "({empty}{long})",
		 "(abcd\xE2\x80\xA6)"},
		{"a part of which a field is empty is left out",
		 "a[: {empty}], b", "a, b"},
		{"also when another field is not", "a[: {name}, {empty}]", "a"},
		{"a whole part stays", "a[: {name}], b",
		 "a: &lt;b&gt;&amp;, b"},
		{"a part that does not end is text", "a[: {name}",
		 "a[: &lt;b&gt;&amp;"},
		{"an empty line is left out", "a\nStore: {empty}\nb", "a\nb"},
		{"also the first and the last", "{empty}\na\n[({empty})]", "a"},
		{"one of which a field is not empty stays", "{empty}/{name}\na",
		 "/&lt;b&gt;&amp;\na"},
		{"lines without fields stay", "a\n\nb\n", "a\n\nb\n"},
		{"an unknown field stays", "{other} {name", "{other} {name"},
		{"a field in braces", "{{name}}", "{&lt;b&gt;&amp;}"},
		{"no field", "a } b", "a } b"},
		{"nothing", "", ""},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_clear) struct buf b = BUF_MAX(1000);

		html_render(&b, rows[i].text, fields, 4);
		if (strcmp(buf_text(&b), rows[i].want) != 0)
			fail_msg("%s: '%s'", rows[i].name, buf_text(&b));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_is_cut_and_escaped),
		cmocka_unit_test(a_reader_sees_no_markup),
		cmocka_unit_test(escaping_is_undone_by_reading),
		cmocka_unit_test(templates_are_ours_and_fields_are_data),
	};
	return cmocka_run_group_tests_name("html_out", tests, NULL, NULL);
}
