/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <string.h>

#include "base/err.h"
#include "store/queue/inbox.h"
#include "store/queue/quarantine.h"
#include "store_fixture.h"

struct row {
	const char *external_id, *alias, *event_type, *quarantine;
	int64_t want_order, want_seq, want_state;
};

static int add(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	struct row *row = context;
	struct identity identity;
	struct inbox_arrival arrival = {
		.channel = "kuper",
		.external_id = row->external_id,
		.alias = row->alias,
		.event_type = row->event_type,
		.body = "{}",
		.event_ms = now_ms,
		.quarantine_reason = row->quarantine,
	};
	int rc = inbox_add(db, &arrival, now_ms, &identity, e);

	row->want_order -= identity.order_id;
	return rc;
}

static void names_lead_to_orders_and_sequences_have_no_gap(void **state)
{
	struct fixture *f = *state;
	struct row rows[] = {
		{"H1", "", "order.created", NULL, 1, 1, 1},
		{"H1", "", "order.created", NULL, 1, 2, 1},
		{"H2", "uuid-2", "order.paid", NULL, 2, 1, 1},
		{"", "uuid-2", "order.created", NULL, 2, 2, 1},
		{"H2", "", "order.strange", "unknown event type", 2, 3, 4},
		{"H1", "uuid-1", "order.updated", NULL, 1, 3, 1},
		{"", "uuid-1", "order.canceled", NULL, 1, 4, 1},
		{"", "uuid-3", "order.created", NULL, 3, 1, 1},
		{"uuid-3", "uuid-3", "order.paid", NULL, 3, 2, 1},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct err e = {0};
		int rc = fixture_write(f, add, &rows[i], &e);
		int64_t seq = fixture_i64(f, "SELECT order_seq FROM inbox"
					     " ORDER BY id DESC LIMIT 1");
		int64_t got = fixture_i64(f, "SELECT state FROM inbox"
					     " ORDER BY id DESC LIMIT 1");

		if (rc < 0 || rows[i].want_order != 0 ||
		    seq != rows[i].want_seq || got != rows[i].want_state)
			fail_msg("row %zu: rc %s %s, order off by %lld, "
				 "seq %lld, state %lld",
				 i, err_name(rc), e.text,
				 (long long)rows[i].want_order, (long long)seq,
				 (long long)got);
	}
}

static void a_quarantined_message_makes_no_work(void **state)
{
	struct fixture *f = *state;
	struct row row = {.external_id = "H9",
			  .alias = "",
			  .event_type = "order.strange",
			  .quarantine = "unknown event type"};

	assert_int_equal(fixture_write(f, add, &row, NULL), 0);
	assert_int_equal(fixture_i64(f, "SELECT state FROM inbox_head"),
			 HEAD_IDLE);
	assert_string_equal(fixture_text(f, "SELECT outcome FROM inbox"),
			    "quarantined");
}

static int add_raw(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	(void)context;
	return quarantine_add(db, "kuper", "not JSON", "\xff\x00{", 3, now_ms,
			      e);
}

static void the_order_that_waits_longest_is_found(void **state)
{
	struct fixture *f = *state;
	struct row rows[] = {{"H1", "", "order.created", NULL, 0, 0, 0},
			     {"H2", "", "order.created", NULL, 0, 0, 0}};
	int64_t due_ms = 0;

	assert_int_equal(inbox_oldest_due(f->db, &due_ms, NULL), 0);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(fixture_write(f, add, &rows[i], NULL), 0);
	assert_int_equal(inbox_oldest_due(f->db, &due_ms, NULL), 1);
	assert_int_equal(due_ms,
			 fixture_i64(f, "SELECT min(due_ms) FROM inbox_head"));
}

static void an_unreadable_body_is_kept_to_the_byte(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(fixture_write(f, add_raw, NULL, NULL), 0);
	assert_string_equal(fixture_text(f, "SELECT hex(raw) FROM quarantine"),
			    "FF007B");
}

#define STORE_TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(names_lead_to_orders_and_sequences_have_no_gap),
		STORE_TEST(a_quarantined_message_makes_no_work),
		STORE_TEST(the_order_that_waits_longest_is_found),
		STORE_TEST(an_unreadable_body_is_kept_to_the_byte),
	};

	return cmocka_run_group_tests_name("inbox", tests, NULL, NULL);
}
