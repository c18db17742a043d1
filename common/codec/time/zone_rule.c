/* SPDX-License-Identifier: MIT */
#include "codec/time/zone_rule.h"

#include "base/err.h"
#include "base/macros.h"
#include "codec/time/timestamp.h"

enum {
	DAY_S = 86400,
	OFFSET_HOURS_MAX = 24,
	TIME_HOURS_MAX = 167, /* RFC 8536 3.3.1 widens POSIX's 0..24 */
	CHANGE_TIME_S = 7200  /* when a rule names no time */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool take_char(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

/* One to three digits with a value in [min, max]. */
static bool take_number(const char **p, int min, int max, int *ret)
{
	int value = 0;
	int digits = 0;

	for (; digits < 3 && is_digit(**p); digits++, (*p)++)
		value = value * 10 + (**p - '0');
	*ret = value;
	return digits > 0 && !is_digit(**p) && value >= min && value <= max;
}

/* A name is three letters or more, or anything of [A-Za-z0-9+-] in <>. */
static bool take_name(const char **p)
{
	bool quoted = take_char(p, '<');
	int n = 0;

	while (is_letter(**p) ||
	       (quoted && (is_digit(**p) || **p == '+' || **p == '-'))) {
		(*p)++;
		n++;
	}
	return n >= 3 && (!quoted || take_char(p, '>'));
}

/* [+-]hh[:mm[:ss]] as seconds. */
static bool take_time(const char **p, int hours_max, int *ret_s)
{
	bool negative = take_char(p, '-');
	int hours;
	int minutes = 0;
	int seconds = 0;

	if (!negative)
		(void)take_char(p, '+');
	if (!take_number(p, 0, hours_max, &hours))
		return false;
	if (take_char(p, ':')) {
		if (!take_number(p, 0, 59, &minutes))
			return false;
		if (take_char(p, ':') && !take_number(p, 0, 59, &seconds))
			return false;
	}
	*ret_s = hours * 3600 + minutes * 60 + seconds;
	if (negative)
		*ret_s = -*ret_s;
	return true;
}

static bool take_day(const char **p, struct zone_day *day)
{
	bool good;

	if (take_char(p, 'M')) {
		day->kind = ZONE_DAY_OF_MONTH;
		good = take_number(p, 1, 12, &day->month) &&
		       take_char(p, '.') && take_number(p, 1, 5, &day->week) &&
		       take_char(p, '.') && take_number(p, 0, 6, &day->weekday);
	} else if (take_char(p, 'J')) {
		day->kind = ZONE_DAY_NO_LEAP;
		good = take_number(p, 1, 365, &day->day);
	} else {
		day->kind = ZONE_DAY_FROM_ZERO;
		good = take_number(p, 0, 365, &day->day);
	}
	day->time_s = CHANGE_TIME_S;
	return good && (!take_char(p, '/') ||
			take_time(p, TIME_HOURS_MAX, &day->time_s));
}

/* ",start,end" after the name and offset of the summer time. */
static bool take_summer(const char **p, struct zone_rule *rule)
{
	int west_s = -(rule->standard_s + 3600);

	if (!take_name(p))
		return false;
	if (**p != ',' && !take_time(p, OFFSET_HOURS_MAX, &west_s))
		return false;
	rule->has_summer = true;
	rule->summer_s = -west_s;
	return take_char(p, ',') && take_day(p, &rule->summer_starts) &&
	       take_char(p, ',') && take_day(p, &rule->summer_ends);
}

int zone_rule_parse(const char *text, struct zone_rule *ret_rule, struct err *e)
{
	struct zone_rule rule = {0};
	const char *p = text;
	int west_s; /* POSIX counts west of Greenwich as positive */
	bool good = take_name(&p) && take_time(&p, OFFSET_HOURS_MAX, &west_s);

	if (good) {
		rule.standard_s = -west_s;
		good = *p == '\0' || (take_summer(&p, &rule) && *p == '\0');
	}
	if (!good)
		return err_set(e, ERR_INVALID,
			       "'%.64s' is not a time zone rule", text);
	*ret_rule = rule;
	return 0;
}

static int64_t date_s(int year, int month, int day)
{
	struct civil c = {.year = year, .month = month, .day = day};

	return timestamp_from_civil(&c, 0) / 1000;
}

/* Midnight that begins the d-th weekday of the rule's week, as if in UTC. */
static int64_t weekday_s(const struct zone_day *day, int year)
{
	int64_t first_s = date_s(year, day->month, 1);
	int64_t next_month_s = day->month < 12 ? date_s(year, day->month + 1, 1)
					       : date_s(year, 12, 31) + DAY_S;
	/* ISO weekday of the first: 7 is Sunday, which the rule calls 0. */
	int first_weekday = timestamp_civil(first_s * 1000, 0).weekday % 7;
	int64_t at_s =
		first_s + (int64_t)((day->weekday - first_weekday + 7) % 7 +
				    7 * (day->week - 1)) *
				  DAY_S;

	return at_s < next_month_s ? at_s : at_s - 7 * (int64_t)DAY_S;
}

/* Local second at which the change falls in that year, as if in UTC. */
static int64_t change_s(const struct zone_day *day, int year)
{
	int64_t march_s = date_s(year, 3, 1);
	int64_t at_s;

	if (day->kind == ZONE_DAY_OF_MONTH)
		return weekday_s(day, year) + day->time_s;
	at_s = date_s(year, 1, 1);
	if (day->kind == ZONE_DAY_FROM_ZERO)
		return at_s + (int64_t)day->day * DAY_S + day->time_s;
	at_s += ((int64_t)day->day - 1) * DAY_S;
	/* J60 is 1 March in every year. */
	if (day->day >= 60 &&
	    march_s - date_s(year, 1, 1) == (int64_t)60 * DAY_S)
		at_s += DAY_S;
	return at_s + day->time_s;
}

struct zone_span zone_rule_span(const struct zone_rule *rule, int64_t at_s)
{
	struct zone_span span = {rule->standard_s, INT64_MAX};
	int64_t since_s = INT64_MIN;
	int year;

	if (!rule->has_summer)
		return span;
	year = timestamp_civil(at_s * 1000, 0).year;
	/* Times of up to a week before or after the day put a change of one
	 * year into the next. So near its ends, the last change and the next
	 * one may belong to a year that is two away. */
	for (int y = year - 2; y <= year + 2; y++) {
		/* The start comes last: at the same second, summer goes on (a
		 * zone that has summer time all year is written like that). */
		const struct zone_span changes[] = {
			{rule->standard_s,
			 change_s(&rule->summer_ends, y) - rule->summer_s},
			{rule->summer_s,
			 change_s(&rule->summer_starts, y) - rule->standard_s},
		};

		for (size_t i = 0; i < COUNT_OF(changes); i++) {
			int64_t change = changes[i].until_s;

			if (change > at_s)
				span.until_s = MIN_OF(span.until_s, change);
			else if (change >= since_s) {
				since_s = change;
				span.offset_s = changes[i].offset_s;
			}
		}
	}
	return span;
}
