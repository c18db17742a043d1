/* SPDX-License-Identifier: MIT */
#include "domain/order/order_picking.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/decimal.h"
#include "codec/json/json_out.h"

enum {
	DETAIL_BYTES_MAX = 4096,
	REMARKS_MAX = 2 * ORDER_LINES_MAX
};

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

bool order_line_is_weighed(const struct order_line *line)
{
	return line->weight_g > 0;
}

/* Room grows at every power of two. */
static int remark(struct order_outcome *out, int line_no, const char *field,
		  const char *code, const char *text, struct err *e)
{
	size_t count = out->remark_count;
	struct order_remark *grown = out->remarks;

	if (count >= REMARKS_MAX)
		return 0;
	if ((count & (count - 1)) == 0)
		grown = realloc(out->remarks,
				sizeof(*grown) * MAX_OF(2 * count, (size_t)1));
	if (grown == NULL)
		return err_set(e, ERR_NOMEM, "remarks: out of memory");
	out->remarks = grown;
	grown = &grown[out->remark_count++];
	*grown = (struct order_remark){
		.line_no = line_no, .field = field, .code = code};
	(void)text_copy(grown->text, sizeof(grown->text), text);
	return 0;
}

static int fault(struct order_outcome *out, int line_no, const char *field,
		 const char *code, const char *text, struct err *e)
{
	out->refusal = REFUSAL_VALUES;
	return remark(out, line_no, field, code, text, e);
}

/* What the quantity should weigh. More than the line wants may not weigh more
 * than the line does: the customer pays for it. */
static int64_t expected_g(const struct order_line *line, int64_t quantity_milli)
{
	int64_t grams = 0;

	if (line->qty_milli > 0)
		(void)decimal_mul_div(line->weight_g,
				      MIN_OF(quantity_milli, line->qty_milli),
				      line->qty_milli, &grams, NULL);
	return grams;
}

static bool is_off(int64_t weight_g, int64_t wanted_g, int percent)
{
	int64_t difference =
		weight_g > wanted_g ? weight_g - wanted_g : wanted_g - weight_g;

	return difference * 100 > wanted_g * percent;
}

/* Weighed goods come in parts of a pack, so a little more is no fault. */
static bool is_too_much(const struct order_line *line, int64_t quantity_milli)
{
	int64_t percent =
		order_line_is_weighed(line) ? 100 + WEIGHT_HARD_PERCENT : 100;

	return quantity_milli * 100 > line->qty_milli * percent;
}

static int too_much(const struct order_line *line, struct order_outcome *out,
		    struct err *e)
{
	char text[REMARK_TEXT_BYTES];
	char wanted[DECIMAL_TEXT_BYTES];

	(void)snprintf(
		text, sizeof(text), "more than the %s that are wanted",
		decimal_format_short(line->qty_milli, QUANTITY_DIGITS, wanted));
	return fault(out, line->line_no, "quantity", "too_much", text, e);
}

static int weight_is_off(const struct order_line *line, int64_t wanted_g,
			 int percent, struct order_outcome *out, struct err *e)
{
	char text[REMARK_TEXT_BYTES];

	(void)snprintf(text, sizeof(text),
		       "differs by more than %d %% from the expected %lld g",
		       percent, (long long)wanted_g);
	if (percent == WEIGHT_SOFT_PERCENT)
		return remark(out, line->line_no, "weight", "weight_differs",
			      text, e);
	return fault(out, line->line_no, "weight", "weight_off", text, e);
}

static int check_weight(const struct order_line *line,
			const struct order_action *a, struct order_outcome *out,
			struct err *e)
{
	int64_t wanted_g = expected_g(line, a->quantity_milli);

