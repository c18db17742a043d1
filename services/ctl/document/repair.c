/* SPDX-License-Identifier: MIT
 *
 * repair.c - `document repair`: what keeps an order from its sale and stands in
 * the order itself: the price of a line, the day, the marketplace's total. The
 * next run of invoicing makes the document of it.
 */
#include <stdio.h>
#include <string.h>

#include "app/zones.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/decimal.h"
#include "codec/json/json_out.h"
#include "codec/time/timestamp.h"
#include "ctl.h"
#include "flow/order_flow.h"
#include "store/document/documents.h"
#include "store/engine/writer.h"
#include "store/order/orders.h"
#include "store/order/stores.h"
#include "store/repair/audit.h"

enum {
	PRICES_MAX = 200,
	ACTOR_BYTES = 64,
	DETAIL_BYTES_MAX = 64 * 1024
};
#define MONEY_MAX_MINOR INT64_C(100000000000) /* 1e9 roubles */

struct line_price {
	int line_no;
	int64_t minor;
};

struct repair {
	struct unit unit;
	int64_t order_id;
	struct line_price prices[PRICES_MAX];
	size_t price_count;
	const char *day; /* where the store is; NULL: as it is */
	int64_t day_ms;
	int64_t total_minor; /* 0: as it is */
	const char *reason, *command;
	char actor[ACTOR_BYTES];
};

static void put_price(struct json_out *out, const struct line_price *price,
		      int64_t from_minor)
{
	json_object(out, NULL);
	json_put_i64(out, "line", price->line_no);
	json_put_money(out, "from", from_minor);
	json_put_money(out, "to", price->minor);
	json_end(out);
}

/* A price without a discount is never below the one with it. */
static int set_price(struct order *order, const struct line_price *price,
		     struct json_out *out, struct err *e)
{
	struct order_line *line = order_line_find(order, price->line_no);
	int rc;

	if (line == NULL || line->state == LINE_REMOVED)
		return err_set(e, ERR_NOTFOUND, "the order has no line %d",
			       price->line_no);
	put_price(out, price, line->discount_price_minor);
	line->discount_price_minor = price->minor;
	rc = decimal_mul_div(price->minor, line->qty_milli, 1000,
			     &line->discount_total_minor, e);
	if (rc == 0 && line->price_minor < price->minor) {
		line->price_minor = price->minor;
		line->total_minor = line->discount_total_minor;
	}
	return rc;
}

/* Each value as it was and as it is now, for the history and the audit log. */
static int set_values(struct order *order, const struct repair *repair,
		      struct json_out *out, struct err *e)
{
	char was[TIMESTAMP_TEXT_BYTES];
	int rc = 0;

	json_object(out, NULL);
	json_array(out, "prices");
	for (size_t i = 0; i < repair->price_count && rc == 0; i++)
		rc = set_price(order, &repair->prices[i], out, e);
	json_end(out);
	if (repair->day != NULL) {
		json_put_text(out, "deliveredWas",
			      timestamp_format(order->delivered_ms, 0, was));
		json_put_text(out, "day", repair->day);
		order->delivered_ms = repair->day_ms;
	}
	if (repair->total_minor > 0) {
		json_put_money(out, "totalWas",
			       order->terms.discount_total_minor);
		json_put_money(out, "total", repair->total_minor);
		order->terms.discount_total_minor = repair->total_minor;
	}
	json_put_text(out, "reason", repair->reason);
	json_end(out);
	return rc < 0 ? rc : json_out_finish(out, e);
}

static int note_audit(struct db *db, const struct repair *repair,
		      const char *detail, int64_t now_ms, struct err *e)
{
	struct audit_entry entry = {
		.actor = repair->actor,
		.action = repair->command,
		.filter = detail,
		.reason = repair->reason,
	};
	int64_t id = 0;
	int rc = audit_begin(db, &entry, now_ms, &id, e);

	return rc < 0 ? rc : audit_add(db, id, 1, 1, e);
}

static int run_repair(struct unit *u, struct db *db, int64_t now_ms,
		      struct err *e)
{
	CLEANUP(order_change_clear) struct order_change change = {0};
	CLEANUP(buf_clear) struct buf detail = BUF_MAX(DETAIL_BYTES_MAX);
	CLEANUP(order_clear) struct order order = {0};
	const struct repair *repair = CONTAINER_OF(u, struct repair, unit);
	struct json_out out = json_out_to(&detail);
	unsigned bells = 0;
	int rc = documents_set_order(
		db, repair->order_id, "blocked",
		"repaired: the next run of invoicing makes it", e);

