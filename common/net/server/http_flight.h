/* SPDX-License-Identifier: MIT
 *
 * http_flight.h - the exchanges that have no answer yet, and what a server
 * counts. Private to common/net. The event thread writes; flight_oldest_ms()
 * and flight_stats() may be called from any thread.
 */
#ifndef NET_HTTP_FLIGHT_H
#define NET_HTTP_FLIGHT_H

#include <stdatomic.h>
#include <stdint.h>

#include "net/server/http_server.h"

struct http_flight {
	struct http_exchange *oldest, *newest; /* linked by older, newer */
	_Atomic int64_t oldest_started_ms;     /* 0: none */
	_Atomic int64_t requests, in_flight, by_class[6];
};

void flight_begin(struct http_flight *f, struct http_exchange *x);
void flight_end(struct http_flight *f, struct http_exchange *x);
void flight_count_answer(struct http_flight *f, int status);

int64_t flight_oldest_ms(const struct http_flight *f);
struct http_server_stats flight_stats(const struct http_flight *f);

#endif
