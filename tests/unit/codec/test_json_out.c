/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "codec/json/json_doc.h"
#include "codec/json/json_out.h"

static void commas_and_nesting_are_put_by_the_writer(void **state)
{
	(void)state;
	CLEANUP(buf_clear) struct buf b = BUF_MAX(1000);
	struct json_out out = json_out_to(&b);

	json_object(&out, NULL);
	json_put_text(&out, "status", "ok");
	json_array(&out, "empty");
	json_end(&out);
	json_array(&out, "list");
	json_put_i64(&out, NULL, 1);
	json_object(&out, NULL);
	json_end(&out);
	json_object(&out, NULL);
	json_put_null(&out, "a");
	json_put_bool(&out, "b", true);
	json_end(&out);
	json_array(&out, NULL);
	json_put_bool(&out, NULL, false);
	json_put_text(&out, NULL, "x");
	json_end(&out);
	json_end(&out);
	json_put_raw(&out, "raw", "{\"r\":1}");
	json_put_text_or_null(&out, "t", "text");
	json_put_text_or_null(&out, "n", NULL);
	json_end(&out);
	assert_int_equal(json_out_finish(&out, NULL), 0);
	assert_string_equal(
		buf_text(&b),
		"{\"status\":\"ok\",\"empty\":[],\"list\":[1,{},{\"a\":null,"
		"\"b\":true},[false,\"x\"]],\"raw\":{\"r\":1},\"t\":\"text\","
		"\"n\":null}");
}

static void values_are_written_as_the_table_says(void **state)
{
	(void)state;
	CLEANUP(buf_clear) struct buf b = BUF_MAX(1000);
	struct json_out out = json_out_to(&b);

	json_array(&out, NULL);
	json_put_i64(&out, NULL, INT64_MIN);
	json_put_i64s(&out, (const int64_t[]){INT64_MAX, INT64_MIN, -1, 0}, 4);
	json_put_i64s(&out, (const int64_t[]){7}, 1);
	json_put_decimal(&out, NULL, 1500, 3);
	json_put_decimal(&out, NULL, 2000, 3);
	json_put_decimal(&out, NULL, -5, 3);
	json_put_decimal(&out, NULL, 0, 3);
	json_put_money(&out, NULL, 1250);
	json_put_money(&out, NULL, -5);
	json_put_money(&out, NULL, 0);
	json_put_time(&out, NULL, 1741932761007);
	json_put_time(&out, NULL, 1741932761000);
	json_put_time(&out, NULL, 0);
	json_end(&out);
	assert_int_equal(json_out_finish(&out, NULL), 0);
	assert_string_equal(
		buf_text(&b),
		"[-9223372036854775808,"
		"9223372036854775807,-9223372036854775808,-1,0,7,"
		"1.5,2,-0.005,0,"
		"\"12.50\",\"-0.05\",\"0.00\",\"2025-03-14T06:12:41.007Z\","
		"\"2025-03-14T06:12:41Z\",null]");
}

static void write_all_kinds(struct buf *b)
{
	char long_text[200];
	struct json_out out = json_out_to(b);

	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	json_object(&out, NULL);
	json_put_text(&out, "plain", "abc");
	json_put_text(&out, "name", "\xD0\xA1\xD1\x8B\xD1\x80 \"A\"\n");
	json_put_text(&out, "broken", "a\xFFz");
	json_put_text(&out, "long", long_text);
	json_put_i64(&out, "a \"key\"", -5);
	json_put_i64(&out, long_text, 5);
	json_put_null(&out, "none");
	json_put_decimal(&out, "decimal", -3000, 3);
	json_put_money(&out, "money", 1205);
	json_array(&out, "list");
	json_put_money(&out, NULL, 1);
	json_put_null(&out, NULL);
	json_put_text(&out, NULL, "");
	json_end(&out);
	json_end(&out);
	assert_int_equal(json_out_finish(&out, NULL), 0);
}

