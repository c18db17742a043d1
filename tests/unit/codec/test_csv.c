/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "codec/csv/csv.h"

/* Rows as "line:field|field" and bad ones as "line!text", one per line. */
static void print_rows(const char *data, size_t bytes, struct buf *out)
{
	CLEANUP(csv_clear) struct csv csv;
	struct err e = {0};
	int rc;

	csv_open(&csv, data, bytes);
	while ((rc = csv_next(&csv, &e)) != 0) {
		buf_printf(out, "%lld%c", (long long)csv.line,
			   rc > 0 ? ':' : '!');
		for (int i = 0; rc > 0 && i < csv.field_count; i++)
			buf_printf(out, "%s%s", i > 0 ? "|" : "",
				   csv_field(&csv, i));
		buf_printf(out, "%s\n", rc > 0 ? "" : e.text);
	}
}

static const struct {
	const char *name, *text, *want;
} texts[] = {
	{"nothing", "", ""},
	{"a mark alone is nothing", "\xEF\xBB\xBF", ""},
	{"commas", "a,b\n1,2\n", "1:a|b\n2:1|2\n"},
	{"semicolons", "a;b\n1,5;2\n", "1:a|b\n2:1,5|2\n"},
	{"a quoted semicolon decides nothing", "\"a;\",b\n", "1:a;|b\n"},
	{"a mark is no character",
	 "\xEF\xBB\xBF"
	 "a,b\n",
	 "1:a|b\n"},
	{"all kinds of line ends", "a\r\nb\rc\n\n\r\nd",
	 "1:a\n2:b\n3:c\n6:d\n"},
	{"empty fields", ",\n,,\n", "1:|\n2:||\n"},
	{"quotes hold what would end a field", "a,\"b,\"\"c\"\"\nd\"\ne,f\n",
	 "1:a|b,\"c\"\nd\n3:e|f\n"},
	{"a quote inside is itself", "a,5\" pipe\n", "1:a|5\" pipe\n"},
	{"an empty quoted field", "\"\",x\n", "1:|x\n"},
	{"text after a quote", "\"a\"b,c\nd\n",
	 "1!text after a closing quote\n2:d\n"},
	{"a quote that never closes costs one line", "a\n\"b\nc\n",
	 "1:a\n2!a quote is opened and never closed\n3:c\n"},
	{"control characters are refused", "a\x01\nb\n",
	 "1!a control character (1)\n2:b\n"},
	{"tabs are text", "a\tb\n", "1:a\tb\n"},
	{"UTF-8", "\xD0\x9C\xD0\xBE,1\n", "1:\xD0\x9C\xD0\xBE|1\n"},
	{"a damaged byte of UTF-8 costs its line",
	 "\xD0\x9C\xD0\xBE\n\xD0\n\xD0\xBE\n",
	 "1:\xD0\x9C\xD0\xBE\n2!malformed UTF-8\n3:\xD0\xBE\n"},
	{"Windows-1251", "\xCC\xEE\xEB\xEE\xEA\xEE;\xB9 1\n",
	 "1:\xD0\x9C\xD0\xBE\xD0\xBB\xD0\xBE\xD0\xBA\xD0\xBE|"
	 "\xE2\x84\x96 1\n"},
	{"0x98 is not in Windows-1251", "\xCC\xEE\x98\nb\n",
	 "1!a byte that Windows-1251 does not have (152)\n2:b\n"},
	{"after a mark it is UTF-8, whatever comes", "\xEF\xBB\xBF\xCC\xEE\n",
	 "1!malformed UTF-8\n"},
};

static void texts_come_apart_into_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		CLEANUP(buf_clear) struct buf out = BUF_MAX(10000);

		print_rows(texts[i].text, strlen(texts[i].text), &out);
		if (strcmp(buf_text(&out), texts[i].want) != 0)
			fail_msg("%s: '%s'", texts[i].name, buf_text(&out));
	}
}

