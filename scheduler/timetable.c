/* SPDX-License-Identifier: MIT */
#include "timetable.h"

#include "base/err.h"
#include "base/macros.h"
#include "codec/time/timestamp.h"
#include "codec/time/zone.h"

enum {
	MINUTE_MS = 60 * 1000,
	DAY_MS = 24 * 60 * MINUTE_MS,
	DAYS_AROUND = 2 /* a zone may leave out a day */
};

static int two_digits(const char *text)
{
	if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
		return -1;
	return (text[0] - '0') * 10 + text[1] - '0';
}

int timetable_read(const struct config_job *job, const struct zone *zone,
		   struct timetable *ret_timetable, struct err *e)
{
	int hour;
	int minute;

	if (job->every_ms > 0) {
		*ret_timetable = (struct timetable){.every_ms = job->every_ms};
		return 0;
	}
	hour = two_digits(job->at);
	minute = hour >= 0 && job->at[2] == ':' ? two_digits(job->at + 3) : -1;
	if (hour < 0 || hour > 23 || minute < 0 || minute > 59)
		return err_set(e, ERR_INVALID,
			       "job %s has neither `every` nor `at`",
			       job->name);
	*ret_timetable = (struct timetable){.minute_of_day = hour * 60 + minute,
					    .zone = zone};
	return 0;
}

/* The slot of the civil day that lies `days` after the day of ms. */
static int64_t day_slot(const struct timetable *t, int64_t ms, int days)
{
	struct civil c = timestamp_civil(ms, zone_offset_s(t->zone, ms));

	c.day += days;
	c.hour = t->minute_of_day / 60;
	c.minute = t->minute_of_day % 60;
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
	int64_t slot_ms;

	if (t->every_ms > 0)
		return grid_floor(t->every_ms, now_ms);
	for (int days = 0; days > -DAYS_AROUND; days--) {
		slot_ms = day_slot(t, now_ms, days);
		if (slot_ms <= now_ms)
			return slot_ms;
	}
	return day_slot(t, now_ms, -DAYS_AROUND);
}

int64_t timetable_next(const struct timetable *t, int64_t after_ms)
{
	int64_t slot_ms;

	if (t->every_ms > 0)
		return grid_floor(t->every_ms, after_ms) + t->every_ms;
	for (int days = 0; days < DAYS_AROUND; days++) {
		slot_ms = day_slot(t, after_ms, days);
		if (slot_ms > after_ms)
			return slot_ms;
	}
	return day_slot(t, after_ms, DAYS_AROUND);
}

/* Slots in (decided_ms, newest_ms], at least the newest. Days have 23 to 25
 * hours: daily slots are counted to the nearest. */
static int64_t count_slots(const struct timetable *t, int64_t decided_ms,
			   int64_t newest_ms)
{
	int64_t span_ms = newest_ms - decided_ms;

	if (t->every_ms > 0)
		return (span_ms + t->every_ms - 1) / t->every_ms;
	return MAX_OF((span_ms + DAY_MS / 2) / DAY_MS, 1);
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
