/* SPDX-License-Identifier: MIT */
#include "codec/json/json_out.h"

#include <assert.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "codec/decimal.h"
#include "codec/json/json_words.h"
#include "codec/time/timestamp.h"

enum {
	WHOLE_MILLI = 1000,  /* of QUANTITY_DIGITS */
	KEY_BYTES_MAX = 48,  /* that is written in one piece */
	PIECE_BYTES_MAX = 96 /* of a value that is written with its key */
};

struct json_out json_out_to(struct buf *buf)
{
	return (struct json_out){.buf = buf};
}

/* What must be written instead of a byte; NULL: the byte itself. */
static const char *const escapes[128] = {
	"\\u0000", "\\u0001", "\\u0002",      "\\u0003",       "\\u0004",
	"\\u0005", "\\u0006", "\\u0007",      "\\b",           "\\t",
	"\\n",     "\\u000b", "\\f",          "\\r",           "\\u000e",
	"\\u000f", "\\u0010", "\\u0011",      "\\u0012",       "\\u0013",
	"\\u0014", "\\u0015", "\\u0016",      "\\u0017",       "\\u0018",
	"\\u0019", "\\u001a", "\\u001b",      "\\u001c",       "\\u001d",
	"\\u001e", "\\u001f", ['"'] = "\\\"", ['\\'] = "\\\\",
};

/* What replaces the sequence of *ret_bytes at p; NULL: nothing does. */
static const char *escape_of(const char *p, const char *end, size_t *ret_bytes)
{
	*ret_bytes = 1;
	if ((unsigned char)*p < COUNT_OF(escapes))
		return escapes[(unsigned char)*p];
	*ret_bytes = text_utf8_sequence(p, end);
	if (*ret_bytes > 0)
		return NULL;
	*ret_bytes = 1;
	return "\xEF\xBF\xBD"; /* U+FFFD */
}

/* Does the byte stand for itself, whatever is beside it? */
static bool is_plain(char c)
{
	return (unsigned char)c < COUNT_OF(escapes) &&
	       escapes[(unsigned char)c] == NULL;
}

static void put_string(struct buf *b, const char *text)
{
	const char *end = text + strlen(text);
	const char *from = text; /* not written yet */
	const char *escape;
	size_t bytes;

	buf_add_char(b, '"');
	for (const char *p = text; p < end; p += bytes) {
		bytes = 1;
		if (is_plain(*p))
			continue;
		escape = escape_of(p, end, &bytes);
		if (escape == NULL)
			continue;
		buf_add(b, from, (size_t)(p - from));
		buf_add_text(b, escape);
		from = p + bytes;
	}
	buf_add(b, from, (size_t)(end - from));
	buf_add_char(b, '"');
}

/* `,"key":` in one piece: keys are short words of ours. */
static void put_key(struct json_out *out, const char *key, bool is_first)
{
	char text[KEY_BYTES_MAX];
	const char *p = key;
	size_t used = 0;

	if (!is_first)
		text[used++] = ',';
	text[used++] = '"';
	while (*p != '\0' && is_plain(*p) && used < sizeof(text) - 2)
		text[used++] = *p++;
	if (*p == '\0') {
		text[used++] = '"';
		text[used++] = ':';
		buf_add(out->buf, text, used);
		return;
	}
	if (!is_first)
		buf_add_char(out->buf, ',');
	put_string(out->buf, key);
	buf_add_char(out->buf, ':');
}

/* The same in one or two bytes. False: it is none of the words. */
static bool put_word(struct json_out *out, const char *key, bool is_first)
{
	char text[2] = {',', 0};

	if (out->words == NULL)
		return false;
	text[1] = json_words_byte(out->words, key);
	if (text[1] == 0)
		return false;
	buf_add(out->buf, text + is_first, sizeof(text) - is_first);
	return true;
}

/* What stands before a value: a comma and its key. */
static void begin_value(struct json_out *out, const char *key)
{
	bool in_object = out->depth > 0 && !out->is_array[out->depth];

	assert(in_object == (key != NULL));
	assert(out->depth > 0 || !out->has_items[0]);
	if (key != NULL) {
		if (!put_word(out, key, !out->has_items[out->depth]))
			put_key(out, key, !out->has_items[out->depth]);
	} else if (out->has_items[out->depth])
		buf_add_char(out->buf, ',');
	out->has_items[out->depth] = true;
}

static void open_container(struct json_out *out, const char *key, bool is_array)
{
	begin_value(out, key);
	assert(out->depth < JSON_OUT_DEPTH_MAX);
	out->depth++;
	out->has_items[out->depth] = false;
	out->is_array[out->depth] = is_array;
	buf_add_char(out->buf, is_array ? '[' : '{');
}

void json_object(struct json_out *out, const char *key)
{
	open_container(out, key, false);
}

void json_array(struct json_out *out, const char *key)
{
	open_container(out, key, true);
}