	if (rc == 0)
		return err_set(e, ERR_STATE,
			       "the order is not delivered, or has its "
			       "document already");
	if (rc > 0)
		rc = orders_load(db, repair->order_id, &order, e);
	if (rc > 0)
		rc = set_values(&order, repair, &out, e);
	if (rc < 0)
		return rc;
	change.changed = true;
	change.lines_changed = repair->price_count > 0;
	order.updated_ms = now_ms;
	rc = order_change_note(&change, "document repaired", repair->actor,
			       buf_text(&detail), e);
	if (rc == 0)
		rc = flow_save(db, &order, &change, now_ms, &bells, e);
	return rc < 0 ? rc
		      : note_audit(db, repair, buf_text(&detail), now_ms, e);
}

static int read_money(const char *text, int64_t *ret_minor)
{
	return decimal_parse(text, MONEY_DIGITS, ret_minor, NULL) == 0 &&
			       *ret_minor > 0 && *ret_minor <= MONEY_MAX_MINOR
		       ? 0
		       : ERR_INVALID;
}

/* "3=79.90" */
static int read_price(const char *text, struct line_price *to)
{
	char copy[64];
	char *price;
	int64_t line_no = 0;

	if (!text_copy(copy, sizeof(copy), text))
		return ERR_INVALID;
	price = strchr(copy, '=');
	if (price == NULL)
		return ERR_INVALID;
	*price++ = '\0';
	if (text_to_i64(copy, 1, INT32_MAX, &line_no, NULL) < 0)
		return ERR_INVALID;
	to->line_no = (int)line_no;
	return read_money(price, &to->minor);
}

/* Noon where the store is. Zones are files: before the transaction. */
static int read_day(struct ctl *ctl, struct repair *repair)
{
	CLEANUP(order_clear) struct order order = {0};
	struct store_row store = {.time_zone = STORE_TIME_ZONE_DEFAULT};
	const struct zone *zone = NULL;
	char noon[TIMESTAMP_TEXT_BYTES];
	char first[DATE_TEXT_BYTES];
	char today[DATE_TEXT_BYTES];
	int64_t now_ms = clock_wall_ms();
	int rc = orders_load(ctl->db, repair->order_id, &order, &ctl->err);

	if (rc >= 0)
		rc = stores_get(ctl->db, order.terms.store_id, &store,
				&ctl->err);
	if (rc < 0)
		return ctl_error(ctl, rc);
	if (zones_get(store.time_zone, &zone, NULL) < 0)
		(void)zones_get(STORE_TIME_ZONE_DEFAULT, &zone, NULL);
	(void)snprintf(noon, sizeof(noon), "%.10sT12:00", repair->day);
	if (strlen(repair->day) != DATE_TEXT_BYTES - 1 ||
	    timestamp_parse(noon, 0, &repair->day_ms, NULL) < 0)
		return ctl_fail(ctl, CTL_USAGE, "'%s' is no day YYYY-MM-DD",
				repair->day);
	repair->day_ms -= zone_offset_s(zone, repair->day_ms) * INT64_C(1000);
	(void)timestamp_date(now_ms, zone_offset_s(zone, now_ms), today);
	(void)timestamp_date(order_oldest_ms(&order),
			     zone_offset_s(zone, order_oldest_ms(&order)),
			     first);
	if (strcmp(repair->day, today) > 0 || strcmp(repair->day, first) < 0)
		return ctl_fail(ctl, CTL_USAGE,
				"the day is one from %s, when the order came, "
				"to today",
				first);
	return CTL_DONE;
}

static int read_values(struct ctl *ctl, struct repair *repair)
{
	const char *total = ctl_option(ctl, "--total", NULL);
	const char *text;

	repair->day = ctl_option(ctl, "--day", NULL);
	if (total != NULL && read_money(total, &repair->total_minor) < 0)
		return ctl_fail(ctl, CTL_USAGE, "'%s' is no sum above nothing",
				total);
	while ((text = ctl_next(ctl)) != NULL)
		if (repair->price_count == PRICES_MAX ||
		    read_price(text, &repair->prices[repair->price_count++]) <
			    0)
			return ctl_fail(ctl, CTL_USAGE,
					"'%s' is not LINE=PRICE, a price above "
					"nothing",
					text);
	if (repair->reason[0] == '\0' ||
	    (repair->price_count == 0 && repair->day == NULL && total == NULL))
		return ctl_fail(ctl, CTL_USAGE,
				"--reason is needed, and a LINE=PRICE, --day "
				"or --total");
	return repair->day != NULL ? read_day(ctl, repair) : CTL_DONE;
}

int ctl_document_repair(struct ctl *ctl)
{
	struct repair repair = {.unit.run = run_repair,
				.command = ctl->command,
				.reason = ctl_option(ctl, "--reason", "")};
	int rc = ctl_find_order(ctl, &repair.order_id);

	if (rc == CTL_DONE)
		rc = read_values(ctl, &repair);
	if (rc != CTL_DONE)
		return rc;
	ctl_actor(repair.actor, sizeof(repair.actor));
	rc = ctl_write(ctl, &repair.unit);
	if (rc < 0)
		return ctl_error(ctl, rc);
	ctl_say("the next run of invoicing makes the document\n");
	return CTL_DONE;
}
