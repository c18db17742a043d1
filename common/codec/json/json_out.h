/* SPDX-License-Identifier: MIT
 *
 * json_out.h - JSON written straight into a struct buf.
 *
 * Commas are put by the writer; nesting is counted and asserted. Numbers are
 * exact: integers and decimals never pass through a double. A failed buffer
 * shows in json_out_finish(). Not thread-safe.
 *
 *	struct json_out out = json_out_to(&buf);
 *	json_object(&out, NULL);
 *	json_put_text(&out, "status", "ok");
 *	json_end(&out);
 */
#ifndef CODEC_JSON_OUT_H
#define CODEC_JSON_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum {
	JSON_OUT_DEPTH_MAX = 16
};

struct json_words;

struct json_out {
	struct buf *buf;                /* borrowed */
	const struct json_words *words; /* NULL, or json_words.h; borrowed */
	int depth; /* 0 is the top, outside of the document */
	bool has_items[JSON_OUT_DEPTH_MAX + 1];
	bool is_array[JSON_OUT_DEPTH_MAX + 1];
};

struct json_out json_out_to(struct buf *buf);

/* `key` is NULL inside an array and at the top, never inside an object. */
void json_object(struct json_out *out, const char *key);
void json_array(struct json_out *out, const char *key);
void json_end(struct json_out *out); /* closes the innermost of the two */
/* Bytes that are not UTF-8 become U+FFFD each. */
void json_put_text(struct json_out *out, const char *key, const char *text);
/* As json_put_text(), null when text is NULL. */
void json_put_text_or_null(struct json_out *out, const char *key,
			   const char *text);
void json_put_i64(struct json_out *out, const char *key, int64_t value);
/* Elements of an array, at least one and at most BUF_I64S_MAX: in one piece,
 * for the texts that are made most. */
void json_put_i64s(struct json_out *out, const int64_t *values, size_t count);
void json_put_bool(struct json_out *out, const char *key, bool value);
void json_put_null(struct json_out *out, const char *key);
/* A JSON number without zeros at the end: 1500 with 3 digits is 1.5. */
void json_put_decimal(struct json_out *out, const char *key, int64_t value,
		      int digits);
/* A decimal string, "12.50": how money travels. */
void json_put_money(struct json_out *out, const char *key, int64_t minor);
/* ISO 8601 in UTC with milliseconds, or null when wall_ms is 0. */
void json_put_time(struct json_out *out, const char *key, int64_t wall_ms);
/* Text that is JSON already. */
void json_put_raw(struct json_out *out, const char *key, const char *json);

/* 0, or ERR_NOMEM when the buffer failed. Asserts that there is one value and
 * that it is closed. */
int json_out_finish(const struct json_out *out, struct err *e);

#endif
