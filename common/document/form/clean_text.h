/* SPDX-License-Identifier: MIT
 *
 * clean_text.h - texts from outside as every form may hold them. Pure.
 *
 * One filter for all forms, because each of their libraries refuses something
 * else: control characters become spaces; bytes that are no UTF-8 and code
 * points that are no characters become U+FFFD.
 */
#ifndef DOCUMENT_CLEAN_TEXT_H
#define DOCUMENT_CLEAN_TEXT_H

#include "base/buf.h"

/* The text itself, which nearly always is clean, or a copy in *b. Borrowed
 * until the next call with that buffer, which says by buf_finish() whether the
 * copy had room. */
const char *clean_text(struct buf *b, const char *text);

#endif
