/* SPDX-License-Identifier: MIT */
#include "codec/mail/mail_message.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/time/timestamp.h"

#define CRLF "\r\n"
#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */
#define ELLIPSIS "\xE2\x80\xA6"    /* U+2026 */

enum {
	LOCAL_BYTES_MAX = 64,
	/* RFC 2047 2: a line with an encoded word has at most 76 characters.
	 * "Subject: =?UTF-8?B?" and "?=" take 21; 39 bytes become 52. */
	WORD_SOURCE_BYTES = 39,
	BASE64_LINE_SOURCE_BYTES = 57, /* 76 characters */
	POINT_BYTES_MAX = 4
};

/* RFC 5322 atext, and the dot. */
static bool is_atom(char c)
{
	return isalnum((unsigned char)c) ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~.", c) != NULL);
}

static bool is_dotted(const char *text, size_t length)
{
	return length > 0 && text[0] != '.' && text[length - 1] != '.' &&
	       memmem(text, length, "..", 2) == NULL;
}

static bool is_domain(const char *text)
{
	size_t length = strlen(text);

	for (const char *p = text; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && *p != '-' && *p != '.')
			return false;
	return is_dotted(text, length) && text[0] != '-';
}

bool mail_address_is_good(const char *address)
{
	const char *at = strchr(address, '@');
	size_t local = at != NULL ? (size_t)(at - address) : 0;

	if (local == 0 || local > LOCAL_BYTES_MAX ||
	    strlen(address) >= MAIL_ADDRESS_BYTES)
		return false;
	for (const char *p = address; p < at; p++)
		if (!is_atom(*p))
			return false;
	return is_dotted(address, local) && is_domain(at + 1);
}

static void add_base64(struct buf *out, const unsigned char *data, size_t bytes)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/=";
	const unsigned int pad = 64;

	for (size_t i = 0; i < bytes; i += 3) {
		size_t n = MIN_OF(bytes - i, (size_t)3);
		unsigned int group = (unsigned int)data[i] << 16;

		group |= n > 1 ? (unsigned int)data[i + 1] << 8 : 0;
		group |= n > 2 ? (unsigned int)data[i + 2] : 0;
		buf_add_char(out, digits[group >> 18]);
		buf_add_char(out, digits[group >> 12 & 63]);
		buf_add_char(out, digits[n > 1 ? group >> 6 & 63 : pad]);
		buf_add_char(out, digits[n > 2 ? group & 63 : pad]);
	}
}

/* Well-formed, without control characters (but line feeds where they may be),
 * at most so many code points. */
static void add_clean(struct buf *out, const char *text, size_t max_points,
		      bool keep_lines)
{
	const char *end = text + strlen(text);

	for (const char *p = text; p < end; max_points--) {
		size_t bytes = text_utf8_sequence(p, end);

		if (max_points == 0) {
			buf_add_text(out, ELLIPSIS);
			return;
		}
		if (bytes == 0) {
			buf_add_text(out, REPLACEMENT);
			bytes = 1;
		} else if (*p == '\n' && keep_lines) {
			buf_add_text(out, CRLF);
		} else if ((unsigned char)*p < ' ' || *p == 0x7f) {
			buf_add_char(out, ' ');
		} else {
			buf_add(out, p, bytes);
		}
		p += bytes;
	}
}

static bool is_plain(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p >= 0x7f || strchr("=?\"<>()@,;:\\", *p))
			return false;
	return strlen(text) <= WORD_SOURCE_BYTES;
}

