/* SPDX-License-Identifier: MIT
 *
 * What operators do with messages, by id and by filter.
 */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "queue_test.h"
#include "store/repair/repair.h"

static const struct repair_filter everything = {0};

/* A message that failed with this error. */
static void add_failed(struct test *t, int64_t order_id, const char *body,
		       const char *error)
{
	struct queue_result failed = {.state = QUEUE_FAILED,
				      .outcome = OUTCOME_REJECTED,
				      .error = error};
	MESSAGE m = {0};

	add(t, order_id, body, T0);
	expect_body(t, T0, body, &m);
	assert_int_equal(finish(t, &m, &failed, T0 + 1), 0);
}

static const struct repair_queue *queue_of(struct test *t)
{
	const struct repair_queue *queue =
		repair_queue_find(t->kind->queue->name);

	assert_non_null(queue);
	return queue;
}

static struct repair_done run(struct test *t, struct repair_task task)
{
	struct repair_done done = {0};
	struct err e = {0};

	task.queue = queue_of(t);
	task.actor = "anna";
	if (task.reason == NULL)
		task.reason = "the marketplace has mended it";
	if (repair_run(t->f->db, t->f->writer, &task, NULL, NULL, &done, &e) <
	    0)
		fail_msg("%s", e.text);
	return done;
}

static int64_t count(struct test *t, enum repair_action action,
		     const struct repair_filter *filter)
{
	int64_t found = -1;

	assert_int_equal(repair_count(t->f->db, queue_of(t), action, filter,
				      &found, NULL),
			 0);
	return found;
}

static void a_named_message_is_retried_and_the_log_says_so(void **state)
{
	struct test *t = *state;
	const int64_t ids[] = {1, 77};
	struct repair_done done;

	add_failed(t, 1, "a", "HTTP 422");
	done = run(t, (struct repair_task){.action = REPAIR_RETRY,
					   .ids = ids,
					   .id_count = 2});
	assert_int_equal(done.matched, 2);
	assert_int_equal(done.changed, 1);
	assert_string_equal(value(t, "a", "state"), "1");
	assert_string_equal(head_value(t, 1, "state"), "1");
	assert_string_equal(
		fixture_text(t->f, "SELECT actor || '; ' || filter || '; ' ||"
				   " reason || '; ' || matched || ' ' ||"
				   " changed FROM audit_log"),
		"anna; {\"ids\":2}; the marketplace has mended it; 2 1");
	assert_string_equal(fixture_text(t->f,
					 "SELECT group_concat(message || '=' ||"
					 " changed) FROM audit_messages"),
			    "1=1,77=0");
}

static void nothing_is_done_by_filter_without_a_reason(void **state)
{
	struct test *t = *state;
	struct repair_filter filter = {.values[FIELD_STATE] = "4"};
	struct repair_task task = {.queue = queue_of(t),
				   .action = REPAIR_SKIP,
				   .filter = &filter,
				   .actor = "anna",
				   .reason = ""};
	struct repair_done done;

	add_failed(t, 1, "a", "HTTP 422");
	assert_int_equal(repair_run(t->f->db, t->f->writer, &task, NULL, NULL,
				    &done, NULL),
			 ERR_INVALID);
	assert_string_equal(value(t, "a", "state"), "4");
	assert_int_equal(fixture_i64(t->f, "SELECT count(*) FROM audit_log"),
			 0);
}

