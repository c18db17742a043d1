/* SPDX-License-Identifier: MIT */
#include "domain/order/order_moment.h"

#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/json/json_doc.h"
#include "codec/json/json_out.h"

/* Numbers of the order and of a line, in the sequence of their text. */
static const struct {
	const char *name;
	size_t offset;
} head_numbers[] = {
#define HEAD(name, member)                           \
	{                                            \
		name, offsetof(struct order, member) \
	}
	HEAD("version", version),
	HEAD("slotFrom", terms.slot_from_ms),
	HEAD("slotTo", terms.slot_to_ms),
	HEAD("deadline", terms.deadline_ms),
	HEAD("total", terms.total_minor),
	HEAD("discountTotal", terms.discount_total_minor),
	HEAD("bags", bags),
#undef HEAD
};

static const size_t line_numbers[] = {
	offsetof(struct order_line, qty_ordered_milli),
	offsetof(struct order_line, qty_milli),
	offsetof(struct order_line, qty_picked_milli),
	offsetof(struct order_line, weight_g),
	offsetof(struct order_line, weight_picked_g),
	offsetof(struct order_line, price_minor),
	offsetof(struct order_line, discount_price_minor),
	offsetof(struct order_line, total_minor),
	offsetof(struct order_line, discount_total_minor),
};

static int64_t number_at(const void *base, size_t offset)
{
	int64_t value;

	memcpy(&value, (const char *)base + offset, sizeof(value));
	return value;
}

/* An array: much shorter than names at every line. */
static void put_line(struct json_out *out, const struct order_line *line)
{
	int64_t numbers[2 + COUNT_OF(line_numbers)] = {line->replaced_by,
						       line->replaces};

	for (size_t i = 0; i < COUNT_OF(line_numbers); i++)
		numbers[2 + i] = number_at(line, line_numbers[i]);
	json_array(out, NULL);
	json_put_i64(out, NULL, line->line_no);
	json_put_text(out, NULL, line->sku);
	json_put_text(out, NULL, line_state_name(line->state));
	json_put_text(out, NULL, line->reason);
	json_put_i64s(out, numbers, COUNT_OF(numbers));
	json_end(out);
}

int order_moment_render(const struct order *order, bool all_lines,
			int only_line_no, struct buf *out, struct err *e)
{
	struct json_out json = json_out_to(out);

	json_object(&json, NULL);
	json_put_text(&json, "state", order_state_name(order->state));
	json_put_text(&json, "store", order->terms.store_id);
	json_put_text(&json, "picker", order->picker_id);
	json_put_text(&json, "canceledBy", order->cancel_source);
	json_put_text(&json, "cancelReason", order->cancel_reason);
	for (size_t i = 0; i < COUNT_OF(head_numbers); i++)
		json_put_i64(&json, head_numbers[i].name,
			     number_at(order, head_numbers[i].offset));
	json_array(&json, "lines");
	for (size_t i = 0; i < order->line_count; i++)
		if (all_lines || order->lines[i].line_no == only_line_no)
			put_line(&json, &order->lines[i]);
	json_end(&json);
	json_end(&json);
	return json_out_finish(&json, e);
}

/* The next element as a whole number. */
static int next_number(const struct json **next, int64_t *ret_value,
		       struct err *e)
{
	const char *text = json_text(*next);

	if (text == NULL ||
	    text_to_i64(text, INT64_MIN, INT64_MAX, ret_value, NULL) < 0)
		return err_set(e, ERR_INVALID, "moment: a number is missing");
	*next = json_next(*next);
	return 0;
}

static const char *next_text(const struct json **next)
{
	const char *text = json_text(*next);

	if (*next != NULL)
		*next = json_next(*next);
	return text != NULL ? text : "";
}

static int read_line(const struct json *array, struct order_line *line,
		     struct err *e)
{
	const struct json *next = json_first(array);
	int64_t numbers[COUNT_OF(line_numbers)];
	int64_t line_no = 0;
	int64_t replaced_by = 0;
	int64_t replaces = 0;
	int rc = next_number(&next, &line_no, e);

	(void)text_copy(line->sku, sizeof(line->sku), next_text(&next));
	line->state = line_state_from_name(next_text(&next));
	(void)text_copy(line->reason, sizeof(line->reason), next_text(&next));
	if (rc == 0)
		rc = next_number(&next, &replaced_by, e);
	if (rc == 0)
		rc = next_number(&next, &replaces, e);
	for (size_t i = 0; rc == 0 && i < COUNT_OF(line_numbers); i++)
		rc = next_number(&next, &numbers[i], e);
	if (rc < 0)
		return rc;
	line->line_no = (int)line_no;
	line->replaced_by = (int)replaced_by;
	line->replaces = (int)replaces;
	for (size_t i = 0; i < COUNT_OF(line_numbers); i++)
		memcpy((char *)line + line_numbers[i], &numbers[i],
		       sizeof(numbers[i]));
	return 0;
}

static int put_on_top(struct order *order, const struct json *array,
		      struct err *e)
{
	struct order_line line = {0};
	struct order_line *old;
	int rc = read_line(array, &line, e);

	if (rc < 0)
		return rc;
	old = order_line_find(order, line.line_no);
	if (old == NULL)
		old = order_line_add(&order->lines, &order->line_count);
	if (old == NULL)
		return err_set(e, ERR_NOMEM, "moment: out of memory");
	*old = line;
	return 0;
}

static void read_head(const struct json *doc, struct order *order)
{
	order->state = order_state_from_name(json_get_text(doc, "state"));
	(void)text_copy(order->terms.store_id, sizeof(order->terms.store_id),
			json_get_text(doc, "store"));
	(void)text_copy(order->picker_id, sizeof(order->picker_id),
			json_get_text(doc, "picker"));
	(void)text_copy(order->cancel_source, sizeof(order->cancel_source),
			json_get_text(doc, "canceledBy"));
	(void)text_copy(order->cancel_reason, sizeof(order->cancel_reason),
			json_get_text(doc, "cancelReason"));
	for (size_t i = 0; i < COUNT_OF(head_numbers); i++) {
		int64_t value = 0;

		(void)text_to_i64(json_get_text(doc, head_numbers[i].name),
				  INT64_MIN, INT64_MAX, &value, NULL);
		memcpy((char *)order + head_numbers[i].offset, &value,
		       sizeof(value));
	}
}

int order_moment_apply(struct order *order, const char *text, struct err *e)
{
	CLEANUP_JSON struct json *doc = NULL;
	int rc = json_doc_parse(text, strlen(text), &doc, e);

	if (rc == 0 && json_kind(doc) != JSON_OBJECT)
		rc = err_set(e, ERR_INVALID, "moment: not an object");
	if (rc < 0)
		return rc;
	read_head(doc, order);
	for (const struct json *line = json_first(json_get(doc, "lines"));
	     line != NULL && rc == 0; line = json_next(line))
		rc = put_on_top(order, line, e);
	return rc;
}
