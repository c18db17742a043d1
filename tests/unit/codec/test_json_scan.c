/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "codec/json/json_scan.h"
#include "json_reference.h"

/* Scan a copy of exactly that size, so that a sanitizer sees a read past it. */
static int scan_copy(const char *data, size_t bytes, struct json_pick *picks,
		     size_t count, enum json_kind *ret_root, struct err *e)
{
	CLEANUP_FREE char *copy = malloc(bytes + 1);

	assert_non_null(copy);
	memcpy(copy + 1, data, bytes);
	return json_scan(copy + 1, bytes, picks, count, ret_root, e);
}

static int scan_text(const char *text, struct err *e)
{
	return scan_copy(text, strlen(text), NULL, 0, NULL, e);
}

static void documents_of_rfc_8259_are_taken(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum json_kind want;
	} rows[] = {
		{"{}", JSON_OBJECT},
		{"[]", JSON_ARRAY},
		{" \t\r\n{ \t\r\n} \t\r\n", JSON_OBJECT},
		{"[ ]", JSON_ARRAY},
		{"\"\"", JSON_STRING},
		{"0", JSON_NUMBER},
		{"-0", JSON_NUMBER},
		{"0.0", JSON_NUMBER},
		{"-0.5e-007", JSON_NUMBER},
		{"1E+400", JSON_NUMBER},
		{"123456789012345678901234567890", JSON_NUMBER},
		{"true", JSON_BOOL},
		{"false ", JSON_BOOL},
		{"null", JSON_NULL},
		{"[1,true,false,null,\"a\",{},[]]", JSON_ARRAY},
		{"{\"a\":{\"a\":{\"a\":1}}}", JSON_OBJECT},
		{"{\"\":1,\" \":2}", JSON_OBJECT},
		{"[{\"a\":1},{\"a\":1}]", JSON_ARRAY},
		{"{\"\\u0061 key of 17 bytes A\":1,\"a key of 17 bytes B\":2,"
		 "\"\\u0061 key of 17 bytes \":3,\"a key of 17 byte\":4}",
		 JSON_OBJECT},
		{"{\"a\":1,\"A\":2,\"a \":3,\"\\u0061\\u0061\":4}",
		 JSON_OBJECT},
		{"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", JSON_STRING},
		{"\"\\u0001\\u001f\\u00e9\\u20AC\\uFFFF\"", JSON_STRING},
		{"\"\\uD83D\\uDE00\\udbff\\udfff\"", JSON_STRING},
		{"\"\x7F Заказ \xE2\x82\xBD \xF0\x9F\x98\x80\"", JSON_STRING},
		{"\"aaaaaaa\\\"bbbbbbbb\\\\cccccccc\"", JSON_STRING},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct err e = {0};
		enum json_kind root = JSON_NONE;
		int rc = scan_copy(rows[i].text, strlen(rows[i].text), NULL, 0,
				   &root, &e);

		if (rc != 0 || root != rows[i].want)
			fail_msg("row %zu %s: kind %d, %s", i, rows[i].text,
				 (int)root, e.text);
		assert_true(json_reference_takes(rows[i].text,
						 strlen(rows[i].text)));
	}
}

