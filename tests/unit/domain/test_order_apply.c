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

/* What an event may carry besides positions. */
static void set_slot(struct order_event *event, int64_t to_ms)
{
	event->terms.slot_from_ms = to_ms - 100;
	event->terms.slot_to_ms = to_ms;
}

static void the_later_event_time_wins(void **state)
{
	static const struct {
		const char *name;
		struct {
			int64_t event_ms;
			const char *lines;
			int64_t slot_to_ms;
		} events[3];
		const char *want_lines;
		int64_t want_slot_to_ms;
	} rows[] = {
		{"in sequence", {{2000, "A2", 7}, {3000, "A3", 8}}, "A3", 8},
		{"the older one comes last",
		 {{3000, "A3", 8}, {2000, "A2", 7}},
		 "A3",
		 8},
		{"there and back again",
		 {{2000, "A2", 7}, {3000, "A1", 6}, {4000, "A2", 7}},
		 "A2",
		 7},
		{"equal times: the last one to come",
		 {{2000, "A2", 7}, {2000, "A3", 8}},
		 "A3",
		 8},
		{"older than the order itself", {{500, "A9", 9}}, "A1", 0},
		{"a later slot alone does not hide an earlier composition",
		 {{3000, NULL, 8}, {2000, "A2", 7}},
		 "A2",
		 8},
		{"a later composition alone does not hide a slot",
		 {{3000, "A3", 0}, {4000, NULL, 8}},
		 "A3",
		 8},
		{"an older slot alone is late",
		 {{3000, "A3", 8}, {2000, NULL, 7}},
		 "A3",
		 8},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(order_clear)
		struct order order = order_text_order(ORDER_ACCEPTED, "A1");
		char lines[ORDER_TEXT_LINES_BYTES];

		for (size_t k = 0; k < COUNT_OF(rows[i].events); k++) {
			CLEANUP(order_event_clear)
			struct order_event event = order_text_event(
				EVENT_UPDATED, rows[i].events[k].event_ms,
				rows[i].events[k].lines);
			CLEANUP(order_change_clear)
			struct order_change change = {0};

			if (event.event_ms == 0)
				break;
			if (rows[i].events[k].slot_to_ms != 0)
				set_slot(&event, rows[i].events[k].slot_to_ms);
			assert_int_equal(order_apply(&order, &event, &quiet,
						     NOW_MS, &change, NULL),
					 0);
			assert_int_equal(change.note_count, 1);
		}
		order_text_lines(&order, lines);
		if (strcmp(lines, rows[i].want_lines) != 0 ||
		    order.terms.slot_to_ms != rows[i].want_slot_to_ms)
			fail_msg("%s: '%s', slot %d", rows[i].name, lines,
				 (int)order.terms.slot_to_ms);
	}
}

static void an_order_that_came_without_positions_takes_any(void **state)
{
	CLEANUP(order_clear) struct order order = {.id = 7};
	CLEANUP(order_event_clear)
	struct order_event created =
		order_text_event(EVENT_CREATED, 2000, NULL);
	CLEANUP(order_event_clear)
	struct order_event updated =
		order_text_event(EVENT_UPDATED, 1500, "A2");
	CLEANUP(order_change_clear) struct order_change first = {0};
	CLEANUP(order_change_clear) struct order_change second = {0};

	(void)state;
	(void)order_apply(&order, &created, &quiet, NOW_MS, &first, NULL);
	(void)order_apply(&order, &updated, &quiet, NOW_MS, &second, NULL);
	assert_int_equal(order.line_count, 1);
}

static void totals_follow_the_positions(void **state)
{
	CLEANUP(order_clear)
	struct order order = order_text_order(ORDER_ACCEPTED, "A1");
	CLEANUP(order_event_clear)
	struct order_event event = order_text_event(EVENT_UPDATED, 2000, "A2");
	CLEANUP(order_change_clear) struct order_change change = {0};

	(void)state;
	order.terms.total_minor = order.terms.discount_total_minor = 100;
	event.terms.total_minor = 200;
	(void)order_apply(&order, &event, &quiet, NOW_MS, &change, NULL);
	assert_int_equal(order.terms.total_minor, 200);
	assert_int_equal(order.terms.discount_total_minor, 100);
}

static void a_payment_does_not_make_a_change_look_old(void **state)
{
	CLEANUP(order_clear)
	struct order order = order_text_order(ORDER_ACCEPTED, "A1");
	CLEANUP(order_event_clear)
	struct order_event paid = order_text_event(EVENT_PAID, 3000, NULL);
	CLEANUP(order_event_clear)
	struct order_event updated =
		order_text_event(EVENT_UPDATED, 2000, "A2");
	CLEANUP(order_change_clear) struct order_change first = {0};
	CLEANUP(order_change_clear) struct order_change second = {0};

	(void)state;
	set_slot(&updated, 8);
	assert_int_equal(
		order_apply(&order, &paid, &quiet, NOW_MS, &first, NULL), 0);
	assert_int_equal(order.paid_ms, 3000);
	assert_int_equal(
		order_apply(&order, &updated, &quiet, NOW_MS, &second, NULL),
		0);
	assert_int_equal(order.terms.slot_to_ms, 8);
	assert_int_equal(order.lines[0].qty_milli, 2000);
}

