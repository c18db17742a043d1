/* SPDX-License-Identifier: MIT
 *
 * digest_text.h - turns crowds of waiting messages into one each
 * (store/telegram/digest.h).
 */
#ifndef TELEGRAM_DIGEST_TEXT_H
#define TELEGRAM_DIGEST_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct err;
struct service;

enum {
	DIGEST_LINES_MAX = 10,
	DIGEST_POINTS_MAX = 3500 /* of Telegram's 4096 */
};

/* Append what a message is about, in one line: its title and its first line.
 * False when there is no room for it: nothing was appended. Pure. */
bool digest_line(struct buf *out, const char *text);

/* Number of messages that became one, or < 0. */
int64_t digest_all(struct service *s, struct err *e);

#endif
