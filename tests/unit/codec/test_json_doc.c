/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "codec/json/json_doc.h"

static struct json *parse(const char *text)
{
	struct json *doc = NULL;
	struct err e = {0};

	if (json_doc_parse(text, strlen(text), &doc, &e) < 0)
		fail_msg("%s: %s", text, e.text);
	return doc;
}

static void values_keep_their_kind_and_their_text(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum json_kind want;
		const char *want_text;
	} rows[] = {
		{"820982911946154508", JSON_NUMBER, "820982911946154508"},
		{"9007199254740991", JSON_NUMBER, "9007199254740991"},
		{"19.990", JSON_NUMBER, "19.990"},
		{"-1.5e-3", JSON_NUMBER, "-1.5e-3"},
		{"0", JSON_NUMBER, "0"},
		{"-0", JSON_NUMBER, "-0"},
		{"1e999", JSON_NUMBER, "1e999"},
		{"\"12\"", JSON_STRING, "12"},
		{"\"-1.5\"", JSON_STRING, "-1.5"},
		{"\"\"", JSON_STRING, ""},
		{"\"a 12 b\"", JSON_STRING, "a 12 b"},
		{"\"q\\\"7,8\\\\\"", JSON_STRING, "q\"7,8\\"},
		/* what a mark of numbers might be mistaken for */
		{"\"\\u0001\\u00ff1\"", JSON_STRING,
		 "\x01\xC3\xBF"
		 "1"},
		{"\"\\u00ff1\"", JSON_STRING,
		 "\xC3\xBF"
		 "1"},
		{"\"\\ud83d\\ude00 \\u0416\\/\"", JSON_STRING,
		 "\xF0\x9F\x98\x80 \xD0\x96/"},
		{"true", JSON_BOOL, "true"},
		{"false", JSON_BOOL, "false"},
		{"null", JSON_NULL, NULL},
		{"{}", JSON_OBJECT, NULL},
		{"[]", JSON_ARRAY, NULL},
		{" [ 1 ] ", JSON_ARRAY, NULL},
		{"{\"a\":1}", JSON_OBJECT, NULL},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_clear) struct buf inside = BUF_MAX(200);
		CLEANUP_JSON struct json *doc = parse(rows[i].text);
		CLEANUP_JSON struct json *object = NULL;
		const struct json *values[2] = {doc, NULL};

		/* The same inside of an object, with neighbours. */
		buf_printf(&inside, "[0,{\"1\":%s,\"2\":3},4]", rows[i].text);
		object = parse(buf_text(&inside));
		values[1] = json_get(json_next(json_first(object)), "1");
		for (size_t k = 0; k < COUNT_OF(values); k++) {
			const char *text = json_text(values[k]);

			if (json_kind(values[k]) != rows[i].want ||
			    (text == NULL) != (rows[i].want_text == NULL) ||
			    (text != NULL &&
			     strcmp(text, rows[i].want_text) != 0))
				fail_msg("row %zu %s: kind %d '%s'", i,
					 rows[i].text,
					 (int)json_kind(values[k]),
					 text != NULL ? text : "NULL");
		}
		assert_string_equal(
			json_text(json_next(json_next(json_first(object)))),
			"4");
	}
}

static void what_the_scan_refuses_is_refused(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"",
		"{\"v\":007}",
		"{\"v\":1.}",
		"{\"v\":1}{}",
		"{\"v\":1} x",
		"{\"v\":1,\"v\":2}",
		"{\"v\":1,\"\\u0076\":2}",
		"{\"v\":\"a\\u0000b\"}",
		"{\"v\":\"a\nb\"}",
		"{1:\"v\"}",
		"[\xFF\x31]",
		"[\"\xFF\x31\"]",
		"\xEF\xBB\xBF{}",
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct json *doc = NULL;
		struct err e = {0};
		int rc = json_doc_parse(rows[i], strlen(rows[i]), &doc, &e);

		if (rc != ERR_INVALID || doc != NULL ||
		    strncmp(e.text, "JSON", 4) != 0)
			fail_msg("row %zu %s: %s (%s)", i, rows[i],
				 err_name(rc), e.text);
	}
	assert_int_equal(json_doc_parse("1\0", 2, &(struct json *){NULL}, NULL),
			 ERR_INVALID);
}

/* Every number doubles in size: the buffer must hold that. */
static void a_text_of_many_numbers_fits(void **state)
{
	(void)state;
	CLEANUP(buf_clear) struct buf b = BUF_MAX(100000);
	CLEANUP_JSON struct json *doc = NULL;
	size_t n = 0;

	buf_add_char(&b, '[');
	for (int i = 0; i < 20000; i++)
		buf_printf(&b, "%s%d", i > 0 ? "," : "", i % 10);
	buf_add_char(&b, ']');
	doc = parse(buf_text(&b));
	for (const struct json *v = json_first(doc); v != NULL;
	     v = json_next(v), n++)
		assert_int_equal(json_text(v)[0], '0' + n % 10);
	assert_int_equal(n, 20000);
	assert_int_equal(json_count(doc), 20000);
}

