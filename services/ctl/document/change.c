/* SPDX-License-Identifier: MIT
 *
 * change.c - returns and corrections of what was sold: new documents, with what
 * was before and what is after. The next run of invoicing exports them.
 */
#include <stdio.h>
#include <string.h>

#include "app/locale.h"
#include "app/zones.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/decimal.h"
#include "codec/json/json_out.h"
#include "codec/time/timestamp.h"
#include "ctl.h"
#include "document/fold.h"
#include "document/keep.h"
#include "domain/invoice/invoice.h"
#include "store/engine/db.h"
#include "store/engine/writer.h"
#include "store/order/later_changes.h"
#include "store/order/orders.h"
#include "store/order/stores.h"
#include "store/watch/views.h"

enum {
	CHANGES_MAX = 200,
	ACTOR_BYTES = 64,
	DETAIL_BYTES_MAX = 64 * 1024
};

struct change {
	struct unit unit;
	enum invoice_kind kind;
	int64_t order_id;
	const struct invoice_change *lines;
	size_t line_count;
	const char *reason;
	const char *series; /* of the configuration */
	char actor[ACTOR_BYTES];
	char date[INVOICE_DATE_BYTES];
	char name[INVOICE_NAME_BYTES]; /* of the new document */
	int64_t total_minor;
};

/* Today where the store is: a change belongs to the day on which it is made.
 * Looked up before the transaction, because zones are files. */
static int set_today(struct ctl *ctl, struct change *change)
{
	struct store_row store = {.time_zone = STORE_TIME_ZONE_DEFAULT};
	struct document_fold fold = {.kind = change->kind};
	const struct zone *zone = NULL;
	int64_t now_ms = clock_wall_ms();
	int rc = document_fold(ctl->db, change->order_id, &fold, &ctl->err);

	if (rc > 0)
		rc = stores_get(ctl->db, fold.state.store_id, &store,
				&ctl->err);
	invoice_clear(&fold.state);
	if (rc < 0)
		return rc;
	if (zones_get(store.time_zone, &zone, NULL) < 0)
		zone = NULL;
	(void)timestamp_date(now_ms, zone_offset_s(zone, now_ms), change->date);
	return 0;
}

static int save(struct db *db, struct change *change, struct invoice *invoice,
		int64_t now_ms, struct err *e)
{
	int64_t batch_id = 0;
	struct keeping keeping = {.order_id = change->order_id,
				  .batch_id = &batch_id,
				  .history = change->kind == INVOICE_RETURN
						     ? "returned"
						     : "corrected",
				  .actor = change->actor};
	int rc = document_keep(db, invoice, &keeping, now_ms, e);

	/* Whoever makes a document has seen what the marketplace said. */
	if (rc >= 0)
		rc = MIN_OF(later_changes_settle(db, change->order_id, e), 0);
	invoice_name(invoice->series, invoice->number, change->name);
	change->total_minor = invoice->total_minor;
	return rc;
}

static int run_change(struct unit *u, struct db *db, int64_t now_ms,
		      struct err *e)
{
	CLEANUP(invoice_clear) struct invoice invoice = {0};
	struct change *change = CONTAINER_OF(u, struct change, unit);
	struct document_fold fold = {.kind = change->kind};
	int rc = document_fold(db, change->order_id, &fold, e);

	if (rc == 0)
		rc = err_set(e, ERR_STATE, "the order has no document yet");
	else if (rc > 0)
		rc = (change->kind == INVOICE_RETURN ? invoice_return
						     : invoice_correct)(
			&fold.state, change->lines, change->line_count,
			&invoice, e);
	if (rc == 0) {
		(void)text_copy(invoice.date, sizeof(invoice.date),
				change->date);
		invoice_series(change->series, invoice.date, invoice.store_id,
			       invoice.series);
		invoice.revision = fold.revision + 1;
		(void)text_copy(invoice.reason, sizeof(invoice.reason),
				change->reason);
		rc = save(db, change, &invoice, now_ms, e);
	}
	invoice_clear(&fold.state);
	return rc;
}