static void a_second_payment_is_a_repeat(void **state)
{
	CLEANUP(order_clear)
	struct order order = order_text_order(ORDER_READY, "A1+1");
	CLEANUP(order_event_clear)
	struct order_event paid = order_text_event(EVENT_PAID, 3000, NULL);
	CLEANUP(order_change_clear) struct order_change first = {0};
	CLEANUP(order_change_clear) struct order_change second = {0};

	(void)state;
	(void)order_apply(&order, &paid, &quiet, NOW_MS, &first, NULL);
	assert_int_equal(first.verdict, VERDICT_STAY);
	assert_int_equal(first.note_count, 1);
	paid.event_ms = 4000;
	(void)order_apply(&order, &paid, &quiet, NOW_MS, &second, NULL);
	assert_int_equal(second.verdict, VERDICT_REPEAT);
	assert_int_equal(second.note_count, 0);
	assert_int_equal(order.paid_ms, 3000);
}

static void a_step_older_than_its_order_counts_at_its_receipt(void **state)
{
	enum {
		CREATED_MS = 100 * 60 * 1000,
		MINUTE_MS = 60 * 1000,
		RECEIVED_MS = CREATED_MS + 30 * MINUTE_MS
	};
	static const struct {
		const char *what;
		int64_t order_event_ms, event_ms, received_ms, want_ms;
	} rows[] = {
		{"1970", 0, 1000, RECEIVED_MS, RECEIVED_MS},
		{"the order was told late", 50 * MINUTE_MS, 60 * MINUTE_MS,
		 RECEIVED_MS, 60 * MINUTE_MS},
		{"two clocks differ", CREATED_MS, CREATED_MS - 5 * MINUTE_MS,
		 RECEIVED_MS, CREATED_MS - 5 * MINUTE_MS},
		{"two clocks do not differ so much", CREATED_MS,
		 CREATED_MS - 5 * MINUTE_MS - 1, RECEIVED_MS, RECEIVED_MS},
		{"parked with its time", 0, 1000, 1000, NOW_MS},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(order_clear)
		struct order order = order_text_order(ORDER_DELIVERING, "A1+1");
		CLEANUP(order_event_clear)
		struct order_event event = order_text_event(
			EVENT_DELIVERED, rows[i].event_ms, NULL);
		CLEANUP(order_change_clear) struct order_change change = {0};
		bool is_told;

		order.created_ms = CREATED_MS;
		order.event_ms = rows[i].order_event_ms;
		event.received_ms = rows[i].received_ms;
		assert_int_equal(order_apply(&order, &event, &quiet, NOW_MS,
					     &change, NULL),
				 0);
		is_told = strstr(change.notes[0].detail, "\"said\":\"") != NULL;
		if (order.delivered_ms != rows[i].want_ms ||
		    is_told != (rows[i].want_ms != rows[i].event_ms))
			fail_msg("%s: %lld, %s", rows[i].what,
				 (long long)order.delivered_ms,
				 change.notes[0].detail);
	}
}

static void
a_change_after_assembly_is_recorded_and_changes_nothing(void **state)
{
	static const enum order_state states[] = {
		ORDER_ASSEMBLED, ORDER_READY, ORDER_RECEIVED, ORDER_DELIVERING,
		ORDER_DELIVERED};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(states); i++) {
		CLEANUP(order_clear)
		struct order order = order_text_order(states[i], "A2+2");
		CLEANUP(order_event_clear)
		struct order_event event =
			order_text_event(EVENT_UPDATED, 2000, "A1 B1");
		CLEANUP(order_change_clear) struct order_change change = {0};
		char lines[ORDER_TEXT_LINES_BYTES];

		set_slot(&event, 9);
		(void)order_apply(&order, &event, &quiet, NOW_MS, &change,
				  NULL);
		order_text_lines(&order, lines);
		assert_string_equal(lines, "A2+2");
		assert_int_equal(order.terms.slot_to_ms, 0);
		assert_int_equal(order.version, 5);
		assert_string_equal(change.notes[0].kind, "order.updated");
	}
}

