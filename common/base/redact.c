/* SPDX-License-Identifier: MIT */
#include "base/redact.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/text.h"

enum {
	PHONE_DIGITS = 10,
	TOKEN_BYTES = 20
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || strchr("_-=", c) != NULL;
}

static bool is_mail(char c)
{
	return is_word(c) || strchr(".@+", c) != NULL;
}

/* Bytes of a phone number that begins here, 0: none does. */
static size_t phone(const char *p, const char *end)
{
	size_t digits = 0;
	size_t last = 0;

	if (!is_digit(*p) && *p != '+')
		return 0;
	for (size_t i = 0; p + i < end; i++) {
		if (is_digit(p[i])) {
			digits++;
			last = i + 1;
		} else if (strchr(" ()-.+", p[i]) == NULL) {
			break;
		}
	}
	return digits >= PHONE_DIGITS ? last : 0;
}

static size_t mail(const char *p, const char *end)
{
	size_t bytes = 0;
	bool at = false;

	while (p + bytes < end && is_mail(p[bytes])) {
		at = at || (p[bytes] == '@' && bytes > 0);
		bytes++;
	}
	return at ? bytes : 0;
}

static size_t token(const char *p, const char *end)
{
	size_t bytes = 0;
	bool digit = false;
	bool letter = false;

	while (p + bytes < end && is_word(p[bytes])) {
		digit = digit || is_digit(p[bytes]);
		letter = letter || isalpha((unsigned char)p[bytes]);
		bytes++;
	}
	return bytes >= TOKEN_BYTES && digit && letter ? bytes : 0;
}

/* Bytes of the word here that is shown as it is: at least 1. */
static size_t plain(const char *p, const char *end)
{
	size_t bytes = 0;

	while (p + bytes < end && is_word(p[bytes]))
		bytes++;
	return bytes > 0 ? bytes : text_utf8_sequence(p, end);
}

void redact_put(struct buf *out, const char *text, size_t bytes)
{
	const char *end = text + bytes;

	for (const char *p = text; p < end;) {
		size_t hidden = phone(p, end);
		size_t shown = plain(p, end);

		hidden = MAX_OF(hidden, MAX_OF(mail(p, end), token(p, end)));
		if (hidden > 0)
			buf_add_text(out, "***");
		else if (shown == 0 || (unsigned char)*p < ' ' || *p == 0x7f)
			buf_add_char(out, ' ');
		else
			buf_add(out, p, shown);
		p += MAX_OF(hidden, MAX_OF(shown, (size_t)1));
	}
}