static const struct {
	const char *text;
	int want_at; /* -1: the text has no place to name */
	const char *want_why;
} refused_rows[] = {
	{"", -1, "empty"},
	{"  ", 2, "value"},
	{"\xEF\xBB\xBF{}", 0, "value"}, /* a byte order mark */
	{"nul", 0, "value"},
	{"nulll", 4, "after the document"},
	{"True", 0, "value"},
	{"tru3", 0, "value"},
	{"NaN", 0, "value"},
	{"Infinity", 0, "value"},
	{"-Infinity", 1, "digit"},
	{"'a'", 0, "value"},
	{"{}{}", 2, "after the document"},
	{"{} x", 3, "after the document"},
	{"1 2", 2, "after the document"},
	{"// c\n1", 0, "value"},
	{"007", 0, "begins with 0"},
	{"-01", 0, "begins with 0"},
	{"1.", 2, "digit"},
	{"[1.]", 3, "digit"},
	{".5", 0, "value"},
	{"+1", 0, "value"},
	{"-", 1, "digit"},
	{"1e", 2, "digit"},
	{"1e+", 3, "digit"},
	{"1.e1", 2, "digit"},
	{"0x10", 1, "after the document"},
	{"1_000", 1, "after the document"},
	{"[", 1, "value"},
	{"]", 0, "value"},
	{"[1", 2, "',' or ']'"},
	{"[1 2]", 3, "',' or ']'"},
	{"[1,]", 3, "value"},
	{"[,1]", 1, "value"},
	{"[1}", 2, "',' or ']'"},
	{"{", 1, "key"},
	{"{,}", 1, "key"},
	{"{1:2}", 1, "key"},
	{"{a:1}", 1, "key"},
	{"{\"a\"}", 4, "':'"},
	{"{\"a\" 1}", 5, "':'"},
	{"{\"a\":}", 5, "value"},
	{"{\"a\":1", 6, "',' or '}'"},
	{"{\"a\":1]", 6, "',' or '}'"},
	{"{\"a\":1,}", 7, "key"},
	{"{\"a\":1 \"b\":2}", 7, "',' or '}'"},
	{"{\"a\":1,\"a\":2}", 8, "twice"},
	{"{\"a\":1,\"\\u0061\":2}", 8, "twice"},
	{"{\"\":1,\"b\":{},\"\":2}", 14, "twice"},
	{"{\"b\":{\"a\":1,\"c\":2,\"a\":3}}", 19, "twice"},
	{"{\"a key of 17 bytes A\":1,\"\\u0061 key of 17 bytes "
	 "\\u0041\":2}",
	 26, "twice"},
	{"[{\"x\\/y\":1,\"x\\u002Fy\":1}]", 12, "twice"},
	{"{\"\xD0\x96\":1,\"\\u0416\":1}", 9, "twice"},
	{"{\"\xF0\x9F\x98\x80\":1,\"\\ud83d\\ude00\":1}", 11, "twice"},
	{"\"", 0, "not closed"},
	{"\"abc", 0, "not closed"},
	{"[\"abcdefghijkl", 1, "not closed"},
	{"\"a\\\"", 0, "not closed"},
	{"\"a\nb\"", 2, "control"},
	{"\"abcdefgh\x1Fijklmnop\"", 9, "control"},
	{"\"\\\"", 0, "not closed"},
	{"\"\\x41\"", 1, "escape"},
	{"\"\\'\"", 1, "escape"},
	{"\"\\U0041\"", 1, "escape"},
	{"\"\\u004\"", 1, "escape"},
	{"\"\\u00g1\"", 1, "escape"},
	{"\"\\u 041\"", 1, "escape"},
	{"\"\\", 1, "escape"},
	{"\"\\u00", 1, "escape"},
	{"\"a\\u0000b\"", 2, "NUL"},
	{"\"\\ud83d\"", 1, "surrogate"},
	{"\"\\ud83dx\"", 1, "surrogate"},
	{"\"\\ud83d\\n\"", 1, "surrogate"},
	{"\"\\ud83d\\u0041\"", 1, "surrogate"},
	{"\"\\ud83d\\ud83d\\ude00\"", 1, "surrogate"},
	{"\"\\ude00\\ud83d\"", 1, "surrogate"},
	{"\"\\ud83d\\ude0\"", 1, "surrogate"},
	{"\"ab\xFFz\"", 3, "UTF-8"},
	{"\"\xD0\"", 1, "UTF-8"},
	{"\"Ж\xD0\"", 3, "UTF-8"},
	{"\"\x80\"", 1, "UTF-8"},
	{"\"\xC0\xAF\"", 1, "UTF-8"},
	{"\"\xED\xA0\xBD\"", 1, "UTF-8"},
	{"\"\xF4\x90\x80\x80\"", 1, "UTF-8"},
	{"\"\xE2\x82", 1, "UTF-8"},
	{"{\"\xFF\":1}", 2, "UTF-8"},
	{"\xC2\xA0", 0, "value"}, /* no-break space */
	{"[\f]", 1, "value"},
};

