/* SPDX-License-Identifier: MIT
 *
 * replace.c - other goods in the place of those that are not there.
 *
 * The original keeps its line, with what was picked of it, and points to the
 * new one; so a replacement can be replaced as well, and the chain shows.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/decimal.h"
#include "domain/picking/picking.h"

enum {
	PIECE_MILLI = 1000
};

/* What the customer wants to happen when goods are missing. Policies that are
 * not known here, and none at all, ask for his consent. */
static const struct policy {
	const char *name;
	bool forbids, needs_consent;
} policies[] = {
	{"call_or_replace", false, false}, {"replace", false, false},
	{"call_or_cancel", false, true},   {"cancel", true, true},
	{"no_replacement", true, true},
};

static const struct policy *find_policy(const struct order *order)
{
	static const struct policy unknown = {"", false, true};

	for (size_t i = 0; i < COUNT_OF(policies); i++)
		if (strcmp(policies[i].name, order->terms.replacement_policy) ==
		    0)
			return &policies[i];
	return &unknown;
}

static int64_t left_milli(const struct order_line *line)
{
	return MAX_OF(line->qty_milli - line->qty_picked_milli, INT64_C(0));
}

static bool is_too_dear(const struct order_line *line,
			const struct order_action *action)
{
	return action->price_minor * 100 >
	       line->discount_price_minor * (100 + action->dearer_percent);
}

static int check_line(const struct order_line *line,
		      const struct order_action *action,
		      struct order_outcome *out, struct err *e)
{
	if (line->state == LINE_REMOVED)
		return picking_fault(out, line->line_no, "line", "removed",
				     "the customer has removed the line", e);
	if (line->state == LINE_REPLACED)
		return picking_fault(out, line->line_no, "line", "replaced",
				     "the line is replaced by another", e);
	if (left_milli(line) == 0)
		return picking_fault(out, line->line_no, "line",
				     "nothing_to_replace",
				     "all of the line is picked", e);
	if (strcmp(line->sku, action->goods->sku) == 0)
		return picking_fault(out, line->line_no, "sku", "same_product",
				     "these are the goods themselves", e);
	if (action->quantity_milli == 0)
		return picking_fault(out, line->line_no, "quantity",
				     "nothing_picked",
				     "a replacement is something", e);
	return 0;
}

/* What the customer must have agreed to. */
static int check_consent(const struct order *order,
			 const struct order_line *line,
			 const struct order_action *action,
			 struct order_outcome *out, struct err *e)
{
	const struct policy *policy = find_policy(order);
	int rc = 0;

	if (policy->forbids)
		return picking_fault(out, line->line_no, "line",
				     "replacement_forbidden",
				     "the customer wants no replacement", e);
	if (action->consent[0] != '\0')
		return 0;
	if (policy->needs_consent)
		rc = picking_fault(out, line->line_no, "consent",
				   "consent_missing",
				   "the customer must agree first", e);
	if (rc == 0 && action->quantity_milli > left_milli(line))
		rc = picking_fault(out, line->line_no, "quantity", "too_much",
				   "more than is missing: the customer must "
				   "agree first",
				   e);
	if (rc == 0 && is_too_dear(line, action))
		rc = picking_fault(out, line->line_no, "price", "too_dear",
				   "so much dearer that the customer must "
				   "agree first",
				   e);
	return rc;
}

/* What the catalogue lets expect, else what the scales say. */
static int64_t expected_g(const struct order_action *action)
{
	int64_t grams = action->weight_g;

	if (action->goods->piece_weight_g > 0 && grams > 0)
		(void)decimal_mul_div(action->goods->piece_weight_g,
				      action->quantity_milli, PIECE_MILLI,
				      &grams, NULL);
	return grams > 0 ? grams : -1;
}

static int64_t total_minor(int64_t price_minor, int64_t quantity_milli)
{
	int64_t minor = 0;

	(void)decimal_mul_div(price_minor, quantity_milli, PIECE_MILLI, &minor,
			      NULL);
	return minor;
}

/* The new line as it will be. Its price is the one that was named for both
 * kinds of price: no discount is known for it. */
static struct order_line line_of(const struct order *order,
				 const struct order_line *original,
				 const struct order_action *action,
				 bool has_price)
{
	struct order_line line = {
		.line_no = order_next_line_no(order),
		.qty_milli = action->quantity_milli,
		.qty_picked_milli = action->quantity_milli,
		.weight_g = expected_g(action),
		.weight_picked_g = action->weight_g > 0 ? action->weight_g : -1,
		.price_minor =
			has_price ? action->price_minor : original->price_minor,
		.discount_price_minor = action->price_minor,
		.state = LINE_PICKED,
		.replaces = original->line_no,
		.soft_percent = action->goods->soft_percent,
		.hard_percent = action->goods->hard_percent,
	};

	line.total_minor = total_minor(line.price_minor, line.qty_milli);
	line.discount_total_minor =
		total_minor(line.discount_price_minor, line.qty_milli);
	(void)text_copy(line.sku, sizeof(line.sku), action->goods->sku);
	(void)text_copy(line.name, sizeof(line.name), action->goods->name);
	return line;
}

static int add_line(struct order *order, const struct order_line *original,
		    const struct order_action *action, bool has_price,
		    struct order_outcome *out, struct err *e)
{
	struct order_line line = line_of(order, original, action, has_price);
	int original_no = original->line_no;
	struct order_line was = {0};
	struct order_line *added;
	int rc;

	if (order->line_count >= ORDER_LINES_MAX)
		return picking_fault(out, original_no, "line", "too_many_lines",
				     "the order has too many lines", e);
	added = order_line_add(&order->lines, &order->line_count);
	if (added == NULL)
		return err_set(e, ERR_NOMEM, "lines: out of memory");
	*added = line;
	rc = picking_changed(order, action, "replace", &was, added, out, e);
	if (rc >= 0 && action->goods->is_unlisted)
		rc = picking_remark(out, line.line_no, "sku", "unknown_product",
				    "the catalogue does not have these goods",
				    e);
	/* Adding has moved the lines. */
	struct order_line *replaced = order_line_find(order, original_no);

	replaced->state = LINE_REPLACED;
	replaced->replaced_by = line.line_no;
	replaced->version = order->version;
	return rc;
}

int picking_replace(struct order *order, const struct order_action *action,
		    struct order_outcome *out, struct err *e)
{
	struct order_line *line = order_line_find(order, action->line_no);
	struct order_action priced = *action;
	struct order_line expected;
	int rc;

	if (line == NULL)
		return picking_fault(out, action->line_no, "line",
				     "no_such_line",
				     "the order has no such line", e);
	if (!picking_has_seen(line, action, out))
		return 0;
	if (action->price_minor == 0)
		return picking_fault(
			out, line->line_no, "price", "no_price",
			"goods that cost nothing are on no "
			"document: name the price, or leave it out",
			e);
	if (action->price_minor < 0)
		priced.price_minor = line->discount_price_minor;
	rc = check_line(line, &priced, out, e);
	if (rc < 0 || out->refusal != REFUSAL_NONE)
		return rc;
	rc = check_consent(order, line, &priced, out, e);
	expected = line_of(order, line, &priced, action->price_minor >= 0);
	if (rc == 0 && expected.weight_g > 0)
		rc = picking_check_weight(&expected, expected.qty_milli,
					  expected.weight_picked_g, out, e);
	if (rc < 0 || out->refusal != REFUSAL_NONE)
		return rc;
	return add_line(order, line, &priced, action->price_minor >= 0, out, e);
}