static void a_zero_byte_is_a_control_character(void **state)
{
	(void)state;
	CLEANUP(buf_clear) struct buf out = BUF_MAX(10000);

	print_rows("a\0b\nc\n", 6, &out);
	assert_string_equal(buf_text(&out), "1!a control character (0)\n2:c\n");
}

/* A row of n bytes between quotes, and one after it. */
static void check_limit(size_t n, bool is_good)
{
	CLEANUP(buf_clear) struct buf text = BUF_MAX(2 * CSV_ROW_BYTES_MAX);
	CLEANUP(csv_clear) struct csv csv;
	struct err e = {0};

	buf_add_char(&text, '"');
	for (size_t i = 0; i < n; i++)
		buf_add_char(&text, 'x');
	buf_add_text(&text, "\"\nlast\n");
	csv_open(&csv, buf_text(&text), text.used_bytes);
	assert_int_equal(csv_next(&csv, &e), is_good ? 1 : ERR_INVALID);
	if (!is_good)
		assert_non_null(strstr(e.text, "longer than"));
	assert_int_equal(csv_next(&csv, NULL), 1);
	assert_string_equal(csv_field(&csv, 0), "last");
	assert_string_equal(csv_field(&csv, 1), "");
	assert_string_equal(csv_field(&csv, -1), "");
}

static void a_row_has_a_maximum(void **state)
{
	(void)state;
	check_limit(CSV_ROW_BYTES_MAX - 1, true);
	check_limit(CSV_ROW_BYTES_MAX, false);
}

static void a_row_has_at_most_so_many_fields(void **state)
{
	(void)state;
	for (int count = CSV_FIELDS_MAX; count <= CSV_FIELDS_MAX + 1; count++) {
		CLEANUP(buf_clear) struct buf text = BUF_MAX(1000);
		CLEANUP(csv_clear) struct csv csv;

		for (int i = 1; i < count; i++)
			buf_add_char(&text, ',');
		buf_add_char(&text, '\n');
		csv_open(&csv, buf_text(&text), text.used_bytes);
		assert_int_equal(csv_next(&csv, NULL),
				 count == CSV_FIELDS_MAX ? 1 : ERR_INVALID);
	}
}

static const struct csv_column columns[] = {
	{"id", true}, {"name", true}, {"zone", false}};

static const struct {
	const char *text;
	int places[3];
	const char *error; /* NULL: good */
} headers[] = {
	{"id,name,zone\n", {0, 1, 2}, NULL},
	{" name ;zone;id\n", {2, 0, 1}, NULL},
	{"name,id\n", {1, 0, -1}, NULL},
	{"id,zone\n", {0}, "the column 'name' is missing"},
	{"id,name,id\n", {0}, "the column 'id' is there twice"},
	{"id,name,colour\n", {0}, "unknown column 'colour'"},
	{"id\tname\n", {0}, "unknown column 'id\tname'"},
	{"\n\n", {0}, "the file is empty"},
};

static void columns_are_found_by_their_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(headers); i++) {
		CLEANUP(csv_clear) struct csv csv;
		int places[3];
		struct err e = {0};
		int rc;

		csv_open(&csv, headers[i].text, strlen(headers[i].text));
		rc = csv_read_header(&csv, columns, 3, places, &e);
		if (headers[i].error == NULL) {
			assert_int_equal(rc, 0);
			assert_memory_equal(places, headers[i].places,
					    sizeof(places));
		} else {
			assert_int_equal(rc, ERR_INVALID);
			if (strchr(headers[i].error, '\t') == NULL)
				assert_string_equal(e.text, headers[i].error);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_come_apart_into_rows),
		cmocka_unit_test(a_zero_byte_is_a_control_character),
		cmocka_unit_test(a_row_has_a_maximum),
		cmocka_unit_test(a_row_has_at_most_so_many_fields),
		cmocka_unit_test(columns_are_found_by_their_names),
	};

	return cmocka_run_group_tests_name("csv", tests, NULL, NULL);
}
