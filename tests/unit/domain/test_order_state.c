/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "domain/order/order_state.h"
#include "reviewed.h"

enum {
	TABLE_BYTES_MAX = 16384
};
static const char table_path[] = SOURCE_DIR "/tests/data/order_states.txt";

static const char *const verdict_names[] = {
	[VERDICT_REFUSE] = "-",  [VERDICT_STAY] = "stay",
	[VERDICT_PARK] = "park", [VERDICT_REPEAT] = "repeat",
	[VERDICT_LATE] = "late", [VERDICT_MOVE] = ">",
};

static void put_cell(struct buf *out, enum order_state from,
		     enum order_event_type event)
{
	struct order_step step = order_step(from, event);
	const char *why;
	int reason = order_step_reason(from, event, &why);
	char note[16] = "";
	char cell[40];

	if (reason > 0)
		(void)snprintf(note, sizeof(note), " (%d)", reason);
	(void)snprintf(
		cell, sizeof(cell), "%s%s%s%s", verdict_names[step.verdict],
		step.to != ORDER_NONE ? " " : "",
		step.to != ORDER_NONE ? order_state_name(step.to) : "", note);
	buf_printf(out, "%-17s", cell);
}

enum {
	CELLS = ORDER_STATE_MAX_ * EVENT_MAX_
};

static int reason_of(int cell, const char **ret_why)
{
	return order_step_reason((enum order_state)(cell / EVENT_MAX_),
				 (enum order_event_type)(cell % EVENT_MAX_),
				 ret_why);
}

/* Each reason once, as long as one has the next number. */
static void put_reasons(struct buf *out)
{
	bool found = true;

	for (int wanted = 1; found; wanted++) {
		found = false;
		for (int cell = 0; cell < CELLS && !found; cell++) {
			const char *why;

			if (reason_of(cell, &why) != wanted)
				continue;
			buf_printf(out, "(%d) %s\n", wanted, why);
			found = true;
		}
	}
}

/* Every cell once: an event a row, a state a column. */
static void print_table(struct buf *out)
{
	buf_add_text(out,
		     "What becomes of an event (row) in a state (column).\n"
		     "> x: the state becomes x   stay: applied, same state\n"
		     "park: kept and tried again   repeat, late: no effect\n"
		     "-: refused   (n): the reason below\n\n");
	buf_printf(out, "%-18s", "");
	for (int s = 0; s < ORDER_STATE_MAX_; s++)
		buf_printf(out, "%-17s", order_state_name((enum order_state)s));
	for (int event = 1; event < EVENT_MAX_; event++) {
		buf_printf(out, "\n%-18s",
			   order_event_name((enum order_event_type)event));
		for (int s = 0; s < ORDER_STATE_MAX_; s++) {
			put_cell(out, (enum order_state)s,
				 (enum order_event_type)event);
		}
	}
	buf_add_text(out, "\n\n");
	put_reasons(out);
}

static void the_table_is_the_one_that_was_reviewed(void **state)
{
	CLEANUP(buf_clear) struct buf table = BUF_MAX(TABLE_BYTES_MAX);

	(void)state;
	print_table(&table);
	expect_reviewed(table_path, &table);
}

/* A MOVE is odd when it leaves out a step that an order goes through. */
static bool is_odd(enum order_state from, struct order_step step)
{
	if (step.verdict == VERDICT_REFUSE)
		return false;
	return step.verdict != VERDICT_MOVE ||
	       (from >= ORDER_ASSEMBLED && step.to != ORDER_CANCELED &&
		(int)step.to > (int)from + 1);
}

static void every_odd_cell_has_its_reason(void **state)
{
	(void)state;
	for (int cell = 0; cell < CELLS; cell++) {
		enum order_state from = (enum order_state)(cell / EVENT_MAX_);
		enum order_event_type event =
			(enum order_event_type)(cell % EVENT_MAX_);
		const char *why;

		if (event != EVENT_NONE &&
		    is_odd(from, order_step(from, event)) &&
		    reason_of(cell, &why) == 0)
			fail_msg("%s in %s", order_event_name(event),
				 order_state_name(from));
	}
}

static void every_reason_is_the_reason_of_a_cell(void **state)
{
	int last = 0;

	(void)state;
	for (int cell = 0; cell < CELLS; cell++) {
		const char *why;
		int reason = reason_of(cell, &why);

		last = reason > last ? reason : last;
	}
	for (int wanted = 1; wanted <= last; wanted++) {
		const char *why;
		int cell = 0;

		while (cell < CELLS && reason_of(cell, &why) != wanted)
			cell++;
		if (cell == CELLS)
			fail_msg("reason %d speaks for no cell", wanted);
	}
}

static void every_state_is_reachable(void **state)
{
	bool seen[ORDER_STATE_MAX_] = {[ORDER_NONE] = true};
	bool grew = true;

	(void)state;
	while (grew) {
		grew = false;
		for (int cell = 0; cell < ORDER_STATE_MAX_ * EVENT_MAX_;
		     cell++) {
			int from = cell / EVENT_MAX_;
			struct order_step step = order_step(
				(enum order_state)from,
				(enum order_event_type)(cell % EVENT_MAX_));

			if (!seen[from] || step.verdict != VERDICT_MOVE ||
			    seen[step.to])
				continue;
			seen[step.to] = grew = true;
		}
	}
	for (int s = 0; s < ORDER_STATE_MAX_; s++)
		if (!seen[s])
			fail_msg("%s cannot be reached",
				 order_state_name((enum order_state)s));
}

