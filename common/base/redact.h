/* SPDX-License-Identifier: MIT
 *
 * redact.h - the head of a foreign answer, fit to be kept and shown.
 *
 * What looks like a phone number, a mail address or a token becomes "***":
 * ten digits or more with or without separators, a word with '@' inside, and a
 * word of 20 or more letters, digits, '_', '-', '=' with both letters and
 * digits in it. Control characters and bytes that are no UTF-8 become spaces.
 * Names cannot be told from other words: whoever sends none gets none back.
 */
#ifndef BASE_REDACT_H
#define BASE_REDACT_H

#include <stddef.h>

struct buf;

void redact_put(struct buf *out, const char *text, size_t bytes);

#endif