static void anything_else_is_refused_where_it_is_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(refused_rows); i++) {
		struct err e = {0};
		char want[64] = "JSON";
		int rc = scan_text(refused_rows[i].text, &e);

		if (refused_rows[i].want_at >= 0)
			(void)snprintf(want, sizeof(want), "JSON at byte %d: ",
				       refused_rows[i].want_at);
		if (rc != ERR_INVALID || e.code != ERR_INVALID ||
		    strncmp(e.text, want, strlen(want)) != 0 ||
		    strstr(e.text, refused_rows[i].want_why) == NULL)
			fail_msg("row %zu %s: %s (%s)", i, refused_rows[i].text,
				 err_name(rc), e.text);
		assert_false(json_reference_takes(
			refused_rows[i].text, strlen(refused_rows[i].text)));
	}
}

static void a_nul_byte_is_refused_everywhere(void **state)
{
	(void)state;
	static const char text[] = " { \"key\" : [ 1 , \"value\" ] } ";
	char copy[sizeof(text) + 1];

	for (size_t at = 0; at < sizeof(text); at++) {
		memcpy(copy, text, at);
		copy[at] = '\0';
		memcpy(copy + at + 1, text + at, sizeof(text) - at);
		if (scan_copy(copy, sizeof(text), NULL, 0, NULL, NULL) !=
		    ERR_INVALID)
			fail_msg("NUL at %zu", at);
	}
}

static void depth_ends_at_64(void **state)
{
	(void)state;
	static const struct {
		const char *open, *inside, *close;
	} rows[] = {{"[", "", "]"}, {"[", "1", "]"}, {"{\"a\":", "{}", "}"}};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (int depth = 60; depth <= 70; depth++) {
			CLEANUP(buf_clear) struct buf b = BUF_MAX(1000);
			int total = depth + (rows[i].inside[0] == '{');
			int want = total <= JSON_DEPTH_MAX ? 0 : ERR_INVALID;

			for (int k = 0; k < depth; k++)
				buf_add_text(&b, rows[i].open);
			buf_add_text(&b, rows[i].inside);
			for (int k = 0; k < depth; k++)
				buf_add_text(&b, rows[i].close);
			if (scan_text(buf_text(&b), NULL) != want ||
			    json_reference_takes(b.data, b.used_bytes) !=
				    (want == 0))
				fail_msg("row %zu, depth %d", i, total);
		}
}

static void picks_are_found_by_their_path(void **state)
{
	(void)state;
	static const char text[] =
		" {\"event_type\":\"order.created\",\"payload\":{\"n\":-1.50e2,"
		"\"b\":true,\"f\":false,\"z\":null,\"list\":[{\"n\":1}],"
		"\"deep\":{\"er\":{\"est\":\"x\\u00e9\\ud83d\\ude00\\n\"}},"
		"\"event_type\":\"other\",\"a.b\":\"dotted\",\"\":\"empty\"},"
		"\"n\":1,\"payload.n\":2,\"pay\":3,\"k\\u0065y\":\"esc\"} ";
	static const struct {
		const char *path;
		enum json_kind kind;
		const char *text;
	} rows[] = {
		{"event_type", JSON_STRING, "order.created"},
		{"payload", JSON_OBJECT, ""},
		{"payload.n", JSON_NUMBER, "-1.50e2"},
		{"payload.b", JSON_BOOL, "true"},
		{"payload.f", JSON_BOOL, "false"},
		{"payload.z", JSON_NULL, ""},
		{"payload.list", JSON_ARRAY, ""},
		{"payload.list.n", JSON_NONE, ""},
		{"payload.deep.er.est", JSON_STRING,
		 "x\xC3\xA9\xF0\x9F\x98\x80\n"},
		{"payload.deep.er", JSON_OBJECT, ""},
		{"payload.deep.er.est.x", JSON_NONE, ""},
		{"payload.event_type", JSON_STRING, "other"},
		{"payload.a.b", JSON_NONE, ""},
		{"payload.", JSON_STRING, "empty"},
		{"payload.missing", JSON_NONE, ""},
		{"n", JSON_NUMBER, "1"},
		{"pay", JSON_NUMBER, "3"},
		{"payloa", JSON_NONE, ""},
		{"key", JSON_STRING, "esc"},
		{"n", JSON_NUMBER, "1"}, /* twice the same */
		{"event_type.x", JSON_NONE, ""},
	};
	struct json_pick picks[COUNT_OF(rows)];
	enum json_kind root = JSON_NONE;

	memset(picks, 'x', sizeof(picks));
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		picks[i].path = rows[i].path;
	assert_int_equal(scan_copy(text, strlen(text), picks, COUNT_OF(picks),
				   &root, NULL),
			 0);
	assert_int_equal(root, JSON_OBJECT);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (picks[i].kind != rows[i].kind ||
		    strcmp(picks[i].text, rows[i].text) != 0)
			fail_msg("row %zu %s: kind %d '%s'", i, rows[i].path,
				 (int)picks[i].kind, picks[i].text);
}

