/* SPDX-License-Identifier: MIT */
#include "codec/time/cron.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/macros.h"
#include "codec/time/timestamp.h"
#include "codec/time/zone.h"

enum {
	MINUTE_MS = 60 * 1000,
	FIELDS = 5,
	HOURS = 24,
	MINUTES = 60,
	ALL_HOURS = (1 << HOURS) - 1
};

static const char *const month_names[] = {"jan", "feb", "mar", "apr",
					  "may", "jun", "jul", "aug",
					  "sep", "oct", "nov", "dec"};
static const char *const day_names[] = {"sun", "mon", "tue", "wed",
					"thu", "fri", "sat"};

static const struct field {
	const char *name;
	int lowest, highest;
	const char *const *words; /* of lowest, lowest + 1, ... */
	int word_count;
} fields[FIELDS] = {
	{"minute", 0, 59, NULL, 0},
	{"hour", 0, 23, NULL, 0},
	{"day", 1, 31, NULL, 0},
	{"month", 1, 12, month_names, COUNT_OF(month_names)},
	{"weekday", 0, 7, day_names, COUNT_OF(day_names)},
};

/* A number of at most two digits or a name. Bytes that it takes; 0: none. */
static size_t read_number(const struct field *field, const char *text,
			  int *ret_value)
{
	size_t digits = strspn(text, "0123456789");
	size_t letters = 0;

	if (digits > 0 && digits <= 2) {
		*ret_value = text[0] - '0';
		if (digits == 2)
			*ret_value = *ret_value * 10 + text[1] - '0';
		return digits;
	}
	while (isalpha((unsigned char)text[letters]))
		letters++;
	for (int i = 0; letters == 3 && i < field->word_count; i++)
		if (strncasecmp(text, field->words[i], 3) == 0) {
			*ret_value = field->lowest + i;
			return letters;
		}
	return 0;
}

/* "*", "5", "5-9", each with or without "/3". Bytes; 0: not understood. */
static size_t read_part(const struct field *field, const char *text,
			uint64_t *mask)
{
	const char *p = text;
	int from = field->lowest;
	int to = field->highest;
	int step = 1;
	size_t n = 1;

	if (*p == '*') {
		p++;
	} else {
		n = read_number(field, p, &from);
		p += n;
		to = from;
		if (n > 0 && *p == '-') {
			n = read_number(field, p + 1, &to);
			p += n + 1;
		} else if (*p == '/') {
			to = field->highest; /* "5/10": from 5 on */
		}
	}
	if (n > 0 && *p == '/') {
		n = read_number(&fields[0], p + 1, &step);
		p += n + 1;
	}
	if (n == 0 || step < 1 || from < field->lowest || to > field->highest ||
	    from > to)
		return 0;
	for (int i = from; i <= to; i += step)
		*mask |= UINT64_C(1) << i;
	return (size_t)(p - text);
}

static int read_field(const struct field *field, const char **text,
		      uint64_t *ret_mask, bool *ret_any, struct err *e)
{
	const char *p = *text + strspn(*text, " \t");
	const char *begin = p;
	size_t length = strcspn(begin, " \t");
	uint64_t mask = 0;

	if (length == 0)
		return err_set(e, ERR_INVALID,
			       "cron: there is no %s: five fields are needed",
			       field->name);
	*ret_any = length == 1 && *begin == '*';
	for (;;) {
		size_t n = read_part(field, p, &mask);

		p += n;
		if (n > 0 && *p == ',' && p < begin + length) {
			p++;
			continue;
		}
		if (n == 0 || p != begin + length)
			return err_set(e, ERR_INVALID,
				       "cron: '%.*s' is no %s (%d to %d)",
				       (int)MIN_OF(length, 40), begin,
				       field->name, field->lowest,
				       field->highest);
		break;
	}
	*ret_mask = mask;
	*text = p;
	return 0;
}

/* Whether some year has a day that fits. */
static bool ever_matches(const struct cron *cron)
{
	static const int lengths[] = {31, 29, 31, 30, 31, 30,
				      31, 31, 30, 31, 30, 31};

	if (!cron->any_weekday || cron->any_day)
		return true;
	for (int month = 1; month <= 12; month++)
		for (int day = 1; day <= lengths[month - 1]; day++)
			if ((cron->months >> month & 1) != 0 &&
			    (cron->days >> day & 1) != 0)
				return true;
	return false;
}

