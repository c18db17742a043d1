/* SPDX-License-Identifier: MIT
 *
 * request.h - the body of one sendMessage call. Pure.
 */
#ifndef TELEGRAM_REQUEST_H
#define TELEGRAM_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct err;
struct queue_message;
struct zone;

enum {
	REQUEST_BYTES_MAX = 64 * 1024,
	REQUEST_POINTS_MAX = 4000 /* Telegram takes 4096 code points */
};

/* True while all but critical messages make no sound: hours is
 * telegram.quiet_hours ("22:00-08:00", "" : never), in zone. */
bool telegram_request_quiet(const char *hours, const struct zone *zone,
			    int64_t wall_ms);

struct request_form {
	const char *chat; /* it may name a topic ("-100123:45") */
	bool plain;       /* without markup and buttons, cut to what Telegram
			     takes */
	bool quiet;       /* it makes no sound unless it is critical */
	bool tells_many;  /* it tells of alerts to acknowledge */
	const char *button_key; /* app/bot/bot.h; NULL: no buttons */
};

/* A message whose earlier attempt has no known result carries a mark, so that a
 * reader can see the repeat; one that tells of an alert carries a button that
 * acknowledges it. 0, ERR_NOMEM (longer than REQUEST_BYTES_MAX). */
int telegram_request_write(const struct queue_message *m,
			   const struct request_form *form, struct buf *out,
			   struct err *e);

#endif
