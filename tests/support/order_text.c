/* SPDX-License-Identifier: MIT */
#include "order_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"

static const struct {
	char letter;
	enum line_state state;
} letters[] = {
	{'.', LINE_PENDING},  {'+', LINE_PICKED},  {'s', LINE_SHORT},
	{'r', LINE_REPLACED}, {'x', LINE_REMOVED},
};

static enum line_state state_of(char letter)
{
	for (size_t i = 0; i < COUNT_OF(letters); i++)
		if (letters[i].letter == letter)
			return letters[i].state;
	return LINE_PENDING;
}

static char letter_of(enum line_state state)
{
	for (size_t i = 0; i < COUNT_OF(letters); i++)
		if (letters[i].state == state)
			return letters[i].letter;
	return '?';
}

static void read_lines(const char *text, struct order_line **lines,
		       size_t *count)
{
	int line_no = 0;

	while (*text != '\0') {
		struct order_line *line = order_line_add(lines, count);
		char *end;

		if (line == NULL)
			abort();
		line->line_no = ++line_no;
		line->sku[0] = *text++;
		line->qty_milli = strtol(text, &end, 10) * 1000;
		line->qty_ordered_milli = line->qty_milli;
		line->price_minor = line->discount_price_minor = 100;
		if (*end == '~') {
			line->weight_g = strtol(end + 1, &end, 10);
		} else if (*end != ' ' && *end != '\0') {
			line->state = state_of(*end);
			line->qty_picked_milli =
				strtol(end + 1, &end, 10) * 1000;
		}
		if (line->state == LINE_SHORT)
			(void)text_copy(line->reason, sizeof(line->reason),
					"damaged");
		text = end + (*end == ' ');
	}
}

void order_text_lines(const struct order *order,
		      char text[ORDER_TEXT_LINES_BYTES])
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < order->line_count; i++) {
		const struct order_line *line = &order->lines[i];

		(void)snprintf(text + used, ORDER_TEXT_LINES_BYTES - used,
			       "%s%s%d", used > 0 ? " " : "", line->sku,
			       (int)(line->qty_milli / 1000));
		used = strlen(text);
		if (line->state == LINE_PENDING && line->qty_picked_milli == 0)
			continue;
		(void)snprintf(text + used, ORDER_TEXT_LINES_BYTES - used,
			       "%c%d", letter_of(line->state),
			       (int)(line->qty_picked_milli / 1000));
		used = strlen(text);
	}
}

struct order_event order_text_event(enum order_event_type type,
				    int64_t event_ms, const char *lines)
{
	struct order_event event = {
		.type = type, .event_ms = event_ms, .has_own_time = true};

	event.terms.total_minor = event.terms.discount_total_minor = -1;
	event.has_lines = lines != NULL;
	if (lines != NULL)
		read_lines(lines, &event.lines, &event.line_count);
	return event;
}

struct order order_text_order(enum order_state state, const char *lines)
{
	struct order order = {.id = 7,
			      .state = state,
			      .version = 5,
			      .event_ms = 1000,
			      .snapshot_ms = 1000};

	(void)text_copy(order.terms.store_id, sizeof(order.terms.store_id),
			"1207");
	read_lines(lines, &order.lines, &order.line_count);
	return order;
}
