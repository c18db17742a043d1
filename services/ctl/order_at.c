/* SPDX-License-Identifier: MIT
 *
 * order_at.c - `order show X --at TIME`: the order as it was then.
 */
#include <stdio.h>

#include "app/zones.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "codec/decimal.h"
#include "codec/json/json_out.h"
#include "codec/time/timestamp.h"
#include "ctl.h"
#include "domain/order/order_moment.h"
#include "store/order/history.h"
#include "store/order/orders.h"
#include "store/order/stores.h"

enum {
	OUTPUT_BYTES_MAX = 4 * 1024 * 1024
};

static int put_on_top(int64_t at_ms, const char *after, void *context,
		      struct err *e)
{
	struct order *order = context;

	order->updated_ms = at_ms;
	return order_moment_apply(order, after, e);
}

/* A time without an offset is the store's. */
static int read_time(struct ctl *ctl, const struct order *order,
		     const char *text, int64_t *ret_at_ms)
{
	struct store_row store = {.time_zone = STORE_TIME_ZONE_DEFAULT};
	const struct zone *zone = NULL;
	int64_t about_ms = 0;
	int rc = stores_get(ctl->db, order->terms.store_id, &store, &ctl->err);

	if (rc >= 0)
		rc = timestamp_parse(text, 0, &about_ms, &ctl->err);
	if (rc < 0)
		return rc;
	(void)zones_get(store.time_zone, &zone, NULL);
	return timestamp_parse(text, zone_offset_s(zone, about_ms), ret_at_ms,
			       &ctl->err);
}

static void put_milli(struct buf *out, int64_t value)
{
	char text[DECIMAL_TEXT_BYTES];

	buf_printf(out, "\t%s",
		   decimal_format_short(value, QUANTITY_DIGITS, text));
}

static void put_grams(struct buf *out, int64_t weight_g)
{
	if (weight_g < 0)
		buf_add_text(out, "\t-");
	else
		buf_printf(out, "\t%lld", (long long)weight_g);
}

static void print_lines(const struct order *order)
{
	CLEANUP(buf_clear) struct buf out = BUF_MAX(OUTPUT_BYTES_MAX);

	buf_add_text(&out, "line\tsku\tordered\tquantity\tpicked\tweight\t"
			   "weight_picked\tprice\tstate\treason\t"
			   "replaced_by\treplaces\n");
	for (size_t i = 0; i < order->line_count; i++) {
		const struct order_line *l = &order->lines[i];
		char price[DECIMAL_TEXT_BYTES];

		buf_printf(&out, "%d\t%s", l->line_no, l->sku);
		put_milli(&out, l->qty_ordered_milli);
		put_milli(&out, l->qty_milli);
		put_milli(&out, l->qty_picked_milli);
		put_grams(&out, l->weight_g);
		put_grams(&out, l->weight_picked_g);
		buf_printf(&out, "\t%s\t%s\t%s\t%d\t%d\n",
			   decimal_format(l->discount_price_minor, MONEY_DIGITS,
					  price),
			   line_state_name(l->state), l->reason, l->replaced_by,
			   l->replaces);
	}
	ctl_print_aligned(buf_text(&out));
}

static const char *time_text(int64_t wall_ms, char text[TIMESTAMP_TEXT_BYTES])
{
	return wall_ms == 0 ? "-" : timestamp_format(wall_ms, 0, text);
}

static void print_order(const struct order *order)
{
	char changed[TIMESTAMP_TEXT_BYTES];
	char from[TIMESTAMP_TEXT_BYTES];
	char to[TIMESTAMP_TEXT_BYTES];
	char deadline[TIMESTAMP_TEXT_BYTES];

	ctl_say("order %s (%s), last changed %s\n", order->number,
		order->external_id, time_text(order->updated_ms, changed));
	ctl_say("state %s, version %lld, store %s, picker %s, bags %lld\n",
		order_state_name(order->state), (long long)order->version,
		order->terms.store_id,
		order->picker_id[0] != '\0' ? order->picker_id : "-",
		(long long)order->bags);
	ctl_say("slot %s to %s, deadline %s\n",
		time_text(order->terms.slot_from_ms, from),
		time_text(order->terms.slot_to_ms, to),
		time_text(order->terms.deadline_ms, deadline));
	if (order->cancel_source[0] != '\0')
		ctl_say("canceled by %s: %s\n", order->cancel_source,
			order->cancel_reason);
	(void)printf("\n");
	print_lines(order);
}

static int print_json(struct ctl *ctl, const struct order *order)
{
	CLEANUP(buf_clear) struct buf moment = BUF_MAX(OUTPUT_BYTES_MAX);
	CLEANUP(buf_clear) struct buf text = BUF_MAX(OUTPUT_BYTES_MAX);
	struct json_out out = json_out_to(&text);
	int rc = order_moment_render(order, true, 0, &moment, &ctl->err);

	json_object(&out, NULL);
	json_put_text(&out, "number", order->number);
	json_put_text(&out, "externalId", order->external_id);
	json_put_time(&out, "changed", order->updated_ms);
	json_put_raw(&out, "order", buf_text(&moment));
	json_end(&out);
	if (rc == 0)
		rc = json_out_finish(&out, &ctl->err);
	if (rc < 0)
		return ctl_error(ctl, rc);
	(void)printf("%s\n", buf_text(&text));
	return CTL_DONE;
}

int ctl_order_show_at(struct ctl *ctl, const char *id, const char *at)
{
	CLEANUP(order_clear) struct order now = {0};
	CLEANUP(order_clear) struct order then = {0};
	int64_t order_id = 0;
	int64_t at_ms = 0;
	int rc = text_to_i64(id, 1, INT64_MAX, &order_id, &ctl->err);

	if (rc == 0)
		rc = orders_load(ctl->db, order_id, &now, &ctl->err);
	if (rc == 0)
		return ctl_fail(ctl, CTL_NOTFOUND,
				"the order has not been created yet");
	if (rc > 0 && read_time(ctl, &now, at, &at_ms) < 0)
		return ctl_fail(ctl, CTL_USAGE, "--at: %s", ctl->err.text);
	if (rc > 0)
		rc = history_moments(ctl->db, order_id, at_ms, put_on_top,
				     &then, &ctl->err);
	if (rc < 0)
		return ctl_error(ctl, rc);
	if (rc == 0)
		return ctl_fail(ctl, CTL_NOTFOUND,
				"the order was not there at %s", at);
	(void)text_copy(then.number, sizeof(then.number), now.number);
	(void)text_copy(then.external_id, sizeof(then.external_id),
			now.external_id);
	if (ctl->json)
		return print_json(ctl, &then);
	print_order(&then);
	return CTL_DONE;
}
