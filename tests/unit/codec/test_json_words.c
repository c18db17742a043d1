/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/macros.h"
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

/* Of any length, words beside each other, bytes of UTF-8, bytes that are no
 * words: all of it is what each byte is by itself. */
static void any_text_expands_byte_by_byte(void **state)
{
	struct json_words words;
	unsigned seed = 7;

	(void)state;
	json_words_make(&words, list);
	for (int round = 0; round < 2000; round++) {
		CLEANUP(buf_clear) struct buf text = BUF_MAX(100);
		CLEANUP(buf_clear) struct buf want = BUF_MAX(10000);
		CLEANUP(buf_clear) struct buf whole = BUF_MAX(10000);

		for (int i = round % 67; i > 0; i--) {
			seed = seed * 1103515245 + 12345;
			/* Every other time a text with many words. */
			buf_add_char(&text, (char)(seed / 65536 %
						   (round % 2 ? 256 : 64)));
		}
		for (size_t i = 0; i < text.used_bytes; i++) {
			unsigned char c = (unsigned char)text.data[i];

			if (c > 0 && c < COUNT_OF(list))
				buf_printf(&want, "\"%s\":", list[c - 1]);
			else
				buf_add_char(&want, (char)c);
		}
		json_words_expand(&words, buf_text(&text), text.used_bytes,
				  &whole);
		assert_int_equal(whole.used_bytes, want.used_bytes);
		assert_memory_equal(buf_text(&whole), buf_text(&want),
				    want.used_bytes);
	}
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
		cmocka_unit_test(any_text_expands_byte_by_byte),
		cmocka_unit_test(a_buffer_that_is_too_small_shows_it),
	};

	return cmocka_run_group_tests_name("json_words", tests, NULL, NULL);
}
