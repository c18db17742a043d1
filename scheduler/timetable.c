/* SPDX-License-Identifier: MIT */
#include "timetable.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/macros.h"
#include "codec/time/timestamp.h"
#include "codec/time/zone.h"

enum {
	DAYS_AROUND = 2 /* a zone may leave out a day */
};

static int two_digits(const char *text)
{
	if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
		return -1;
	return (text[0] - '0') * 10 + text[1] - '0';
}

static int compare_times(const void *left, const void *right)
{
	return *(const int *)left - *(const int *)right;
}

/* "HH:MM HH:MM ..." */
static int read_times(const char *text, struct timetable *t)
{
	while (*text != '\0' && t->time_count < TIMETABLE_TIMES_MAX) {
		int hour = two_digits(text);
		int minute =
			hour >= 0 && text[2] == ':' ? two_digits(text + 3) : -1;

		if (hour > 23 || minute < 0 || minute > 59)
			return ERR_INVALID;
		t->times[t->time_count++] = hour * 60 + minute;
		text += 5;
		while (*text == ' ')
			text++;
	}
	if (*text != '\0' || t->time_count == 0)
		return ERR_INVALID;
	qsort(t->times, (size_t)t->time_count, sizeof(*t->times),
	      compare_times);
	return 0;
}

int timetable_read(const struct config_job *job, const struct zone *zone,
		   struct timetable *ret_timetable, struct err *e)
{
	struct timetable t = {.every_ms = job->every_ms, .zone = zone};
	char hourly[sizeof("MM * * * *")];
	const char *cron = job->cron;
	int rc = 0;

	if (job->every_ms == 0 && job->at[0] == ':') {
		(void)snprintf(hourly, sizeof(hourly), "%.2s * * * *",
			       job->at + 1);
		cron = hourly;
	}
	t.is_cron = job->every_ms == 0 && cron[0] != '\0';
	if (t.is_cron)
		rc = cron_parse(cron, &t.cron, e);
	else if (job->every_ms == 0 && read_times(job->at, &t) < 0)
		rc = err_set(e, ERR_INVALID,
			     "job %s has neither `every` nor `cron`, and no "
			     "more than %d times of day in `at`",
			     job->name, TIMETABLE_TIMES_MAX);
	if (rc == 0)
		*ret_timetable = t;
	return rc;
}

/* A slot of the civil day that lies `days` after the day of ms. */
static int64_t day_slot(const struct timetable *t, int64_t ms, int days,
			int minute_of_day)
{
	struct civil c = timestamp_civil(ms, zone_offset_s(t->zone, ms));

	c.day += days;
	c.hour = minute_of_day / 60;
	c.minute = minute_of_day % 60;
	c.second = c.milli = 0;
	return zone_from_civil(t->zone, &c);
}

static int64_t grid_floor(int64_t every_ms, int64_t now_ms)
{
	int64_t past_ms = now_ms % every_ms;

	return now_ms - (past_ms < 0 ? past_ms + every_ms : past_ms);
}

int64_t timetable_floor(const struct timetable *t, int64_t now_ms)
{
	int64_t slot_ms = now_ms;

	if (t->every_ms > 0)
		return grid_floor(t->every_ms, now_ms);
	if (t->is_cron)
		return cron_floor(&t->cron, t->zone, now_ms);
	for (int days = 0; days >= -DAYS_AROUND; days--)
		for (int i = t->time_count - 1; i >= 0; i--) {
			slot_ms = day_slot(t, now_ms, days, t->times[i]);
			if (slot_ms <= now_ms)
				return slot_ms;
		}
	return slot_ms;
}

int64_t timetable_next(const struct timetable *t, int64_t after_ms)
{
	int64_t slot_ms = after_ms;

	if (t->every_ms > 0)
		return grid_floor(t->every_ms, after_ms) + t->every_ms;
	if (t->is_cron)
		return cron_next(&t->cron, t->zone, after_ms);
	for (int days = 0; days <= DAYS_AROUND; days++)
		for (int i = 0; i < t->time_count; i++) {
			slot_ms = day_slot(t, after_ms, days, t->times[i]);
			if (slot_ms > after_ms)
				return slot_ms;
		}
	return slot_ms;
}

