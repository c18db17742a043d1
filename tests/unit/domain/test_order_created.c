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

static const struct order_policy loud = {.send_accepted = true};
static const struct order_policy quiet = {0};

static void a_created_order_is_new_or_accepted_by_policy(void **state)
{
	static const struct {
		const struct order_policy *policy;
		enum order_state want_state;
		int want_notices, want_notes;
	} rows[] = {
		{&quiet, ORDER_NEW, 0, 1},
		{&loud, ORDER_ACCEPTED, 1, 2},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(order_clear) struct order order = {.id = 7};
		CLEANUP(order_event_clear)
		struct order_event event =
			order_text_event(EVENT_CREATED, 1000, "A2 B1~900");
		CLEANUP(order_change_clear) struct order_change change = {0};

		event.terms.total_minor = 300;
		assert_int_equal(order_apply(&order, &event, rows[i].policy,
					     NOW_MS, &change, NULL),
				 0);
		assert_int_equal(order.state, rows[i].want_state);
		assert_int_equal(change.notice_count, rows[i].want_notices);
		assert_int_equal(change.note_count, rows[i].want_notes);
		assert_string_equal(change.notes[0].kind, "order.created");
		assert_int_equal(order.version, 1);
		assert_int_equal(order.created_ms, NOW_MS);
		assert_int_equal(order.event_ms, 1000);
		assert_int_equal(order.snapshot_ms, 1000);
		assert_int_equal(order.terms.total_minor, 300);
		assert_int_equal(order.terms.discount_total_minor, 0);
		assert_string_equal(order.terms.store_id, "unknown");
		assert_int_equal(order.line_count, 2);
		assert_int_equal(order.lines[1].weight_g, 900);
		assert_true(change.lines_changed);
	}
}

static void
created_again_changes_nothing_unless_it_says_something_newer(void **state)
{
	static const struct {
		const char *name;
		enum order_state from;
		int64_t event_ms;
		const char *lines;
		enum order_verdict want;
		const char *want_lines;
	} rows[] = {
		{"the same delivery", ORDER_ACCEPTED, 1000, "A1",
		 VERDICT_REPEAT, "A1"},
		{"older", ORDER_ACCEPTED, 900, "A9", VERDICT_REPEAT, "A1"},
		{"newer", ORDER_ACCEPTED, 2000, "A2", VERDICT_STAY, "A2"},
		{"newer, while it is picked", ORDER_ASSEMBLING, 2000, "A2",
		 VERDICT_STAY, "A2"},
		{"newer, without positions", ORDER_ACCEPTED, 2000, NULL,
		 VERDICT_REPEAT, "A1"},
		{"newer, but cancelled", ORDER_CANCELED, 2000, "A2",
		 VERDICT_REPEAT, "A1"},
		{"newer, but delivered", ORDER_DELIVERED, 2000, "A2",
		 VERDICT_STAY, "A1"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(order_clear)
		struct order order = order_text_order(rows[i].from, "A1");
		CLEANUP(order_event_clear)
		struct order_event event = order_text_event(
			EVENT_CREATED, rows[i].event_ms, rows[i].lines);
		CLEANUP(order_change_clear) struct order_change change = {0};
		char lines[ORDER_TEXT_LINES_BYTES];

		(void)order_apply(&order, &event, &loud, NOW_MS, &change, NULL);
		order_text_lines(&order, lines);
		if (change.verdict != rows[i].want ||
		    strcmp(lines, rows[i].want_lines) != 0 ||
		    change.notice_count != 0 || order.state != rows[i].from ||
		    change.note_count != (rows[i].want == VERDICT_STAY))
			fail_msg("%s: verdict %d, '%s'", rows[i].name,
				 change.verdict, lines);
	}
}

/* When it came says nothing: a marketplace that missed our answer sends it for
 * hours, and the customer may have changed the order meanwhile. */
static void created_again_without_a_time_brings_nothing_back(void **state)
{
	CLEANUP(order_clear)
	struct order order = order_text_order(ORDER_ACCEPTED, "A5");
	CLEANUP(order_event_clear)
	struct order_event event = order_text_event(EVENT_CREATED, 9000, "A1");
	CLEANUP(order_change_clear) struct order_change change = {0};
	char lines[ORDER_TEXT_LINES_BYTES];

	(void)state;
	event.has_own_time = false;
	assert_int_equal(
		order_apply(&order, &event, &loud, NOW_MS, &change, NULL), 0);
	assert_int_equal(change.verdict, VERDICT_REPEAT);
	assert_int_equal(change.note_count, 0);
	order_text_lines(&order, lines);
	assert_string_equal(lines, "A5");
}

/* It came after the change, whose time is of whole seconds. */
static void a_change_is_newer_than_a_created_without_a_time(void **state)
{
	CLEANUP(order_clear) struct order order = {.id = 7};
	CLEANUP(order_event_clear)
	struct order_event created =
		order_text_event(EVENT_CREATED, 9650, "A2");
	CLEANUP(order_event_clear)
	struct order_event updated =
		order_text_event(EVENT_UPDATED, 9000, "A5");
	CLEANUP(order_change_clear) struct order_change first = {0};
	CLEANUP(order_change_clear) struct order_change second = {0};
	char lines[ORDER_TEXT_LINES_BYTES];

	(void)state;
	created.has_own_time = false;
	(void)text_copy(updated.terms.comment, sizeof(updated.terms.comment),
			"ring twice");
	assert_int_equal(
		order_apply(&order, &created, &loud, NOW_MS, &first, NULL), 0);
	assert_int_equal(
		order_apply(&order, &updated, &loud, NOW_MS, &second, NULL), 0);
	assert_int_equal(second.verdict, VERDICT_STAY);
	order_text_lines(&order, lines);
	assert_string_equal(lines, "A5");
	assert_string_equal(order.terms.comment, "ring twice");
	assert_int_equal(order.event_ms, 9000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_created_order_is_new_or_accepted_by_policy),
		cmocka_unit_test(
			created_again_changes_nothing_unless_it_says_something_newer),
		cmocka_unit_test(
			created_again_without_a_time_brings_nothing_back),
		cmocka_unit_test(
			a_change_is_newer_than_a_created_without_a_time),
	};

	return cmocka_run_group_tests_name("order_created", tests, NULL, NULL);
}