/* A value goes in one piece where there is room, else it makes room. */
static void a_buffer_with_room_gets_the_same_text(void **state)
{
	(void)state;
	CLEANUP(buf_clear) struct buf growing = BUF_MAX(2000);
	CLEANUP(buf_clear) struct buf roomy = BUF_MAX(2000);

	for (int i = 0; i < 1900; i++)
		buf_add_char(&roomy, ' ');
	buf_reset(&roomy);
	write_all_kinds(&growing);
	write_all_kinds(&roomy);
	assert_string_equal(buf_text(&roomy), buf_text(&growing));
	assert_non_null(
		strstr(buf_text(&roomy),
		       "\"name\":\"\xD0\xA1\xD1\x8B\xD1\x80 \\\"A\\\"\\n\","
		       "\"broken\":\"a\xEF\xBF\xBDz\","));
	assert_non_null(strstr(buf_text(&roomy), "\"a \\\"key\\\"\":-5,"));
	assert_non_null(strstr(buf_text(&roomy),
			       "\"decimal\":-3,\"money\":\"12.05\","
			       "\"list\":[\"0.01\",null,\"\"]}"));
}

static void texts_are_escaped_as_the_table_says(void **state)
{
	(void)state;
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"", "\"\""},
		{"plain/", "\"plain/\""},
		{"\"quoted\"", "\"\\\"quoted\\\"\""},
		{"back\\slash", "\"back\\\\slash\""},
		{"\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\""},
		{"\x01\x0B\x1F\x7F", "\"\\u0001\\u000b\\u001f\x7F\""},
		{"Заказ", "\"Заказ\""},
		{"\xF0\x9F\x98\x80\xE2\x82\xBD",
		 "\"\xF0\x9F\x98\x80\xE2\x82\xBD\""},
		{"a\xFF"
		 "b",
		 "\"a\xEF\xBF\xBD"
		 "b\""},
		{"\xD0", "\"\xEF\xBF\xBD\""},
		{"\xD0\x96\xD0", "\"\xD0\x96\xEF\xBF\xBD\""},
		{"\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
		{"\x80\"", "\"\xEF\xBF\xBD\\\"\""},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_clear) struct buf b = BUF_MAX(1000);
		CLEANUP(buf_clear) struct buf want = BUF_MAX(1000);
		struct json_out out = json_out_to(&b);

		json_object(&out, NULL);
		json_put_text(&out, rows[i].text, rows[i].text);
		json_end(&out);
		buf_printf(&want, "{%s:%s}", rows[i].want, rows[i].want);
		if (strcmp(buf_text(&b), buf_text(&want)) != 0)
			fail_msg("row %zu: %s", i, buf_text(&b));
	}
}

/* Every byte, alone and in pairs: always JSON, and valid UTF-8 comes back. */
static void every_text_becomes_json_that_reads_back(void **state)
{
	(void)state;
	for (int first = 1; first < 256; first++)
		for (int second = 0; second < 256; second++) {
			CLEANUP(buf_clear) struct buf b = BUF_MAX(1000);
			CLEANUP_JSON struct json *doc = NULL;
			struct json_out out = json_out_to(&b);
			struct err e = {0};
			const char text[] = {(char)first, (char)second, '\0'};

			json_put_text(&out, NULL, text);
			if (json_out_finish(&out, &e) < 0 ||
			    json_doc_parse(b.data, b.used_bytes, &doc, &e) < 0)
				fail_msg("%02x %02x: %s", (unsigned)first,
					 (unsigned)second, e.text);
			if (first < 0x80 && second < 0x80)
				assert_string_equal(json_text(doc), text);
		}
}

static void a_full_buffer_shows_at_the_end(void **state)
{
	(void)state;
	CLEANUP(buf_clear) struct buf b = BUF_MAX(8);
	struct json_out out = json_out_to(&b);
	struct err e = {0};

	json_array(&out, NULL);
	json_put_text(&out, NULL, "too long for it");
	json_end(&out);
	assert_int_equal(json_out_finish(&out, &e), ERR_NOMEM);
	assert_int_equal(e.code, ERR_NOMEM);
}

