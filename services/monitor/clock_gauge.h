/* SPDX-License-Identifier: MIT
 *
 * clock_gauge.h - what is known about our clock: whether a time service keeps
 * it, how well, and what others' answers prove (net/client/http_clock.h).
 */
#ifndef MONITOR_CLOCK_GAUGE_H
#define MONITOR_CLOCK_GAUGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct clock_state {
	bool is_kept;      /* by a time service; without one the kernel's other
			      values say nothing */
	int64_t offset_ms; /* that is still to be corrected; < 0: behind */
	int64_t error_ms;  /* as the time service estimates it */
	int64_t bound_ms;  /* it cannot be more */
	bool is_seen;      /* somebody else's clock, lately */
	int64_t ahead_ms;  /* of that one */
};

/* What the kernel says (adjtimex). 0 or ERR_IO. */
int clock_gauge_read(struct clock_state *ret_state, struct err *e);

/* How far it may be off, and for people by whose word; -1: nothing is known,
 * which must not look like 0. Pure. */
int64_t clock_gauge_off_ms(const struct clock_state *state, char *ret_detail,
			   size_t bytes);

#endif
