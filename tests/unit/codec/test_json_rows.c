/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "codec/csv/json_rows.h"

static const struct csv_column columns[] = {
	{"sku", true}, {"name", true}, {"barcodes", false}};

/* Rows as "line:field|field" and bad ones as "line!text", one per line. */
static void print_rows(const char *data, struct buf *out)
{
	CLEANUP(csv_clear) struct csv row;
	struct json_rows rows;
	struct err e = {0};
	int rc;

	csv_open(&row, "", 0);
	json_rows_open(&rows, data, strlen(data));
	while ((rc = json_rows_next(&rows, columns, COUNT_OF(columns), &row,
				    &e)) != 0) {
		buf_printf(out, "%lld%c", (long long)row.line,
			   rc > 0 ? ':' : '!');
		for (int i = 0; rc > 0 && i < row.field_count; i++)
			buf_printf(out, "%s%s", i > 0 ? "|" : "",
				   csv_field(&row, i));
		buf_printf(out, "%s\n", rc > 0 ? "" : e.text);
	}
}

#define END "no JSON from here on: "
static const struct {
	const char *name, *text, *want;
} texts[] = {
	{"an empty list", "[]", ""},
	{"a list",
	 "[{\"sku\":\"1\",\"name\":\"a\"},\n {\"name\":\"b\",\"sku\":2}]",
	 "1:1|a|\n2:2|b|\n"},
	{"lines", "{\"sku\":\"1\"}\n\n{\"sku\":\"2\"}\n", "1:1||\n3:2||\n"},
	{"a mark is no character", "\xEF\xBB\xBF[{\"sku\":\"1\"}]", "1:1||\n"},
	{"a list of texts", "[{\"barcodes\":[\"1\",22]}]", "1:||1 22\n"},
	{"null is nothing", "[{\"sku\":null}]", "1:||\n"},
	{"digits stay", "[{\"sku\":12345678901234567890.10}]",
	 "1:12345678901234567890.10||\n"},
	{"braces and quotes within a text", "[{\"name\":\"{\\\"}]\"}]",
	 "1:|{\"}]|\n"},
	{"lines are counted within an object", "[{\n\"sku\":\"1\"\n},{}]",
	 "1:1||\n3:||\n"},
	{"a field that nobody knows, and on", "[{\"x\":1},\n{\"sku\":\"2\"}]",
	 "1!unknown field 'x'\n2:2||\n"},
	{"no value", "[{\"sku\":true},{\"sku\":{}},{\"barcodes\":[[]]}]",
	 "1!sku: neither text nor number\n1!sku: neither text nor number\n"
	 "1!barcodes: a list of other things than texts\n"},
	{"twice the same key", "[{\"sku\":\"1\",\"sku\":\"2\"}]",
	 "1!JSON at byte 12: key stands twice\n"},
	{"no comma", "[{} {}]", "1:||\n1!" END "an object was expected\n"},
	{"a comma too many", "[{},]",
	 "1:||\n1!" END "an object was expected\n"},
	{"a comma between lines", "{},{}",
	 "1:||\n1!" END "an object was expected\n"},
	{"no end of the list", "[{}\n", "1:||\n2!" END "the list has no end\n"},
	{"no end of an object", "[{\"sku\":\"1\"",
	 "1!" END "an object without an end\n"},
	{"text behind", "[{}] x", "1:||\n1!" END "text behind the list\n"},
	{"something else", "[1]", "1!" END "an object was expected\n"},
};

static void objects_become_rows_and_bad_ones_are_named(void **state)
{
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		CLEANUP(buf_clear) struct buf out = BUF_MAX(4096);

		print_rows(texts[i].text, &out);
		if (strcmp(buf_text(&out), texts[i].want) == 0)
			continue;
		print_error("%s:\n%s", texts[i].name, buf_text(&out));
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

static void json_is_told_from_csv(void **state)
{
	static const struct {
		const char *text;
		bool want;
	} rows[] = {
		{"", false},    {"sku,name\n", false},   {"[", true},
		{" \n{", true}, {"\xEF\xBB\xBF[", true}, {"\"[\",x", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (json_rows_recognise(rows[i].text, strlen(rows[i].text)) !=
		    rows[i].want)
			fail_msg("'%s'", rows[i].text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_become_rows_and_bad_ones_are_named),
		cmocka_unit_test(json_is_told_from_csv),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
