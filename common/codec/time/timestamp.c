/* SPDX-License-Identifier: MIT */
#include "codec/time/timestamp.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/macros.h"

enum {
	YEAR_FIRST = 1970,
	YEAR_LAST = 9999,
	DAY_S = 86400,
	OFFSET_MAX_S = 14 * 3600 /* Pacific/Kiritimati is the farthest */
};

/* 0000-01-01T00:00:00.000 and 9999-12-31T23:59:59.999 */
static const int64_t civil_first_ms = -62167219200000;
static const int64_t civil_last_ms = 253402300799999;

static int64_t clamp_ms(int64_t ms)
{
	return MAX_OF(civil_first_ms, MIN_OF(ms, civil_last_ms));
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Days since 1970-01-01. Counted in years that begin in March, so that the
 * leap day is the last of its year; 400 years have 146097 days. */
static int64_t days_from_date(int year, int month, int day)
{
	int64_t y = MAX_OF(0, MIN_OF(year, YEAR_LAST)) - (month <= 2);
	int64_t era = floor_div(y, 400);
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 -
	       year_of_era / 100 + day_of_year - 719468;
}

static void date_from_days(int64_t days, struct civil *c)
{
	int64_t era = floor_div(days + 719468, 146097);
	int64_t day_of_era = days + 719468 - era * 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 +
			       day_of_era / 36524 - day_of_era / 146096) /
			      365;
	int64_t day_of_year =
		day_of_era -
		(365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153; /* 0 is March */

	c->day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
	c->month = (int)(month < 10 ? month + 3 : month - 9);
	c->year = (int)(year_of_era + era * 400 + (c->month <= 2));
}

static int days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30,
				   31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

/* Exactly `width` digits at *p with a value in [min, max]. */
static bool take_number(const char **p, int width, int min, int max, int *ret)
{
	int value = 0;

	for (int i = 0; i < width; i++, (*p)++) {
		if (**p < '0' || **p > '9')
			return false;
		value = value * 10 + (**p - '0');
	}
	*ret = value;
	return value >= min && value <= max;
}

static bool take_char(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

static bool take_date(const char **p, struct civil *c)
{
	return take_number(p, 4, YEAR_FIRST, YEAR_LAST, &c->year) &&
	       take_char(p, '-') && take_number(p, 2, 1, 12, &c->month) &&
	       take_char(p, '-') &&
	       take_number(p, 2, 1, days_in_month(c->year, c->month), &c->day);
}

/* Digits past the milliseconds are dropped. */
static bool take_fraction(const char **p, int *ret_milli)
{
	int unit = 100;

	if (**p < '0' || **p > '9')
		return false;
	for (; **p >= '0' && **p <= '9'; (*p)++, unit /= 10)
		*ret_milli += (**p - '0') * unit;
	return true;
}

static bool take_time(const char **p, struct civil *c)
{
	if (!take_number(p, 2, 0, 23, &c->hour) || !take_char(p, ':') ||
	    !take_number(p, 2, 0, 59, &c->minute))
		return false;
	if (!take_char(p, ':'))
		return true;
	if (!take_number(p, 2, 0, 60, &c->second))
		return false;
	if (c->second == 60) /* a leap second has no place in UTC ms */
		c->second = 59;
	return !take_char(p, '.') || take_fraction(p, &c->milli);
}

static bool take_offset(const char **p, int *ret_offset_s)
{
	bool west = **p == '-';
	int hours;
	int minutes = 0;

	if (take_char(p, 'Z')) {
		*ret_offset_s = 0;
		return true;
	}
	if (!take_char(p, west ? '-' : '+') ||
	    !take_number(p, 2, 0, 14, &hours))
		return false;
	if ((take_char(p, ':') || **p != '\0') &&
	    !take_number(p, 2, 0, 59, &minutes))
		return false;
	*ret_offset_s = (hours * 60 + minutes) * (west ? -60 : 60);
	return abs(*ret_offset_s) <= OFFSET_MAX_S;
}

int timestamp_parse(const char *text, int assume_offset_s, int64_t *ret_wall_ms,
		    struct err *e)
{
	const char *p = text;
	struct civil c = {0};
	int offset_s = assume_offset_s;
	int64_t wall_ms;

	if (!take_date(&p, &c) ||
	    (!take_char(&p, 'T') && !take_char(&p, ' ')) ||
	    !take_time(&p, &c) || (*p != '\0' && !take_offset(&p, &offset_s)) ||
	    *p != '\0')
		return err_set(e, ERR_INVALID,
			       "'%.40s' is not an ISO 8601 time", text);
	wall_ms = timestamp_from_civil(&c, offset_s);
	if (wall_ms < 0 || wall_ms > civil_last_ms)
		return err_set(e, ERR_INVALID, "'%.40s' is out of range", text);
	*ret_wall_ms = wall_ms;
	return 0;
}

struct civil timestamp_civil(int64_t wall_ms, int offset_s)
{
	int64_t ms = clamp_ms(clamp_ms(wall_ms) + (int64_t)offset_s * 1000);
	int64_t days = floor_div(ms, (int64_t)DAY_S * 1000);
	int day_ms = (int)(ms - days * DAY_S * 1000);
	struct civil c = {
		.hour = day_ms / 3600000,
		.minute = day_ms / 60000 % 60,
		.second = day_ms / 1000 % 60,
		.milli = day_ms % 1000,
		/* 1970-01-01 was a Thursday, the fourth day. */
		.weekday = (int)((days % 7 + 7 + 3) % 7) + 1,
	};

	date_from_days(days, &c);
	return c;
}

int64_t timestamp_from_civil(const struct civil *c, int offset_s)
{
	int64_t days = days_from_date(c->year, c->month, c->day);
	int64_t seconds = days * DAY_S + (int64_t)c->hour * 3600 +
			  (int64_t)c->minute * 60 + c->second - offset_s;

	return seconds * 1000 + c->milli;
}

/* Write value with exactly `width` digits; returns what follows. Not printf:
 * every answer and every log line has times in it. */
static char *put_number(char *p, int width, int value)
{
	for (int i = width - 1; i >= 0; i--, value /= 10)
		p[i] = (char)('0' + value % 10);
	return p + width;
}

/* As put_number(), with two digits and a separator before them. */
static char *put_pair(char *p, char separator, int value)
{
	*p = separator;
	return put_number(p + 1, 2, value);
}

static char *put_date(char *p, const struct civil *c)
{
	p = put_number(p, 4, c->year);
	p = put_pair(p, '-', c->month);
	return put_pair(p, '-', c->day);
}

const char *timestamp_format(int64_t wall_ms, int offset_s,
			     char text[TIMESTAMP_TEXT_BYTES])
{
	/* The text has minutes only. Local mean times have seconds too; left
	 * out on both sides, the text still names the same moment. */
	int minutes = offset_s / 60;
	struct civil c = timestamp_civil(wall_ms, minutes * 60);
	char *p = put_date(text, &c);

	p = put_pair(p, 'T', c.hour);
	p = put_pair(p, ':', c.minute);
	p = put_pair(p, ':', c.second);
	if (c.milli != 0) {
		*p = '.';
		p = put_number(p + 1, 3, c.milli);
	}
	if (minutes == 0) {
		*p++ = 'Z';
	} else {
		p = put_pair(p, minutes < 0 ? '-' : '+', abs(minutes) / 60);
		p = put_pair(p, ':', abs(minutes) % 60);
	}
	*p = '\0';
	return text;
}

const char *timestamp_date(int64_t wall_ms, int offset_s,
			   char text[DATE_TEXT_BYTES])
{
	struct civil c = timestamp_civil(wall_ms, offset_s);

	*put_date(text, &c) = '\0';
	return text;
}
