/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "domain/blocking.h"
#include "reviewed.h"

enum {
	TABLE_BYTES_MAX = 16384,
	EVENT_LAST = EVENT_CANCELED /* the last one that a marketplace sends */
};

static const char *event_text(int event)
{
	return order_event_name((enum order_event_type)event);
}

static const char *notice_text(int notice)
{
	return notice_name((enum notice)notice);
}

static unsigned event_needs(int event)
{
	return blocking_event_needs((enum order_event_type)event);
}

static unsigned notice_needs(int notice)
{
	return blocking_notice_needs((enum notice)notice);
}

/* A failed one a row, a later one a column. */
static void print_table(struct buf *out, int last,
			const char *(*name)(int value),
			unsigned (*needs)(int value))
{
	buf_printf(out, "%-26s", "");
	for (int later = 1; later <= last; later++)
		buf_printf(out, "%-26s", name(later));
	for (int failed = 1; failed <= last; failed++) {
		buf_printf(out, "\n%-26s", name(failed));
		for (int later = 1; later <= last; later++)
			buf_printf(out, "%-26s",
				   (needs(later) >> failed & 1U) != 0 ? "waits"
								      : "goes");
	}
	buf_add_text(out, "\n");
}

static void the_tables_are_the_ones_that_were_reviewed(void **state)
{
	CLEANUP(buf_clear) struct buf out = BUF_MAX(TABLE_BYTES_MAX);

	(void)state;
	buf_add_text(&out,
		     "What a later message of an order (column) does while an "
		     "earlier one (row)\nhas failed and nobody has retried or "
		     "skipped it.\n\nFrom the marketplace (inbox):\n");
	print_table(&out, EVENT_LAST, event_text, event_needs);
	buf_add_text(&out, "\nTo the marketplace (outbox):\n");
	print_table(&out, NOTICE_MAX_ - 1, notice_text, notice_needs);
	expect_reviewed(SOURCE_DIR "/tests/data/blocking.txt", &out);
}

static void nothing_waits_for_its_own_kind(void **state)
{
	(void)state;
	for (int event = 0; event < EVENT_MAX_; event++)
		assert_int_equal(event_needs(event) >> event & 1U, 0);
	for (int notice = 0; notice < NOTICE_MAX_; notice++)
		assert_int_equal(notice_needs(notice) >> notice & 1U, 0);
}

static void what_is_needed_is_what_somebody_needs(void **state)
{
	(void)state;
	for (int event = 0; event < EVENT_MAX_; event++)
		assert_int_equal(
			blocking_event_is_needed((enum order_event_type)event),
			event == EVENT_CREATED || event == EVENT_UPDATED);
	for (int notice = 0; notice < NOTICE_MAX_; notice++)
		assert_int_equal(blocking_notice_is_needed((enum notice)notice),
				 notice == NOTICE_IN_WORK);
}

static void strange_values_need_nothing(void **state)
{
	(void)state;
	assert_int_equal(event_needs(-1), 0);
	assert_int_equal(event_needs(EVENT_MAX_), 0);
	assert_int_equal(notice_needs(-1), 0);
	assert_int_equal(notice_needs(NOTICE_MAX_), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tables_are_the_ones_that_were_reviewed),
		cmocka_unit_test(nothing_waits_for_its_own_kind),
		cmocka_unit_test(what_is_needed_is_what_somebody_needs),
		cmocka_unit_test(strange_values_need_nothing),
	};

	return cmocka_run_group_tests_name("blocking", tests, NULL, NULL);
}
