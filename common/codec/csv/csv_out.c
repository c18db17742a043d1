/* SPDX-License-Identifier: MIT */
#include "codec/csv/csv_out.h"

#include <string.h>

#include "codec/decimal.h"

struct csv_out csv_out_to(struct buf *buf, char separator)
{
	return (struct csv_out){.buf = buf, .separator = separator};
}

static bool needs_quotes(const struct csv_out *out, const char *text)
{
	return strpbrk(text, "\"\r\n") != NULL ||
	       strchr(text, out->separator) != NULL || text[0] == ' ';
}

void csv_put(struct csv_out *out, const char *text)
{
	if (out->has_fields)
		buf_add_char(out->buf, out->separator);
	out->has_fields = true;
	if (!needs_quotes(out, text)) {
		buf_add_text(out->buf, text);
		return;
	}
	buf_add_char(out->buf, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			buf_add_char(out->buf, '"');
		buf_add_char(out->buf, *text);
	}
	buf_add_char(out->buf, '"');
}

void csv_put_i64(struct csv_out *out, int64_t value)
{
	csv_put_decimal(out, value, 0);
}

void csv_put_decimal(struct csv_out *out, int64_t value, int digits)
{
	char text[DECIMAL_TEXT_BYTES];
	char *point;

	(void)decimal_format(value, digits, text);
	point = out->decimal_comma ? strchr(text, '.') : NULL;
	if (point != NULL)
		*point = ',';
	csv_put(out, text);
}

void csv_end(struct csv_out *out)
{
	buf_add_text(out->buf, "\r\n");
	out->has_fields = false;
}
