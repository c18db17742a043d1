/* SPDX-License-Identifier: MIT */
#include "queue_test.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cmocka_all.h"
#include "store/queue/inbox.h"
#include "store/queue/outbox.h"

static int add_inbox(struct db *db, int64_t order_id, const char *body,
		     int64_t now_ms)
{
	struct identity identity;
	char external_id[32];
	struct inbox_arrival arrival = {
		.channel = "kuper",
		.external_id = external_id,
		.alias = "",
		.event_type = "order.updated",
		.body = body,
		.event_ms = now_ms,
	};

	(void)snprintf(external_id, sizeof(external_id), "H%lld",
		       (long long)order_id);
	return inbox_add(db, &arrival, now_ms, &identity, NULL);
}

static int add_outbox(struct db *db, int64_t order_id, const char *body,
		      int64_t now_ms)
{
	struct outbox_message m = {
		.order_id = order_id,
		.channel = "kuper",
		.external_id = "H1",
		.endpoint = "kuper",
		.event_type = "order.in_work",
		.body = body,
	};

	return outbox_add(db, &m, now_ms, NULL);
}

struct kind inbox_kind = {&queue_inbox, "inbox", "inbox_head",
			  "order_id",   false,   add_inbox};
struct kind outbox_kind = {&queue_outbox, "outbox", "outbox_head",
			   "head_id",     true,     add_outbox};

int queue_test_setup(void **state)
{
	struct test *t = calloc(1, sizeof(*t));
	void *f = NULL;

	if (t == NULL || fixture_setup(&f) < 0)
		return -1;
	t->f = f;
	t->kind = *state;
	if (db_open(t->f->path, DB_WRITE, &t->db, NULL) < 0)
		return -1;
	*state = t;
	return 0;
}

int queue_test_teardown(void **state)
{
	struct test *t = *state;
	void *f = t->f;

	db_close(t->db);
	(void)fixture_teardown(&f);
	free(t);
	return 0;
}

void begin(struct test *t)
{
	assert_int_equal(db_begin_write(t->db, NULL), 0);
}

void commit(struct test *t)
{
	assert_int_equal(db_commit(t->db, NULL), 0);
}

int end(struct test *t, int rc)
{
	if (rc == 0)
		rc = db_settle(t->db, NULL);
	if (db_is_failed(t->db))
		db_rollback(t->db);
	else
		commit(t);
	return rc;
}

void add(struct test *t, int64_t order_id, const char *body, int64_t now_ms)
{
	begin(t);
	assert_int_equal(t->kind->add(t->db, order_id, body, now_ms), 0);
	commit(t);
}

int claim_as(struct test *t, const char *owner, bool sending, int64_t now_ms,
	     struct queue_message *ret_message)
{
	struct queue_lease lease = {.owner = owner,
				    .until_ms = now_ms + LEASE_MS,
				    .sending = sending};
	struct err e = {0};
	int rc;

	begin(t);
	rc = queue_claim(t->db, t->kind->queue, now_ms, &lease, ret_message,
			 &e);
	if (rc < 0)
		fail_msg("claim: %s", e.text);
	commit(t);
	return rc;
}

int claim(struct test *t, int64_t now_ms, struct queue_message *ret_message)
{
	return claim_as(t, ME, false, now_ms, ret_message);
}

void expect_body(struct test *t, int64_t now_ms, const char *body,
		 struct queue_message *ret_message)
{
	if (claim(t, now_ms, ret_message) == 0)
		fail_msg("nothing was claimed, expected %s", body);
	assert_string_equal(ret_message->body, body);
}

int finish(struct test *t, const struct queue_message *m,
	   const struct queue_result *result, int64_t now_ms)
{
	begin(t);
	return end(t, queue_finish(t->db, t->kind->queue, m, result, now_ms,
				   NULL));
}

int retry(struct test *t, const struct queue_message *m,
	  const struct queue_retry *how, int64_t now_ms)
{
	begin(t);
	return end(t, queue_retry(t->db, t->kind->queue, m, how, now_ms, NULL));
}

const char *value(struct test *t, const char *body, const char *column)
{
	char sql[256];

	(void)snprintf(sql, sizeof(sql), "SELECT %s FROM %s WHERE body = '%s'",
		       column, t->kind->table, body);
	return fixture_text(t->f, sql);
}

const char *head_value(struct test *t, int64_t head, const char *column)
{
	char sql[256];

	(void)snprintf(sql, sizeof(sql), "SELECT %s FROM %s WHERE %s = %lld",
		       column, t->kind->head_table, t->kind->head_key,
		       (long long)head);
	return fixture_text(t->f, sql);
}

int64_t steps_of(struct test *t, const struct stmt *stmt,
		 const char *const *values, int count)
{
	sqlite3 *handle = NULL;
	sqlite3_stmt *prepared = NULL;
	int64_t steps;

	if (!fixture_is_sqlite())
		skip(); /* a server does not count them */
	assert_int_equal(sqlite3_open(t->f->path, &handle), SQLITE_OK);
	assert_int_equal(sqlite3_exec(handle, "BEGIN", NULL, NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(
		sqlite3_prepare_v2(handle, stmt->sql, -1, &prepared, NULL),
		SQLITE_OK);
	for (int n = 1; n <= count; n++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "$%d", n);
		(void)sqlite3_bind_text(
			prepared, sqlite3_bind_parameter_index(prepared, name),
			values[n - 1], -1, SQLITE_STATIC);
	}
	while (sqlite3_step(prepared) == SQLITE_ROW)
		;
	steps = sqlite3_stmt_status(prepared, SQLITE_STMTSTATUS_VM_STEP, 0);
	(void)sqlite3_finalize(prepared);
	(void)sqlite3_exec(handle, "ROLLBACK", NULL, NULL, NULL);
	(void)sqlite3_close(handle);
	return steps;
}
