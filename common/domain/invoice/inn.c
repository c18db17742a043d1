/* SPDX-License-Identifier: MIT */
#include "domain/invoice/inn.h"

#include <string.h>

/* The digit after the first `count`; the weights of fewer are a tail of those
 * of eleven. */
static char check_digit(const char *digits, size_t count)
{
	static const int weights[] = {3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8};
	size_t skip = sizeof(weights) / sizeof(weights[0]) - count;
	int sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += weights[skip + i] * (digits[i] - '0');
	return (char)('0' + sum % 11 % 10);
}

bool inn_is_checked(const char *inn)
{
	size_t count = strlen(inn);

	if (strspn(inn, "0123456789") != count)
		return false;
	if (count == 10)
		return check_digit(inn, 9) == inn[9];
	return count == 12 && check_digit(inn, 10) == inn[10] &&
	       check_digit(inn, 11) == inn[11];
}