static void a_cell_names_a_state_exactly_when_it_moves(void **state)
{
	(void)state;
	for (int s = 0; s < ORDER_STATE_MAX_; s++)
		for (int event = 0; event < EVENT_MAX_; event++) {
			struct order_step step =
				order_step((enum order_state)s,
					   (enum order_event_type)event);

			if ((step.verdict == VERDICT_MOVE) ==
			    (step.to != ORDER_NONE))
				continue;
			fail_msg("%s in %s",
				 order_event_name((enum order_event_type)event),
				 order_state_name((enum order_state)s));
		}
}

static void nothing_moves_a_finished_order(void **state)
{
	static const enum order_state final[] = {ORDER_DELIVERED,
						 ORDER_CANCELED};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(final); i++)
		for (int event = 0; event < EVENT_MAX_; event++)
			if (order_step(final[i], (enum order_event_type)event)
				    .verdict == VERDICT_MOVE)
				fail_msg("%s moves %s",
					 order_event_name(
						 (enum order_event_type)event),
					 order_state_name(final[i]));
}

/* States in the sequence that an order goes through them. */
static void no_event_moves_an_order_backwards(void **state)
{
	(void)state;
	for (int s = 0; s < ORDER_STATE_MAX_; s++)
		for (int event = 0; event < EVENT_MAX_; event++) {
			struct order_step step =
				order_step((enum order_state)s,
					   (enum order_event_type)event);

			if (step.verdict == VERDICT_MOVE && (int)step.to <= s)
				fail_msg("%s moves %s to %s",
					 order_event_name(
						 (enum order_event_type)event),
					 order_state_name((enum order_state)s),
					 order_state_name(step.to));
		}
}

static void no_event_of_the_marketplace_is_ever_refused(void **state)
{
	(void)state;
	for (int s = 0; s < ORDER_STATE_MAX_; s++)
		for (int event = 1; event <= EVENT_CANCELED; event++)
			if (order_step((enum order_state)s,
				       (enum order_event_type)event)
				    .verdict == VERDICT_REFUSE)
				fail_msg("%s in %s",
					 order_event_name(
						 (enum order_event_type)event),
					 order_state_name((enum order_state)s));
}

static void the_same_event_twice_moves_once(void **state)
{
	(void)state;
	for (int s = 0; s < ORDER_STATE_MAX_; s++)
		for (int event = 1; event < EVENT_MAX_; event++) {
			enum order_event_type type =
				(enum order_event_type)event;
			struct order_step step =
				order_step((enum order_state)s, type);

			if (step.verdict == VERDICT_MOVE &&
			    order_step(step.to, type).verdict == VERDICT_MOVE)
				fail_msg("%s in %s", order_event_name(type),
					 order_state_name((enum order_state)s));
		}
}

static void names_and_values_lead_to_each_other(void **state)
{
	(void)state;
	for (int s = 1; s < ORDER_STATE_MAX_; s++)
		assert_int_equal(order_state_from_name(
					 order_state_name((enum order_state)s)),
				 s);
	for (int event = 1; event < EVENT_MAX_; event++)
		assert_int_equal(order_event_from_name(order_event_name(
					 (enum order_event_type)event)),
				 event);
	assert_int_equal(order_state_from_name("none"), ORDER_NONE);
	assert_int_equal(order_state_from_name(""), ORDER_NONE);
	assert_int_equal(order_event_from_name("order.unknown"), EVENT_NONE);
}

static void values_out_of_range_are_refused_and_have_no_name(void **state)
{
	static const int strange[] = {-1, 1000, 0x7fffffff};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(strange); i++) {
		enum order_state s = (enum order_state)strange[i];
		enum order_event_type event = (enum order_event_type)strange[i];

		assert_int_equal(order_step(s, EVENT_CREATED).verdict,
				 VERDICT_REFUSE);
		assert_int_equal(order_step(ORDER_NEW, event).verdict,
				 VERDICT_REFUSE);
		assert_string_equal(order_state_name(s), "?");
		assert_string_equal(order_event_name(event), "?");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_the_one_that_was_reviewed),
		cmocka_unit_test(every_odd_cell_has_its_reason),
		cmocka_unit_test(every_reason_is_the_reason_of_a_cell),
		cmocka_unit_test(every_state_is_reachable),
		cmocka_unit_test(a_cell_names_a_state_exactly_when_it_moves),
		cmocka_unit_test(nothing_moves_a_finished_order),
		cmocka_unit_test(no_event_moves_an_order_backwards),
		cmocka_unit_test(no_event_of_the_marketplace_is_ever_refused),
		cmocka_unit_test(the_same_event_twice_moves_once),
		cmocka_unit_test(names_and_values_lead_to_each_other),
		cmocka_unit_test(
			values_out_of_range_are_refused_and_have_no_name),
	};

	return cmocka_run_group_tests_name("order_state", tests, NULL, NULL);
}