static void a_filter_finds_what_it_says(void **state)
{
	struct test *t = *state;
	static const struct {
		const char *name;
		enum repair_field field;
		const char *value;
		int64_t retry, skip, release, resend;
	} rows[] = {
		{"all", FIELD_STATE, "", 3, 4, 1, 3},
		{"state", FIELD_STATE, "1", 0, 1, 1, 0},
		{"outcome", FIELD_OUTCOME, "rejected", 3, 3, 0, 3},
		{"hold", FIELD_HOLD, "auth", 0, 0, 0, 0},
		{"order", FIELD_ORDER, "2", 1, 1, 0, 1},
		{"a part of the error", FIELD_ERROR, "%50\\%%", 1, 1, 0, 1},
		{"another error", FIELD_ERROR, "%http%", 2, 2, 0, 2},
		{"made before", FIELD_BEFORE, "1000000", 0, 0, 0, 0},
		{"made since", FIELD_SINCE, "1000000", 3, 4, 1, 3},
		{"from an id on", FIELD_FIRST_ID, "3", 1, 2, 1, 1},
		{"up to an id", FIELD_LAST_ID, "1", 1, 1, 0, 1},
	};

	add_failed(t, 1, "a", "HTTP 422");
	add_failed(t, 2, "b", "HTTP 503");
	add_failed(t, 3, "c", "sure to 50%");
	add(t, 4, "d", T0);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct repair_filter filter = {0};

		filter.values[rows[i].field] = rows[i].value;
		if (count(t, REPAIR_RETRY, &filter) != rows[i].retry ||
		    count(t, REPAIR_SKIP, &filter) != rows[i].skip ||
		    count(t, REPAIR_RELEASE, &filter) != rows[i].release ||
		    count(t, REPAIR_RESEND, &filter) != rows[i].resend)
			fail_msg("%s", rows[i].name);
	}
}

static void many_go_in_batches_under_one_entry(void **state)
{
	struct test *t = *state;
	struct repair_done done;
	char body[16];

	for (int i = 1; i <= REPAIR_BATCH + 20; i++) {
		(void)snprintf(body, sizeof(body), "m%d", i);
		add_failed(t, i, body, "HTTP 422");
	}
	done = run(t, (struct repair_task){.action = REPAIR_SKIP,
					   .filter = &everything});
	assert_int_equal(done.matched, REPAIR_BATCH + 20);
	assert_int_equal(done.changed, REPAIR_BATCH + 20);
	assert_int_equal(fixture_i64(t->f, "SELECT count(*) FROM audit_log"),
			 1);
	assert_int_equal(fixture_i64(t->f, "SELECT matched + changed FROM"
					   " audit_log"),
			 2 * (REPAIR_BATCH + 20));
	assert_string_equal(value(t, "m1", "outcome"), "skipped");
	assert_int_equal(count(t, REPAIR_SKIP, &everything), 0);
}

static void what_is_not_found_leaves_no_entry(void **state)
{
	struct test *t = *state;
	struct repair_done done =
		run(t, (struct repair_task){.action = REPAIR_RETRY,
					    .filter = &everything});

	assert_int_equal(done.audit_id, 0);
	assert_int_equal(done.matched, 0);
	assert_int_equal(fixture_i64(t->f, "SELECT count(*) FROM audit_log"),
			 0);
}

static const char *of_copy(struct test *t, const char *columns)
{
	char sql[256];

	(void)snprintf(sql, sizeof(sql), "SELECT %s FROM %s WHERE copy_of = 1",
		       columns, t->kind->table);
	return fixture_text(t->f, sql);
}

static void a_copy_goes_to_the_end_and_names_its_origin(void **state)
{
	struct test *t = *state;
	const int64_t ids[] = {1};
	struct repair_done done;

	add_failed(t, 1, "a", "HTTP 422");
	add(t, 1, "later", T0);
	done = run(t, (struct repair_task){.action = REPAIR_RESEND,
					   .ids = ids,
					   .id_count = 1});
	assert_int_equal(done.changed, 1);
	assert_string_equal(of_copy(t, "body || order_seq || state ||"
				       " attempts || order_id"),
			    "a3101");
	assert_string_equal(of_copy(t, "(SELECT count(*) FROM audit_messages"
				       " WHERE message = 1 AND copy = id)"),
			    "1");
	assert_string_equal(of_copy(t, "CASE WHEN message_id <>"
				       " (SELECT o.message_id FROM outbox AS o"
				       "  WHERE o.id = 1) THEN 1 END"),
			    t->kind->is_outbox ? "1" : "");
	assert_string_equal(head_value(t, 1, "last_seq"), "3");
}

