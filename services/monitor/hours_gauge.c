/* SPDX-License-Identifier: MIT */
#include "hours_gauge.h"

#include <stdbool.h>
#include <stdlib.h>

#include "app/zones.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "domain/catalogue/hours.h"
#include "store/order/stores.h"

enum {
	STEP_MS = 5 * 60 * 1000,
	PAIRS_MAX = 500
};

struct pairs {
	struct {
		struct hours hours;
		const struct zone *zone;
	} rows[PAIRS_MAX];
	int count;
	bool always;
};

static int add_pair(const char *opening_hours, const char *time_zone,
		    void *context)
{
	struct pairs *pairs = context;
	struct hours hours;
	const struct zone *zone = NULL;

	if (opening_hours[0] == '\0' || pairs->count == PAIRS_MAX ||
	    hours_parse(opening_hours, &hours, NULL) < 0 ||
	    zones_get(time_zone, &zone, NULL) < 0) {
		pairs->always = true;
		return 0;
	}
	pairs->rows[pairs->count].hours = hours;
	pairs->rows[pairs->count++].zone = zone;
	return 0;
}

static bool any_open(const struct pairs *pairs, int64_t at_ms)
{
	for (int i = 0; i < pairs->count; i++)
		if (hours_is_open(&pairs->rows[i].hours, at_ms,
				  zone_offset_s(pairs->rows[i].zone, at_ms)))
			return true;
	return false;
}

int hours_gauge_read(struct db *db, int64_t now_ms, int64_t *ret_since_ms,
		     struct err *e)
{
	CLEANUP_FREE struct pairs *pairs = calloc(1, sizeof(*pairs));
	int64_t since_ms = now_ms;
	int rc;

	if (pairs == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	rc = stores_hours(db, add_pair, pairs, e);
	*ret_since_ms = 1;
	if (rc <= 0 || pairs->always)
		return rc < 0 ? rc : 0;
	*ret_since_ms = 0;
	if (!any_open(pairs, now_ms))
		return 0;
	while (since_ms > now_ms - HOURS_GAUGE_DAY_MS &&
	       any_open(pairs, since_ms - STEP_MS))
		since_ms -= STEP_MS;
	*ret_since_ms = since_ms > now_ms - HOURS_GAUGE_DAY_MS ? since_ms : 1;
	return 0;
}