int cron_parse(const char *text, struct cron *ret_cron, struct err *e)
{
	const char *p = text;
	uint64_t masks[FIELDS];
	bool any[FIELDS];

	for (size_t i = 0; i < FIELDS; i++) {
		int rc = read_field(&fields[i], &p, &masks[i], &any[i], e);

		if (rc < 0)
			return rc;
	}
	if (p[strspn(p, " \t")] != '\0')
		return err_set(e, ERR_INVALID,
			       "cron: more than five fields: '%.40s'", text);
	*ret_cron = (struct cron){
		.minutes = masks[0],
		.hours = (uint32_t)masks[1],
		.days = (uint32_t)masks[2],
		.months = (uint32_t)masks[3],
		/* 7 is Sunday as well. */
		.weekdays = (uint32_t)(masks[4] | masks[4] >> 7),
		.any_hour = masks[1] == ALL_HOURS,
		.any_day = any[2],
		.any_weekday = any[4],
	};
	if (!ever_matches(ret_cron))
		return err_set(e, ERR_INVALID, "cron: no day ever fits '%.40s'",
			       text);
	return 0;
}

static bool fits_day(const struct cron *cron, const struct civil *c)
{
	bool day = (cron->days >> c->day & 1) != 0;
	bool weekday = (cron->weekdays >> c->weekday % 7 & 1) != 0;

	if ((cron->months >> c->month & 1) == 0)
		return false;
	if (cron->any_day)
		return weekday;
	return cron->any_weekday ? day : day || weekday;
}

/* A search among the moments of one day after another. */
struct search {
	int64_t limit_ms; /* moments up to it, or after it */
	bool forward;
	int64_t found_ms;
	bool found;
};

/* True when no later moment of the day matters. Moments come in order. */
static bool consider(struct search *s, int64_t ms)
{
	if (s->forward ? ms > s->limit_ms : ms <= s->limit_ms) {
		s->found_ms = ms;
		s->found = true;
		return s->forward;
	}
	return !s->forward;
}

static void search_fixed(const struct cron *cron, const struct zone *zone,
			 struct civil day, struct search *s)
{
	for (int i = 0; i < HOURS * MINUTES; i++) {
		day.hour = i / MINUTES;
		day.minute = i % MINUTES;
		if ((cron->hours >> day.hour & 1) != 0 &&
		    (cron->minutes >> day.minute & 1) != 0 &&
		    consider(s, zone_from_civil(zone, &day)))
			return;
	}
}

/* Every hour that passes: by the time that goes on, not by its name. */
static void search_passing(const struct cron *cron, const struct zone *zone,
			   struct civil day, struct search *s)
{
	int64_t ms = zone_from_civil(zone, &day);
	int64_t end_ms;

	day.day++;
	end_ms = zone_from_civil(zone, &day);
	for (; ms < end_ms; ms += MINUTE_MS) {
		struct civil c = timestamp_civil(ms, zone_offset_s(zone, ms));

		if ((cron->minutes >> c.minute & 1) != 0 && consider(s, ms))
			return;
	}
}

static int64_t search_days(const struct cron *cron, const struct zone *zone,
			   struct search *s)
{
	int64_t from_ms = s->limit_ms;
	struct civil start =
		timestamp_civil(from_ms, zone_offset_s(zone, from_ms));

	start.hour = start.minute = start.second = start.milli = 0;
	for (int i = 0; i <= CRON_DAYS_MAX && !s->found; i++) {
		struct civil day = start;

		day.day += s->forward ? i : -i;
		/* Once more, so that day and month are real ones. */
		day = timestamp_civil(timestamp_from_civil(&day, 0), 0);
		if (!fits_day(cron, &day))
			continue;
		if (cron->any_hour)
			search_passing(cron, zone, day, s);
		else
			search_fixed(cron, zone, day, s);
	}
	if (s->found)
		return s->found_ms;
	return s->forward ? INT64_MAX : INT64_MIN;
}

int64_t cron_floor(const struct cron *cron, const struct zone *zone,
		   int64_t now_ms)
{
	struct search s = {.limit_ms = now_ms};

	return search_days(cron, zone, &s);
}

int64_t cron_next(const struct cron *cron, const struct zone *zone,
		  int64_t after_ms)
{
	struct search s = {.limit_ms = after_ms, .forward = true};

	return search_days(cron, zone, &s);
}
