/* SPDX-License-Identifier: MIT
 *
 * reason.h - why something failed, in the language of people.
 *
 * Reasons are written in English where they arise (base/err.h), into logs and
 * into the store. Whoever shows one to people translates it here, by its text:
 * reason.c lists the texts that people meet, with {fields} for what was filled
 * in. One that is not listed is shown as it is, and so is what others said (an
 * ERP, a mail server). tests/lint/check_texts.py fails when a listed text is
 * not said anywhere, or a reason of the files that it names is not listed.
 */
#ifndef APP_REASON_H
#define APP_REASON_H

#include "base/buf.h"

/* Append the reason in the language of app/locale.h. */
void reason_put(struct buf *out, const char *reason);

#endif