static const char order[] =
	"{\"id\":\"H1\",\"ID\":\"other\",\"empty\":\"\",\"none\":null,"
	"\"delivery\":{\"expectedFrom\":\"2025-03-14T12:00:00+03:00\","
	"\"deep\":{\"er\":7}},\"positions\":[{\"id\":\"1\"},{\"id\":2}],"
	"\"k\\u0065y\":\"esc\",\"a.b\":1,\"\":\"nameless\"}";

/* Its tree is larger than what is taken for it first, and so are single texts
 * of it; another document beside it has a tree of its own. */
static void a_tree_of_many_blocks_is_whole(void **state)
{
	(void)state;
	enum {
		VALUES = 3000,
		LONG_BYTES = 200000
	};
	CLEANUP(buf_clear) struct buf text = BUF_MAX(1000000);
	CLEANUP_JSON struct json *doc = NULL;
	CLEANUP_JSON struct json *other = parse("{\"other\":1}");
	const struct json *value;
	char want[32];

	buf_add_text(&text, "[\"");
	for (int i = 0; i < LONG_BYTES; i++)
		buf_add_char(&text, 'x');
	buf_add_text(&text, "\"");
	for (int i = 0; i < VALUES; i++)
		buf_printf(&text, ",{\"id\":%d,\"name\":\"n%d\"}", i, i);
	buf_add_text(&text, "]");
	doc = parse(buf_text(&text));
	value = json_first(doc);
	assert_int_equal(strlen(json_text(value)), LONG_BYTES);
	for (int i = 0; i < VALUES; i++) {
		value = json_next(value);
		(void)snprintf(want, sizeof(want), "n%d", i);
		assert_string_equal(json_get_text(value, "name"), want);
		assert_string_equal(json_get_text(value, "id"), want + 1);
	}
	assert_null(json_next(value));
	assert_string_equal(json_get_text(other, "other"), "1");
}

static void members_are_found_by_key_and_by_path(void **state)
{
	(void)state;
	static const struct {
		const char *path, *want; /* NULL: not there */
	} rows[] = {
		{"id", "H1"},
		{"ID", "other"},
		{"iD", NULL},
		{"i", NULL},
		{"idd", NULL},
		{"key", "esc"},
		{"", "nameless"},
		{"delivery.expectedFrom", "2025-03-14T12:00:00+03:00"},
		{"delivery.deep.er", "7"},
		{"delivery.deep.er.x", NULL},
		{"delivery.missing.er", NULL},
		{"delivery.", NULL},
		{"id.x", NULL},
		{"positions.id", NULL},
		{"none.x", NULL},
		{".", NULL},
	};
	CLEANUP_JSON struct json *doc = parse(order);

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *got = json_text(json_get_path(doc, rows[i].path));

		if ((got == NULL) != (rows[i].want == NULL) ||
		    (got != NULL && strcmp(got, rows[i].want) != 0))
			fail_msg("row %zu %s: %s", i, rows[i].path,
				 got != NULL ? got : "NULL");
	}
	assert_string_equal(json_get_text(doc, "a.b"), "1");
	assert_string_equal(json_get_text(doc, "none"), "");
	assert_string_equal(json_get_text(doc, "missing"), "");
	assert_string_equal(json_get_text(doc, "delivery"), "");
}

static void containers_are_walked_in_order(void **state)
{
	(void)state;
	static const char *const keys[] = {"id",   "ID",       "empty",
					   "none", "delivery", "positions",
					   "key",  "a.b",      ""};
	CLEANUP_JSON struct json *doc = parse(order);
	const struct json *positions = json_get(doc, "positions");
	size_t n = 0;

	for (const struct json *v = json_first(doc); v != NULL;
	     v = json_next(v), n++) {
		assert_in_range(n, 0, COUNT_OF(keys) - 1);
		assert_string_equal(json_key(v), keys[n]);
	}
	assert_int_equal(n, COUNT_OF(keys));
	assert_int_equal(json_count(doc), COUNT_OF(keys));
	assert_int_equal(json_count(positions), 2);
	assert_null(json_key(json_first(positions)));
	assert_null(json_key(doc));
	assert_string_equal(json_get_text(json_first(positions), "id"), "1");
	assert_null(json_next(json_next(json_first(positions))));
	assert_null(json_first(json_get(doc, "id")));
	assert_int_equal(json_count(json_get(doc, "id")), 0);
}

