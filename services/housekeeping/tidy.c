/* SPDX-License-Identifier: MIT */
#include "tidy.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "app/locale.h"
#include "app/service/service.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "codec/html_out.h"
#include "codec/json/json_out.h"
#include "erase.h"
#include "store/engine/writer.h"
#include "store/order/orders.h"
#include "store/order/parked.h"
#include "store/queue/archive.h"
#include "store/watch/alerts.h"

enum {
	BATCH = 100, /* rows of a few KB: milliseconds of the write lock */
	PAUSE_MS = 5,
	MARGIN_MS = 10000, /* before the job's time-out */
	EXPIRED_MAX = 100, /* in one transaction */
	FIELD_POINTS = ORDER_ID_POINTS_MAX,
	TEXT_BYTES_MAX = 8192,
	ANSWER_DAYS = 7, /* contract.md */
	QUIET_RUN_DAYS = 14
};

#define MINUTE_MS INT64_C(60000)
#define DAY_MS (1440 * MINUTE_MS)

/* What there is to do, with the age from which on it is done. */
struct chore {
	const char *name; /* in the result line */
	const struct archive_step *step;
	int64_t age_ms;
};

struct tidy {
	struct service *service;
	int64_t wall_ms;
	int64_t end_ms; /* monotonic */
};

struct walk_unit {
	struct unit unit;
	const struct chore *chore;
	int64_t before_ms;
	struct archive_walk walk; /* before; the unit may run again */
	struct archive_walk next; /* after */
	int count;
};

/* Rows in one transaction; an order is many of them. */
static int batch_of(const struct chore *chore)
{
	return chore->step == &archive_old_orders ? (int)ARCHIVE_ORDERS_BATCH
						  : (int)BATCH;
}

static int run_walk(struct unit *u, struct db *db, int64_t now_ms,
		    struct err *e)
{
	struct walk_unit *w = CONTAINER_OF(u, struct walk_unit, unit);

	(void)now_ms;
	w->next = w->walk;
	w->count = archive_next(db, w->chore->step, w->before_ms,
				batch_of(w->chore), &w->next, e);
	return MIN_OF(w->count, 0);
}

static bool has_time(const struct tidy *tidy)
{
	return !service_stopping(tidy->service) &&
	       clock_mono_ms() < tidy->end_ms;
}

/* Number of rows, or < 0. */
static int64_t do_chore(const struct tidy *tidy, const struct chore *chore,
			struct err *e)
{
	struct walk_unit w = {
		.unit.run = run_walk,
		.chore = chore,
		.before_ms = tidy->wall_ms - chore->age_ms,
	};
	int64_t total = 0;

	while (!w.walk.finished && has_time(tidy)) {
		int rc = writer_call(tidy->service->writer, &w.unit, e);

		if (rc < 0)
			return rc;
		w.walk = w.next;
		total += w.count;
		if (w.count > 0)
			(void)poll(NULL, 0, PAUSE_MS);
	}
	return total;
}

struct expired {
	int64_t inbox_id, order_id;
	char *subject, *text, *detail; /* owned */
};

struct expire_unit {
	struct unit unit;
	const struct config *config;
	struct expired rows[EXPIRED_MAX];
	int count;
	int done;
	struct err *e;
};

static void expire_clear(struct expire_unit *x)
{
	for (int i = 0; i < x->count; i++) {
		free(x->rows[i].subject);
		free(x->rows[i].text);
		free(x->rows[i].detail);
	}
}

static void write_detail(const struct archive_expired *expired, struct buf *out)
{
	struct json_out json = json_out_to(out);

	json_object(&json, NULL);
	json_put_text(&json, "event", expired->event_type);
	json_put_i64(&json, "inboxId", expired->inbox_id);
	json_end(&json);
}

static void write_text(const struct archive_expired *expired, struct buf *out)
{
	const struct html_field fields[] = {
		{"order", expired->external_id},
		{"number", expired->number},
		{"event", expired->event_type},
		{NULL, NULL},
	};

	html_render(out,
		    tr("\xF0\x9F\x9F\xA1 <b>An event was never applied</b>\n"
		       "Order {order} (no. {number})\n"
		       "Event: {event}; what should come before it did not "
		       "come"),
		    fields, FIELD_POINTS);
}

static int note_expired(const struct archive_expired *expired, void *context)
{
	CLEANUP(buf_clear) struct buf subject = BUF_MAX(TEXT_BYTES_MAX);
	CLEANUP(buf_clear) struct buf text = BUF_MAX(TEXT_BYTES_MAX);
	CLEANUP(buf_clear) struct buf detail = BUF_MAX(TEXT_BYTES_MAX);
	struct expire_unit *x = context;
	struct expired *row = &x->rows[x->count++];

	buf_printf(&subject, "%s %" PRId64, expired->external_id,
		   expired->inbox_id);
	write_text(expired, &text);
	write_detail(expired, &detail);
	*row = (struct expired){
		.inbox_id = expired->inbox_id,
		.order_id = expired->order_id,
		.subject = buf_take(&subject),
		.text = buf_take(&text),
		.detail = buf_take(&detail),
	};
	if (row->subject == NULL || row->text == NULL || row->detail == NULL)
		return err_set(x->e, ERR_NOMEM, "expired: out of memory");
	return 0;
}