static void nest(struct json_out *out, int depth)
{
	for (int i = 0; i < depth; i++)
		json_array(out, NULL);
	for (int i = 0; i < depth; i++)
		json_end(out);
	(void)json_out_finish(out, NULL);
}

static void nest_to_the_limit(struct json_out *out)
{
	nest(out, JSON_OUT_DEPTH_MAX);
}

static void nest_too_deep(struct json_out *out)
{
	nest(out, JSON_OUT_DEPTH_MAX + 1);
}

static void leave_open(struct json_out *out)
{
	json_object(out, NULL);
	(void)json_out_finish(out, NULL);
}

static void close_twice(struct json_out *out)
{
	json_object(out, NULL);
	json_end(out);
	json_end(out);
}

static void forget_a_key(struct json_out *out)
{
	json_object(out, NULL);
	json_put_i64(out, NULL, 1);
}

static void name_an_element(struct json_out *out)
{
	json_array(out, NULL);
	json_put_i64(out, "key", 1);
}

static void write_two_documents(struct json_out *out)
{
	json_put_i64(out, NULL, 1);
	json_put_i64(out, NULL, 2);
}

static void write_nothing(struct json_out *out)
{
	(void)json_out_finish(out, NULL);
}

/* Whether a child that runs `write_json` is ended by an assertion. */
static bool dies_of(void (*write_json)(struct json_out *out))
{
	static const struct rlimit no_core;
	pid_t child = fork();
	int status = 0;

	assert_true(child >= 0);
	if (child == 0) {
		CLEANUP(buf_clear) struct buf b = BUF_MAX(1000);
		struct json_out out = json_out_to(&b);

		(void)setrlimit(RLIMIT_CORE, &no_core);
		(void)close(STDERR_FILENO);
		(void)signal(SIGABRT, SIG_DFL); /* cmocka's is not wanted */
		write_json(&out);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	/* A sanitizer may turn the signal into an exit status of its own. */
	return status != 0;
}

static void misuse_of_the_writer_is_our_own_bug(void **state)
{
	(void)state;
	static const struct {
		void (*write_json)(struct json_out *out);
		bool want;
	} rows[] = {
		{nest_to_the_limit, false},  {nest_too_deep, true},
		{leave_open, true},          {close_twice, true},
		{forget_a_key, true},        {name_an_element, true},
		{write_two_documents, true}, {write_nothing, true},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (dies_of(rows[i].write_json) != rows[i].want)
			fail_msg("row %zu", i);
}

static void keys_of_any_length_and_with_any_character_are_whole(void **state)
{
	char key[80];

	(void)state;
	for (size_t length = 1; length < sizeof(key) - 1; length++)
		for (int quoted = 0; quoted < 2; quoted++) {
			CLEANUP(buf_clear) struct buf b = BUF_MAX(1000);
			CLEANUP(buf_clear) struct buf want = BUF_MAX(1000);
			struct json_out out = json_out_to(&b);

			memset(key, 'k', length);
			key[length] = '\0';
			if (quoted)
				key[length - 1] = '"';
			json_object(&out, NULL);
			json_put_i64(&out, key, 1);
			json_put_i64(&out, key, 2);
			json_end(&out);
			buf_printf(&want, "{\"%.*s%s\":1,\"%.*s%s\":2}",
				   (int)length - quoted, key,
				   quoted ? "\\\"" : "", (int)length - quoted,
				   key, quoted ? "\\\"" : "");
			assert_string_equal(buf_text(&b), buf_text(&want));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			keys_of_any_length_and_with_any_character_are_whole),
		cmocka_unit_test(commas_and_nesting_are_put_by_the_writer),
		cmocka_unit_test(values_are_written_as_the_table_says),
		cmocka_unit_test(a_buffer_with_room_gets_the_same_text),
		cmocka_unit_test(texts_are_escaped_as_the_table_says),
		cmocka_unit_test(every_text_becomes_json_that_reads_back),
		cmocka_unit_test(a_full_buffer_shows_at_the_end),
		cmocka_unit_test(misuse_of_the_writer_is_our_own_bug),
	};
	return cmocka_run_group_tests_name("json_out", tests, NULL, NULL);
}
