/* SPDX-License-Identifier: MIT */
#include "give_way.h"

#include <stdbool.h>

#include "app/metrics/metrics.h"
#include "app/service/service.h"
#include "base/clock.h"
#include "base/macros.h"
#include "store/engine/writer.h"
#include "store/queue/inbox.h"

enum {
	FREE_MS = 150, /* so old the inbox may be at any time */
	SHARE = 8,
	WAIT_MAX_MS = 60 /* what a marketplace does not notice */
};

int64_t give_way_ms(struct give_way *g, int64_t oldest_due_ms, int64_t now_ms)
{
	bool moves = oldest_due_ms != g->oldest_due_ms;
	int64_t over_ms = now_ms - oldest_due_ms - FREE_MS;

	g->oldest_due_ms = oldest_due_ms;
	if (oldest_due_ms == 0 || !moves || over_ms < 0)
		return 0;
	return MIN_OF(over_ms / SHARE, WAIT_MAX_MS);
}

void give_way_look(struct give_way *g, struct service *s)
{
	int64_t due_ms = 0;
	int64_t wait_ms;

	/* A store that cannot be read is reported by whoever writes next. */
	if (inbox_oldest_due(s->db, &due_ms, NULL) <= 0)
		due_ms = 0;
	wait_ms = give_way_ms(g, due_ms, clock_wall_ms());
	writer_give_way(s->writer, wait_ms);
	metric_set(metric_get(METRIC_GAUGE, "ordergate_hook_give_way_ms", ""),
		   wait_ms);
}