/* The event itself stays in the inbox's archive, and the history says that it
 * was given up (I5). */
static int expire_one(struct db *db, const struct config *config,
		      const struct expired *row, int64_t now_ms, struct err *e)
{
	struct alert_finding notice = {
		.rule = "event-expired",
		.subject = row->subject,
		.severity = "warning",
		.chat = config->telegram.admin_chat,
		.text = row->text,
	};
	int rc = parked_remove(db, row->inbox_id, e);

	if (rc <= 0) /* it was applied meanwhile */
		return rc;
	rc = history_add(db, row->order_id, now_ms, "event.expired",
			 "housekeeping", row->detail, e);
	if (rc >= 0)
		rc = alert_notice(db, &notice, now_ms, e);
	return rc < 0 ? rc : 1;
}

static int run_expire(struct unit *u, struct db *db, int64_t now_ms,
		      struct err *e)
{
	struct expire_unit *x = CONTAINER_OF(u, struct expire_unit, unit);

	x->done = 0;
	u->bells = BELL_TELEGRAM;
	for (int i = 0; i < x->count; i++) {
		int rc = expire_one(db, x->config, &x->rows[i], now_ms, e);

		if (rc < 0)
			return rc;
		x->done += rc;
	}
	return 0;
}

/* Number of events, or < 0. */
static int64_t expire_events(const struct tidy *tidy, struct err *e)
{
	struct service *s = tidy->service;
	int64_t total = 0;
	int found = EXPIRED_MAX;

	while (found == EXPIRED_MAX && has_time(tidy)) {
		CLEANUP(expire_clear)
		struct expire_unit x = {
			.unit.run = run_expire, .config = s->config, .e = e};
		int rc = 0;

		found = archive_expired_events(
			s->db, tidy->wall_ms, EXPIRED_MAX, note_expired, &x, e);
		if (found > 0)
			rc = writer_call(s->writer, &x.unit, e);
		if (found < 0 || rc < 0)
			return MIN_OF(found, rc);
		total += x.done;
	}
	return total;
}

int tidy_run(struct service *s, struct buf *ret_line, struct err *e)
{
	const struct config_retention *keep = &s->config->retention;
	const struct config_job *job = config_job(s->config, "housekeeping");
	int64_t limit_ms = job != NULL ? job->timeout_ms : DAY_MS;
	int64_t done_age_ms = keep->archive_after_minutes * MINUTE_MS;
	int64_t archive_age_ms = keep->archive_days * DAY_MS;
	const struct chore chores[] = {
		{"inbox", &archive_inbox, done_age_ms},
		{"outbox", &archive_outbox, done_age_ms},
		{"heads", &archive_idle_heads, done_age_ms},
		{"outbox_heads", &archive_idle_outbox_heads, done_age_ms},
		{"answers", &archive_answers, ANSWER_DAYS * DAY_MS},
		{"quiet_runs", &archive_old_quiet_runs,
		 QUIET_RUN_DAYS * DAY_MS},
		{"runs", &archive_old_runs, archive_age_ms},
		{"alerts", &archive_old_alerts, archive_age_ms},
		{"old_inbox", &archive_old_inbox, archive_age_ms},
		{"old_outbox", &archive_old_outbox, archive_age_ms},
		{"old_telegram", &archive_old_telegram, archive_age_ms},
		{"old_mail", &archive_old_mail, archive_age_ms},
		{"old_quarantine", &archive_old_quarantine, archive_age_ms},
		{"old_steps", &archive_overtaken_steps,
		 keep->feed_days * DAY_MS},
		{"old_orders", &archive_old_orders,
		 keep->history_days * DAY_MS},
	};
	struct tidy tidy = {
		.service = s,
		.wall_ms = clock_wall_ms(),
		.end_ms = clock_mono_ms() +
			  MAX_OF(limit_ms - MARGIN_MS, limit_ms / 2),
	};
	int64_t expired = expire_events(&tidy, e);
	int rc;

	if (expired < 0)
		return (int)expired;
	buf_printf(ret_line, "expired=%" PRId64, expired);
	for (size_t i = 0; i < COUNT_OF(chores); i++) {
		int64_t rows = do_chore(&tidy, &chores[i], e);

		if (rows < 0)
			return (int)rows;
		buf_printf(ret_line, " %s=%" PRId64, chores[i].name, rows);
	}
	rc = erase_run(s, tidy.end_ms, ret_line, e);
	if (rc < 0)
		return rc;
	if (!has_time(&tidy))
		buf_add_text(ret_line, "; out of time, the next run goes on");
	return 0;
}
