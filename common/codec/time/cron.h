/* SPDX-License-Identifier: MIT
 *
 * cron.h - the five fields of cron as moments: "MINUTE HOUR DAY MONTH WEEKDAY".
 * Pure and thread-safe.
 *
 * A field is a list of numbers, ranges and steps ("1,5-9,20-40/10", "*",
 * "*" with a step); months and weekdays also by their English names, 0 and 7
 * are Sunday. As in every cron since Vixie's: when both day and weekday are
 * restricted, a day that fits either of them counts.
 *
 * Where the clocks are changed: a job with fixed hours runs once a day for each
 * of them (a doubled time means its first, a skipped one the first moment after
 * the gap); a job of every hour ("*") runs in each hour that passes.
 */
#ifndef CODEC_CRON_H
#define CODEC_CRON_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct zone;

struct cron { /* bit n: the value n counts */
	uint64_t minutes;
	uint32_t hours, days, months, weekdays; /* weekday 0 is Sunday */
	bool any_day, any_weekday, any_hour;    /* the field is "*" */
};

/* 0; ERR_INVALID with the field that is at fault, also for an expression that
 * no day ever fits ("0 0 31 2 *"). */
int cron_parse(const char *text, struct cron *ret_cron, struct err *e);

/* The newest moment that is not after now_ms, and the first after it: INT64_MIN
 * and INT64_MAX when there is none within CRON_DAYS_MAX days. zone NULL: UTC.
 */
enum {
	CRON_DAYS_MAX = 3000 /* 29 February may be 8 years away */
};
int64_t cron_floor(const struct cron *cron, const struct zone *zone,
		   int64_t now_ms);
int64_t cron_next(const struct cron *cron, const struct zone *zone,
		  int64_t after_ms);

#endif