static void only_what_a_picker_sees_changes_the_version(void **state)
{
#define TERM(member) offsetof(struct order_terms, member)
	static const struct {
		const char *name;
		size_t offset;
		int want_version;
		bool want_saved_apart;
	} rows[] = {
		{"comment", TERM(comment), 6, false},
		{"replacement policy", TERM(replacement_policy), 6, false},
		{"shipment method", TERM(shipment_method), 6, false},
		{"store", TERM(store_id), 6, false},
		{"UUID", TERM(order_uuid), 5, false},
		{"customer's name", TERM(customer_name), 5, true},
		{"customer's phone", TERM(customer_phone), 5, true},
		{"customer's address", TERM(customer_address), 5, true},
	};
#undef TERM

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(order_clear)
		struct order order = order_text_order(ORDER_ACCEPTED, "A1");
		CLEANUP(order_change_clear) struct order_change change = {0};
		struct order_event event =
			order_text_event(EVENT_UPDATED, 2000, NULL);

		(void)text_copy((char *)&event.terms + rows[i].offset, 8,
				"other");
		(void)order_apply(&order, &event, &quiet, NOW_MS, &change,
				  NULL);
		if (order.version != rows[i].want_version ||
		    change.lines_changed != rows[i].want_saved_apart ||
		    strcmp((char *)&order.terms + rows[i].offset, "other") != 0)
			fail_msg("%s: version %d", rows[i].name,
				 (int)order.version);
	}
}

static void the_deadline_is_the_slots_end_unless_it_is_told(void **state)
{
	static const struct {
		const char *name;
		int64_t deadline_ms, slot_to_ms;         /* of created */
		int64_t new_deadline_ms, new_slot_to_ms; /* of updated */
		int64_t want_ms;
	} rows[] = {
		{"only a slot", 0, 500, 0, 0, 500},
		{"its own", 400, 500, 0, 0, 400},
		{"the slot moves", 0, 500, 0, 900, 900},
		{"the slot moves, its own stays", 400, 500, 0, 900, 400},
		{"its own moves", 400, 500, 450, 500, 450},
		{"neither", 0, 0, 0, 0, 0},
		{"a slot later", 0, 0, 0, 900, 900},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(order_clear) struct order order = {.id = 7};
		CLEANUP(order_event_clear)
		struct order_event created =
			order_text_event(EVENT_CREATED, 50, "A1");
		struct order_event updated =
			order_text_event(EVENT_UPDATED, 60, NULL);
		CLEANUP(order_change_clear) struct order_change first = {0};
		CLEANUP(order_change_clear) struct order_change second = {0};

		created.terms.deadline_ms = rows[i].deadline_ms;
		created.terms.slot_to_ms = rows[i].slot_to_ms;
		updated.terms.deadline_ms = rows[i].new_deadline_ms;
		updated.terms.slot_to_ms = rows[i].new_slot_to_ms;
		(void)order_apply(&order, &created, &quiet, NOW_MS, &first,
				  NULL);
		(void)order_apply(&order, &updated, &quiet, NOW_MS, &second,
				  NULL);
		if (order.terms.deadline_ms != rows[i].want_ms)
			fail_msg("%s: %d", rows[i].name,
				 (int)order.terms.deadline_ms);
	}
}

/* Every marketplace event in every state does what the state table says, leaves
 * a history row exactly when something happened or came too late, and never
 * asks for a notification. */
static void every_event_follows_the_state_table(void **state)
{
	(void)state;
	for (int s = 1; s < ORDER_STATE_MAX_; s++)
		for (int t = 1; t <= EVENT_CANCELED; t++) {
			enum order_state from = (enum order_state)s;
			enum order_event_type type = (enum order_event_type)t;
			struct order_step step = order_step(from, type);
			CLEANUP(order_clear)
			struct order order = order_text_order(from, "A1");
			CLEANUP(order_change_clear)
			struct order_change change = {0};
			struct order_event event =
				order_text_event(type, 2000, NULL);
			bool applied = step.verdict == VERDICT_MOVE ||
				       step.verdict == VERDICT_STAY;
			bool told = applied || step.verdict == VERDICT_LATE;

			(void)order_apply(&order, &event, &loud, NOW_MS,
					  &change, NULL);
			if (change.verdict != step.verdict ||
			    change.changed != applied ||
			    change.note_count != told ||
			    change.notice_count != 0 ||
			    order.state != (step.verdict == VERDICT_MOVE
						    ? step.to
						    : from))
				fail_msg("%s in %s", order_event_name(type),
					 order_state_name(from));
			assert_int_equal(order.updated_ms,
					 applied ? NOW_MS : 0);
		}
}

