/* SPDX-License-Identifier: MIT */
#include "codec/csv/csv.h"

#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "codec/csv/windows1251.h"

static const char byte_order_mark[] = "\xEF\xBB\xBF";

enum {
	EVIDENCE_MAX = 64 * 1024 /* characters beyond ASCII; more say no more */
};

/* Russian text in Windows-1251 has next to no sequence that is good UTF-8, and
 * a UTF-8 file with a damaged byte has next to nothing else. */
static bool looks_like_1251(const char *data, const char *end)
{
	size_t good = 0;
	size_t bad = 0;

	while (data < end && good + bad < EVIDENCE_MAX) {
		size_t bytes = text_utf8_sequence(data, end);

		if ((unsigned char)*data >= 0x80) {
			good += bytes > 0;
			bad += bytes == 0;
		}
		data += bytes > 0 ? bytes : 1;
	}
	return bad > good;
}

static char find_separator(const char *p, const char *end)
{
	bool quoted = false;

	for (; p < end && *p != '\n' && *p != '\r'; p++) {
		quoted = quoted != (*p == '"');
		if (*p == ';' && !quoted)
			return ';';
	}
	return ',';
}

void csv_open(struct csv *ret_csv, const char *data, size_t bytes)
{
	size_t mark = sizeof(byte_order_mark) - 1;
	bool marked = bytes >= mark && memcmp(data, byte_order_mark, mark) == 0;

	*ret_csv = (struct csv){
		.next = marked ? data + mark : data,
		.end = data + bytes,
		.next_line = 1,
		.fields = BUF_MAX(CSV_ROW_BYTES_MAX),
	};
	ret_csv->is_1251 = !marked && looks_like_1251(data, data + bytes);
	ret_csv->separator = find_separator(ret_csv->next, ret_csv->end);
}

void csv_clear(struct csv *csv)
{
	buf_clear(&csv->fields);
	csv->field_count = 0;
}

const char *csv_field(const struct csv *csv, int n)
{
	return n >= 0 && n < csv->field_count
		       ? buf_text(&csv->fields) + csv->starts[n]
		       : "";
}

static bool at_line_end(const struct csv *csv)
{
	return csv->next == csv->end || *csv->next == '\n' ||
	       *csv->next == '\r';
}

static void pass_line_end(struct csv *csv)
{
	if (csv->next == csv->end)
		return;
	if (*csv->next == '\r' && csv->next + 1 < csv->end &&
	    csv->next[1] == '\n')
		csv->next++;
	csv->next++;
	csv->next_line++;
}

static void pass_line(struct csv *csv)
{
	while (!at_line_end(csv))
		csv->next++;
	pass_line_end(csv);
}

/* One character of the text. */
static int add_character(struct csv *csv, struct err *e)
{
	unsigned char c = (unsigned char)*csv->next;
	size_t bytes;

	if (c < ' ' && c != '\t' && c != '\n' && c != '\r')
		return err_set(e, ERR_INVALID, "a control character (%d)", c);
	if (c < 0x80) {
		buf_add_char(&csv->fields, *csv->next++);
		return 0;
	}
	if (csv->is_1251) {
		const char *text = windows1251_text(c);

		if (text == NULL)
			return err_set(e, ERR_INVALID,
				       "a byte that Windows-1251 does not have "
				       "(%d)",
				       c);
		buf_add_text(&csv->fields, text);
		csv->next++;
		return 0;
	}
	bytes = text_utf8_sequence(csv->next, csv->end);
	if (bytes == 0)
		return err_set(e, ERR_INVALID, "malformed UTF-8");
	buf_add(&csv->fields, csv->next, bytes);
	csv->next += bytes;
	return 0;
}

static int read_plain(struct csv *csv, struct err *e)
{
	int rc = 0;

	while (rc == 0 && !at_line_end(csv) && *csv->next != csv->separator)
		rc = add_character(csv, e);
	return rc;
}

static int read_quoted(struct csv *csv, struct err *e)
{
	int rc = 0;

	csv->next++;
	while (rc == 0 && !csv->fields.failed) {
		if (csv->next == csv->end)
			return err_set(e, ERR_INVALID,
				       "a quote is opened and never closed");
		if (*csv->next == '"') {
			csv->next++;
			if (csv->next == csv->end || *csv->next != '"')
				break;
		} else if (*csv->next == '\n') {
			csv->next_line++;
		}
		rc = add_character(csv, e);
	}
	if (rc == 0 && !csv->fields.failed && !at_line_end(csv) &&
	    *csv->next != csv->separator)
		return err_set(e, ERR_INVALID, "text after a closing quote");
	return rc;
}

static int read_field(struct csv *csv, struct err *e)
{
	int rc;

	if (csv->field_count == CSV_FIELDS_MAX)
		return err_set(e, ERR_INVALID, "more than %d fields",
			       CSV_FIELDS_MAX);
	csv->starts[csv->field_count++] = csv->fields.used_bytes;
	rc = csv->next < csv->end && *csv->next == '"' ? read_quoted(csv, e)
						       : read_plain(csv, e);
	buf_add_char(&csv->fields, '\0');
	if (rc == 0 && csv->fields.failed)
		return err_set(e, ERR_INVALID,
			       "the row is longer than %d bytes: is a quote "
			       "missing?",
			       CSV_ROW_BYTES_MAX);
	return rc;
}

static int read_row(struct csv *csv, struct err *e)
{
	int rc = read_field(csv, e);

	while (rc == 0 && !at_line_end(csv)) {
		csv->next++; /* the separator */
		rc = read_field(csv, e);
	}
	return rc;
}

int csv_next(struct csv *csv, struct err *e)
{
	const char *start;
	int rc;

	while (csv->next < csv->end && at_line_end(csv))
		pass_line_end(csv);
	buf_reset(&csv->fields);
	csv->field_count = 0;
	csv->line = csv->next_line;
	if (csv->next == csv->end)
		return 0;
	start = csv->next;
	rc = read_row(csv, e);
	if (rc == 0) {
		pass_line_end(csv);
		return 1;
	}
	csv->field_count = 0;
	csv->next = start;
	csv->next_line = csv->line;
	pass_line(csv);
	return rc;
}

static int place(const struct csv *csv, int field,
		 const struct csv_column *columns, size_t count,
		 int *ret_places, struct err *e)
{
	char name[64];

	(void)text_copy(name, sizeof(name), csv_field(csv, field));
	for (size_t i = 0; i < count; i++) {
		if (strcmp(columns[i].name, text_trim(name)) != 0)
			continue;
		if (ret_places[i] >= 0)
			return err_set(e, ERR_INVALID,
				       "the column '%s' is there twice",
				       columns[i].name);
		ret_places[i] = field;
		return 0;
	}
	return err_set(e, ERR_INVALID, "unknown column '%s'", name);
}

int csv_read_header(struct csv *csv, const struct csv_column *columns,
		    size_t count, int *ret_places, struct err *e)
{
	int rc = csv_next(csv, e);

	if (rc <= 0)
		return rc < 0 ? rc
			      : err_set(e, ERR_INVALID, "the file is empty");
	csv->column_count = csv->field_count;
	for (size_t i = 0; i < count; i++)
		ret_places[i] = -1;
	for (int field = 0; field < csv->field_count; field++) {
		rc = place(csv, field, columns, count, ret_places, e);
		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < count; i++)
		if (columns[i].required && ret_places[i] < 0)
			return err_set(e, ERR_INVALID,
				       "the column '%s' is missing",
				       columns[i].name);
	return 0;
}
