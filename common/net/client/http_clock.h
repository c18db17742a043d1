/* SPDX-License-Identifier: MIT
 *
 * http_clock.h - what an answer proves about our own clock.
 */
#ifndef NET_HTTP_CLOCK_H
#define NET_HTTP_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct http_answer;

/* How far our clock is ahead of the peer's (< 0: behind), as far as its Date
 * header proves: a Date is a whole second, and it was written at some moment of
 * the call, which ended at wall_ms. 0 when both clocks may be right. False when
 * the answer has no date. Pure. */
bool http_clock_ahead(const struct http_answer *answer, int64_t wall_ms,
		      int64_t *ret_ms);

#endif
