/* SPDX-License-Identifier: MIT */
#include "domain/order/order.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"

enum {
	LINES_FIRST = 16
};

static const char *const line_state_names[LINE_STATE_MAX_] = {[LINE_NONE] =
								      "none",
#define X(symbol, name) [symbol] = (name),
							      LINE_STATES(X)
#undef X
};

static const char *const notice_names[NOTICE_MAX_] = {[NOTICE_NONE] = "none",
#define X(symbol, name) [symbol] = (name),
						      NOTICES(X)
#undef X
};

void order_clear(struct order *order)
{
	free(order->lines);
	free(order->codes);
	*order = (struct order){0};
}

void order_event_clear(struct order_event *event)
{
	free(event->lines);
	*event = (struct order_event){0};
}

struct order_line *order_line_add(struct order_line **lines, size_t *count)
{
	struct order_line *grown;

	if (*count >= ORDER_LINES_MAX)
		return NULL;
	/* Room for a usual order at once; then it doubles, being used up at
	 * every power of two. */
	if (*count == 0 ||
	    (*count >= LINES_FIRST && (*count & (*count - 1)) == 0)) {
		grown = realloc(*lines,
				sizeof(*grown) * MAX_OF(2 * *count,
							(size_t)LINES_FIRST));
		if (grown == NULL)
			return NULL;
		*lines = grown;
	}
	grown = &(*lines)[(*count)++];
	*grown = (struct order_line){
		.weight_g = -1,
		.weight_picked_g = -1,
		.state = LINE_PENDING,
		.soft_percent = WEIGHT_SOFT_PERCENT,
		.hard_percent = WEIGHT_HARD_PERCENT,
	};
	return grown;
}

struct order_line *order_line_find(struct order *order, int line_no)
{
	for (size_t i = 0; i < order->line_count; i++)
		if (order->lines[i].line_no == line_no)
			return &order->lines[i];
	return NULL;
}

int order_next_line_no(const struct order *order)
{
	int last = 0;

	for (size_t i = 0; i < order->line_count; i++)
		last = MAX_OF(last, order->lines[i].line_no);
	return last + 1;
}

int order_code_add(struct order *order, int line_no, const char *unit,
		   const char *code, struct err *e)
{
	size_t count = order->code_count;
	struct order_code *grown = order->codes;

	if (count >= ORDER_CODES_MAX)
		return err_set(e, ERR_NOMEM,
			       "the order has more than %d marking codes",
			       ORDER_CODES_MAX);
	if ((count & (count - 1)) == 0)
		grown = realloc(grown,
				sizeof(*grown) * MAX_OF(2 * count, (size_t)1));
	if (grown == NULL)
		return err_set(e, ERR_NOMEM, "marking codes: out of memory");
	order->codes = grown;
	order->code_count++;
	grown[count].line_no = line_no;
	(void)text_copy(grown[count].unit, sizeof(grown[count].unit), unit);
	(void)text_copy(grown[count].code, sizeof(grown[count].code), code);
	return 0;
}

void order_codes_remove(struct order *order, int line_no)
{
	size_t kept = 0;

	for (size_t i = 0; i < order->code_count; i++)
		if (order->codes[i].line_no != line_no)
			order->codes[kept++] = order->codes[i];
	order->code_count = kept;
}

size_t order_codes_count(const struct order *order, int line_no)
{
	size_t count = 0;

	for (size_t i = 0; i < order->code_count; i++)
		count += order->codes[i].line_no == line_no;
	return count;
}

static int find_name(const char *const *names, int count, const char *name)
{
	for (int i = 1; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return 0;
}

const char *line_state_name(enum line_state state)
{
	return line_state_names[state];
}

enum line_state line_state_from_name(const char *name)
{
	return (enum line_state)find_name(line_state_names, LINE_STATE_MAX_,
					  name);
}

const char *notice_name(enum notice notice)
{
	return notice_names[notice];
}

enum notice notice_from_name(const char *name)
{
	return (enum notice)find_name(notice_names, NOTICE_MAX_, name);
}
