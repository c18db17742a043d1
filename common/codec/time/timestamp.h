/* SPDX-License-Identifier: MIT
 *
 * timestamp.h - ISO 8601 texts and UTC milliseconds. Pure and thread-safe.
 */
#ifndef CODEC_TIMESTAMP_H
#define CODEC_TIMESTAMP_H

#include <stddef.h>
#include <stdint.h>

struct err;

enum {
	TIMESTAMP_TEXT_BYTES = 32, /* "2026-11-22T03:04:05.678+03:00" and NUL */
	DATE_TEXT_BYTES = 11       /* "2026-11-22" and NUL */
};

struct civil { /* a calendar time without zone, proleptic Gregorian */
	int year, month, day, hour, minute, second, milli;
	int weekday; /* 1 Monday .. 7 Sunday (ISO 8601) */
};

/* "YYYY-MM-DDTHH:MM[:SS[.fraction]](Z|+HH[[:]MM]|-HH[[:]MM])", also with a
 * space instead of T and without an offset (then assume_offset_s applies).
 * Years 1970..9999, there and in UTC; offsets up to 14 hours; second 60 becomes
 * 59; past the milliseconds digits are dropped. ERR_INVALID otherwise. */
int timestamp_parse(const char *text, int assume_offset_s, int64_t *ret_wall_ms,
		    struct err *e);

/* What follows knows the years 0..9999: a moment outside of them counts as the
 * nearest that is inside. */

/* ISO 8601 with the offset written out ("Z" when offset_s is 0); milliseconds
 * only when they are not zero. Returns text. */
const char *timestamp_format(int64_t wall_ms, int offset_s,
			     char text[TIMESTAMP_TEXT_BYTES]);

/* "YYYY-MM-DD" of the day that wall_ms falls on at that offset. */
const char *timestamp_date(int64_t wall_ms, int offset_s,
			   char text[DATE_TEXT_BYTES]);

struct civil timestamp_civil(int64_t wall_ms, int offset_s);
/* The month is 1..12; other fields may lie outside of their range and count on
 * (day 0 is the last day of the month before). weekday is not read. */
int64_t timestamp_from_civil(const struct civil *c, int offset_s);

#endif
