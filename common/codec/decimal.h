/* SPDX-License-Identifier: MIT
 *
 * decimal.h - exact fixed-point numbers: money, quantity, weight.
 *
 * Money is int64_t minor units (`_minor`, two digits: kopecks), quantity is
 * thousandths of a piece or pack (`_milli`), weight is whole grams (`_g`).
 * Floating point never holds any of them. Pure and thread-safe.
 */
#ifndef CODEC_DECIMAL_H
#define CODEC_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

struct err;

enum {
	DECIMAL_DIGITS_MAX = 6,
	DECIMAL_TEXT_BYTES = 24, /* "-9223372036854.775808" and the NUL */
	MONEY_DIGITS = 2,
	QUANTITY_DIGITS = 3,
	WEIGHT_DIGITS = 0 /* grams are whole */
};

/* Parse decimal text such as "-12.50" into units of 10^-digits: optional '-',
 * digits, optionally '.' and digits. No exponent, '+', spaces or grouping.
 * Returns 0; ERR_INVALID when malformed, when a digit that is not zero would be
 * lost, or when it does not fit. *ret_value is set only on success. */
int decimal_parse(const char *text, int digits, int64_t *ret_value,
		  struct err *e);

/* As decimal_parse(), but digits beyond `digits` are rounded half away from
 * zero, and an exponent ("1.5e2") is understood: for numbers of foreign JSON
 * whose writer used floating point. */
int decimal_parse_rounded(const char *text, int digits, int64_t *ret_value,
			  struct err *e);

/* "12.50": always `digits` digits after the point (none and no point for 0).
 * Returns text. */
const char *decimal_format(int64_t value, int digits,
			   char text[DECIMAL_TEXT_BYTES]);

/* The same without zeros at the end: 1500 milli is "1.5", 2000 is "2". */
const char *decimal_format_short(int64_t value, int digits,
				 char text[DECIMAL_TEXT_BYTES]);

/* round(a * b / divisor), half away from zero, exact in 128 bits.
 * divisor > 0. ERR_INVALID when the result does not fit. */
int decimal_mul_div(int64_t a, int64_t b, int64_t divisor, int64_t *ret_value,
		    struct err *e);

/* a + b; ERR_INVALID on overflow. */
int decimal_add(int64_t a, int64_t b, int64_t *ret_sum, struct err *e);

#endif
