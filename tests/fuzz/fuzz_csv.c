/* SPDX-License-Identifier: MIT
 *
 * fuzz_csv.c - every row that is read is good UTF-8, lines only go up, and what
 * was read is read again from a text with everything in quotes.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "codec/csv/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_row(const struct csv *csv, struct buf *out)
{
	for (int i = 0; i < csv->field_count; i++) {
		buf_add_text(out, i > 0 ? ";\"" : "\"");
		for (const char *p = csv_field(csv, i); *p != '\0'; p++) {
			if (*p == '"')
				buf_add_char(out, '"');
			buf_add_char(out, *p);
		}
		buf_add_char(out, '"');
	}
	buf_add_char(out, '\n');
}

/* The first row of the text, which must be there and equal. */
static void check_again(const struct csv *csv, const struct buf *text)
{
	CLEANUP(csv_clear) struct csv again;

	/* A row of one field says nothing of the separator. */
	csv_open(&again, text->data, text->used_bytes);
	again.separator = ';';
	again.is_1251 = false;
	assert(csv_next(&again, NULL) == 1);
	assert(again.field_count == csv->field_count);
	for (int i = 0; i < csv->field_count; i++)
		assert(strcmp(csv_field(csv, i), csv_field(&again, i)) == 0);
	assert(csv_next(&again, NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(csv_clear) struct csv csv;
	int64_t line = 0;
	int rc;

	csv_open(&csv, (const char *)data, size);
	while ((rc = csv_next(&csv, NULL)) != 0) {
		CLEANUP(buf_clear)
		struct buf text = BUF_MAX(4 * CSV_ROW_BYTES_MAX);

		assert(csv.line > line);
		line = csv.line;
		if (rc < 0)
			continue;
		assert(csv.field_count > 0);
		for (int i = 0; i < csv.field_count; i++)
			assert(text_is_utf8(csv_field(&csv, i),
					    strlen(csv_field(&csv, i))));
		write_row(&csv, &text);
		check_again(&csv, &text);
	}
	return 0;
}
