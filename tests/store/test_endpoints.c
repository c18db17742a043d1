/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "queue_test.h"
#include "store/queue/endpoints.h"

enum step {
	OPEN,
	TAKE_PROBE,
	PROBE_FAILED,
	CLOSE,
	HOLD,
	RESUME,
	STEPS
};
static const char *const step_names[STEPS] = {"open",  "take probe", "failed",
					      "close", "hold",       "resume"};

static int go(struct test *t, enum step step, int64_t now_ms)
{
	int rc = 0;

	begin(t);
	switch (step) {
	case OPEN:
		rc = endpoints_open(t->db, "kuper", "HTTP 503", now_ms + 100,
				    now_ms, NULL);
		break;
	case TAKE_PROBE:
		rc = endpoints_take_probe(t->db, "kuper", now_ms + 100, now_ms,
					  NULL);
		break;
	case PROBE_FAILED:
		rc = endpoints_probe_failed(t->db, "kuper", "HTTP 502", NULL);
		break;
	case CLOSE:
		rc = endpoints_close(t->db, "kuper", now_ms, NULL);
		break;
	case HOLD:
		rc = endpoints_hold(t->db, "kuper", "HTTP 401", now_ms, NULL);
		break;
	case RESUME:
		rc = endpoints_resume(t->db, "kuper", now_ms, NULL);
		break;
	case STEPS:
		break;
	}
	commit(t);
	return rc;
}

static struct endpoint_row row_of(struct test *t, const char *name)
{
	struct endpoint_row row;

	memset(&row, 0x55, sizeof(row));
	assert_int_equal(endpoints_get(t->db, name, &row, NULL), 0);
	return row;
}

/* Every step from every state: who gets 1, and where it leads. */
static void a_change_happens_once_and_only_from_its_state(void **state)
{
	static const struct {
		enum endpoint_state from;
		int changed[STEPS];
		enum endpoint_state to[STEPS];
	} rows[] = {
		{ENDPOINT_CLOSED,
		 {1, 0, 0, 0, 1, 0},
		 {ENDPOINT_OPEN, ENDPOINT_CLOSED, ENDPOINT_CLOSED,
		  ENDPOINT_CLOSED, ENDPOINT_HELD, ENDPOINT_CLOSED}},
		{ENDPOINT_OPEN,
		 {0, 1, 1, 1, 1, 0},
		 {ENDPOINT_OPEN, ENDPOINT_OPEN, ENDPOINT_OPEN, ENDPOINT_CLOSED,
		  ENDPOINT_HELD, ENDPOINT_OPEN}},
		{ENDPOINT_HELD,
		 {0, 0, 0, 0, 0, 1},
		 {ENDPOINT_HELD, ENDPOINT_HELD, ENDPOINT_HELD, ENDPOINT_HELD,
		  ENDPOINT_HELD, ENDPOINT_OPEN}},
	};
	struct test *t = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (int step = 0; step < STEPS; step++) {
			char sql[256];
			int rc;

			(void)snprintf(sql, sizeof(sql),
				       "DELETE FROM endpoints;"
				       "INSERT INTO endpoints VALUES ('kuper', "
				       "'%s', 0, '', 0, 0)",
				       endpoint_state_name(rows[i].from));
			fixture_sql(t->f, sql);
			rc = go(t, (enum step)step, T0);
			if (rc != rows[i].changed[step] ||
			    row_of(t, "kuper").state != rows[i].to[step])
				fail_msg("%s, %s: %d, %s",
					 endpoint_state_name(rows[i].from),
					 step_names[step], rc,
					 endpoint_state_name(
						 row_of(t, "kuper").state));
		}
}

static void an_endpoint_without_a_row_is_closed(void **state)
{
	struct test *t = *state;
	struct endpoint_row row = row_of(t, "unheard of");

	assert_int_equal(row.state, ENDPOINT_CLOSED);
	assert_int_equal(row.failures, 0);
	assert_string_equal(row.reason, "");
	assert_int_equal(go(t, OPEN, T0), 1);
	assert_int_equal(row_of(t, "kuper").state, ENDPOINT_OPEN);
	assert_int_equal(row_of(t, "unheard of").state, ENDPOINT_CLOSED);
}

static void one_probe_goes_at_a_time(void **state)
{
	struct test *t = *state;
	struct endpoint_row row;

	assert_int_equal(go(t, OPEN, T0), 1);
	assert_int_equal(go(t, TAKE_PROBE, T0 + 99), 0);
	assert_int_equal(go(t, TAKE_PROBE, T0 + 100), 1);
	assert_int_equal(go(t, TAKE_PROBE, T0 + 100), 0);
	assert_int_equal(go(t, PROBE_FAILED, T0 + 101), 1);
	row = row_of(t, "kuper");
	assert_int_equal(row.failures, 1);
	assert_string_equal(row.reason, "HTTP 502");
	assert_int_equal(row.next_probe_ms, T0 + 200);
	assert_int_equal(row.changed_ms, T0);
	assert_int_equal(go(t, TAKE_PROBE, T0 + 200), 1);
	assert_int_equal(go(t, CLOSE, T0 + 201), 1);
	row = row_of(t, "kuper");
	assert_int_equal(row.failures, 0);
	assert_string_equal(row.reason, "");
	assert_int_equal(row.changed_ms, T0 + 201);
}

static void a_probe_of_a_clock_that_was_set_back_is_due_now(void **state)
{
	struct test *t = *state;
	struct endpoint_row row;

	assert_int_equal(go(t, OPEN, T0 + INT64_C(3) * 3600 * 1000), 1);
	row = row_of(t, "kuper");
	assert_true(endpoint_probe_is_due(&row, T0));
	assert_int_equal(go(t, TAKE_PROBE, T0), 1);
	row = row_of(t, "kuper");
	assert_false(endpoint_probe_is_due(&row, T0));
	assert_int_equal(go(t, TAKE_PROBE, T0), 0);
}

static void what_was_held_is_tried_at_once_when_it_changed(void **state)
{
	struct test *t = *state;

	assert_int_equal(go(t, HOLD, T0), 1);
	assert_string_equal(row_of(t, "kuper").reason, "HTTP 401");
	assert_int_equal(go(t, RESUME, T0 + 5), 1);
	assert_int_equal(go(t, TAKE_PROBE, T0 + 5), 1);
}

static void a_state_of_a_newer_version_keeps_everything_back(void **state)
{
	struct test *t = *state;

	fixture_sql(t->f, "INSERT INTO endpoints VALUES"
			  " ('kuper', 'half-open', 0, '', 0, 0)");
	assert_int_equal(row_of(t, "kuper").state, ENDPOINT_HELD);
}

#define T(fn) ON(fn, outbox_kind)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_change_happens_once_and_only_from_its_state),
		T(an_endpoint_without_a_row_is_closed),
		T(one_probe_goes_at_a_time),
		T(a_probe_of_a_clock_that_was_set_back_is_due_now),
		T(what_was_held_is_tried_at_once_when_it_changed),
		T(a_state_of_a_newer_version_keeps_everything_back),
	};
	return cmocka_run_group_tests_name("endpoints", tests, NULL, NULL);
}
