/* SPDX-License-Identifier: MIT */
#include "domain/catalogue/hours.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"

enum {
	DAYS = 7,
	EPOCH_WEEKDAY = 3 /* 1970-01-01 was a Thursday; Monday is 0 */
};

/* Both letters decide; whole names begin with them. */
static const struct {
	const char *latin, *russian, *russian_small;
} day_names[DAYS] = {
	{"mo", "Пн", "пн"}, {"tu", "Вт", "вт"}, {"we", "Ср", "ср"},
	{"th", "Чт", "чт"}, {"fr", "Пт", "пт"}, {"sa", "Сб", "сб"},
	{"su", "Вс", "вс"},
};

static bool begins_with(const char *text, size_t bytes, const char *name)
{
	size_t name_bytes = strlen(name);

	return bytes >= name_bytes && strncasecmp(text, name, name_bytes) == 0;
}

static int find_day(const char *text, size_t bytes)
{
	for (int i = 0; i < DAYS; i++)
		if (begins_with(text, bytes, day_names[i].latin) ||
		    begins_with(text, bytes, day_names[i].russian) ||
		    begins_with(text, bytes, day_names[i].russian_small))
			return i;
	return -1;
}

static int wrong(const char *part, const char *what, struct err *e)
{
	return err_set(e, ERR_INVALID, "opening hours: '%s' %s", part, what);
}

/* "Mon-Fri", "Sat": bits of the days, 0 when it is not one. */
static unsigned days_of_range(const char *range, size_t bytes)
{
	const char *dash = memchr(range, '-', bytes);
	size_t first_bytes = dash != NULL ? (size_t)(dash - range) : bytes;
	int from = find_day(range, first_bytes);
	int to = dash != NULL ? find_day(dash + 1, bytes - first_bytes - 1)
			      : from;
	unsigned days = 0;

	if (from < 0 || to < 0)
		return 0;
	for (int day = from;; day = (day + 1) % DAYS) {
		days |= 1U << day;
		if (day == to)
			return days;
	}
}

/* "Mon-Fri,Sun". */
static int read_days(const char *part, unsigned *ret_days, struct err *e)
{
	*ret_days = 0;
	for (const char *p = part; *p != '\0';) {
		size_t bytes = strcspn(p, ",");
		unsigned days = days_of_range(p, bytes);

		if (days == 0)
			return wrong(part, "is neither days nor times", e);
		*ret_days |= days;
		p += bytes + (p[bytes] == ',' ? 1 : 0);
	}
	return 0;
}

/* A day's times by themselves: what begins on it may end on the next one, and
 * must not be lost when that one is said to be closed. */
struct reading {
	uint8_t open[DAYS][2 * HOURS_DAY_MINUTES]; /* 1: open */
	unsigned days; /* that the next times are for */
	bool has_times;
};

static void set_days(struct reading *r, int from, int to, uint8_t open)
{
	for (int day = 0; day < DAYS; day++)
		if ((r->days & 1U << day) != 0)
			memset(&r->open[day][from], open, (size_t)(to - from));
}

/* One or two digits; moves on behind them. -1: there are none, or too many. */
static int read_number(const char **p)
{
	int value = 0;
	int digits = 0;

	for (; **p >= '0' && **p <= '9'; (*p)++, digits++)
		value = MIN_OF(value * 10 + (**p - '0'), 100);
	return digits >= 1 && digits <= 2 ? value : -1;
}

/* "08:00" as minutes since midnight; -1 when it is not one up to 24:00. */
static int read_minute(const char **p)
{
	int hour = read_number(p);
	int minute = -1;

	if (hour >= 0 && **p == ':') {
		(*p)++;
		minute = read_number(p);
	}
	if (minute < 0 || minute > 59 || hour * 60 + minute > HOURS_DAY_MINUTES)
		return -1;
	return hour * 60 + minute;
}

/* "08:00-13:00,14:00-20:00". */
static int read_times(const char *part, struct reading *r, struct err *e)
{
	for (const char *p = part; *p != '\0';) {
		int from = read_minute(&p);
		int to = -1;

		if (from >= 0 && from < HOURS_DAY_MINUTES && *p == '-') {
			p++;
			to = read_minute(&p);
		}
		if (to < 0 || (*p != ',' && *p != '\0'))
			return wrong(part, "must be like 08:00-22:00", e);
		set_days(r, from, to <= from ? to + HOURS_DAY_MINUTES : to, 1);
		p += *p == ',' ? 1 : 0;
	}
	return 0;
}

static int read_part(const char *part, struct reading *r, struct err *e)
{
	if (isdigit((unsigned char)part[0]) != 0) {
		r->has_times = true;
		return read_times(part, r, e);
	}
	if (strcmp(part, "closed") == 0 || strcmp(part, "off") == 0) {
		r->has_times = true;
		return 0;
	}
	if (!r->has_times)
		return wrong(part, "comes before any times", e);
	r->has_times = false;
	if (read_days(part, &r->days, e) < 0)
		return ERR_INVALID;
	set_days(r, 0, 2 * HOURS_DAY_MINUTES, 0);
	return 0;
}

static void add_up(const struct reading *r, struct hours *ret_hours)
{
	*ret_hours = (struct hours){0};
	for (int day = 0; day < DAYS; day++)
		for (int i = 0; i < 2 * HOURS_DAY_MINUTES; i++) {
			int minute = (day * HOURS_DAY_MINUTES + i) %
				     HOURS_WEEK_MINUTES;

			ret_hours->open[minute / 8] |=
				(uint8_t)(r->open[day][i] << minute % 8);
		}
}

int hours_parse(const char *text, struct hours *ret_hours, struct err *e)
{
	struct reading reading = {.days = (1U << DAYS) - 1, .has_times = true};
	char copy[HOURS_TEXT_BYTES];
	char *rest;
	char *part;
	int rc = 0;

	if (!text_copy(copy, sizeof(copy), text))
		return err_set(e, ERR_INVALID, "opening hours: too long");
	rest = text_trim(copy);
	if (rest[0] == '\0' || strcmp(rest, "24/7") == 0)
		set_days(&reading, 0, HOURS_DAY_MINUTES, 1);
	else
		while (rc == 0 && (part = strsep(&rest, " ;\t")) != NULL)
			if (part[0] != '\0')
				rc = read_part(part, &reading, e);
	if (rc == 0 && !reading.has_times)
		rc = err_set(e, ERR_INVALID,
			     "opening hours: days without times");
	if (rc == 0)
		add_up(&reading, ret_hours);
	return rc;
}

bool hours_is_open(const struct hours *hours, int64_t at_ms, int offset_s)
{
	int64_t minutes = (at_ms / 1000 + offset_s) / 60;
	int minute =
		(int)((minutes + (int64_t)EPOCH_WEEKDAY * HOURS_DAY_MINUTES) %
		      HOURS_WEEK_MINUTES);

	return (hours->open[minute / 8] & 1U << minute % 8) != 0;
}
