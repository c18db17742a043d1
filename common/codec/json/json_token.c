/* SPDX-License-Identifier: MIT */
#include "codec/json/json_token.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "base/text.h"

#define EVERY_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

static bool refuse(struct json_cursor *c, const char *at, const char *why)
{
	c->at = at;
	c->why = why;
	return false;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A byte that a string cannot hold as it is, or that begins a sequence. */
static bool is_special(char c)
{
	return (unsigned char)c < 0x20 || (unsigned char)c >= 0x80 ||
	       c == '"' || c == '\\';
}

/* First special byte at or after p, or end. Eight bytes at a time: a byte's
 * high bit survives the subtraction when the byte was special. Borrows can only
 * mark bytes above a special one, so the lowest mark is right. */
static const char *skip_plain(const char *p, const char *end)
{
	uint64_t word;
	uint64_t marks;

	for (; end - p >= 8; p += 8) {
		memcpy(&word, p, sizeof(word));
		word = le64toh(word);
		marks = word | (word - EVERY_BYTE(0x20)) |
			((word ^ EVERY_BYTE('"')) - EVERY_BYTE(1)) |
			((word ^ EVERY_BYTE('\\')) - EVERY_BYTE(1));
		marks &= EVERY_BYTE(0x80);
		if (marks != 0)
			return p + __builtin_ctzll(marks) / 8;
	}
	while (p < end && !is_special(*p))
		p++;
	return p;
}

/* First byte at or after p that is not part of a well-formed sequence of two
 * bytes or more. Texts in Cyrillic are runs of two-byte sequences. */
static const char *skip_sequences(const char *p, const char *end)
{
	while (p < end && (unsigned char)*p >= 0x80) {
		unsigned char lead = (unsigned char)*p;
		size_t n = 2;

		if (lead < 0xC2 || lead > 0xDF || end - p < 2 ||
		    ((unsigned char)p[1] & 0xC0) != 0x80)
			n = text_utf8_sequence(p, end);
		if (n == 0)
			break;
		p += n;
	}
	return p;
}

static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "\uXXXX" at p as a number, or -1. */
static int32_t read_unit(const char *p, const char *end)
{
	int32_t unit = 0;

	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		int digit = hex_digit(p[i]);

		if (digit < 0)
			return -1;
		unit = unit * 16 + digit;
	}
	return unit;
}

/* Step over the escape at the cursor. */
static bool take_escape(struct json_cursor *c, int32_t *ret_code)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meanings[] = "\"\\/\b\f\n\r\t";
	const char *p = c->at;
	const char *letter = NULL;
	int32_t code;
	int32_t low;

	if (c->end - p >= 2 && p[1] != '\0')
		letter = strchr(letters, p[1]);
	if (letter != NULL) {
		*ret_code = (unsigned char)meanings[letter - letters];
		c->at = p + 2;
		return true;
	}
	code = read_unit(p, c->end);
	if (code < 0)
		return refuse(c, p, "malformed escape");
	if (code == 0)
		return refuse(c, p, "escaped NUL");
	c->at = p + 6;
	if (code >= 0xD800 && code <= 0xDFFF) {
		low = read_unit(c->at, c->end);
		if (code > 0xDBFF || low < 0xDC00 || low > 0xDFFF)
			return refuse(c, p, "lone surrogate");
		code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
		c->at += 6;
	}
	*ret_code = code;
	return true;
}

/* Step over what stands at the cursor inside a string and is special. */
static bool take_special(struct json_cursor *c)
{
	int32_t code;

	if (*c->at == '\\')
		return take_escape(c, &code);
	if ((unsigned char)*c->at < 0x20)
		return refuse(c, c->at, "control character in string");
	c->at = skip_sequences(c->at, c->end);
	if (c->at < c->end && (unsigned char)*c->at >= 0x80)
		return refuse(c, c->at, "invalid UTF-8");
	return true;
}

bool json_token_string(struct json_cursor *c, struct json_string *ret)
{
	const char *start = c->at + 1;
	bool escaped = false;

	c->at = start;
	for (;;) {
		c->at = skip_plain(c->at, c->end);
		if (c->at == c->end)
			return refuse(c, start - 1, "string is not closed");
		if (*c->at == '"')
			break;
		escaped |= *c->at == '\\';
		if (!take_special(c))
			return false;
	}
	*ret = (struct json_string){start, (size_t)(c->at - start), escaped};
	c->at++;
	return true;
}

/* Step over one digit or more. */
static bool take_digits(struct json_cursor *c)
{
	const char *start = c->at;

	while (c->at < c->end && is_digit(*c->at))
		c->at++;
	return c->at > start || refuse(c, start, "digit expected");
}

static bool take_one_of(struct json_cursor *c, char a, char b)
{
	if (c->at == c->end || (*c->at != a && *c->at != b))
		return false;
	c->at++;
	return true;
}

bool json_token_number(struct json_cursor *c)
{
	const char *start = c->at;

	(void)take_one_of(c, '-', '-');
	if (take_one_of(c, '0', '0')) {
		if (c->at < c->end && is_digit(*c->at))
			return refuse(c, start, "number begins with 0");
	} else if (!take_digits(c)) {
		return false;
	}
	if (take_one_of(c, '.', '.') && !take_digits(c))
		return false;
	if (take_one_of(c, 'e', 'E')) {
		(void)take_one_of(c, '+', '-');
		return take_digits(c);
	}
	return true;
}

struct json_reader json_reader_of(const struct json_string *s)
{
	return (struct json_reader){.at = s->start, .end = s->start + s->bytes};
}

static size_t encode_utf8(int32_t code, unsigned char out[4])
{
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};

	for (size_t i = n - 1; i > 0; i--, code >>= 6)
		out[i] = (unsigned char)(0x80 | (code & 0x3F));
	out[0] = (unsigned char)(lead[n] | code);
	return n;
}

int json_reader_next(struct json_reader *r)
{
	struct json_cursor c = {.at = r->at, .end = r->end};
	int32_t code = 0;
	bool good;

	if (r->pending_used < r->pending_bytes)
		return r->pending[r->pending_used++];
	if (r->at == r->end)
		return -1;
	if (*r->at != '\\')
		return (unsigned char)*r->at++;
	good = take_escape(&c, &code);
	assert(good); /* the string was checked before */
	r->at = c.at;
	r->pending_bytes = encode_utf8(code, r->pending);
	r->pending_used = 1;
	return r->pending[0];
}

bool json_unescape(const struct json_string *s, char *target,
		   size_t target_bytes)
{
	struct json_reader r = json_reader_of(s);
	size_t n = 0;
	int byte;

	if (!s->escaped) {
		if (s->bytes >= target_bytes)
			return false;
		memcpy(target, s->start, s->bytes);
		target[s->bytes] = '\0';
		return true;
	}
	for (byte = json_reader_next(&r); byte >= 0;
	     byte = json_reader_next(&r)) {
		if (n + 1 >= target_bytes)
			return false;
		target[n++] = (char)byte;
	}
	target[n] = '\0';
	return true;
}
