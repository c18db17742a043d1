/* SPDX-License-Identifier: MIT */
#include "codec/csv/json_rows.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "codec/json/json_doc.h"

static const char byte_order_mark[] = "\xEF\xBB\xBF";

static const char *behind_mark(const char *data, size_t bytes)
{
	size_t mark = sizeof(byte_order_mark) - 1;

	return bytes >= mark && memcmp(data, byte_order_mark, mark) == 0
		       ? data + mark
		       : data;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void pass_space(struct json_rows *rows)
{
	for (; rows->next < rows->end && is_space(*rows->next); rows->next++)
		rows->next_line += *rows->next == '\n';
}

bool json_rows_recognise(const char *data, size_t bytes)
{
	const char *p = behind_mark(data, bytes);
	const char *end = data + bytes;

	while (p < end && is_space(*p))
		p++;
	return p < end && (*p == '[' || *p == '{');
}

void json_rows_open(struct json_rows *ret_rows, const char *data, size_t bytes)
{
	*ret_rows = (struct json_rows){
		.next = behind_mark(data, bytes),
		.end = data + bytes,
		.next_line = 1,
		.is_first = true,
	};
	pass_space(ret_rows);
	if (ret_rows->next < ret_rows->end && *ret_rows->next == '[') {
		ret_rows->is_list = true;
		ret_rows->next++;
	}
}

static int broken(struct json_rows *rows, struct csv *row, struct err *e,
		  const char *why)
{
	row->line = rows->next_line;
	rows->next = rows->end;
	rows->is_list = false;
	return err_set(e, ERR_INVALID, "no JSON from here on: %s", why);
}

/* To the beginning of the next object: 1, 0 at the end. */
static int find_object(struct json_rows *rows, struct csv *row, struct err *e)
{
	bool comma = false;

	pass_space(rows);
	if (rows->is_list && !rows->is_first && rows->next < rows->end &&
	    *rows->next == ',') {
		comma = true;
		rows->next++;
		pass_space(rows);
	}
	if (rows->next == rows->end)
		return rows->is_list
			       ? broken(rows, row, e, "the list has no end")
			       : 0;
	if (*rows->next == '{' && (!rows->is_list || rows->is_first || comma))
		return 1;
	if (*rows->next != ']' || !rows->is_list || comma)
		return broken(rows, row, e, "an object was expected");
	rows->next++;
	rows->is_list = false;
	pass_space(rows);
	return rows->next == rows->end
		       ? 0
		       : broken(rows, row, e, "text behind the list");
}

/* Bytes of the object at rows->next by its braces alone, 0: it has no end.
 * What is between them is checked later. */
static size_t object_bytes(const struct json_rows *rows)
{
	bool quoted = false;
	int depth = 0;

	for (const char *p = rows->next;
	     p < rows->end && p - rows->next < CSV_ROW_BYTES_MAX; p++) {
		if (*p == '\\' && quoted)
			p++;
		else if (*p == '"')
			quoted = !quoted;
		else if (!quoted && (*p == '{' || *p == '['))
			depth++;
		else if (!quoted && (*p == '}' || *p == ']') && --depth == 0)
			return (size_t)(p - rows->next) + 1;
	}
	return 0;
}

static int put_value(struct csv *row, const char *name,
		     const struct json *value, struct err *e)
{
	bool is_first = true;

	if (json_kind(value) == JSON_STRING || json_kind(value) == JSON_NUMBER)
		buf_add_text(&row->fields, json_text(value));
	else if (json_kind(value) == JSON_ARRAY)
		for (const struct json *v = json_first(value); v != NULL;
		     v = json_next(v)) {
			if (json_kind(v) != JSON_STRING &&
			    json_kind(v) != JSON_NUMBER)
				return err_set(e, ERR_INVALID,
					       "%s: a list of other things "
					       "than texts",
					       name);
			if (!is_first)
				buf_add_char(&row->fields, ' ');
			is_first = false;
			buf_add_text(&row->fields, json_text(v));
		}
	else if (json_kind(value) != JSON_NULL && json_kind(value) != JSON_NONE)
		return err_set(e, ERR_INVALID, "%s: neither text nor number",
			       name);
	return 0;
}

static int check_names(const struct json *object,
		       const struct csv_column *columns, size_t count,
		       struct err *e)
{
	for (const struct json *v = json_first(object); v != NULL;
	     v = json_next(v)) {
		size_t i = 0;

		while (i < count && strcmp(columns[i].name, json_key(v)) != 0)
			i++;
		if (i == count)
			return err_set(e, ERR_INVALID, "unknown field '%.60s'",
				       json_key(v));
	}
	return 0;
}

static int fill(const struct json *object, const struct csv_column *columns,
		size_t count, struct csv *row, struct err *e)
{
	int rc = check_names(object, columns, count, e);

	buf_reset(&row->fields);
	row->field_count = 0;
	row->column_count = (int)count;
	for (size_t i = 0; i < count && rc == 0; i++) {
		row->starts[row->field_count++] = row->fields.used_bytes;
		rc = put_value(row, columns[i].name,
			       json_get(object, columns[i].name), e);
		buf_add_char(&row->fields, '\0');
	}
	return rc == 0 ? buf_finish(&row->fields, e) : rc;
}

int json_rows_next(struct json_rows *rows, const struct csv_column *columns,
		   size_t count, struct csv *row, struct err *e)
{
	CLEANUP_JSON struct json *object = NULL;
	size_t bytes;
	int rc = find_object(rows, row, e);

	assert(count <= CSV_FIELDS_MAX);
	if (rc <= 0)
		return rc;
	rows->is_first = false;
	row->line = rows->next_line;
	bytes = object_bytes(rows);
	if (bytes == 0)
		return broken(rows, row, e, "an object without an end");
	rc = json_doc_parse(rows->next, bytes, &object, e);
	for (size_t i = 0; i < bytes; i++)
		rows->next_line += rows->next[i] == '\n';
	rows->next += bytes;
	if (rc == 0)
		rc = fill(object, columns, count, row, e);
	return rc < 0 ? rc : 1;
}