	if (!order_line_is_weighed(line))
		return a->weight_g <= 0
			       ? 0
			       : fault(out, line->line_no, "weight",
				       "not_weighed",
				       "the line is sold by the piece", e);
	if (a->quantity_milli == 0)
		return 0;
	if (a->weight_g <= 0)
		return fault(out, line->line_no, "weight", "weight_missing",
			     "the line is sold by weight", e);
	if (wanted_g == 0)
		return 0;
	if (is_off(a->weight_g, wanted_g, WEIGHT_HARD_PERCENT))
		return weight_is_off(line, wanted_g, WEIGHT_HARD_PERCENT, out,
				     e);
	if (is_off(a->weight_g, wanted_g, WEIGHT_SOFT_PERCENT))
		return weight_is_off(line, wanted_g, WEIGHT_SOFT_PERCENT, out,
				     e);
	return 0;
}

static int check_quantity(const struct order_line *line,
			  const struct order_action *a,
			  struct order_outcome *out, struct err *e)
{
	if (line->state == LINE_REMOVED && a->quantity_milli > 0)
		return fault(out, line->line_no, "line", "removed",
			     "the customer has removed the line", e);
	if (is_too_much(line, a->quantity_milli))
		return too_much(line, out, e);
	return 0;
}

static int check_reason(const struct order_line *line,
			const struct order_action *a, struct order_outcome *out,
			struct err *e)
{
	if (a->reason[0] != '\0')
		return order_is_shortage_reason(a->reason)
			       ? 0
			       : fault(out, line->line_no, "reason",
				       "unknown_reason",
				       "must be not_found, expired, damaged, "
				       "customer_refused or other",
				       e);
	if (a->quantity_milli >= line->qty_milli)
		return 0;
	return fault(out, line->line_no, "reason", "reason_missing",
		     "less than wanted needs a reason", e);
}

/* The line, when goods may be put on it at all. */
static struct order_line *open_line(struct order *order, int line_no,
				    struct order_outcome *out, int *ret_rc,
				    struct err *e)
{
	struct order_line *line = order_line_find(order, line_no);

	if (line == NULL)
		*ret_rc = fault(out, line_no, "line", "no_such_line",
				"the order has no such line", e);
	else if (line->state == LINE_REPLACED)
		*ret_rc = fault(out, line_no, "line", "replaced",
				"the line is replaced by another", e);
	return out->refusal == REFUSAL_NONE ? line : NULL;
}

/* What stood on the line before and what stands there now. */
static int note_line(struct order_outcome *out, const char *kind,
		     const struct order_action *a, const struct order_line *was,
		     const struct order_line *line, struct err *e)
{
	CLEANUP(buf_clear) struct buf detail = BUF_MAX(DETAIL_BYTES_MAX);
	struct json_out json = json_out_to(&detail);
	int rc;

	json_object(&json, NULL);
	json_put_i64(&json, "line", line->line_no);
	json_put_text(&json, "sku", line->sku);
	json_put_decimal(&json, "from", was->qty_picked_milli, QUANTITY_DIGITS);
	json_put_decimal(&json, "to", line->qty_picked_milli, QUANTITY_DIGITS);
	if (line->weight_picked_g >= 0)
		json_put_i64(&json, "weight", line->weight_picked_g);
	json_put_text(&json, "state", line_state_name(line->state));
	if (line->reason[0] != '\0')
		json_put_text(&json, "reason", line->reason);
	json_end(&json);
	rc = json_out_finish(&json, e);
	return rc < 0 ? rc
		      : order_change_note(&out->change, kind, a->picker_id,
					  buf_text(&detail), e);
}

/* Save the line and tell of it, unless it is as it was. */
static int changed_line(struct order *order, const struct order_action *a,
			const char *kind, const struct order_line *was,
			const struct order_line *line,
			struct order_outcome *out, struct err *e)
{
	if (was->qty_picked_milli == line->qty_picked_milli &&
	    was->weight_picked_g == line->weight_picked_g &&
	    was->state == line->state && strcmp(was->reason, line->reason) == 0)
		return 0;
	order->version++;
	out->change.lines_changed = true;
	out->change.only_line_no = line->line_no;
	return note_line(out, kind, a, was, line, e);
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

int order_pick(struct order *order, const struct order_action *action,
	       struct order_outcome *out, struct err *e)
{
	int rc = 0;
	struct order_line *line =
		open_line(order, action->line_no, out, &rc, e);
	struct order_line was;

