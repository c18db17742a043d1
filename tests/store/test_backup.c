/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/err.h"
#include "store/engine/backup.h"
#include "store_fixture.h"

static void a_backup_is_whole_private_and_alone(void **state)
{
	struct fixture *f = *state;
	struct fixture copy = {.engine = f->engine};
	struct err e = {0};
	struct stat st;
	int64_t bytes = 0;
	char path[128];

	fixture_sql(f, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1"
		       " FROM n WHERE i < 500) INSERT INTO order_history"
		       " (order_id, at_ms, kind, actor, detail) SELECT i, 0,"
		       " 'take', '', '' FROM n");
	/* A quote in the path is no end of the text in the SQL. */
	(void)snprintf(copy.path, sizeof(copy.path), "%s/it's.db", f->dir);
	if (backup_make(f->path, copy.path, &bytes, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(
		fixture_i64(&copy, "SELECT count(*) FROM order_history"), 500);
	assert_int_equal(stat(copy.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, bytes);
	(void)snprintf(path, sizeof(path), "%s-wal", copy.path);
	assert_int_not_equal(stat(path, &st), 0);
	(void)snprintf(path, sizeof(path), "%s.partial", copy.path);
	assert_int_not_equal(stat(path, &st), 0);
}

static void a_failed_backup_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	char path[128];
	struct stat st;
	int64_t bytes;

	(void)snprintf(path, sizeof(path), "%s/none/x.db", f->dir);
	assert_int_equal(backup_make(f->path, path, &bytes, NULL), ERR_IO);
	(void)snprintf(path, sizeof(path), "%s/x.db", f->dir);
	assert_int_equal(backup_make("/nowhere/x", path, &bytes, NULL),
			 ERR_NOTFOUND);
	assert_int_not_equal(stat(path, &st), 0);
	(void)snprintf(path, sizeof(path), "%s/x.db.partial", f->dir);
	assert_int_not_equal(stat(path, &st), 0);
}

#define STORE_TEST(function)                                     \
	cmocka_unit_test_setup_teardown(function, fixture_setup, \
					fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(a_backup_is_whole_private_and_alone),
		STORE_TEST(a_failed_backup_leaves_nothing),
	};
	return cmocka_run_group_tests_name("backup", tests, NULL, NULL);
}