/* Slots in (decided_ms, newest_ms], at least the newest. */
static int64_t count_slots(const struct timetable *t, int64_t decided_ms,
			   int64_t newest_ms)
{
	int64_t count = 0;

	if (t->every_ms > 0)
		return (newest_ms - decided_ms + t->every_ms - 1) / t->every_ms;
	for (; count < TIMETABLE_COUNT_MAX && newest_ms > decided_ms; count++)
		newest_ms = timetable_floor(t, newest_ms - 1);
	return MAX_OF(count, 1);
}

/* The oldest of the last TIMETABLE_CATCH_UP_MAX slots up to newest_ms. */
static int64_t oldest_kept(const struct timetable *t, int64_t newest_ms)
{
	if (t->every_ms > 0)
		return newest_ms - (TIMETABLE_CATCH_UP_MAX - 1) * t->every_ms;
	for (int i = 1; i < TIMETABLE_CATCH_UP_MAX; i++)
		newest_ms = timetable_floor(t, newest_ms - 1);
	return newest_ms;
}

static struct timetable_due skip_or_once(const struct timetable *t, bool once,
					 int64_t newest_ms, int64_t count,
					 int64_t now_ms)
{
	bool is_late = now_ms - newest_ms > TIMETABLE_GRACE_MS;

	if (is_late && !once)
		return (struct timetable_due){.skipped = count,
					      .skipped_ms = newest_ms};
	return (struct timetable_due){
		.slot_ms = newest_ms,
		.is_late = is_late,
		.skipped = count - 1,
		.skipped_ms = count > 1 ? timetable_floor(t, newest_ms - 1) : 0,
	};
}

static struct timetable_due each(const struct timetable *t, int64_t decided_ms,
				 int64_t newest_ms, int64_t count,
				 int64_t now_ms)
{
	struct timetable_due due = {.slot_ms = timetable_next(t, decided_ms)};

	if (count > TIMETABLE_CATCH_UP_MAX) {
		due.slot_ms = oldest_kept(t, newest_ms);
		due.skipped = count - TIMETABLE_CATCH_UP_MAX;
		due.skipped_ms = timetable_floor(t, due.slot_ms - 1);
	}
	due.is_late = now_ms - due.slot_ms > TIMETABLE_GRACE_MS;
	return due;
}

struct timetable_due timetable_due(const struct timetable *t,
				   enum config_misfire misfire,
				   int64_t decided_ms, int64_t now_ms)
{
	int64_t newest_ms = timetable_floor(t, now_ms);
	int64_t count;

	if (newest_ms <= decided_ms)
		return (struct timetable_due){0};
	count = count_slots(t, decided_ms, newest_ms);
	if (misfire == MISFIRE_ALL)
		return each(t, decided_ms, newest_ms, count, now_ms);
	return skip_or_once(t, misfire == MISFIRE_ONCE, newest_ms, count,
			    now_ms);
}

int64_t timetable_delay_ms(const char *name, const char *host,
			   int64_t jitter_ms)
{
	uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
	const char *texts[] = {host, "/", name};

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		for (const char *p = texts[i]; *p != '\0'; p++)
			hash = (hash ^ (unsigned char)*p) *
			       UINT64_C(1099511628211);
	return (int64_t)(hash % ((uint64_t)jitter_ms + 1));
}

int64_t timetable_retry_pause_ms(int64_t first_ms, int number)
{
	int64_t pause_ms = first_ms;

	for (int i = 1; i < number && pause_ms < TIMETABLE_RETRY_MAX_MS; i++)
		pause_ms *= 2;
	return MIN_OF(pause_ms, (int64_t)TIMETABLE_RETRY_MAX_MS);
}
