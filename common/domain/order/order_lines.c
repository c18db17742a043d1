/* SPDX-License-Identifier: MIT */
#include "domain/order/order_lines.h"

#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "codec/json/json_out.h"

static struct order_line *append(struct order *order,
				 const struct order_line *from, int *ret_rc,
				 struct err *e)
{
	int line_no = order_next_line_no(order);
	bool full = order->line_count >= ORDER_LINES_MAX;
	struct order_line *line =
		order_line_add(&order->lines, &order->line_count);

	if (line == NULL) {
		*ret_rc = full ? err_set(e, ERR_INVALID,
					 "the order has more than %d lines",
					 ORDER_LINES_MAX)
			       : err_set(e, ERR_NOMEM,
					 "order line: out of memory");
		return NULL;
	}
	*line = *from;
	line->line_no = line_no;
	line->state = LINE_PENDING;
	line->qty_picked_milli = 0;
	line->weight_picked_g = -1;
	return line;
}

int order_lines_set(struct order *order, const struct order_event *event,
		    struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < event->line_count; i++)
		if (append(order, &event->lines[i], &rc, e) == NULL)
			return rc;
	return 0;
}

/* The first line of ours with that SKU that no earlier position of the event
 * has claimed: so the n-th of equal ones is the n-th again. Lines that a picker
 * put in as replacements are not the marketplace's. */
static struct order_line *claim_twin(struct order *order, const char *sku,
				     bool *claimed)
{
	for (size_t i = 0; i < order->line_count; i++) {
		struct order_line *line = &order->lines[i];

		if (claimed[i] || line->replaces != 0 ||
		    strcmp(line->sku, sku) != 0)
			continue;
		claimed[i] = true;
		return line;
	}
	return NULL;
}

/* The caller gives the order its next version when any line is different. */
static void put_difference(struct json_out *out, const struct order *order,
			   struct order_line *line, int64_t from_milli)
{
	line->version = order->version + 1;
	json_object(out, NULL);
	json_put_i64(out, "line", line->line_no);
	json_put_text(out, "sku", line->sku);
	json_put_decimal(out, "from", from_milli, 3);
	json_put_decimal(out, "to", line->qty_milli, 3);
	json_end(out);
}

static bool same_terms(const struct order_line *a, const struct order_line *b)
{
	return a->qty_milli == b->qty_milli &&
	       a->price_minor == b->price_minor &&
	       a->discount_price_minor == b->discount_price_minor &&
	       a->total_minor == b->total_minor &&
	       a->discount_total_minor == b->discount_total_minor &&
	       a->weight_g == b->weight_g && a->state != LINE_REMOVED;
}

/* Take over what the marketplace says now; what was picked stays picked. A
 * line whose wish grew, or that came back, is to be looked at again, unless
 * just that much is in the bag. */
static void update_line(struct order_line *line, const struct order_line *from)
{
	bool again = line->state == LINE_REMOVED ||
		     (line->state == LINE_PICKED &&
		      from->qty_milli > line->qty_picked_milli) ||
		     (line->state == LINE_SHORT &&
		      from->qty_milli != line->qty_milli);

	line->qty_milli = from->qty_milli;
	line->price_minor = from->price_minor;
	line->discount_price_minor = from->discount_price_minor;
	line->total_minor = from->total_minor;
	line->discount_total_minor = from->discount_total_minor;
	line->weight_g = from->weight_g;
	if (!again)
		return;
	line->reason[0] = '\0';
	line->state = line->qty_picked_milli > 0 &&
				      line->qty_picked_milli == line->qty_milli
			      ? LINE_PICKED
			      : LINE_PENDING;
}

/* With what was picked in its stead. */
static int remove_line(struct order *order, struct order_line *line,
		       struct json_out *out)
{
	int changes = 0;

	while (line != NULL && line->state != LINE_REMOVED) {
		int64_t from_milli = line->qty_milli;

		line->state = LINE_REMOVED;
		line->qty_milli = 0;
		put_difference(out, order, line, from_milli);
		changes++;
		line = order_line_find(order, line->replaced_by);
	}
	return changes;
}

int order_lines_update(struct order *order, const struct order_event *event,
		       struct json_out *out, struct err *e)
{
	bool claimed[ORDER_LINES_MAX] = {false};
	size_t old_count = order->line_count;
	int changes = 0;
	int rc = 0;

	json_array(out, "lines");
	for (size_t i = 0; i < event->line_count; i++) {
		const struct order_line *from = &event->lines[i];
		struct order_line *line = claim_twin(order, from->sku, claimed);
		int64_t from_milli = line != NULL ? line->qty_milli : 0;

		if (line != NULL && same_terms(line, from))
			continue;
		if (line != NULL)
			update_line(line, from);
		else
			line = append(order, from, &rc, e);
		if (line == NULL)
			return rc;
		claimed[line - order->lines] = true;
		put_difference(out, order, line, from_milli);
		changes++;
	}
	for (size_t i = 0; i < old_count; i++)
		if (!claimed[i] && order->lines[i].replaces == 0)
			changes += remove_line(order, &order->lines[i], out);
	json_end(out);
	return changes > 0 ? 1 : 0;
}
