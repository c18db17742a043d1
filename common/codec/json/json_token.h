/* SPDX-License-Identifier: MIT
 *
 * json_token.h - strings and numbers of RFC 8259, byte by byte. The inner part
 * of json_scan.c and json_doc.c. Pure and thread-safe, never allocates.
 */
#ifndef CODEC_JSON_TOKEN_H
#define CODEC_JSON_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where reading stands. After a failure `why` is set and `at` is the byte that
 * it is about. */
struct json_cursor {
	const char *at;
	const char *end;
	const char *why;
};

/* What stands between two quotes, still escaped. Borrowed from the text. */
struct json_string {
	const char *start;
	size_t bytes;
	bool escaped; /* holds a backslash */
};

/* Step over the string whose opening quote is at the cursor: valid UTF-8, no
 * control characters, no \u0000, no lone surrogate. */
bool json_token_string(struct json_cursor *c, struct json_string *ret);

/* Step over the number that begins at the cursor. What follows it is not
 * looked at. */
bool json_token_number(struct json_cursor *c);

/* The characters of a checked string, unescaped, as bytes of UTF-8. */
struct json_reader {
	const char *at;
	const char *end;
	unsigned char pending[4]; /* of an escape */
	size_t pending_bytes;
	size_t pending_used;
};

struct json_reader json_reader_of(const struct json_string *s);
int json_reader_next(struct json_reader *r); /* -1 at the end */

/* Write the unescaped string and a NUL. False when it does not fit. */
bool json_unescape(const struct json_string *s, char *target,
		   size_t target_bytes);

#endif