static void nothing_is_picked_from_a_text_that_is_refused(void **state)
{
	(void)state;
	struct json_pick picks[JSON_PICKS_MAX];

	for (size_t i = 0; i < COUNT_OF(picks); i++)
		picks[i].path = "a";
	assert_int_equal(json_scan("{\"a\":\"b\"}", 9, picks, JSON_PICKS_MAX,
				   NULL, NULL),
			 0);
	for (size_t i = 0; i < COUNT_OF(picks); i++)
		assert_string_equal(picks[i].text, "b");
	assert_int_equal(json_scan("{\"a\":\"b\"]", 9, picks, JSON_PICKS_MAX,
				   NULL, NULL),
			 ERR_INVALID);
	for (size_t i = 0; i < COUNT_OF(picks); i++) {
		assert_int_equal(picks[i].kind, JSON_NONE);
		assert_string_equal(picks[i].text, "");
	}
	assert_int_equal(json_scan("\"a\"", 3, picks, 1, NULL, NULL), 0);
	assert_int_equal(picks[0].kind, JSON_NONE);
	assert_int_equal(json_scan("[{\"a\":1}]", 9, picks, 1, NULL, NULL), 0);
	assert_int_equal(picks[0].kind, JSON_NONE);
}

static void a_picked_text_of_1023_bytes_fits_and_1024_do_not(void **state)
{
	(void)state;
	static const struct {
		const char *before, *unit, *after;
		size_t unit_bytes;
	} rows[] = {
		{"{\"a\":\"", "x", "\"}", 1},
		{"{\"a\":\"", "\\u0416", "x\"}", 2},
		{"{\"a\":1", "0", "}", 1},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (size_t bytes = JSON_PICK_BYTES_MAX - 6;
		     bytes <= JSON_PICK_BYTES_MAX + 4; bytes++) {
			CLEANUP(buf_clear) struct buf b = BUF_MAX(8000);
			struct json_pick pick = {.path = "a"};
			struct json_pick other = {.path = "b"};
			size_t extra = i > 0; /* the x, or the leading 1 */
			size_t units = (bytes - extra) / rows[i].unit_bytes;
			size_t total = units * rows[i].unit_bytes + extra;
			int rc;

			buf_add_text(&b, rows[i].before);
			for (size_t k = 0; k < units; k++)
				buf_add_text(&b, rows[i].unit);
			buf_add_text(&b, rows[i].after);
			rc = json_scan(b.data, b.used_bytes, &pick, 1, NULL,
				       NULL);
			if (rc != (total < JSON_PICK_BYTES_MAX ? 0
							       : ERR_INVALID) ||
			    strlen(pick.text) != (rc == 0 ? total : 0))
				fail_msg("row %zu, %zu bytes: %s", i, total,
					 err_name(rc));
			/* Only the length of what is picked counts. */
			assert_int_equal(json_scan(b.data, b.used_bytes, &other,
						   1, NULL, NULL),
					 0);
		}
}

static void a_text_past_the_limit_is_refused_unread(void **state)
{
	(void)state;
	struct err e = {0};

	/* one byte is there, the rest is claimed */
	assert_int_equal(
		json_scan("1", (size_t)JSON_BYTES_MAX + 1, NULL, 0, NULL, &e),
		ERR_INVALID);
	assert_non_null(strstr(e.text, "longer"));
	assert_int_equal(json_scan(NULL, 0, NULL, 0, NULL, &e), ERR_INVALID);
}

static const char order_seed[] =
	"{\"event_type\":\"order.created\",\"payload\":{\"storeID\":\"1207\","
	"\"positions\":[{\"id\":\"1\",\"quantity\":2.50,\"price\":\"89.90\"},"
	"{\"id\":\"2\",\"quantity\":-1e-3,\"price\":null}],\"ok\":true}}";

static const char *const seeds[] = {
	order_seed,
	"[\"\\ud83d\\ude00\\u0416\\n\\\"\",\"abcdefghijklmnop\"]",
	"[\"Бананы незелёные \xE2\x82\xBD\",\"\xF0\x9F\x98\x80 end\"]",
	"{\"a\":1,\"b\":2,\"\\u0063\":3,\"d\":{\"a\":[],\"b\":{}}}",
	" [ 0 , -0.0 , 1e5 , 12345.678E+9 , false , null ] ",
	"{\"a\":{\"a\":{\"a\":{\"aa\":1,\"ab\":2,\"aaa\":3,\"\":4}}}}",
};

static uint64_t random_state = 20251122;

static size_t random_below(size_t limit)
{
	random_state =
		random_state * 6364136223846793005U + 1442695040888963407U;
	return (size_t)(random_state >> 33) % limit;
}

/* One small damage: a byte changed, left out, put in, or a piece repeated. */
static size_t mutate(char *text, size_t bytes, size_t room)
{
	static const char alphabet[] =
		"{}[]:,\"\\ \n\t0123456789-+.eEtrufalsn/b\x01\x1F\x7F\x80\xBF"
		"\xC2\xD0\xE2\xED\xA0\xF0\xF4\xFF";
	size_t at = random_below(bytes);
	char c = alphabet[random_below(sizeof(alphabet))]; /* NUL too */
	size_t piece;

	switch (random_below(4)) {
	case 0:
		text[at] = c;
		return bytes;
	case 1:
		memmove(text + at, text + at + 1, bytes - at - 1);
		return MAX_OF(bytes - 1, 1);
	case 2:
		piece = 1;
		break;
	default:
		piece = 1 + random_below(bytes - at);
		break;
	}
	if (bytes + piece > room)
		return bytes;
	memmove(text + at + piece, text + at, bytes - at);
	if (piece == 1)
		text[at] = c;
	return bytes + piece;
}

static void damaged_texts_are_judged_as_by_the_reference(void **state)
{
	(void)state;
	char text[2048];
	size_t taken = 0;
	const size_t rounds = 150000;

	for (size_t round = 0; round < rounds; round++) {
		const char *seed = seeds[round % COUNT_OF(seeds)];
		size_t bytes = strlen(seed);
		size_t damages = random_below(4);
		struct err e = {0};
		bool want;
		int rc;

		memcpy(text, seed, bytes + 1);
		for (size_t i = 0; i < damages; i++)
			bytes = mutate(text, bytes, sizeof(text));
		want = json_reference_takes(text, bytes);
		rc = scan_copy(text, bytes, NULL, 0, NULL, &e);
		if (rc != (want ? 0 : ERR_INVALID))
			fail_msg("round %zu: %s (%s): %.*s", round,
				 err_name(rc), e.text, (int)bytes, text);
		taken += want;
	}
	/* Both verdicts must have been common, or this has tested nothing. */
	assert_in_range(taken, rounds / 10, rounds - rounds / 10);
}

static void every_beginning_of_a_document_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(seeds); i++) {
		size_t bytes = strcspn(seeds[i], "");

		if (seeds[i][bytes - 1] == ' ')
			bytes--;
		assert_int_equal(
			scan_copy(seeds[i], bytes, NULL, 0, NULL, NULL), 0);
		while (--bytes > 0)
			if (scan_copy(seeds[i], bytes, NULL, 0, NULL, NULL) !=
			    ERR_INVALID)
				fail_msg("%.*s", (int)bytes, seeds[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_of_rfc_8259_are_taken),
		cmocka_unit_test(anything_else_is_refused_where_it_is_wrong),
		cmocka_unit_test(a_nul_byte_is_refused_everywhere),
		cmocka_unit_test(depth_ends_at_64),
		cmocka_unit_test(picks_are_found_by_their_path),
		cmocka_unit_test(nothing_is_picked_from_a_text_that_is_refused),
		cmocka_unit_test(
			a_picked_text_of_1023_bytes_fits_and_1024_do_not),
		cmocka_unit_test(a_text_past_the_limit_is_refused_unread),
		cmocka_unit_test(damaged_texts_are_judged_as_by_the_reference),
		cmocka_unit_test(every_beginning_of_a_document_is_refused),
	};
	return cmocka_run_group_tests_name("json_scan", tests, NULL, NULL);
}
