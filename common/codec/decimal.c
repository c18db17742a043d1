/* SPDX-License-Identifier: MIT */
#include "codec/decimal.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"

__extension__ typedef __int128 wide; /* ISO C has no name for it */

enum {
	EXPONENT_MAX = 1000000000 /* no text has as many digits as that */
};

/* A number as it is written: its digits are still text. */
struct written {
	bool negative;
	const char *whole;
	const char *fraction;
	int64_t whole_digits;
	int64_t fraction_digits;
	int64_t exponent;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Count the digits at *p and step over them. */
static int64_t skip_digits(const char **p)
{
	const char *start = *p;

	while (is_digit(**p))
		(*p)++;
	return *p - start;
}

static bool read_exponent(const char **p, int64_t *ret_exponent)
{
	bool negative = (*p)[1] == '-';
	int64_t value = 0;

	*p += (*p)[1] == '-' || (*p)[1] == '+' ? 2 : 1;
	if (!is_digit(**p))
		return false;
	for (; is_digit(**p); (*p)++)
		value = MIN_OF(value * 10 + (**p - '0'), (int64_t)EXPONENT_MAX);
	*ret_exponent = negative ? -value : value;
	return true;
}

static bool read_written(const char *text, bool exponent_allowed,
			 struct written *ret)
{
	const char *p = text;

	*ret = (struct written){.negative = *p == '-', .fraction = ""};
	if (ret->negative)
		p++;
	ret->whole = p;
	ret->whole_digits = skip_digits(&p);
	if (ret->whole_digits == 0)
		return false;
	if (*p == '.') {
		ret->fraction = ++p;
		ret->fraction_digits = skip_digits(&p);
		if (ret->fraction_digits == 0)
			return false;
	}
	if (exponent_allowed && (*p == 'e' || *p == 'E') &&
	    !read_exponent(&p, &ret->exponent))
		return false;
	return *p == '\0';
}

static int digit_at(const struct written *w, int64_t i)
{
	return (i < w->whole_digits ? w->whole[i]
				    : w->fraction[i - w->whole_digits]) -
	       '0';
}

/* Grows away from zero, so that INT64_MIN needs no special case. */
static bool push_digit(int64_t *value, int digit, bool negative)
{
	return !__builtin_mul_overflow(*value, 10, value) &&
	       !__builtin_add_overflow(*value, negative ? -digit : digit,
				       value);
}

static bool any_digit_from(const struct written *w, int64_t i)
{
	for (; i < w->whole_digits + w->fraction_digits; i++)
		if (digit_at(w, i) != 0)
			return true;
	return false;
}

/* The first `keep` digits of w, filled up with zeros, as one integer. */
static bool leading_digits(const struct written *w, int64_t keep,
			   int64_t *ret_value)
{
	int64_t given = MIN_OF(keep, w->whole_digits + w->fraction_digits);
	int64_t value = 0;
	int64_t i;

	for (i = 0; i < given; i++)
		if (!push_digit(&value, digit_at(w, i), w->negative))
			return false;
	/* At most 19 turns: then it overflows. */
	for (; i < keep && value != 0; i++)
		if (!push_digit(&value, 0, w->negative))
			return false;
	*ret_value = value;
	return true;
}

static int parse(const char *text, int digits, bool rounded, int64_t *ret_value,
		 struct err *e)
{
	struct written w;
	int64_t value;
	int64_t keep;
	int away = 0;

	assert(digits >= 0 && digits <= DECIMAL_DIGITS_MAX);
	if (!read_written(text, rounded, &w))
		return err_set(e, ERR_INVALID, "'%.32s' is not a number", text);
	keep = w.whole_digits + w.exponent + digits;
	if (!rounded && any_digit_from(&w, keep))
		return err_set(e, ERR_INVALID,
			       "'%.32s' has more than %d decimals", text,
			       digits);
	if (keep >= 0 && keep < w.whole_digits + w.fraction_digits &&
	    digit_at(&w, keep) >= 5)
		away = w.negative ? -1 : 1;
	if (!leading_digits(&w, keep, &value) ||
	    __builtin_add_overflow(value, away, &value))
		return err_set(e, ERR_INVALID, "'%.32s' is too large", text);
	*ret_value = value;
	return 0;
}

int decimal_parse(const char *text, int digits, int64_t *ret_value,
		  struct err *e)
{
	return parse(text, digits, false, ret_value, e);
}

int decimal_parse_rounded(const char *text, int digits, int64_t *ret_value,
			  struct err *e)
{
	return parse(text, digits, true, ret_value, e);
}

const char *decimal_format(int64_t value, int digits,
			   char text[DECIMAL_TEXT_BYTES])
{
	char reversed[DECIMAL_TEXT_BYTES];
	/* -value would not fit for INT64_MIN. */
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	size_t n = 0;
	size_t used = 0;

	assert(digits >= 0 && digits <= DECIMAL_DIGITS_MAX);
	for (int i = 0; i <= digits || rest > 0; i++, rest /= 10) {
		if (i == digits && digits > 0)
			reversed[n++] = '.';
		reversed[n++] = (char)('0' + rest % 10);
	}
	if (value < 0)
		text[used++] = '-';
	while (n > 0)
		text[used++] = reversed[--n];
	text[used] = '\0';
	return text;
}

const char *decimal_format_short(int64_t value, int digits,
				 char text[DECIMAL_TEXT_BYTES])
{
	size_t n;

	(void)decimal_format(value, digits, text);
	if (digits == 0)
		return text;
	n = strlen(text);
	while (text[n - 1] == '0')
		n--;
	if (text[n - 1] == '.')
		n--;
	text[n] = '\0';
	return text;
}

int decimal_mul_div(int64_t a, int64_t b, int64_t divisor, int64_t *ret_value,
		    struct err *e)
{
	wide product = (wide)a * b;
	wide quotient;
	wide rest;

	assert(divisor > 0);
	quotient = product / divisor;
	rest = product % divisor; /* has the sign of product */
	if (2 * rest >= divisor)
		quotient++;
	else if (-2 * rest >= divisor)
		quotient--;
	if (quotient > INT64_MAX || quotient < INT64_MIN)
		return err_set(e, ERR_INVALID, "product is too large");
	*ret_value = (int64_t)quotient;
	return 0;
}

int decimal_add(int64_t a, int64_t b, int64_t *ret_sum, struct err *e)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return err_set(e, ERR_INVALID, "sum is too large");
	*ret_sum = sum;
	return 0;
}