/* As the archive and the eraser leave it. */
static void archive_first(struct test *t, const char *body)
{
	char sql[800];

	(void)snprintf(
		sql, sizeof(sql),
		"INSERT INTO %s_archive (id, message_id, channel, external_id,"
		" event_type, order_id, order_seq, state, outcome, hold,"
		" attempts, due_ms, lease_epoch, lease_until_ms, created_ms,"
		" updated_ms, body, %s) SELECT id, message_id, channel,"
		" external_id, event_type, order_id, order_seq, 3, 'ok', hold,"
		" attempts, due_ms, 0, 0, created_ms, updated_ms, '%s', %s"
		" FROM %s WHERE id = 1; DELETE FROM %s WHERE id = 1",
		t->kind->table,
		t->kind->is_outbox ? "head_id, endpoint" : "event_ms", body,
		t->kind->is_outbox ? "head_id, endpoint" : "event_ms",
		t->kind->table, t->kind->table);
	fixture_sql(t->f, sql);
}

static void an_archived_message_is_sent_again_and_only_once(void **state)
{
	struct test *t = *state;
	struct repair_done done;

	add_failed(t, 1, "a", "HTTP 422");
	add_failed(t, 2, "b", "HTTP 422");
	archive_first(t, "kept");
	done = run(t, (struct repair_task){.action = REPAIR_RESEND,
					   .filter = &everything});
	assert_int_equal(done.changed, 2);
	assert_string_equal(of_copy(t, "body"), "kept");
}

static void an_erased_message_is_not_sent_again(void **state)
{
	struct test *t = *state;
	const int64_t ids[] = {1};

	add_failed(t, 1, "a", "HTTP 422");
	archive_first(t, "");
	assert_int_equal(run(t, (struct repair_task){.action = REPAIR_RESEND,
						     .ids = ids,
						     .id_count = 1})
				 .changed,
			 0);
	assert_string_equal(of_copy(t, "count(*)"), "0");
}

static void an_order_is_found_by_each_of_its_names(void **state)
{
	struct test *t = *state;
	static const char *const names[] = {"H1", "7-000001", "1"};
	char found[REPAIR_ORDER_BYTES];

	fixture_sql(t->f, "DELETE FROM order_identity;"
			  "INSERT INTO order_identity VALUES ('kuper', 'H1', "
			  "1, '7-000001'),"
			  " ('kuper', 'uuid-of-it', 1, '7-000001')");
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		assert_int_equal(repair_order(t->f->db, queue_of(t), names[i],
					      found, NULL),
				 1);
		assert_string_equal(found, "1");
	}
	assert_int_equal(repair_order(t->f->db, queue_of(t), "H9", found, NULL),
			 0);
}

static void a_pattern_finds_the_text_itself(void **state)
{
	char pattern[REPAIR_ORDER_BYTES];

	(void)state;
	repair_pattern("50% of a_b\\", pattern);
	assert_string_equal(pattern, "%50\\% of a\\_b\\\\%");
}

#define ALL(kind)                                                          \
	ON(a_named_message_is_retried_and_the_log_says_so, kind),          \
		ON(nothing_is_done_by_filter_without_a_reason, kind),      \
		ON(a_filter_finds_what_it_says, kind),                     \
		ON(many_go_in_batches_under_one_entry, kind),              \
		ON(what_is_not_found_leaves_no_entry, kind),               \
		ON(a_copy_goes_to_the_end_and_names_its_origin, kind),     \
		ON(an_archived_message_is_sent_again_and_only_once, kind), \
		ON(an_erased_message_is_not_sent_again, kind),             \
		ON(an_order_is_found_by_each_of_its_names, kind),          \
		ON(a_pattern_finds_the_text_itself, kind)

int main(void)
{
	const struct CMUnitTest inbox[] = {ALL(inbox_kind)};
	const struct CMUnitTest outbox[] = {ALL(outbox_kind)};
	int failed = cmocka_run_group_tests_name("repair of the inbox", inbox,
						 NULL, NULL);

	return failed + cmocka_run_group_tests_name("repair of the outbox",
						    outbox, NULL, NULL);
}
