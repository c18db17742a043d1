/* SPDX-License-Identifier: MIT */
#include "windows.h"

#include <stdio.h>
#include <string.h>

#include "app/config/config.h"
#include "app/zones.h"
#include "base/err.h"
#include "base/macros.h"
#include "codec/time/timestamp.h"
#include "store/engine/writer.h"
#include "store/monitor/silences.h"

enum {
	MAKER_BYTES = CONFIG_NAME_BYTES + 16
};

static bool is_day(const struct config_window *window, int weekday)
{
	static const char *const names[] = {"mon", "tue", "wed", "thu",
					    "fri", "sat", "sun"};

	return window->days[0] == '\0' ||
	       strstr(window->days, names[weekday - 1]) != NULL;
}

/* config_check_time_of_day() has seen to it that they are digits. */
static int two_digits(const char *text)
{
	return (text[0] - '0') * 10 + text[1] - '0';
}

bool window_open(const struct config_window *window, const struct zone *zone,
		 int64_t now_ms, int64_t *ret_from_ms, int64_t *ret_until_ms)
{
	/* The one of yesterday may still be open. */
	for (int back = 0; back <= 1; back++) {
		struct civil c =
			timestamp_civil(now_ms, zone_offset_s(zone, now_ms));
		int64_t from_ms;

		c.day -= back;
		c.hour = two_digits(window->at);
		c.minute = two_digits(window->at + 3);
		c.second = c.milli = 0;
		from_ms = zone_from_civil(zone, &c);
		c = timestamp_civil(from_ms, zone_offset_s(zone, from_ms));
		if (from_ms > now_ms || from_ms + window->length_ms <= now_ms ||
		    !is_day(window, c.weekday))
			continue;
		*ret_from_ms = from_ms;
		*ret_until_ms = from_ms + window->length_ms;
		return true;
	}
	return false;
}

struct apply {
	struct unit unit;
	struct silence silence;
};

static int run_apply(struct unit *u, struct db *db, int64_t now_ms,
		     struct err *e)
{
	const struct apply *apply = CONTAINER_OF(u, struct apply, unit);

	return silences_ensure(db, &apply->silence, now_ms, e);
}

int windows_apply(struct writer *writer, const struct config *config,
		  int64_t now_ms, struct err *e)
{
	for (int i = 0; i < config->window_count; i++) {
		const struct config_window *window = &config->windows[i];
		const struct zone *zone = NULL;
		char maker[MAKER_BYTES];
		struct apply apply = {
			.unit.run = run_apply,
			.silence = {.rule = window->rule,
				    .subject = "",
				    .store_id = window->store,
				    .made_by = maker,
				    .reason = "planned work"},
		};
		int rc;

		(void)snprintf(maker, sizeof(maker), "window %s", window->name);
		if (!window->enabled)
			continue;
		rc = zones_get(window->time_zone, &zone, e);
		if (rc == 0 &&
		    window_open(window, zone, now_ms, &apply.silence.from_ms,
				&apply.silence.until_ms))
			rc = writer_call(writer, &apply.unit, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}
