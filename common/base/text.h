/* SPDX-License-Identifier: MIT
 *
 * text.h - checked helpers on bytes and texts. Pure and thread-safe.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/* True when the two texts have the same bytes. The time depends only on the
 * length of `given`, so a caller learns nothing about `secret`. */
bool text_equal_constant_time(const char *given, const char *secret);

/* Bytes of the well-formed UTF-8 sequence at data < end (RFC 3629: no
 * surrogates, no overlong forms, at most U+10FFFF): 1..4, or 0 when it is
 * malformed or cut by end. */
size_t text_utf8_sequence(const char *data, const char *end);

/* As text_utf8_sequence(), but 0 also for the code points that are no
 * characters (U+FDD0..U+FDEF, the last two of each plane), which programs that
 * set texts refuse. */
size_t text_character(const char *data, const char *end);

/* True when all of the bytes are well-formed UTF-8. */
bool text_is_utf8(const char *data, size_t bytes);

/* In place: control characters, and bytes that are no UTF-8, become spaces. */
void text_make_line(char *text);

/* Bytes of the longest prefix that has at most max_bytes and ends between two
 * code points. The text is valid UTF-8. */
size_t text_utf8_prefix(const char *text, size_t max_bytes);

/* Its code points. The text is valid UTF-8. */
size_t text_utf8_points(const char *text);

/* Whole decimal text, optional '-', within [min, max]; no spaces.
 * ERR_INVALID otherwise, *ret_value untouched. */
int text_to_i64(const char *text, int64_t min, int64_t max, int64_t *ret_value,
		struct err *e);

/* The value's digits, written before `end`; where they begin. By hand: an order
 * is hundreds of numbers, and printf is made for few. */
enum {
	TEXT_I64_BYTES = 20 /* at most, with the sign and without a NUL */
};
char *text_i64_before(char *end, int64_t value);

/* "90s", "15m", "2h", "3d", "250ms" as milliseconds; digits alone are times
 * bare_ms (0: not allowed). Not negative. ERR_INVALID, *ret_ms untouched. */
int text_to_duration_ms(const char *text, int64_t bare_ms, int64_t *ret_ms,
			struct err *e);

/* Copy into a fixed array; a longer text is cut between two code points.
 * Returns false when it was cut. */
bool text_copy(char *target, size_t target_bytes, const char *source);

/* A new text, freed by the caller; NULL when out of memory. (asprintf(3) leaves
 * its pointer undefined then, which a CLEANUP_FREE would free.) */
char *text_printf(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* First and last characters that are not white space removed in place;
 * returns the new start inside `text`. */
char *text_trim(char *text);

#endif
