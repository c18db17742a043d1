/* SPDX-License-Identifier: MIT
 *
 * clock.h - the two clocks, and how a test replaces them.
 *
 * Calendar times are UTC milliseconds (`_ms`, CLOCK_REALTIME) and may jump.
 * Waits, deadlines and durations use clock_mono_ms(), which counts on through
 * a suspend (CLOCK_BOOTTIME) and never goes back. Logic takes the time as a
 * parameter; only the outermost functions read a clock. Thread-safe.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_wall_ms(void);
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);

/* Tests: both clocks stand still at these values until set again; a wall_ms
 * of -1 gives the real clocks back. */
void clock_fake(int64_t wall_ms, int64_t mono_ms);

#endif
