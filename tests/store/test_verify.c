/* SPDX-License-Identifier: MIT
 *
 * Each check says so when its promise is broken, and nothing else does.
 */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "flow_fixture.h"
#include "store/repair/verify.h"

/* Names of the checks with breaches, each followed by a semicolon. */
static const char *broken(struct fixture *f)
{
	static char names[1000];
	size_t used = 0;

	names[0] = '\0';
	for (const struct verify_check *c = verify_checks; c->name != NULL;
	     c++) {
		int64_t breaches = 0;

		assert_int_equal(verify_run(f->db, c, &breaches, NULL), 0);
		if (breaches != 0)
			used += (size_t)snprintf(names + used,
						 sizeof(names) - used, "%s;",
						 c->name);
	}
	return names;
}

/* Two orders on their way, one message waiting, one archived. */
static void live(struct fixture *f)
{
	flow_arrive(f, "H1", "order.created", 10, "A2");
	flow_arrive(f, "H2", "order.created", 10, "A2");
	flow_process(f);
	flow_assemble(f);
	flow_arrive(f, "H1", "order.paid", 12, NULL);
	fixture_sql(f, "INSERT INTO inbox_archive (id, message_id, channel,"
		       " external_id, event_type, order_id, order_seq,"
		       " event_ms, state, outcome, hold, attempts, due_ms,"
		       " lease_epoch, lease_until_ms, created_ms, updated_ms,"
		       " body) SELECT id, message_id, channel, external_id,"
		       " event_type, order_id, order_seq, event_ms, state,"
		       " outcome, hold, attempts, due_ms, 0, 0, created_ms,"
		       " updated_ms, body FROM inbox WHERE id = 1;"
		       "DELETE FROM inbox WHERE id = 1");
	fixture_sql(f, "INSERT INTO document_series (name, last)"
		       " VALUES ('A', 3);"
		       "INSERT INTO document_series_jumps (series, from_number,"
		       " to_number, at_ms, actor, reason) VALUES"
		       " ('A', 1, 3, 0, '', '')");
}

static void a_store_at_work_breaks_no_promise(void **state)
{
	struct fixture *f = *state;
	int bad = -1;

	live(f);
	assert_string_equal(broken(f), "");
	assert_int_equal(verify_all(f->db, &bad, NULL), 0);
	assert_int_equal(bad, 0);
}

static const struct {
	const char *sql, *says;
} breaches[] = {
	{"DELETE FROM inbox WHERE order_seq = 2", "inbox sequences"},
	{"UPDATE inbox_head SET last_seq = 1 WHERE order_id = 1",
	 "inbox sequences"},
	{"UPDATE inbox_archive SET order_seq = 0", "inbox sequences"},
	{"DELETE FROM outbox_head WHERE order_id = 1", "outbox sequences"},
	{"UPDATE document_series SET last = 4", "document series"},
	{"DELETE FROM order_history WHERE order_id = 2", "has a history"},
	{"DELETE FROM order_identity WHERE order_id = 2", "has its names"},
	{"UPDATE outbox SET state = 3, outcome = 'ok', event_type = 'x'",
	 "sent twice"},
	{"UPDATE inbox_head SET state = 0", "inbox message is forgotten"},
	{"UPDATE inbox_head SET state = 4", "inbox message is forgotten"},
	{"UPDATE inbox SET state = 2 WHERE state = 1",
	 "inbox message is forgotten"},
	{"UPDATE outbox_head SET state = 0", "notification is forgotten"},
	{"UPDATE inbox SET outcome = '' WHERE state = 3", "says why"},
	{"UPDATE inbox SET state = 4, error = NULL WHERE state = 3",
	 "says why"},
	{"UPDATE inbox_archive SET state = 1", "known state"},
	{"UPDATE outbox SET state = 7", "known state"},
	{"INSERT INTO parked_events (inbox_id, order_id, event_type, event_ms,"
	 " expires_ms, channel, body) VALUES (99, 1, 'x', 0, 0, 'x', '')",
	 "parked event"},
	{"PRAGMA foreign_keys=OFF; DELETE FROM stores", "finds it"},
};

static void whatever_is_broken_is_said(void **state)
{
	for (size_t i = 0; i < COUNT_OF(breaches); i++) {
		struct fixture *f = *state;
		const char *found;

		/* A server does not let a foreign key be broken. */
		if (!fixture_is_sqlite() &&
		    strncmp(breaches[i].sql, "PRAGMA", 6) == 0)
			continue;
		live(f);
		fixture_sql(f, breaches[i].sql);
		found = broken(f);
		if (strstr(found, breaches[i].says) == NULL)
			fail_msg("%s: '%s'", breaches[i].sql, found);
		(void)flow_teardown(state);
		(void)flow_setup(state);
	}
}

static void a_copy_on_purpose_is_no_double(void **state)
{
	struct fixture *f = *state;

	live(f);
	fixture_sql(f, "UPDATE outbox SET state = 3, outcome = 'ok',"
		       " event_type = 'x', copy_of = 1 WHERE id > 1");
	assert_null(strstr(broken(f), "sent twice"));
}

#define FLOW_TEST(test) \
	cmocka_unit_test_setup_teardown(test, flow_setup, flow_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FLOW_TEST(a_store_at_work_breaks_no_promise),
		FLOW_TEST(whatever_is_broken_is_said),
		FLOW_TEST(a_copy_on_purpose_is_no_double),
	};

	return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
