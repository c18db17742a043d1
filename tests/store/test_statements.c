/* SPDX-License-Identifier: MIT
 *
 * Every statement of the store is one that the engine understands and can plan,
 * whether or not a test runs it.
 */
#include "cmocka_all.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/macros.h"
#include "store/engine/db_private.h"
#include "store/watch/views.h"
#include "store_fixture.h"

enum {
	TEXT_BYTES_MAX = 64 * 1024,
	STATEMENTS_MIN = 600 /* the whole library is linked */
};

/* A copy of a store is a file; and each driver has its own words for a
 * transaction. */
static const char *const of_files[] = {"backup_quick_check"};

static bool is_of_files(const char *name)
{
	if (strncmp(name, "tx_", 3) == 0)
		return true;
	for (size_t i = 0; i < COUNT_OF(of_files); i++)
		if (strcmp(of_files[i], name) == 0)
			return true;
	return false;
}

static int prepare_in_file(struct db *db, const struct stmt *stmt,
			   struct err *e)
{
	struct query *q = query_new(db, stmt);
	int rc;

	assert_non_null(q);
	rc = db->driver->prepare(q, e);
	query_free(q);
	return rc;
}

static int highest_parameter(const char *sql)
{
	int highest = 0;

	for (const char *p = strchr(sql, '$'); p != NULL;
	     p = strchr(p + 1, '$'))
		highest = MAX_OF(highest, (int)strtol(p + 1, NULL, 10));
	return highest;
}

/* A plan for any parameters also computes what has none: a product of literals
 * that does not fit in 32 bits fails only there. */
static int plan_at_server(struct db *db, const struct stmt *stmt, struct err *e)
{
	CLEANUP(buf_clear) struct buf sql = BUF_MAX(TEXT_BYTES_MAX);
	const char *text = stmt->pg != NULL ? stmt->pg : stmt->sql;
	int count = highest_parameter(text);
	int rc;

	buf_printf(&sql, "PREPARE tried AS %s", text);
	rc = db_script(db, buf_text(&sql), e);
	if (rc < 0)
		return rc;
	buf_reset(&sql);
	buf_add_text(&sql, "EXPLAIN EXECUTE tried");
	for (int i = 0; i < count; i++)
		buf_printf(&sql, "%sNULL", i > 0 ? ", " : " (");
	buf_add_text(&sql, count > 0 ? ")" : "");
	rc = db_script(db, buf_text(&sql), e);
	(void)db_script(db, "DEALLOCATE tried", NULL);
	return rc;
}

static void the_engine_understands_every_statement(void **state)
{
	struct fixture *f = *state;
	bool is_file = (db_caps(f->path) & DB_CAP_FILE) != 0;
	const struct stmt *all = stmt_first();
	int bad = 0;

	assert_true(stmt_count() > STATEMENTS_MIN);
	if (!is_file)
		assert_int_equal(
			db_script(f->db,
				  "SET plan_cache_mode = force_generic_plan",
				  NULL),
			0);
	for (size_t i = 0; i < stmt_count(); i++) {
		struct err e = {0};
		int rc = 0;

		if (is_file)
			rc = prepare_in_file(f->db, &all[i], &e);
		else if (!is_of_files(all[i].name))
			rc = plan_at_server(f->db, &all[i], &e);
		if (rc < 0) {
			print_error("%s: %s\n", all[i].name, e.text);
			bad++;
		}
	}
	assert_int_equal(bad, 0);
}

static void what_it_does_not_understand_is_noticed(void **state)
{
	static const struct stmt bad = {"bad", "SELECT nothing FROM orders",
					NULL};
	struct fixture *f = *state;
	bool is_file = (db_caps(f->path) & DB_CAP_FILE) != 0;

	assert_true((is_file ? prepare_in_file : plan_at_server)(f->db, &bad,
								 NULL) < 0);
}

static int count_row(struct query *row, void *context)
{
	(void)row;
	++*(int *)context;
	return 0;
}

/* Numbers come to views as texts, and no engine makes one of "1x". */
static void a_text_that_is_no_number_finds_nothing(void **state)
{
	static const struct {
		const char *id, *limit;
		int shown, listed;
	} rows[] = {
		{"7", "10", 1, 1},
		{"007", "1", 1, 1},
		{"", "", 0, 0},
		{"7x", "x", 0, 0},
		{"-7", "-1", 0, 0},
		{"99999999999999999999", "99999999999999999999", 0, 0},
	};
	struct fixture *f = *state;

	fixture_sql(f, "INSERT INTO audit_log (id, at_ms, actor, action,"
		       " filter, reason) VALUES (7, 0, '', '', '', '');"
		       "INSERT INTO audit_messages (audit_id, queue, message,"
		       " changed) VALUES (7, 'inbox', 1, 1)");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int shown = 0;
		int listed = 0;

		assert_int_equal(view_run(f->db, view_find("audit.show"),
					  &rows[i].id, 1, count_row, &shown,
					  NULL),
				 rows[i].shown);
		assert_int_equal(view_run(f->db, view_find("audit.list"),
					  &rows[i].limit, 1, count_row, &listed,
					  NULL),
				 rows[i].listed);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_engine_understands_every_statement, fixture_setup,
			fixture_teardown),
		cmocka_unit_test_setup_teardown(
			what_it_does_not_understand_is_noticed, fixture_setup,
			fixture_teardown),
		cmocka_unit_test_setup_teardown(
			a_text_that_is_no_number_finds_nothing, fixture_setup,
			fixture_teardown),
	};

	return cmocka_run_group_tests_name("statements", tests, NULL, NULL);
}