static void nothing_is_an_answer_everywhere(void **state)
{
	(void)state;
	int64_t value = 42;

	assert_int_equal(json_kind(NULL), JSON_NONE);
	assert_null(json_get(NULL, "a"));
	assert_null(json_get_path(NULL, "a.b"));
	assert_null(json_first(NULL));
	assert_null(json_next(NULL));
	assert_int_equal(json_count(NULL), 0);
	assert_null(json_key(NULL));
	assert_null(json_text(NULL));
	assert_string_equal(json_get_text(NULL, "a"), "");
	assert_int_equal(json_get_decimal(NULL, "a", 2, &value, NULL), 0);
	assert_int_equal(value, 42);
	assert_true(json_get_bool(NULL, "a", true));
	json_doc_free(NULL);
}

static void numbers_are_read_from_numbers_and_from_strings(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int want_rc;
		int64_t want;
	} rows[] = {
		{"12.5", 1, 1250},
		{"\"12.50\"", 1, 1250},
		{"1.25e1", 1, 1250},
		{"0.30000000000000004", 1, 30},
		{"-19.995", 1, -2000},
		{"0", 1, 0},
		{"null", 0, 42},
		{"\"\"", 0, 42},
		{"\" \"", ERR_INVALID, 42},
		{"\"x\"", ERR_INVALID, 42},
		{"\"1,5\"", ERR_INVALID, 42},
		{"true", ERR_INVALID, 42},
		{"{}", ERR_INVALID, 42},
		{"[1]", ERR_INVALID, 42},
		{"1e30", ERR_INVALID, 42},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_clear) struct buf b = BUF_MAX(200);
		CLEANUP_JSON struct json *doc = NULL;
		struct err e = {0};
		int64_t got = 42;
		int rc;

		buf_printf(&b, "{\"price\":%s}", rows[i].text);
		doc = parse(buf_text(&b));
		rc = json_get_decimal(doc, "price", 2, &got, &e);
		if (rc != rows[i].want_rc || got != rows[i].want ||
		    (rc < 0 && strncmp(e.text, "price: ", 7) != 0))
			fail_msg("row %zu %s: %d, %" PRId64 " (%s)", i,
				 rows[i].text, rc, got, e.text);
		assert_int_equal(json_get_decimal(doc, "other", 2, &got, &e),
				 0);
	}
}

static void truth_has_several_spellings(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int want; /* -1: as for missing */
	} rows[] = {
		{"true", 1},  {"false", 0}, {"\"true\"", 1},  {"\"false\"", 0},
		{"1", 1},     {"0", 0},     {"\"1\"", 1},     {"\"0\"", 0},
		{"2", -1},    {"1.0", -1},  {"\"TRUE\"", -1}, {"\"yes\"", -1},
		{"\"\"", -1}, {"null", -1}, {"{}", -1},       {"[true]", -1},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (int missing = 0; missing <= 1; missing++) {
			CLEANUP(buf_clear) struct buf b = BUF_MAX(200);
			CLEANUP_JSON struct json *doc = NULL;
			int want = rows[i].want < 0 ? missing : rows[i].want;

			buf_printf(&b, "{\"v\":%s}", rows[i].text);
			doc = parse(buf_text(&b));
			if (json_get_bool(doc, "v", missing != 0) != want)
				fail_msg("row %zu %s", i, rows[i].text);
		}
}

static void the_deepest_document_is_built(void **state)
{
	(void)state;
	CLEANUP(buf_clear) struct buf b = BUF_MAX(1000);
	CLEANUP_JSON struct json *doc = NULL;
	const struct json *v;
	int depth = 0;

	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		buf_add_char(&b, '[');
	buf_add_text(&b, "7");
	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		buf_add_char(&b, ']');
	doc = parse(buf_text(&b));
	for (v = doc; json_kind(v) == JSON_ARRAY; v = json_first(v))
		depth++;
	assert_int_equal(depth, JSON_DEPTH_MAX);
	assert_string_equal(json_text(v), "7");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_keep_their_kind_and_their_text),
		cmocka_unit_test(what_the_scan_refuses_is_refused),
		cmocka_unit_test(a_text_of_many_numbers_fits),
		cmocka_unit_test(a_tree_of_many_blocks_is_whole),
		cmocka_unit_test(members_are_found_by_key_and_by_path),
		cmocka_unit_test(containers_are_walked_in_order),
		cmocka_unit_test(nothing_is_an_answer_everywhere),
		cmocka_unit_test(
			numbers_are_read_from_numbers_and_from_strings),
		cmocka_unit_test(truth_has_several_spellings),
		cmocka_unit_test(the_deepest_document_is_built),
	};
	return cmocka_run_group_tests_name("json_doc", tests, NULL, NULL);
}
