/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "codec/json/json_out.h"
#include "codec/json/json_words.h"

static const char *const list[] = {"state", "version", "line",
				   "sku",   "sluice",  NULL};

/* The same document, with words or without. */
static void write_document(struct buf *buf, const struct json_words *words)
{
	struct json_out out = json_out_to(buf);

	out.words = words;
	json_object(&out, NULL);
	json_put_text(&out, "state", "new\x02\x1f \"state\":");
	json_put_i64(&out, "unheard of", 7);
	json_array(&out, "lines");
	for (int i = 0; i < 3; i++) {
		json_object(&out, NULL);
		json_put_i64(&out, "line", i);
		json_put_text(&out, "sku", "1\n2");
		json_put_null(&out, "sluice");
		json_end(&out);
	}
	json_end(&out);
	json_put_text(&out, "version", "");
	json_end(&out);
	assert_int_equal(json_out_finish(&out, NULL), 0);
}

static void what_was_written_with_words_expands_to_the_same_bytes(void **state)
{
	CLEANUP(buf_clear) struct buf plain = BUF_MAX(10000);
	CLEANUP(buf_clear) struct buf brief = BUF_MAX(10000);
	CLEANUP(buf_clear) struct buf whole = BUF_MAX(10000);
	struct json_words words;

	(void)state;
	json_words_make(&words, list);
	write_document(&plain, NULL);
	write_document(&brief, &words);
	assert_true(brief.used_bytes < plain.used_bytes * 2 / 3);
	json_words_expand(&words, buf_text(&brief), brief.used_bytes, &whole);
	assert_string_equal(buf_text(&whole), buf_text(&plain));
}

static void a_text_without_words_is_its_own_expansion(void **state)
{
	CLEANUP(buf_clear) struct buf plain = BUF_MAX(10000);
	CLEANUP(buf_clear) struct buf whole = BUF_MAX(10000);
	struct json_words words;

	(void)state;
	json_words_make(&words, list);
	write_document(&plain, NULL);
	json_words_expand(&words, buf_text(&plain), plain.used_bytes, &whole);
	assert_string_equal(buf_text(&whole), buf_text(&plain));
}

static void each_word_has_the_byte_of_its_place(void **state)
{
	struct json_words words;

	(void)state;
	json_words_make(&words, list);
	for (int i = 0; list[i] != NULL; i++)
		assert_int_equal(json_words_byte(&words, list[i]), i + 1);
	assert_int_equal(json_words_byte(&words, "lines"), 0);
	assert_int_equal(json_words_byte(&words, "skew"), 0);
	assert_int_equal(json_words_byte(&words, ""), 0);
}

/* Words of a later version, which this one does not know, stay as they are. */
static void a_byte_that_is_no_word_stays(void **state)
{
	CLEANUP(buf_clear) struct buf whole = BUF_MAX(100);
	struct json_words words;

	(void)state;
	json_words_make(&words, list);
	json_words_expand(&words, "{\x1e}", 3, &whole);
	assert_string_equal(buf_text(&whole), "{\x1e}");
}

static void a_buffer_that_is_too_small_shows_it(void **state)
{
	CLEANUP(buf_clear) struct buf whole = BUF_MAX(5);
	struct json_words words;

	(void)state;
	json_words_make(&words, list);
	json_words_expand(&words, "{\x02}", 3, &whole);
	assert_true(buf_finish(&whole, NULL) < 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_was_written_with_words_expands_to_the_same_bytes),
		cmocka_unit_test(a_text_without_words_is_its_own_expansion),
		cmocka_unit_test(each_word_has_the_byte_of_its_place),
		cmocka_unit_test(a_byte_that_is_no_word_stays),
		cmocka_unit_test(a_buffer_that_is_too_small_shows_it),
	};

	return cmocka_run_group_tests_name("json_words", tests, NULL, NULL);
}
