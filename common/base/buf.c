/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"

enum {
	FIRST_BYTES = 512
};

void buf_clear(struct buf *b)
{
	free(b->data);
	*b = BUF_MAX(b->max_bytes);
}

void buf_reset(struct buf *b)
{
	b->used_bytes = 0;
	b->failed = false;
	if (b->data != NULL)
		b->data[0] = '\0';
}

static bool grow(struct buf *b, size_t more)
{
	size_t want;
	char *data;

	if (b->failed || more > b->max_bytes - b->used_bytes) {
		b->failed = true;
		return false;
	}
	want = b->used_bytes + more + 1;
	want = MAX_OF(want, MIN_OF(2 * b->size_bytes, b->max_bytes + 1));
	want = MAX_OF(want, (size_t)FIRST_BYTES);
	data = realloc(b->data, want);
	if (data == NULL) {
		b->failed = true;
		return false;
	}
	b->data = data;
	b->size_bytes = want;
	return true;
}

static inline bool has_room(const struct buf *b, size_t bytes)
{
	return b->data != NULL && !b->failed &&
	       bytes < b->size_bytes - b->used_bytes &&
	       bytes <= b->max_bytes - b->used_bytes;
}

/* Make room for more bytes and the NUL. Texts are made of pieces of some bytes,
 * and nearly all of them find room. */
static inline bool reserve(struct buf *b, size_t more)
{
	return has_room(b, more) || grow(b, more);
}

char *buf_room(const struct buf *b, size_t bytes)
{
	return has_room(b, bytes) ? b->data + b->used_bytes : NULL;
}

char *buf_reserve(struct buf *b, size_t bytes)
{
	return reserve(b, bytes) ? b->data + b->used_bytes : NULL;
}

void buf_fill(struct buf *b, const char *end)
{
	b->used_bytes = (size_t)(end - b->data);
	b->data[b->used_bytes] = '\0';
}

void buf_add(struct buf *b, const void *data, size_t bytes)
{
	if (!reserve(b, bytes))
		return;
	if (bytes > 0)
		memcpy(b->data + b->used_bytes, data, bytes);
	b->used_bytes += bytes;
	b->data[b->used_bytes] = '\0';
}

void buf_add_text(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void buf_add_char(struct buf *b, char c)
{
	if (!reserve(b, 1))
		return;
	b->data[b->used_bytes++] = c;
	b->data[b->used_bytes] = '\0';
}

void buf_add_i64(struct buf *b, int64_t value)
{
	char digits[TEXT_I64_BYTES];
	char *end = digits + sizeof(digits);
	char *p = text_i64_before(end, value);

	buf_add(b, p, (size_t)(end - p));
}

void buf_add_i64s(struct buf *b, const int64_t *values, size_t count)
{
	char text[BUF_I64S_MAX * (TEXT_I64_BYTES + 1)];
	char *end = text + sizeof(text);
	char *p = end;

	assert(count <= BUF_I64S_MAX);
	for (size_t i = count; i > 0; i--) {
		p = text_i64_before(p, values[i - 1]);
		if (i > 1)
			*--p = ',';
	}
	buf_add(b, p, (size_t)(end - p));
}

void buf_add_url(struct buf *b, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._~";

	for (; *text != '\0'; text++)
		if (strchr(plain, *text) != NULL)
			buf_add_char(b, *text);
		else
			buf_printf(b, "%%%02X", (unsigned char)*text);
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0 || !reserve(b, (size_t)n)) {
		b->failed = true;
		return;
	}
	va_start(args, format);
	(void)vsnprintf(b->data + b->used_bytes, (size_t)n + 1, format, args);
	va_end(args);
	b->used_bytes += (size_t)n;
}

const char *buf_text(const struct buf *b)
{
	return b->data != NULL ? b->data : "";
}

int buf_finish(const struct buf *b, struct err *e)
{
	if (!b->failed)
		return 0;
	return err_set(e, ERR_NOMEM, "text does not fit into %zu bytes",
		       b->max_bytes);
}

char *buf_take(struct buf *b)
{
	char *data;

	if (b->data == NULL)
		buf_add(b, "", 0);
	if (b->failed) {
		buf_clear(b);
		return NULL;
	}
	data = TAKE(b->data);
	buf_clear(b);
	return data;
}
