/* SPDX-License-Identifier: MIT */
#include "domain/invoice/later_change.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "codec/decimal.h"
#include "codec/json/json_doc.h"
#include "codec/json/json_out.h"

/* The n-th position of a SKU is the n-th line of it. */
static const struct order_line *line_of(const struct order *order,
					const struct order_event *event,
					size_t position)
{
	const char *sku = event->lines[position].sku;
	size_t nth = 0;

	for (size_t i = 0; i < position; i++)
		nth += strcmp(event->lines[i].sku, sku) == 0;
	for (size_t i = 0; i < order->line_count; i++) {
		const struct order_line *line = &order->lines[i];

		if (line->state != LINE_REMOVED &&
		    strcmp(line->sku, sku) == 0 && nth-- == 0)
			return line;
	}
	return NULL;
}

static bool is_same(const struct order_line *line,
		    const struct order_line *position)
{
	return line->qty_milli == position->qty_milli &&
	       (line->weight_g < 0 || position->weight_g < 0 ||
		line->weight_g == position->weight_g);
}

static bool has_other_price(const struct order_line *line,
			    const struct order_line *position)
{
	return position->discount_price_minor > 0 &&
	       line->discount_price_minor != position->discount_price_minor;
}

static void put_position(struct json_out *out, const struct order_line *line,
			 const struct order_line *position, bool *is_new)
{
	bool same = line != NULL && is_same(line, position);
	bool other_price = line != NULL && has_other_price(line, position);

	json_object(out, NULL);
	json_put_text(out, "sku", position->sku);
	if (line != NULL)
		json_put_i64(out, "line", line->line_no);
	json_put_decimal(out, "quantity", position->qty_milli, QUANTITY_DIGITS);
	if (position->weight_g >= 0)
		json_put_i64(out, "weight", position->weight_g);
	if (same)
		json_put_bool(out, "same", true);
	if (other_price)
		json_put_bool(out, "otherPrice", true);
	json_end(out);
	*is_new = *is_new || !same || other_price;
}

static bool is_named(const struct order *order, const struct order_event *event,
		     const struct order_line *line)
{
	for (size_t i = 0; i < event->line_count; i++)
		if (line_of(order, event, i) == line)
			return true;
	return false;
}

/* Lines that are not there any more. A replacement is ours, so a marketplace
 * that does not name it may never have known it. */
static void put_gone(struct json_out *out, const struct order *order,
		     const struct order_event *event, bool *is_new)
{
	for (size_t i = 0; i < order->line_count; i++) {
		const struct order_line *line = &order->lines[i];

		if (line->state == LINE_REMOVED || is_named(order, event, line))
			continue;
		json_object(out, NULL);
		json_put_text(out, "sku", line->sku);
		json_put_i64(out, "line", line->line_no);
		json_put_decimal(out, "quantity", 0, QUANTITY_DIGITS);
		if (line->replaces != 0)
			json_put_bool(out, "unsure", true);
		json_end(out);
		*is_new = *is_new || line->replaces == 0;
	}
}

int later_change_write(const struct order *order,
		       const struct order_event *event, struct buf *buf,
		       struct err *e)
{
	struct json_out out = json_out_to(buf);
	bool is_new = event->terms.discount_total_minor > 0 &&
		      event->terms.discount_total_minor !=
			      order->terms.discount_total_minor;
	int rc;

	json_array(&out, NULL);
	for (size_t i = 0; i < event->line_count; i++)
		put_position(&out, line_of(order, event, i), &event->lines[i],
			     &is_new);
	put_gone(&out, order, event, &is_new);
	json_end(&out);
	rc = json_out_finish(&out, e);
	return rc < 0 ? rc : is_new;
}

int later_change_write_nothing_kept(const struct order *order, struct buf *buf,
				    struct err *e)
{
	struct json_out out = json_out_to(buf);

	json_array(&out, NULL);
	for (size_t i = 0; i < order->line_count; i++) {
		const struct order_line *line = &order->lines[i];

		if (line->state == LINE_REMOVED)
			continue;
		json_object(&out, NULL);
		json_put_text(&out, "sku", line->sku);
		json_put_i64(&out, "line", line->line_no);
		json_put_decimal(&out, "quantity", 0, QUANTITY_DIGITS);
		json_end(&out);
	}
	json_end(&out);
	return json_out_finish(&out, e);
}

