/* SPDX-License-Identifier: MIT
 *
 * mail_message.h - a mail as its bytes: RFC 5322 headers, RFC 2047 words for
 * what is not ASCII, a UTF-8 text in base64 (RFC 2045). Pure.
 *
 * Nothing that is given can add a header or end them: control characters become
 * spaces, bytes that are not UTF-8 become U+FFFD, and addresses are checked.
 */
#ifndef CODEC_MAIL_MESSAGE_H
#define CODEC_MAIL_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct err;

enum {
	MAIL_ADDRESS_BYTES = 255, /* RFC 5321 4.5.3.1.3, and the NUL */
	MAIL_SUBJECT_POINTS_MAX = 200
};

/* local@domain in ASCII, as RFC 5321 allows without quoting; no spaces, no
 * quotes, no angle brackets. */
bool mail_address_is_good(const char *address);

struct mail_message {
	const char *from, *to; /* bare addresses */
	const char *from_name; /* "" : none */
	const char *subject, *text;
	/* Stands for the mail as long as it exists: a repeat has the same. */
	const char *message_id; /* without brackets: id@domain */
	int64_t date_ms;
	int attempt; /* > 1: noted in a header of ours */
};

/* Append the mail; lines end with CRLF and have at most 998 bytes, those of
 * headers at most 76. ERR_INVALID (address, message_id); ERR_NOMEM. */
int mail_message_write(const struct mail_message *mail, struct buf *out,
		       struct err *e);

#endif