	if (line == NULL)
		return rc;
	rc = check_quantity(line, action, out, e);
	if (rc == 0)
		rc = check_reason(line, action, out, e);
	if (rc == 0)
		rc = check_weight(line, action, out, e);
	if (rc < 0 || out->refusal != REFUSAL_NONE)
		return rc;
	was = *line;
	put_on_line(line, action);
	return changed_line(order, action, "pick", &was, line, out, e);
}

int order_reset(struct order *order, const struct order_action *action,
		struct order_outcome *out, struct err *e)
{
	int rc = 0;
	struct order_line *line =
		open_line(order, action->line_no, out, &rc, e);
	struct order_line was;

	if (line == NULL)
		return rc;
	was = *line;
	line->qty_picked_milli = 0;
	line->weight_picked_g = -1;
	line->reason[0] = '\0';
	if (line->state != LINE_REMOVED)
		line->state = LINE_PENDING;
	return changed_line(order, action, "reset", &was, line, out, e);
}

static bool is_picked(const struct order_line *line)
{
	return line->qty_picked_milli > 0;
}

static bool is_left(const struct order_line *line)
{
	return (line->state == LINE_PENDING &&
		(line->qty_milli > 0 || line->qty_picked_milli > 0)) ||
	       (line->state == LINE_PICKED &&
		line->qty_picked_milli < line->qty_milli);
}

static bool is_to_put_back(const struct order_line *line)
{
	return line->state == LINE_REMOVED && line->qty_picked_milli > 0;
}

static bool has_too_much(const struct order_line *line)
{
	return is_picked(line) && is_too_much(line, line->qty_picked_milli);
}

static bool lacks_reason(const struct order_line *line)
{
	return line->state == LINE_SHORT && line->reason[0] == '\0';
}

static bool lacks_weight(const struct order_line *line)
{
	return is_picked(line) && order_line_is_weighed(line) &&
	       line->weight_picked_g <= 0;
}

static bool has_wrong_weight(const struct order_line *line)
{
	int64_t wanted_g = expected_g(line, line->qty_picked_milli);

	return is_picked(line) && order_line_is_weighed(line) && wanted_g > 0 &&
	       is_off(line->weight_picked_g, wanted_g, WEIGHT_HARD_PERCENT);
}

/* What must not be true of any line when an order leaves. The first rule that
 * fits speaks for its line. The last three look again at what order_pick() saw,
 * because the customer may have changed the wish since. */
static const struct {
	bool (*is_wrong)(const struct order_line *line);
	const char *code, *text;
} complete_rules[] = {
	{is_left, "not_picked", "is neither picked nor short"},
	{is_to_put_back, "put_back", "was removed by the customer"},
	{lacks_reason, "reason_missing", "is short without a reason"},
	{has_too_much, "too_much", "has more than is wanted"},
	{lacks_weight, "weight_missing", "has no weight"},
	{has_wrong_weight, "weight_off", "has a weight that is too far off"},
};

int order_check_complete(const struct order *order, struct order_outcome *out,
			 struct err *e)
{
	for (size_t i = 0; i < order->line_count; i++) {
		const struct order_line *line = &order->lines[i];
		size_t r = 0;
		int rc;

		while (r < COUNT_OF(complete_rules) &&
		       !complete_rules[r].is_wrong(line))
			r++;
		if (r == COUNT_OF(complete_rules))
			continue;
		rc = fault(out, line->line_no, NULL, complete_rules[r].code,
			   complete_rules[r].text, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

bool order_has_goods(const struct order *order)
{
	for (size_t i = 0; i < order->line_count; i++)
		if (is_picked(&order->lines[i]))
			return true;
	return false;
}
