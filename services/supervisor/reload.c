/* SPDX-License-Identifier: MIT */
#include "reload.h"

#include <signal.h>

#include "app/edge/edge.h"
#include "app/log.h"
#include "base/err.h"
#include "crew.h"
#include "prepare.h"

/* Without it a reload may lose a request, which is no reason to have none. */
static void set_last_answers(const struct reload *reload, bool on)
{
	struct err e = {0};

	if (edge_last_answers(&reload->in->dir, on, &e) < 0)
		log_error(&e, "last answers of nginx", LOG_NO_FIELDS);
}

static void begin(struct reload *reload, int64_t now_ms)
{
	struct err e = {0};

	reload->is_wanted = false;
	if (prepare_again(reload->in, &e) < 0) {
		log_error(&e, "configuration not reloaded", LOG_NO_FIELDS);
		return;
	}
	log_set_level(reload->in->config->log.level);
	log_event(LOG_LEVEL_INFO, "configuration reloaded", LOG_NO_FIELDS);
	crew_signal(reload->crew, CHILD_SERVICE, SIGHUP);
	crew_grow(reload->crew, reload->in->config, now_ms);
	set_last_answers(reload, true);
	reload->step = RELOAD_LEAVING;
	reload->due_ms = now_ms + EDGE_LEAVE_MS;
}

static void change(struct reload *reload, int64_t now_ms)
{
	crew_signal(reload->crew, CHILD_EDGE, SIGHUP);
	reload->step = RELOAD_CHANGING;
	reload->due_ms = now_ms + EDGE_LEAVE_MS;
}

static void end(struct reload *reload)
{
	set_last_answers(reload, false);
	crew_shrink(reload->crew, reload->in->config);
	reload->step = RELOAD_NONE;
}

int64_t reload_tend(struct reload *reload, int64_t now_ms)
{
	if (reload->step == RELOAD_NONE && reload->is_wanted)
		begin(reload, now_ms);
	else if (reload->step == RELOAD_LEAVING && now_ms >= reload->due_ms)
		change(reload, now_ms);
	else if (reload->step == RELOAD_CHANGING && now_ms >= reload->due_ms)
		end(reload);
	if (reload->step != RELOAD_NONE)
		return reload->due_ms;
	return reload->is_wanted ? now_ms : INT64_MAX;
}