/* "3=1.5" or "3=1/455": line, quantity, grams. */
static int read_change(const char *text, struct invoice_change *to)
{
	char copy[64];
	char *quantity;
	char *grams;
	int64_t line_no = 0;

	if (!text_copy(copy, sizeof(copy), text))
		return ERR_INVALID;
	quantity = strchr(copy, '=');
	if (quantity == NULL)
		return ERR_INVALID;
	*quantity++ = '\0';
	grams = strchr(quantity, '/');
	if (grams != NULL)
		*grams++ = '\0';
	*to = (struct invoice_change){.weight_g = -1};
	if (text_to_i64(copy, 1, INT32_MAX, &line_no, NULL) < 0 ||
	    decimal_parse(quantity, QUANTITY_DIGITS, &to->qty_milli, NULL) <
		    0 ||
	    (grams != NULL &&
	     text_to_i64(grams, 0, INT32_MAX, &to->weight_g, NULL) < 0))
		return ERR_INVALID;
	to->line_no = (int)line_no;
	return 0;
}

static int keep_id(struct query *row, void *context)
{
	*(int64_t *)context = query_col_i64(row, 0);
	return 0;
}

int ctl_find_order(struct ctl *ctl, int64_t *ret_id)
{
	const char *name = ctl_next(ctl);
	int rc;

	if (name == NULL)
		return ctl_fail(ctl, CTL_USAGE, "which order?");
	rc = view_run(ctl->db, view_find("order.find"), &name, 1, keep_id,
		      ret_id, &ctl->err);
	if (rc < 0)
		return ctl_error(ctl, rc);
	return rc > 0 ? CTL_DONE
		      : ctl_fail(ctl, CTL_NOTFOUND, "there is no order '%s'",
				 name);
}

int ctl_document_change(struct ctl *ctl)
{
	struct invoice_change lines[CHANGES_MAX];
	struct change change = {.unit.run = run_change,
				.kind = invoice_kind_from_name(ctl->view),
				.lines = lines,
				.series = ctl->config->invoicing.series,
				.reason = ctl_option(ctl, "--reason", "")};
	char total[DECIMAL_TEXT_BYTES];
	const char *text;
	int rc = ctl_find_order(ctl, &change.order_id);

	if (rc != CTL_DONE)
		return rc;
	while ((text = ctl_next(ctl)) != NULL)
		if (change.line_count == CHANGES_MAX ||
		    read_change(text, &lines[change.line_count++]) < 0)
			return ctl_fail(ctl, CTL_USAGE,
					"'%s' is not LINE=QUANTITY or "
					"LINE=QUANTITY/GRAMS",
					text);
	if (change.reason[0] == '\0' || change.line_count == 0)
		return ctl_fail(ctl, CTL_USAGE,
				"lines and --reason are needed");
	ctl_actor(change.actor, sizeof(change.actor));
	rc = set_today(ctl, &change);
	if (rc == 0)
		rc = ctl_write(ctl, &change.unit);
	if (rc < 0)
		return ctl_error(ctl, rc);
	(void)printf(change.kind == INVOICE_RETURN ? tr("return %s: %s\n")
						   : tr("correction %s: %s\n"),
		     change.name,
		     decimal_format(change.total_minor, MONEY_DIGITS, total));
	return CTL_DONE;
}

struct leave {
	struct unit unit;
	int64_t order_id;
	const char *reason;
	char actor[ACTOR_BYTES];
};

static int run_leave(struct unit *u, struct db *db, int64_t now_ms,
		     struct err *e)
{
	CLEANUP(buf_clear) struct buf detail = BUF_MAX(DETAIL_BYTES_MAX);
	const struct leave *leave = CONTAINER_OF(u, struct leave, unit);
	struct json_out out = json_out_to(&detail);
	int rc = later_changes_settle(db, leave->order_id, e);

	if (rc <= 0)
		return rc < 0 ? rc
			      : err_set(e, ERR_NOTFOUND,
					"nothing waits for this order");
	json_object(&out, NULL);
	json_put_text(&out, "reason", leave->reason);
	json_end(&out);
	rc = json_out_finish(&out, e);
	return rc < 0 ? rc
		      : history_add(db, leave->order_id, now_ms, "change left",
				    leave->actor, buf_text(&detail), e);
}

/* What the marketplace said of a sold order needs no document. */
int ctl_document_leave(struct ctl *ctl)
{
	struct leave leave = {.unit.run = run_leave,
			      .reason = ctl_option(ctl, "--reason", "")};
	int rc = ctl_find_order(ctl, &leave.order_id);

	if (rc != CTL_DONE)
		return rc;
	if (leave.reason[0] == '\0' || ctl->arg_count > 0)
		return ctl_fail(ctl, CTL_USAGE,
				"ORDER and --reason are needed");
	ctl_actor(leave.actor, sizeof(leave.actor));
	rc = ctl_write(ctl, &leave.unit);
	return rc < 0 ? ctl_error(ctl, rc) : CTL_DONE;
}