static void what_came_too_late_is_named_in_the_history(void **state)
{
	CLEANUP(order_clear)
	struct order order = order_text_order(ORDER_CANCELED, "A1");
	CLEANUP(order_change_clear) struct order_change change = {0};
	struct order_event event =
		order_text_event(EVENT_DELIVERED, 2000, NULL);

	(void)state;
	(void)order_apply(&order, &event, &quiet, NOW_MS, &change, NULL);
	assert_string_equal(change.notes[0].kind, "late");
	assert_string_equal(change.notes[0].detail,
			    "{\"event\":\"order.delivered\",\"why\":\"the end"
			    " over there as well: a person sees it in the"
			    " history\"}");
}

static void the_times_of_an_order_are_those_of_its_events(void **state)
{
	static const struct {
		enum order_state from;
		enum order_event_type type;
		size_t offset;
	} rows[] = {
		{ORDER_READY, EVENT_RECEIVED,
		 offsetof(struct order, received_ms)},
		{ORDER_ASSEMBLED, EVENT_DELIVERED,
		 offsetof(struct order, delivered_ms)},
		{ORDER_ASSEMBLING, EVENT_CANCELED,
		 offsetof(struct order, canceled_ms)},
		{ORDER_READY, EVENT_PAID, offsetof(struct order, paid_ms)},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(order_clear)
		struct order order = order_text_order(rows[i].from, "A1");
		CLEANUP(order_change_clear) struct order_change change = {0};
		struct order_event event =
			order_text_event(rows[i].type, 2000, NULL);
		int64_t at_ms;

		(void)order_apply(&order, &event, &quiet, NOW_MS, &change,
				  NULL);
		memcpy(&at_ms, (char *)&order + rows[i].offset, sizeof(at_ms));
		if (at_ms != 2000)
			fail_msg("row %zu: %d", i, (int)at_ms);
		assert_int_equal(order.version,
				 rows[i].type == EVENT_CANCELED ? 6 : 5);
	}
}

static void what_a_picker_must_see_is_told_with_its_difference(void **state)
{
	CLEANUP(order_clear)
	struct order order = order_text_order(ORDER_ASSEMBLING, "A2+1");
	CLEANUP(order_change_clear) struct order_change change = {0};
	CLEANUP(order_event_clear)
	struct order_event event = order_text_event(EVENT_UPDATED, 2000, NULL);

	(void)state;
	(void)text_copy(order.terms.comment, sizeof(order.terms.comment), "a");
	(void)text_copy(event.terms.comment, sizeof(event.terms.comment), "b");
	(void)text_copy(event.terms.customer_phone,
			sizeof(event.terms.customer_phone), "+7999");
	event.terms.slot_to_ms = 1770109200000;
	(void)order_apply(&order, &event, &quiet, NOW_MS, &change, NULL);
	assert_string_equal(
		change.notes[0].detail,
		"{\"comment\":{\"from\":\"a\",\"to\":\"b\"},"
		"\"slotTo\":{\"from\":null,\"to\":\"2026-02-03T09:00:00Z\"},"
		"\"version\":6}");
}

static void a_cancellation_keeps_its_reason(void **state)
{
	CLEANUP(order_clear)
	struct order order = order_text_order(ORDER_ASSEMBLING, "A2+1");
	CLEANUP(order_change_clear) struct order_change change = {0};
	struct order_event event = order_text_event(EVENT_CANCELED, 2000, NULL);

	(void)state;
	(void)text_copy(event.cancel_reason, sizeof(event.cancel_reason),
			"He said \"no\"");
	(void)order_apply(&order, &event, &quiet, NOW_MS, &change, NULL);
	assert_string_equal(order.cancel_source, "marketplace");
	assert_string_equal(order.cancel_reason, "He said \"no\"");
	assert_string_equal(
		change.notes[0].detail,
		"{\"reason\":\"He said \\\"no\\\"\",\"version\":6}");
	assert_int_equal(order.lines[0].qty_picked_milli, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_later_event_time_wins),
		cmocka_unit_test(
			an_order_that_came_without_positions_takes_any),
		cmocka_unit_test(totals_follow_the_positions),
		cmocka_unit_test(a_payment_does_not_make_a_change_look_old),
		cmocka_unit_test(a_second_payment_is_a_repeat),
		cmocka_unit_test(
			a_step_older_than_its_order_counts_at_its_receipt),
		cmocka_unit_test(
			a_change_after_assembly_is_recorded_and_changes_nothing),
		cmocka_unit_test(only_what_a_picker_sees_changes_the_version),
		cmocka_unit_test(
			the_deadline_is_the_slots_end_unless_it_is_told),
		cmocka_unit_test(every_event_follows_the_state_table),
		cmocka_unit_test(what_came_too_late_is_named_in_the_history),
		cmocka_unit_test(the_times_of_an_order_are_those_of_its_events),
		cmocka_unit_test(
			what_a_picker_must_see_is_told_with_its_difference),
		cmocka_unit_test(a_cancellation_keeps_its_reason),
	};

	return cmocka_run_group_tests_name("order_apply", tests, NULL, NULL);
}
