/* SPDX-License-Identifier: MIT
 *
 * report.c - how the stores and pickers did, as CSV.
 */
#include "domain/report/report.h"

#include <stdio.h>
#include <string.h>

#include "app/zones.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "codec/time/timestamp.h"
#include "ctl.h"
#include "store/report/orders_report.h"

enum {
	PAGE = 500,
	REPORT_BYTES_MAX = 64 * 1024 * 1024,
	/* Zones are UTC-12..UTC+14: what may belong to a day somewhere. */
	MARGIN_MS = 14 * 3600 * 1000,
	DAY_MS = 24 * 3600 * 1000
};

struct making {
	struct report report;
	const char *from, *to, *store; /* dates; "" : every store */
	int64_t now_ms;
};

static int add(const struct report_source *from, void *context, struct err *e)
{
	struct making *m = context;
	const struct zone *zone = NULL;
	struct report_order order = {
		.deadline_ms = from->deadline_ms,
		.taken_ms = from->taken_ms,
		.assembled_ms = from->assembled_ms,
		.delivered_ms = from->delivered_ms,
		.canceled_ms = from->canceled_ms,
		.canceled_by_store = from->canceled_by_store,
		.lines = from->lines,
		.found = from->found,
		.replaced = from->replaced,
		.short_lines = from->short_lines,
		.picked_milli = from->picked_milli,
	};

	if (zones_get(from->time_zone, &zone, NULL) < 0)
		zone = NULL;
	(void)timestamp_date(from->created_ms,
			     zone_offset_s(zone, from->created_ms), order.date);
	if (strcmp(order.date, m->from) < 0 || strcmp(order.date, m->to) > 0 ||
	    (m->store[0] != '\0' && strcmp(m->store, from->store_id) != 0))
		return 0;
	(void)text_copy(order.store_id, sizeof(order.store_id), from->store_id);
	(void)text_copy(order.picker_id, sizeof(order.picker_id),
			from->picker_id);
	return report_add(&m->report, &order, m->now_ms, e);
}

static int read_day(const char *date, int64_t *ret_ms)
{
	char text[32];

	if (strlen(date) != REPORT_DATE_BYTES - 1)
		return ERR_INVALID;
	(void)snprintf(text, sizeof(text), "%sT00:00:00Z", date);
	return timestamp_parse(text, 0, ret_ms, NULL);
}

static int fill(struct ctl *ctl, struct making *m, int64_t from_ms,
		int64_t to_ms)
{
	struct report_place place = {.from_ms = from_ms - MARGIN_MS,
				     .to_ms = to_ms + DAY_MS + MARGIN_MS,
				     .max = PAGE};
	int rc;

	do {
		rc = orders_report(ctl->db, &place, add, m, &ctl->err);
	} while (rc > 0);
	return rc;
}

int ctl_report(struct ctl *ctl)
{
	CLEANUP(buf_clear) struct buf out = BUF_MAX(REPORT_BYTES_MAX);
	struct making m = {.from = ctl_option(ctl, "--from", ""),
			   .to = ctl_option(ctl, "--to", ""),
			   .store = ctl_option(ctl, "--store", ""),
			   .now_ms = clock_wall_ms(),
			   .report.by_picker =
				   strcmp(ctl->view, "pickers") == 0};
	int64_t from_ms = 0;
	int64_t to_ms = 0;
	int rc;

	if (read_day(m.from, &from_ms) < 0 || read_day(m.to, &to_ms) < 0)
		return ctl_fail(ctl, CTL_USAGE,
				"--from and --to are days such as 2026-01-31");
	if (from_ms > to_ms)
		return ctl_fail(ctl, CTL_USAGE,
				"--from %s is after --to %s: the other way "
				"round",
				m.from, m.to);
	if (ctl->arg_count > 0)
		return ctl_fail(ctl, CTL_USAGE, "what is '%s'?", ctl->args[0]);
	rc = m.store[0] != '\0' ? ctl_know_store(ctl, m.store) : CTL_DONE;
	if (rc != CTL_DONE)
		return rc;
	rc = fill(ctl, &m, from_ms, to_ms);
	if (rc == 0)
		rc = report_write(&m.report, &out, &ctl->err);
	if (rc == 0)
		(void)fputs(buf_text(&out), stdout);
	report_clear(&m.report);
	return rc < 0 ? ctl_error(ctl, rc) : CTL_DONE;
}
