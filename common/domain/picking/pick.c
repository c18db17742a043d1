/* SPDX-License-Identifier: MIT
 *
 * pick.c - the amount on a line, said as a whole; and taking it off again.
 */
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "domain/picking/picking.h"

static const char *const shortage_reasons[] = {
	"not_found", "expired", "damaged", "customer_refused", "other",
};

bool order_is_shortage_reason(const char *reason)
{
	for (size_t i = 0; i < COUNT_OF(shortage_reasons); i++)
		if (strcmp(shortage_reasons[i], reason) == 0)
			return true;
	return false;
}

static int check_reason(const struct order_line *line,
			const struct order_action *a, struct order_outcome *out,
			struct err *e)
{
	if (a->reason[0] != '\0')
		return order_is_shortage_reason(a->reason)
			       ? 0
			       : picking_fault(
					 out, line->line_no, "reason",
					 "unknown_reason",
					 "must be not_found, expired, damaged, "
					 "customer_refused or other",
					 e);
	if (a->quantity_milli >= line->qty_milli)
		return 0;
	return picking_fault(out, line->line_no, "reason", "reason_missing",
			     "less than wanted needs a reason", e);
}

/* The line, when the action has seen it as it is. NULL: refused. */
static struct order_line *find_line(struct order *order,
				    const struct order_action *action,
				    struct order_outcome *out, int *ret_rc,
				    struct err *e)
{
	struct order_line *line = order_line_find(order, action->line_no);

	if (line == NULL)
		*ret_rc = picking_fault(out, action->line_no, "line",
					"no_such_line",
					"the order has no such line", e);
	else if (!picking_has_seen(line, action, out))
		return NULL;
	return line;
}

static void put_on_line(struct order_line *line, const struct order_action *a)
{
	bool enough = a->quantity_milli >= line->qty_milli;

	line->qty_picked_milli = a->quantity_milli;
	line->weight_picked_g =
		order_line_is_weighed(line) && a->quantity_milli > 0
			? a->weight_g
			: -1;
	if (line->state != LINE_REMOVED)
		line->state = enough ? LINE_PICKED : LINE_SHORT;
	(void)text_copy(line->reason, sizeof(line->reason),
			enough ? "" : a->reason);
}

static int check(const struct order *order, const struct order_line *line,
		 const struct order_action *action, struct order_outcome *out,
		 struct err *e)
{
	int rc = 0;

	if (line->state == LINE_REPLACED)
		return picking_fault(out, line->line_no, "line", "replaced",
				     "the line is replaced by another", e);
	rc = picking_check_quantity(line, action->quantity_milli, out, e);
	if (rc == 0)
		rc = check_reason(line, action, out, e);
	if (rc == 0)
		rc = picking_check_weight(line, action->quantity_milli,
					  action->weight_g, out, e);
	if (rc == 0 && action->has_codes)
		rc = picking_check_codes(order, line, action, false, out, e);
	return rc;
}

/* Nothing picked has no codes; else those that are not named stay. */
static int put_codes(struct order *order, const struct order_action *action,
		     struct order_outcome *out, struct err *e)
{
	static const struct order_action no_codes = {.code_count = 0};

	if (action->quantity_milli == 0)
		action = &no_codes;
	else if (!action->has_codes)
		return 0;
	return picking_put_codes(order, out->change.only_line_no, action, false,
				 out, e);
}

static bool is_same(const struct order_line *was, const struct order_line *line)
{
	return was->qty_picked_milli == line->qty_picked_milli &&
	       was->weight_picked_g == line->weight_picked_g &&
	       was->state == line->state &&
	       strcmp(was->reason, line->reason) == 0;
}

int picking_pick(struct order *order, const struct order_action *action,
		 struct order_outcome *out, struct err *e)
{
	int rc = 0;
	struct order_line *line = find_line(order, action, out, &rc, e);
	struct order_line was;

	if (line == NULL)
		return rc;
	rc = check(order, line, action, out, e);
	if (rc < 0 || out->refusal != REFUSAL_NONE)
		return rc;
	was = *line;
	put_on_line(line, action);
	out->change.only_line_no = line->line_no;
	rc = put_codes(order, action, out, e);
	if (rc < 0 || (is_same(&was, line) && !out->change.codes_changed))
		return rc;
	return picking_changed(order, action, "pick", &was, line, out, e);
}

/* Every line that stands for it, and what stands for that, is taken off: its
 * number stays, because numbers are never used again. */
static void take_back_replacements(struct order *order, struct order_line *line,
				   struct order_outcome *out)
{
	struct order_line *other = order_line_find(order, line->replaced_by);

	line->replaced_by = 0;
	while (other != NULL) {
		other->state = LINE_REMOVED;
		other->qty_milli = 0;
		other->qty_picked_milli = 0;
		other->weight_picked_g = -1;
		other->version = order->version + 1;
		order_codes_remove(order, other->line_no);
		out->change.codes_changed = true;
		out->change.only_line_no = 0; /* all of them */
		other = order_line_find(order, other->replaced_by);
	}
}

int picking_reset(struct order *order, const struct order_action *action,
		  struct order_outcome *out, struct err *e)
{
	int rc = 0;
	struct order_line *line = find_line(order, action, out, &rc, e);
	struct order_line was;

	if (line == NULL)
		return rc;
	was = *line;
	out->change.only_line_no = line->line_no;
	line->qty_picked_milli = 0;
	line->weight_picked_g = -1;
	line->reason[0] = '\0';
	if (order_codes_count(order, line->line_no) > 0) {
		order_codes_remove(order, line->line_no);
		out->change.codes_changed = true;
	}
	if (line->state == LINE_REPLACED)
		take_back_replacements(order, line, out);
	if (line->state != LINE_REMOVED)
		line->state = LINE_PENDING;
	if (is_same(&was, line) && !out->change.codes_changed)
		return 0;
	return picking_changed(order, action, "reset", &was, line, out, e);
}
