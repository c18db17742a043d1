/* SPDX-License-Identifier: MIT
 *
 * request.h - the body of one sendMessage call. Pure.
 */
#ifndef TELEGRAM_REQUEST_H
#define TELEGRAM_REQUEST_H

#include <stdbool.h>

#include "base/buf.h"

struct err;
struct queue_message;

enum {
	REQUEST_BYTES_MAX = 64 * 1024,
	REQUEST_POINTS_MAX = 4000 /* Telegram takes 4096 code points */
};

/* plain: without markup, cut to what Telegram takes. A message whose earlier
 * attempt has no known result carries a mark, so that a reader can see the
 * repeat. 0, ERR_NOMEM (longer than REQUEST_BYTES_MAX). */
int telegram_request_write(const struct queue_message *m, const char *chat,
			   bool plain, struct buf *out, struct err *e);

#endif