/* Words on lines of their own; none ends within a code point. */
static void add_words(struct buf *out, const char *text)
{
	const char *end = text + strlen(text);
	const char *from = text;

	if (is_plain(text)) {
		buf_add_text(out, text);
		return;
	}
	while (from < end) {
		const char *to = from;

		while (to < end) {
			size_t bytes = text_utf8_sequence(to, end);

			bytes = MAX_OF(bytes, (size_t)1);
			if ((size_t)(to - from) + bytes > WORD_SOURCE_BYTES)
				break;
			to += bytes;
		}
		if (from != text)
			buf_add_text(out, CRLF " ");
		buf_add_text(out, "=?UTF-8?B?");
		add_base64(out, (const unsigned char *)from,
			   (size_t)(to - from));
		buf_add_text(out, "?=");
		from = to;
	}
}

static void add_phrase(struct buf *out, const char *text, size_t max_points)
{
	CLEANUP(buf_clear)
	struct buf clean = BUF_MAX((max_points + 2) * POINT_BYTES_MAX);

	add_clean(&clean, text, max_points, false);
	add_words(out, buf_text(&clean));
}

/* RFC 5322 3.3, in UTC. */
static void add_date(struct buf *out, int64_t date_ms)
{
	static const char *const days[] = {"Mon", "Tue", "Wed", "Thu",
					   "Fri", "Sat", "Sun"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr",
					     "May", "Jun", "Jul", "Aug",
					     "Sep", "Oct", "Nov", "Dec"};
	struct civil c = timestamp_civil(date_ms, 0);

	buf_printf(out, "Date: %s, %d %s %04d %02d:%02d:%02d +0000" CRLF,
		   days[c.weekday - 1], c.day, months[c.month - 1], c.year,
		   c.hour, c.minute, c.second);
}

static void add_body(struct buf *out, const struct buf *text)
{
	const unsigned char *data = (const unsigned char *)buf_text(text);

	for (size_t i = 0; i < text->used_bytes;
	     i += BASE64_LINE_SOURCE_BYTES) {
		add_base64(out, data + i,
			   MIN_OF(text->used_bytes - i,
				  (size_t)BASE64_LINE_SOURCE_BYTES));
		buf_add_text(out, CRLF);
	}
}

static int check(const struct mail_message *mail, struct err *e)
{
	if (!mail_address_is_good(mail->from) ||
	    !mail_address_is_good(mail->to))
		return err_set(e, ERR_INVALID, "not an address of mail");
	if (!mail_address_is_good(mail->message_id))
		return err_set(e, ERR_INVALID, "not an id of a mail");
	return 0;
}

static void add_headers(struct buf *out, const struct mail_message *mail)
{
	add_date(out, mail->date_ms);
	buf_add_text(out, "From: ");
	if (mail->from_name[0] != '\0') {
		add_phrase(out, mail->from_name, MAIL_SUBJECT_POINTS_MAX);
		buf_add_text(out, CRLF " ");
	}
	buf_printf(out, "<%s>" CRLF "To: <%s>" CRLF "Subject: ", mail->from,
		   mail->to);
	add_phrase(out, mail->subject, MAIL_SUBJECT_POINTS_MAX);
	buf_printf(out, CRLF "Message-ID: <%s>" CRLF, mail->message_id);
	/* RFC 3834 5: no holiday notices in return. */
	buf_add_text(out, "Auto-Submitted: auto-generated" CRLF);
	if (mail->attempt > 1)
		buf_printf(out, "X-Ordergate-Attempt: %d" CRLF, mail->attempt);
	buf_add_text(out, "MIME-Version: 1.0" CRLF
			  "Content-Type: text/plain; charset=UTF-8" CRLF
			  "Content-Transfer-Encoding: base64" CRLF CRLF);
}

int mail_message_write(const struct mail_message *mail, struct buf *out,
		       struct err *e)
{
	CLEANUP(buf_clear) struct buf text = BUF_MAX(out->max_bytes);
	int rc = check(mail, e);

	if (rc < 0)
		return rc;
	add_headers(out, mail);
	add_clean(&text, mail->text, SIZE_MAX, true);
	rc = buf_finish(&text, e);
	if (rc < 0)
		return rc;
	add_body(out, &text);
	return buf_finish(out, e);
}
