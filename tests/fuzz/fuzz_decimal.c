/* SPDX-License-Identifier: MIT
 *
 * fuzz_decimal.c - what is read exactly is written and read back; rounding is
 * never off by more than half a unit. Input: one byte for the digits, the text.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "codec/decimal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

__extension__ typedef __int128 wide;

static void check_round_trip(int64_t value, int digits)
{
	char text[DECIMAL_TEXT_BYTES];
	int64_t got = ~value;

	(void)decimal_format(value, digits, text);
	assert(decimal_parse(text, digits, &got, NULL) == 0 && got == value);
	(void)decimal_format_short(value, digits, text);
	assert(decimal_parse(text, digits, &got, NULL) == 0 && got == value);
}

/* The 64 bits of a long double's mantissa hold every int64_t. */
static void check_rounding(const char *text, int digits, int64_t value)
{
	long double exact = strtold(text, NULL);
	long double off;
	long double slack;

	for (int i = 0; i < digits; i++)
		exact *= 10;
	off = exact - (long double)value;
	slack = 0.5L + (exact < 0 ? -exact : exact) * 1e-17L;
	assert(off <= slack && -off <= slack);
}

static void check_product(const uint8_t *data)
{
	int64_t factors[3];
	int64_t got;
	wide twice_off;

	memcpy(factors, data, sizeof(factors));
	factors[2] &= INT64_MAX;
	factors[2] += factors[2] == 0;
	if (decimal_mul_div(factors[0], factors[1], factors[2], &got, NULL) < 0)
		return;
	twice_off =
		2 * ((wide)factors[0] * factors[1] - (wide)got * factors[2]);
	assert(twice_off <= factors[2] && -twice_off <= factors[2]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_FREE char *text = NULL;
	int64_t exact = 0;
	int64_t rounded = 0;
	int digits;

	if (size < 1)
		return 0;
	if (size >= 25)
		check_product(data + 1);
	text = malloc(size);
	assert(text != NULL);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	digits = data[0] % (DECIMAL_DIGITS_MAX + 1);
	if (decimal_parse_rounded(text, digits, &rounded, NULL) == 0) {
		check_round_trip(rounded, digits);
		check_rounding(text, digits, rounded);
	}
	if (decimal_parse(text, digits, &exact, NULL) == 0)
		assert(decimal_parse_rounded(text, digits, &rounded, NULL) ==
			       0 &&
		       rounded == exact);
	return 0;
}
