/* SPDX-License-Identifier: MIT
 *
 * hours.h - the opening hours of a store. Pure.
 *
 * The text of a store (column opening_hours): nothing or "24/7" is always open;
 * "08:00-22:00" is every day; days may stand before their times:
 *
 *	Mon-Fri 08:00-22:00 Sat,Sun 09:00-20:00
 *	Пн-Пт 08:00-13:00,14:00-20:00; Сб 10:00-02:00; Вс closed
 *
 * Days are English or Russian, of two letters or more; parts are separated by
 * spaces or semicolons. A day that is not named is closed, one that is named
 * again gets the later times. Times that end before they begin go on into the
 * next day; 24:00 is the end of a day.
 */
#ifndef DOMAIN_HOURS_H
#define DOMAIN_HOURS_H

#include <stdbool.h>
#include <stdint.h>

struct err;

enum {
	HOURS_TEXT_BYTES = 256,
	HOURS_DAY_MINUTES = 24 * 60,
	HOURS_WEEK_MINUTES = 7 * HOURS_DAY_MINUTES
};

struct hours {
	uint8_t open[HOURS_WEEK_MINUTES / 8]; /* a bit per minute from Monday */
};

/* 0; ERR_INVALID: the text says what is wrong in it. */
int hours_parse(const char *text, struct hours *ret_hours, struct err *e);

/* Is the store open at that moment, when its clock is offset_s ahead of UTC? */
bool hours_is_open(const struct hours *hours, int64_t at_ms, int offset_s);

#endif