void json_end(struct json_out *out)
{
	assert(out->depth > 0);
	buf_add_char(out->buf, out->is_array[out->depth] ? ']' : '}');
	out->depth--;
}

/* An answer is hundreds of small values: each is written with its comma and its
 * key in one go, where there is room. NULL: it must be put piece by piece. */
static char *begin_piece(const struct json_out *out, const char *key,
			 size_t bytes)
{
	char *p = bytes > PIECE_BYTES_MAX
			  ? NULL
			  : buf_room(out->buf, 1 + KEY_BYTES_MAX + 4 + bytes);
	char word = 0;

	if (p == NULL)
		return NULL;
	if (out->has_items[out->depth])
		*p++ = ',';
	if (key == NULL)
		return p;
	if (out->words != NULL)
		word = json_words_byte(out->words, key);
	if (word != 0) {
		*p++ = word;
		return p;
	}
	*p++ = '"';
	for (int i = 0; key[i] != '\0'; i++) {
		if (i == KEY_BYTES_MAX || !is_plain(key[i]))
			return NULL;
		*p++ = key[i];
	}
	*p++ = '"';
	*p++ = ':';
	return p;
}

static void end_piece(struct json_out *out, const char *key, const char *end)
{
	assert((out->depth > 0 && !out->is_array[out->depth]) == (key != NULL));
	assert(out->depth > 0 || !out->has_items[0]);
	out->has_items[out->depth] = true;
	buf_fill(out->buf, end);
}

static void put_piece(struct json_out *out, const char *key, const char *value,
		      size_t bytes)
{
	char *p = begin_piece(out, key, bytes);

	if (p == NULL) {
		begin_value(out, key);
		buf_add(out->buf, value, bytes);
		return;
	}
	memcpy(p, value, bytes);
	end_piece(out, key, p + bytes);
}

/* Copy a text that needs no escapes; NULL: this one does. */
static char *copy_plain(char *p, const char *text, size_t bytes)
{
	const char *end = text + bytes;
	size_t n;

	while (text < end) {
		if (is_plain(*text)) {
			*p++ = *text++;
			continue;
		}
		n = (unsigned char)*text < COUNT_OF(escapes)
			    ? 0
			    : text_utf8_sequence(text, end);
		if (n == 0)
			return NULL;
		for (; n > 0; n--)
			*p++ = *text++;
	}
	return p;
}

void json_put_raw(struct json_out *out, const char *key, const char *json)
{
	put_piece(out, key, json, strlen(json));
}

void json_put_text(struct json_out *out, const char *key, const char *text)
{
	size_t bytes = strlen(text);
	char *p = begin_piece(out, key, bytes + 2);

	if (p != NULL) {
		*p++ = '"';
		p = copy_plain(p, text, bytes);
	}
	if (p == NULL) {
		begin_value(out, key);
		put_string(out->buf, text);
		return;
	}
	*p++ = '"';
	end_piece(out, key, p);
}

void json_put_null(struct json_out *out, const char *key)
{
	put_piece(out, key, "null", 4);
}

void json_put_text_or_null(struct json_out *out, const char *key,
			   const char *text)
{
	if (text == NULL)
		json_put_null(out, key);
	else
		json_put_text(out, key, text);
}

void json_put_i64(struct json_out *out, const char *key, int64_t value)
{
	char digits[TEXT_I64_BYTES];
	char *end = digits + sizeof(digits);
	char *p = text_i64_before(end, value);

	put_piece(out, key, p, (size_t)(end - p));
}

void json_put_i64s(struct json_out *out, const int64_t *values, size_t count)
{
	begin_value(out, NULL);
	buf_add_i64s(out->buf, values, count);
}

void json_put_bool(struct json_out *out, const char *key, bool value)
{
	json_put_raw(out, key, value ? "true" : "false");
}

void json_put_decimal(struct json_out *out, const char *key, int64_t value,
		      int digits)
{
	char text[DECIMAL_TEXT_BYTES];

	if (digits == QUANTITY_DIGITS && value % WHOLE_MILLI == 0)
		json_put_i64(out, key, value / WHOLE_MILLI);
	else
		json_put_raw(out, key,
			     decimal_format_short(value, digits, text));
}

void json_put_money(struct json_out *out, const char *key, int64_t minor)
{
	char text[DECIMAL_TEXT_BYTES + 2];
	size_t bytes;

	text[0] = '"';
	bytes = 1 + strlen(decimal_format(minor, MONEY_DIGITS, text + 1));
	text[bytes++] = '"';
	put_piece(out, key, text, bytes);
}

void json_put_time(struct json_out *out, const char *key, int64_t wall_ms)
{
	char text[TIMESTAMP_TEXT_BYTES];

	json_put_text_or_null(
		out, key,
		wall_ms == 0 ? NULL : timestamp_format(wall_ms, 0, text));
}

int json_out_finish(const struct json_out *out, struct err *e)
{
	assert(out->depth == 0 && out->has_items[0]);
	return buf_finish(out->buf, e);
}
