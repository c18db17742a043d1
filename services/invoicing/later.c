/* SPDX-License-Identifier: MIT
 *
 * later.c - what the marketplace said of goods that were packed: off the sale
 * when they were not delivered yet, a return each after that, or a word to a
 * person.
 */
#include <string.h>

#include "app/service/service.h"
#include "app/zones.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/time/timestamp.h"
#include "document/fold.h"
#include "document/keep.h"
#include "domain/invoice/later_change.h"
#include "invoicing.h"
#include "store/engine/writer.h"
#include "store/order/later_changes.h"

enum {
	CHANGES_MAX = 10000, /* of one run */
	MOSCOW_OFFSET_S = 3 * 3600
};

struct later {
	struct unit unit;
	const struct later_row *row;
	const struct config_invoicing *config;
	char today[INVOICE_DATE_BYTES];
	int *counter;
	struct invoicing_result *result;
};

static bool makes_documents(const struct config_invoicing *config)
{
	return strcmp(config->after_delivery, "correct") == 0;
}

static int tell(struct db *db, struct later *later, const char *why,
		struct err *e)
{
	later->counter = &later->result->told;
	return later_changes_end(db, later->row->id, "told", why, e);
}

static int keep(struct db *db, struct later *later, struct invoice *invoice,
		int64_t revision, int64_t now_ms, struct err *e)
{
	int64_t batch_id = 0;
	struct keeping keeping = {.order_id = later->row->order_id,
				  .batch_id = &batch_id,
				  .history = "returned",
				  .actor = "marketplace"};

	(void)text_copy(invoice->date, sizeof(invoice->date), later->today);
	invoice_series(later->config->series, invoice->date, invoice->store_id,
		       invoice->series);
	(void)text_copy(invoice->reason, sizeof(invoice->reason),
			"order.updated");
	invoice->revision = revision;
	later->counter = &later->result->returned;
	return document_keep(db, invoice, &keeping, now_ms, e);
}

static int decide(struct db *db, struct later *later,
		  const struct document_fold *fold, int64_t now_ms,
		  struct err *e)
{
	CLEANUP(invoice_clear) struct invoice invoice = {0};
	const struct later_change change = {
		.body = later->row->body,
		.total_minor = later->row->total_minor,
		.tolerance_minor = later->config->total_tolerance_minor,
		.is_later_one = later->row->earlier > 0};
	struct err why = {0};
	int rc = later_change_return(&change, &fold->state, &invoice, &why);

	if (rc == ERR_INVALID)
		return tell(db, later, why.text, e);
	if (rc < 0)
		return err_set(e, (enum err_code)rc, "%s", why.text);
	if (rc == 0)
		return later_changes_end(db, later->row->id, "nothing", "", e);
	if (!makes_documents(later->config))
		return tell(db, later,
			    later->row->total_minor == 0
				    ? "cancelled after the sale: all of it "
				      "came back"
				    : "goods came back",
			    e);
	rc = later_changes_end(db, later->row->id, "done", "", e);
	return rc <= 0 ? rc
		       : keep(db, later, &invoice, fold->revision + 1, now_ms,
			      e);
}

/* Which of its units a marked line keeps, nobody says. */
static bool is_known_what_stays(const struct order *order,
				const struct invoice *off)
{
	for (size_t i = 0; i < off->line_count; i++)
		if (off->lines[i].after.qty_milli > 0 &&
		    order_codes_count(order, off->lines[i].line_no) > 0)
			return false;
	return true;
}

static void take_off(struct order *order, const struct invoice *off)
{
	for (size_t i = 0; i < off->line_count; i++) {
		const struct invoice_line *from = &off->lines[i];
		struct order_line *line = order_line_find(order, from->line_no);

		if (line == NULL)
			continue;
		line->qty_picked_milli = from->after.qty_milli;
		if (from->after.weight_g >= 0)
			line->weight_picked_g = from->after.weight_g;
	}
}

int invoicing_take_off(struct db *db, const struct config_invoicing *config,
		       const struct invoice *sale, struct order *order,
		       struct err *e)
{
	CLEANUP(invoice_clear) struct invoice off = {0};
	struct later_row row = {0};
	struct later_change change = {.tolerance_minor =
					      config->total_tolerance_minor};
	struct err why;
	int got = 0;
	int rc = makes_documents(config)
			 ? later_changes_until(db, order->id,
					       order->delivered_ms, &row, e)
			 : 0;

	if (rc <= 0)
		return rc;
	CLEANUP_FREE char *body = row.body;
	change.body = body;
	change.total_minor = row.total_minor;
	if (body[0] != '\0')
		got = later_change_return(&change, sale, &off, &why);
	if (got == ERR_NOMEM)
		return err_set(e, ERR_NOMEM, "%s", why.text);
	/* Then a person is told of it after the sale. */
	if (got < 0 || (got > 0 && !is_known_what_stays(order, &off)))
		return 0;
	take_off(order, &off);
	rc = later_changes_sold(db, order->id, order->delivered_ms, e);
	return rc < 0 ? rc : got;
}

static int run_later(struct unit *u, struct db *db, int64_t now_ms,
		     struct err *e)
{
	struct later *later = CONTAINER_OF(u, struct later, unit);
	struct document_fold fold = {.kind = INVOICE_RETURN};
	int rc = document_fold(db, later->row->order_id, &fold, e);

	later->counter = NULL;
	if (rc > 0)
		rc = decide(db, later, &fold, now_ms, e);
	invoice_clear(&fold.state);
	return rc;
}

static int settle_one(struct service *s, const struct later_row *row,
		      struct invoicing_result *result, struct err *e)
{
	struct later later = {.unit.run = run_later,
			      .row = row,
			      .config = &s->config->invoicing,
			      .result = result};
	const struct zone *zone = NULL;
	int64_t now_ms = clock_wall_ms();
	int rc;

	if (zones_get(row->time_zone, &zone, NULL) < 0)
		zone = NULL;
	(void)timestamp_date(now_ms,
			     zone != NULL ? zone_offset_s(zone, now_ms)
					  : MOSCOW_OFFSET_S,
			     later.today);
	rc = writer_call(s->writer, &later.unit, e);
	if (rc >= 0 && later.counter != NULL)
		(*later.counter)++;
	return rc;
}

int invoicing_later(struct service *s, struct invoicing_result *result,
		    struct err *e)
{
	int64_t after_id = 0;
	int rc = 0;

	for (int i = 0; i < CHANGES_MAX && rc >= 0 && after_id != INT64_MAX &&
			!service_stopping(s);
	     i++) {
		struct later_row row = {0};

		rc = later_changes_next(s->db, after_id, &row, e);
		after_id = row.id;
		if (rc > 0)
			rc = settle_one(s, &row, result, e);
		else if (rc == 0)
			after_id = INT64_MAX;
		free(row.body);
	}
	return MIN_OF(rc, 0);
}
