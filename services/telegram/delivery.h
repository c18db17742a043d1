/* SPDX-License-Identifier: MIT
 *
 * delivery.h - sends what is due in the Telegram queue.
 *
 * A few messages are under way at a time, each to another chat, since those of
 * one chat go one after another. A message is claimed only when it can be sent
 * at once: the claim marks it as being sent, before its first byte.
 */
#ifndef TELEGRAM_DELIVERY_H
#define TELEGRAM_DELIVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "app/bot/bot.h"
#include "base/err.h"
#include "flight.h"

struct http_client;
struct service;

enum {
	DELIVERY_FLIGHTS = 8,
	/* So many answers in a row that delivered nothing: the next slot goes
	 * on. */
	DELIVERY_IN_VAIN_MAX = 3
};

struct delivery {
	struct service *service; /* borrowed */
	const struct bot *bot;
	const char *button_key; /* NULL: alerts have no buttons */
	struct http_client *client;
	char url[BOT_URL_BYTES]; /* a secret */

	struct flight flights[DELIVERY_FLIGHTS];
	int under_way;
	bool has_quiet;  /* telegram.quiet_hours are set */
	int64_t end_ms;  /* monotonic: nothing is claimed later */
	int64_t next_ms; /* monotonic: the global rate */
	int64_t spacing_ms, burst_ms;
	bool nothing_due; /* at the last look; a settled flight changes it */

	bool stopped; /* no more in this run */
	bool refused; /* by Telegram itself: wait for another token */
	struct err why;
	int in_vain; /* answers in a row that delivered nothing */

	int64_t sent, later, failed;
	/* What answers say of our clock (net/client/http_clock.h). */
	bool clock_seen;
	int64_t clock_ahead_ms;
};

/* bot and key are borrowed; key NULL: nobody hears of buttons. 0; ERR_NOMEM. */
int delivery_open(struct service *s, const struct bot *bot, const char *key,
		  struct delivery *d, struct err *e);
void delivery_close(struct delivery *d);

/* Send until nothing is due, the job's time is over, or d->stopped says why
 * not. 0, or < 0 when the store failed. */
int delivery_run(struct delivery *d, struct err *e);

#endif