static const struct invoice_line *sold_line(const struct invoice *state,
					    int64_t line_no)
{
	for (size_t i = 0; i < state->line_count; i++)
		if (state->lines[i].line_no == line_no)
			return &state->lines[i];
	return NULL;
}

struct position {
	int64_t line_no, qty_milli, weight_g;
	const char *sku;
	bool same, other_price, unsure;
};

static int read_position(const struct json *at, struct position *to,
			 struct err *e)
{
	int rc = json_get_decimal(at, "quantity", QUANTITY_DIGITS,
				  &to->qty_milli, e);

	to->sku = json_get_text(at, "sku");
	to->same = json_get_bool(at, "same", false);
	to->other_price = json_get_bool(at, "otherPrice", false);
	to->unsure = json_get_bool(at, "unsure", false);
	to->weight_g = -1;
	if (rc >= 0)
		rc = json_get_decimal(at, "line", 0, &to->line_no, e);
	if (rc >= 0)
		rc = json_get_decimal(at, "weight", WEIGHT_DIGITS,
				      &to->weight_g, e);
	return rc < 0 ? rc : 0;
}

/* 1 and what came back of the line; 0: nothing; ERR_INVALID: for a person. */
static int decide(const struct later_change *change,
		  const struct invoice *state, const struct position *p,
		  struct invoice_change *to, struct err *e)
{
	const struct invoice_line *line = sold_line(state, p->line_no);
	int64_t sold_milli = line != NULL ? line->is.qty_milli : 0;

	if (p->other_price)
		return err_set(e, ERR_INVALID, "%.40s has another price",
			       p->sku);
	if (p->unsure)
		return 0;
	if (p->same && (!change->is_later_one || p->qty_milli >= sold_milli))
		return 0;
	if (p->qty_milli > sold_milli)
		return err_set(e, ERR_INVALID,
			       "there is more of %.40s than was sold", p->sku);
	if (line == NULL)
		return 0; /* nothing of it, there and here */
	*to = (struct invoice_change){.line_no = line->line_no,
				      .qty_milli = sold_milli - p->qty_milli,
				      .weight_g = -1};
	if (line->is.weight_g > 0 && p->weight_g >= 0 &&
	    p->weight_g < line->is.weight_g)
		to->weight_g = line->is.weight_g - p->weight_g;
	if (to->qty_milli == 0 && to->weight_g >= 0)
		return err_set(e, ERR_INVALID, "%.40s weighs less now", p->sku);
	return to->qty_milli > 0;
}

static int check_total(const struct later_change *change, int64_t sold_minor,
		       struct err *e)
{
	char said[DECIMAL_TEXT_BYTES];
	char sold[DECIMAL_TEXT_BYTES];

	if (change->total_minor < 0 || change->tolerance_minor < 0 ||
	    llabs(change->total_minor - sold_minor) <= change->tolerance_minor)
		return 0;
	return err_set(e, ERR_INVALID,
		       "the marketplace's total is %s, the documents make %s",
		       decimal_format(change->total_minor, MONEY_DIGITS, said),
		       decimal_format(sold_minor, MONEY_DIGITS, sold));
}

static int make_return(const struct later_change *change,
		       const struct invoice *state, const struct json *doc,
		       struct invoice *ret_invoice, struct err *e)
{
	CLEANUP_FREE struct invoice_change *changes =
		calloc(json_count(doc) + 1, sizeof(*changes));
	size_t count = 0;
	int rc = 0;

	if (changes == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (const struct json *at = json_first(doc); at != NULL && rc >= 0;
	     at = json_next(at)) {
		struct position position = {0};

		rc = read_position(at, &position, e);
		if (rc == 0)
			rc = decide(change, state, &position, &changes[count],
				    e);
		count += rc > 0;
	}
	if (rc < 0)
		return rc;
	if (count == 0)
		return check_total(change, state->total_minor, e);
	rc = invoice_return(state, changes, count, ret_invoice, e);
	if (rc == 0)
		rc = check_total(change,
				 state->total_minor - ret_invoice->total_minor,
				 e);
	if (rc < 0)
		invoice_clear(ret_invoice);
	return rc < 0 ? rc : 1;
}

int later_change_return(const struct later_change *change,
			const struct invoice *state,
			struct invoice *ret_invoice, struct err *e)
{
	CLEANUP_JSON struct json *doc = NULL;
	int rc = json_doc_parse(change->body, strlen(change->body), &doc, e);

	return rc < 0 ? rc : make_return(change, state, doc, ret_invoice, e);
}
