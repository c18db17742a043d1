/* SPDX-License-Identifier: MIT
 *
 * buf.h - a growing byte buffer that has a maximum.
 *
 * Appending never returns an error: a buffer that ran out of memory or past
 * its maximum stays "failed", ignores later appends, and says so once, in
 * buf_finish(). So a writer of 30 fields checks once. Not thread-safe.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct buf {
	char *data; /* owned; NUL-terminated whenever it is not NULL */
	size_t used_bytes;
	size_t size_bytes;
	size_t max_bytes;
	bool failed;
};

/* A buffer that holds at most max_bytes. Needs no buf_clear() while empty. */
#define BUF_MAX(bytes) ((struct buf){.max_bytes = (bytes)})

/* Free what it holds; it is empty and usable again. For CLEANUP(buf_clear). */
void buf_clear(struct buf *b);

/* Forget the content and a failure, keep the memory. */
void buf_reset(struct buf *b);

void buf_add(struct buf *b, const void *data, size_t bytes);
void buf_add_text(struct buf *b, const char *text);
void buf_add_char(struct buf *b, char c);
void buf_add_i64(struct buf *b, int64_t value);
/* With commas between them, at most BUF_I64S_MAX. */
enum {
	BUF_I64S_MAX = 16
};
void buf_add_i64s(struct buf *b, const int64_t *values, size_t count);
/* Percent-encoded for a URL or a form: all but the unreserved characters of RFC
 * 3986 2.3. */
void buf_add_url(struct buf *b, const char *text);
void buf_printf(struct buf *b, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Room for so many bytes, to be written by hand, when it is there without
 * growing; buf_fill() tells where they end. NULL: append as usual. */
char *buf_room(const struct buf *b, size_t bytes);
/* The same, growing. NULL: the buffer has failed. */
char *buf_reserve(struct buf *b, size_t bytes);
void buf_fill(struct buf *b, const char *end);

/* The content as a NUL-terminated text, never NULL; borrowed until the next
 * append. Only meaningful when buf_finish() is good. */
const char *buf_text(const struct buf *b);

/* 0, or ERR_NOMEM when an append failed (memory, or past the maximum). */
int buf_finish(const struct buf *b, struct err *e);

/* Give the content away: the caller frees it. NULL when the buffer failed or
 * nothing could be allocated. The buffer is empty afterwards. */
char *buf_take(struct buf *b);

#endif
