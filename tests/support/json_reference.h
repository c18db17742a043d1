/* SPDX-License-Identifier: MIT
 *
 * json_reference.h - a second opinion on what json_scan() takes: slow, short,
 * recursive, written from RFC 8259 and RFC 3629 on an array of code points and
 * sharing no code with the scanner. For tests and fuzzers.
 */
#ifndef JSON_REFERENCE_H
#define JSON_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
	REFERENCE_BYTES_MAX = 65536,
	REFERENCE_DEPTH_MAX = 64
};

/* The text as code points, a 0 behind it; and the keys of all objects that are
 * open, unescaped, each with a 0 behind it. */
static int32_t reference_text[REFERENCE_BYTES_MAX + 1];
static int32_t reference_keys[REFERENCE_BYTES_MAX * 2];

/* Continuation bytes that follow a leading byte; 9 when it leads nothing. */
static inline size_t reference_more(unsigned char lead)
{
	if (lead < 0x80)
		return 0;
	if ((lead & 0xE0) == 0xC0)
		return 1;
	if ((lead & 0xF0) == 0xE0)
		return 2;
	return (lead & 0xF8) == 0xF0 ? 3 : 9;
}

static inline bool reference_decode(const char *data, size_t bytes)
{
	static const int32_t smallest[] = {1, 0x80, 0x800, 0x10000};
	size_t n = 0;

	for (size_t i = 0; i < bytes;) {
		unsigned char lead = (unsigned char)data[i++];
		size_t more = reference_more(lead);
		int32_t code = more == 0 ? lead : lead & (0x3F >> more);

		if (more > 3 || more > bytes - i)
			return false;
		for (size_t k = 0; k < more; k++) {
			unsigned char next = (unsigned char)data[i++];

			if (next < 0x80 || next > 0xBF)
				return false;
			code = code * 64 + (next - 0x80);
		}
		if (code < smallest[more] || code > 0x10FFFF ||
		    (code >= 0xD800 && code < 0xE000))
			return false;
		reference_text[n++] = code;
	}
	reference_text[n] = 0;
	return true;
}

static inline const int32_t *reference_space(const int32_t *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')
		p++;
	return p;
}

static inline bool reference_is_digit(int32_t c)
{
	return c >= '0' && c <= '9';
}

static inline int32_t reference_hex(const int32_t *p)
{
	int32_t unit = 0;

	for (int i = 0; i < 4; i++) {
		const char *digits = "0123456789abcdef0123456789ABCDEF";
		const char *at = p[i] > 0 && p[i] < 128
					 ? strchr(digits, (int)p[i])
					 : NULL;

		if (at == NULL)
			return -1;
		unit = unit * 16 + (int32_t)((at - digits) % 16);
	}
	return unit;
}

/* What an escape of one letter means, or -1. */
static inline int32_t reference_letter(int32_t letter)
{
	static const char from[] = "\"\\/bfnrt";
	static const int32_t to[] = {'"', '\\', '/', 8, 12, 10, 13, 9};

	for (size_t i = 0; from[i] != '\0'; i++)
		if (from[i] == letter)
			return to[i];
	return -1;
}

/* All of these return what follows, or NULL. The code point goes to *code. */
static inline const int32_t *reference_escape(const int32_t *p, int32_t *code)
{
	int32_t low = -1;

	if (p[1] != 'u') {
		*code = reference_letter(p[1]);
		return *code < 0 ? NULL : p + 2;
	}
	*code = reference_hex(p + 2);
	if (*code < 1 || (*code >= 0xDC00 && *code < 0xE000))
		return NULL;
	if (*code < 0xD800 || *code >= 0xE000)
		return p + 6;
	if (p[6] == '\\' && p[7] == 'u')
		low = reference_hex(p + 8);
	*code = 0x10000 + (*code - 0xD800) * 0x400 + (low - 0xDC00);
	return low < 0xDC00 || low >= 0xE000 ? NULL : p + 12;
}

/* The string goes to *out. */
static inline const int32_t *reference_string(const int32_t *p, int32_t **out)
{
	p++;
	while (p != NULL && *p != '"') {
		int32_t code = *p;

		if (code < 0x20)
			return NULL;
		p = code == '\\' ? reference_escape(p, &code) : p + 1;
		*(*out)++ = code;
	}
	*(*out)++ = 0;
	return p == NULL ? NULL : p + 1;
}

static inline const int32_t *reference_digits(const int32_t *p)
{
	if (p == NULL || !reference_is_digit(*p))
		return NULL;
	while (reference_is_digit(*p))
		p++;
	return p;
}

static inline const int32_t *reference_number(const int32_t *p)
{
	if (*p == '-')
		p++;
	p = *p == '0' ? p + 1 : reference_digits(p);
	if (p != NULL && *p == '.')
		p = reference_digits(p + 1);
	if (p != NULL && (*p == 'e' || *p == 'E'))
		p = reference_digits(p[1] == '+' || p[1] == '-' ? p + 2
								: p + 1);
	return p;
}

static inline const int32_t *reference_word(const int32_t *p, const char *word)
{
	for (; *word != '\0'; word++, p++)
		if (*p != *word)
			return NULL;
	return p;
}

/* Whether the key at `key` stands between `first` and itself already. */
static inline bool reference_twice(const int32_t *first, const int32_t *key)
{
	while (first < key) {
		size_t i = 0;

		while (first[i] == key[i] && key[i] != 0)
			i++;
		if (first[i] == key[i])
			return true;
		while (*first != 0)
			first++;
		first++;
	}
	return false;
}

static inline const int32_t *reference_value(const int32_t *p, int depth,
					     int32_t *keys);

static inline const int32_t *reference_members(const int32_t *p, int depth,
					       int32_t *keys, bool object)
{
	int32_t *end = keys;
	int32_t close = object ? '}' : ']';

	p = reference_space(p + 1);
	if (*p == close)
		return depth < REFERENCE_DEPTH_MAX ? p + 1 : NULL;
	while (depth < REFERENCE_DEPTH_MAX) {
		if (object) {
			int32_t *key = end;

			p = reference_space(p);
			p = *p == '"' ? reference_string(p, &end) : NULL;
			if (p == NULL || reference_twice(keys, key))
				return NULL;
			p = reference_space(p);
			if (*p++ != ':')
				return NULL;
		}
		p = reference_value(p, depth + 1, end);
		if (p == NULL)
			return NULL;
		p = reference_space(p);
		if (*p == close)
			return p + 1;
		if (*p++ != ',')
			return NULL;
	}
	return NULL;
}

static inline const int32_t *reference_value(const int32_t *p, int depth,
					     int32_t *keys)
{
	int32_t *unused = keys;

	p = reference_space(p);
	if (*p == '{' || *p == '[')
		return reference_members(p, depth, keys, *p == '{');
	if (*p == '"')
		return reference_string(p, &unused);
	if (*p == 't' || *p == 'f' || *p == 'n')
		return reference_word(p, *p == 't'   ? "true"
					 : *p == 'f' ? "false"
						     : "null");
	return reference_number(p);
}

/* Whether the text is one that json_scan() has to take. */
static inline bool json_reference_takes(const char *data, size_t bytes)
{
	const int32_t *p;

	if (bytes > REFERENCE_BYTES_MAX || !reference_decode(data, bytes))
		return false;
	p = reference_value(reference_text, 0, reference_keys);
	return p != NULL && *reference_space(p) == 0;
}

#endif
