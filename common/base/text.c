/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"

bool text_equal_constant_time(const char *given, const char *secret)
{
	size_t given_bytes = strlen(given);
	size_t secret_bytes = strlen(secret);
	size_t differ = given_bytes ^ secret_bytes;

	for (size_t i = 0; i < given_bytes; i++) {
		size_t at = secret_bytes == 0 ? 0 : i % secret_bytes;

		differ |= (size_t)((unsigned char)given[i] ^
				   (unsigned char)secret[at]);
	}
	return differ == 0 && given_bytes > 0;
}

size_t text_utf8_sequence(const char *data, const char *end)
{
	const unsigned char *p = (const unsigned char *)data;
	size_t n;
	unsigned char low = 0x80;
	unsigned char high = 0xBF;

	if (*p < 0x80)
		return 1;
	if (*p < 0xC2 || *p > 0xF4)
		return 0;
	n = *p < 0xE0 ? 2 : *p < 0xF0 ? 3 : 4;
	if ((size_t)(end - data) < n)
		return 0;
	if (*p == 0xE0)
		low = 0xA0; /* overlong */
	else if (*p == 0xED)
		high = 0x9F; /* surrogates */
	else if (*p == 0xF0)
		low = 0x90; /* overlong */
	else if (*p == 0xF4)
		high = 0x8F; /* past U+10FFFF */
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	return n;
}

/* Ends in FFFE or FFFF, or U+FDD0..U+FDEF. */
static bool is_noncharacter(const char *data, size_t bytes)
{
	const unsigned char *p = (const unsigned char *)data;

	if (bytes == 3 && p[0] == 0xEF && p[1] == 0xB7)
		return p[2] >= 0x90 && p[2] <= 0xAF;
	return (bytes == 3 || bytes == 4) && p[bytes - 1] >= 0xBE &&
	       p[bytes - 2] == 0xBF &&
	       (bytes == 3 ? p[0] == 0xEF : (p[1] & 0x0F) == 0x0F);
}

size_t text_character(const char *data, const char *end)
{
	size_t bytes = text_utf8_sequence(data, end);

	return is_noncharacter(data, bytes) ? 0 : bytes;
}

bool text_is_utf8(const char *data, size_t bytes)
{
	size_t n;

	for (size_t i = 0; i < bytes; i += n) {
		n = text_utf8_sequence(data + i, data + bytes);
		if (n == 0)
			return false;
	}
	return true;
}

void text_make_line(char *text)
{
	const char *end = text + strlen(text);

	while (text < end) {
		size_t n = text_utf8_sequence(text, end);
		bool control = (unsigned char)*text < 0x20 || *text == 0x7F;

		if (n == 0 || control)
			*text = ' ';
		text += MAX_OF(n, (size_t)1);
	}
}

size_t text_utf8_prefix(const char *text, size_t max_bytes)
{
	size_t bytes = strnlen(text, max_bytes + 1);

	if (bytes <= max_bytes)
		return bytes;
	bytes = max_bytes;
	while (bytes > 0 && ((unsigned char)text[bytes] & 0xC0) == 0x80)
		bytes--;
	return bytes;
}

char *text_i64_before(char *end, int64_t value)
{
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	do {
		*--end = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (value < 0)
		*--end = '-';
	return end;
}

size_t text_utf8_points(const char *text)
{
	size_t points = 0;

	for (; *text != '\0'; text++)
		points += ((unsigned char)*text & 0xC0) != 0x80;
	return points;
}

int text_to_i64(const char *text, int64_t min, int64_t max, int64_t *ret_value,
		struct err *e)
{
	char *end = NULL;
	long long value;

	if (!isdigit((unsigned char)text[0]) &&
	    !(text[0] == '-' && isdigit((unsigned char)text[1])))
		return err_set(e, ERR_INVALID, "'%.32s' is not a whole number",
			       text);
	errno = 0;
	value = strtoll(text, &end, 10);
	if (*end != '\0')
		return err_set(e, ERR_INVALID, "'%.32s' is not a whole number",
			       text);
	if (errno == ERANGE || value < min || value > max)
		return err_set(e, ERR_INVALID,
			       "%.32s is out of range %lld..%lld", text,
			       (long long)min, (long long)max);
	*ret_value = value;
	return 0;
}

static int64_t duration_unit_ms(const char *suffix, int64_t bare_ms)
{
	static const struct {
		const char *suffix;
		int64_t ms;
	} units[] = {{"d", 86400000},
		     {"h", 3600000},
		     {"m", 60000},
		     {"s", 1000},
		     {"ms", 1}};

	if (*suffix == '\0')
		return bare_ms;
	for (size_t i = 0; i < COUNT_OF(units); i++)
		if (strcmp(units[i].suffix, suffix) == 0)
			return units[i].ms;
	return 0;
}

int text_to_duration_ms(const char *text, int64_t bare_ms, int64_t *ret_ms,
			struct err *e)
{
	char digits[24];
	size_t length = strspn(text, "0123456789");
	int64_t unit_ms = duration_unit_ms(text + length, bare_ms);
	int64_t value = 0;

	if (unit_ms == 0 || length == 0 || length >= sizeof(digits))
		return err_set(e, ERR_INVALID,
			       "'%s' is no duration (15m, 2h, 3d)", text);
	memcpy(digits, text, length);
	digits[length] = '\0';
	if (text_to_i64(digits, 0, INT64_MAX / unit_ms, &value, e) < 0)
		return ERR_INVALID;
	*ret_ms = value * unit_ms;
	return 0;
}

bool text_copy(char *target, size_t target_bytes, const char *source)
{
	size_t bytes;

	assert(target_bytes > 0);
	bytes = text_utf8_prefix(source, target_bytes - 1);
	memcpy(target, source, bytes);
	target[bytes] = '\0';
	return source[bytes] == '\0';
}

char *text_printf(const char *format, ...)
{
	char *text = NULL;
	va_list args;
	int bytes;

	va_start(args, format);
	bytes = vasprintf(&text, format, args);
	va_end(args);
	return bytes >= 0 ? text : NULL;
}

char *text_trim(char *text)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return text;
}
