/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "store/engine/db.h"
#include "store/engine/migrate.h"
#include "store_fixture.h"

static void a_second_run_applies_nothing(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};
	const struct migration *m = db_migrations(f->db);
	int count = 0;

	assert_int_equal(migrate_run(f->path, 1, NULL, NULL, &e), 0);
	assert_int_equal(fixture_i64(f, "SELECT version FROM store_meta"),
			 migrate_version_built());
	while (m[count].sql != NULL)
		count++;
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM"
					" store_migrations"),
			 count);
	assert_int_equal(strlen(fixture_text(f, "SELECT installation_id FROM"
						" store_meta")),
			 36);
}

static void versions_are_accepted_or_refused_by_what_they_need(void **state)
{
	struct fixture *f = *state;
	int built = migrate_version_built();
	const struct {
		int version, min_reader, want;
		const char *says;
	} rows[] = {
		{built, 1, 0, ""},
		{built + 1, built, 0, ""},
		{built + 1, built + 1, ERR_STATE, "install the newer version"},
		{built - 1, 1, built > 0 ? ERR_STATE : 0, "migrate"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct err e = {0};
		char sql[128];
		int rc;

		(void)snprintf(sql, sizeof(sql),
			       "UPDATE store_meta SET version = %d,"
			       " min_reader = %d",
			       rows[i].version, rows[i].min_reader);
		fixture_sql(f, sql);
		rc = migrate_check(f->db, &e);
		if (rc != rows[i].want || strstr(e.text, rows[i].says) == NULL)
			fail_msg("row %zu: %s '%s'", i, err_name(rc), e.text);
	}
}

static void a_newer_store_is_left_alone(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};

	fixture_sql(f, "UPDATE store_meta SET version = 999, min_reader = 999");
	assert_int_equal(migrate_run(f->path, 0, NULL, NULL, &e), ERR_STATE);
	assert_int_equal(fixture_i64(f, "SELECT version FROM store_meta"), 999);
}

static void a_missing_store_is_named_with_what_to_do(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};
	struct db *db = NULL;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/none.db", f->dir);
	assert_int_equal(migrate_run(path, 0, NULL, NULL, &e), ERR_NOTFOUND);
	assert_non_null(strstr(e.text, "ordergatectl init"));
	assert_int_equal(db_open(path, DB_READ, &db, &e), ERR_NOTFOUND);
	assert_non_null(strstr(e.text, "ordergatectl init"));
	assert_int_equal(access(path, F_OK), -1);
}

static void processes_that_start_together_make_one_store(void **state)
{
	struct fixture *f = *state;
	char path[128];
	pid_t children[6];
	struct db *db = NULL;

	fixture_close(f);
	(void)snprintf(path, sizeof(path), "%s/together.db", f->dir);
	for (size_t i = 0; i < COUNT_OF(children); i++) {
		children[i] = fork();
		if (children[i] == 0)
			_exit(migrate_run(path, 1, NULL, NULL, NULL) < 0);
	}
	for (size_t i = 0; i < COUNT_OF(children); i++) {
		int status = -1;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(db_open(path, DB_READ, &db, NULL), 0);
	assert_int_equal(migrate_check(db, NULL), 0);
	db_close(db);
}

#define STORE_TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(a_second_run_applies_nothing),
		STORE_TEST(versions_are_accepted_or_refused_by_what_they_need),
		STORE_TEST(a_newer_store_is_left_alone),
		STORE_TEST(a_missing_store_is_named_with_what_to_do),
		STORE_TEST(processes_that_start_together_make_one_store),
	};

	return cmocka_run_group_tests_name("migrate", tests, NULL, NULL);
}
