/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "domain/order/order_apply.h"
#include "order_text.h"

#define NOW_MS INT64_C(1742000000000)

static const struct order_policy quiet = {0};

static void a_new_composition_follows_the_table(void **state)
{
	static const struct {
		const char *name, *before, *event, *after, *detail;
	} rows[] = {
		{"nothing new", "A3 B1+1", "A3 B1", "A3 B1+1", ""},
		{"another sequence is nothing new", "A3 B1+1", "B1 A3",
		 "A3 B1+1", ""},
		{"more of it, nothing picked yet", "A2", "A3", "A3",
		 "{\"line\":1,\"sku\":\"A\",\"from\":2,\"to\":3}"},
		{"more than was picked", "A2+2", "A3", "A3.2",
		 "{\"line\":1,\"sku\":\"A\",\"from\":2,\"to\":3}"},
		{"fewer than were picked", "A3+3", "A2", "A2+3",
		 "{\"line\":1,\"sku\":\"A\",\"from\":3,\"to\":2}"},
		{"as few as were found", "A3s2", "A2", "A2+2",
		 "{\"line\":1,\"sku\":\"A\",\"from\":3,\"to\":2}"},
		{"fewer than before, and still short", "A5s1", "A3", "A3.1",
		 "{\"line\":1,\"sku\":\"A\",\"from\":5,\"to\":3}"},
		{"one line more", "A1", "A1 B2", "A1 B2",
		 "{\"line\":2,\"sku\":\"B\",\"from\":0,\"to\":2}"},
		{"one line fewer", "A1 B2", "A1", "A1 B0x0",
		 "{\"line\":2,\"sku\":\"B\",\"from\":2,\"to\":0}"},
		{"one line fewer that is in the bag", "A1 B2+2", "A1",
		 "A1 B0x2", "{\"line\":2,\"sku\":\"B\",\"from\":2,\"to\":0}"},
		{"a removed line stays removed", "A1 B0x2", "A1", "A1 B0x2",
		 ""},
		{"a removed line comes back", "A1 B0x0", "A1 B2", "A1 B2",
		 "{\"line\":2,\"sku\":\"B\",\"from\":0,\"to\":2}"},
		{"a removed line comes back as it is in the bag", "A1 B0x2",
		 "A1 B2", "A1 B2+2",
		 "{\"line\":2,\"sku\":\"B\",\"from\":0,\"to\":2}"},
		{"another in its place", "A1", "B1", "A0x0 B1",
		 "{\"line\":2,\"sku\":\"B\",\"from\":0,\"to\":1},"
		 "{\"line\":1,\"sku\":\"A\",\"from\":1,\"to\":0}"},
		{"the second of two equal ones", "A1 A2", "A1 A3", "A1 A3",
		 "{\"line\":2,\"sku\":\"A\",\"from\":2,\"to\":3}"},
		{"one of two equal ones goes", "A1 A2", "A1", "A1 A0x0",
		 "{\"line\":2,\"sku\":\"A\",\"from\":2,\"to\":0}"},
		{"a third of two equal ones comes", "A1 A2", "A1 A2 A3",
		 "A1 A2 A3", "{\"line\":3,\"sku\":\"A\",\"from\":0,\"to\":3}"},
		{"none of it is wanted", "A2", "A0", "A0",
		 "{\"line\":1,\"sku\":\"A\",\"from\":2,\"to\":0}"},
		{"short, and not wanted any more", "A2s0", "A0", "A0",
		 "{\"line\":1,\"sku\":\"A\",\"from\":2,\"to\":0}"},
		{"a removed line comes back as nothing", "A1 B0x0", "A1 B0",
		 "A1 B0", "{\"line\":2,\"sku\":\"B\",\"from\":0,\"to\":0}"},
		{"by weight now", "A1", "A1~900", "A1",
		 "{\"line\":1,\"sku\":\"A\",\"from\":1,\"to\":1}"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(order_clear)
		struct order order =
			order_text_order(ORDER_ASSEMBLING, rows[i].before);
		CLEANUP(order_event_clear)
		struct order_event event =
			order_text_event(EVENT_UPDATED, 2000, rows[i].event);
		CLEANUP(order_change_clear) struct order_change change = {0};
		bool differs = rows[i].detail[0] != '\0';
		char after[ORDER_TEXT_LINES_BYTES];
		char detail[ORDER_TEXT_LINES_BYTES];
		int rc = order_apply(&order, &event, &quiet, NOW_MS, &change,
				     NULL);

		(void)snprintf(detail, sizeof(detail), "{\"lines\":[%s]%s}",
			       rows[i].detail, differs ? ",\"version\":6" : "");
		order_text_lines(&order, after);
		if (rc != 0 || strcmp(after, rows[i].after) != 0 ||
		    change.lines_changed != differs ||
		    order.version != (differs ? 6 : 5) ||
		    strcmp(change.notes[0].detail, detail) != 0)
			fail_msg("%s: '%s', version %d, %s", rows[i].name,
				 after, (int)order.version,
				 change.notes[0].detail);
		for (size_t l = 0; l < order.line_count; l++)
			assert_true(order.lines[l].state == LINE_SHORT ||
				    order.lines[l].reason[0] == '\0');
	}
}

static void lines_that_a_picker_put_in_are_not_the_marketplaces(void **state)
{
	CLEANUP(order_clear)
	struct order order = order_text_order(ORDER_ASSEMBLING, "A1r0 B1+1");
	CLEANUP(order_event_clear)
	struct order_event event =
		order_text_event(EVENT_UPDATED, 2000, "A1 B2");
	CLEANUP(order_change_clear) struct order_change change = {0};
	char after[ORDER_TEXT_LINES_BYTES];

	(void)state;
	order.lines[0].replaced_by = 2;
	order.lines[1].replaces = 1;
	assert_int_equal(
		order_apply(&order, &event, &quiet, NOW_MS, &change, NULL), 0);
	order_text_lines(&order, after);
	assert_string_equal(after, "A1r0 B1+1 B2");
	assert_int_equal(order.lines[0].version, 0);
	assert_int_equal(order.lines[2].version, order.version);
}

static void what_stands_for_a_removed_line_is_removed_too(void **state)
{
	CLEANUP(order_clear)
	struct order order =
		order_text_order(ORDER_ASSEMBLING, "A1r0 B1r0 C1+1");
	CLEANUP(order_event_clear)
	struct order_event event = order_text_event(EVENT_UPDATED, 2000, "D1");
	CLEANUP(order_change_clear) struct order_change change = {0};
	char after[ORDER_TEXT_LINES_BYTES];

	(void)state;
	order.lines[0].replaced_by = 2;
	order.lines[1].replaces = 1;
	order.lines[1].replaced_by = 3;
	order.lines[2].replaces = 2;
	assert_int_equal(
		order_apply(&order, &event, &quiet, NOW_MS, &change, NULL), 0);
	order_text_lines(&order, after);
	assert_string_equal(after, "A0x0 B0x0 C0x1 D1");
}

static void fill(struct order_event *event, int count, char prefix)
{
	for (int i = 0; i < count; i++) {
		struct order_line *line =
			order_line_add(&event->lines, &event->line_count);

		assert_non_null(line);
		(void)snprintf(line->sku, sizeof(line->sku), "%c%d", prefix, i);
		line->qty_milli = 1000;
	}
	event->has_lines = true;
}

static void the_difference_of_a_thousand_lines_is_told_whole(void **state)
{
	CLEANUP(order_clear)
	struct order order = order_text_order(ORDER_NEW, "");
	CLEANUP(order_event_clear)
	struct order_event event = order_text_event(EVENT_UPDATED, 2000, NULL);
	CLEANUP(order_change_clear) struct order_change change = {0};
	const char *detail;

	(void)state;
	fill(&event, ORDER_LINES_MAX, 'A');
	for (size_t i = 0; i < event.line_count; i++)
		memset(event.lines[i].sku, '\x01', ORDER_SKU_BYTES - 1);
	assert_int_equal(
		order_apply(&order, &event, &quiet, NOW_MS, &change, NULL), 0);
	assert_int_equal(order.line_count, ORDER_LINES_MAX);
	detail = change.notes[0].detail;
	assert_string_equal(detail + strlen(detail) - 15, "}],\"version\":6}");
}

static void more_lines_than_an_order_may_have_are_refused(void **state)
{
	CLEANUP(order_clear)
	struct order order = order_text_order(ORDER_NEW, "");
	CLEANUP(order_event_clear)
	struct order_event first = order_text_event(EVENT_UPDATED, 2000, NULL);
	CLEANUP(order_event_clear)
	struct order_event second = order_text_event(EVENT_UPDATED, 3000, NULL);
	CLEANUP(order_change_clear) struct order_change change = {0};
	CLEANUP(order_change_clear) struct order_change refused = {0};
	struct err e = {0};

	(void)state;
	fill(&first, ORDER_LINES_MAX, 'A');
	fill(&second, 1, 'B');
	assert_int_equal(
		order_apply(&order, &first, &quiet, NOW_MS, &change, NULL), 0);
	assert_int_equal(
		order_apply(&order, &second, &quiet, NOW_MS, &refused, &e),
		ERR_INVALID);
	assert_non_null(strstr(e.text, "1000"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_stands_for_a_removed_line_is_removed_too),
		cmocka_unit_test(a_new_composition_follows_the_table),
		cmocka_unit_test(
			lines_that_a_picker_put_in_are_not_the_marketplaces),
		cmocka_unit_test(
			the_difference_of_a_thousand_lines_is_told_whole),
		cmocka_unit_test(more_lines_than_an_order_may_have_are_refused),
	};

	return cmocka_run_group_tests_name("order_lines", tests, NULL, NULL);
}
