/* SPDX-License-Identifier: MIT
 *
 * What reaches the disk, and when, of a commit.
 */
#include "cmocka_all.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "fault_vfs.h"
#include "store/engine/db.h"
#include "store_fixture.h"

enum {
	ROWS = 20,
	ROW_BYTES = 3000,             /* more than half of a page */
	LARGE_BYTES = 3 * 1024 * 1024 /* more than is gathered */
};

STMT(test_keep, "INSERT INTO quarantine (received_ms, channel, reason, raw)"
		" VALUES (1, 'test', $1, $2)");

static struct db *open_store(const struct fixture *f)
{
	struct db *db = NULL;
	struct err e = {0};

	if (db_open(f->path, DB_WRITE, &db, &e) < 0)
		fail_msg("%s", e.text);
	return db;
}

static void keep(struct db *db, const char *reason, size_t bytes)
{
	CLEANUP_FREE char *raw = calloc(1, bytes);
	CLEANUP_QUERY struct query *q = query_start(db, &test_keep);

	assert_non_null(raw);
	query_text(q, 1, reason);
	query_blob(q, 2, raw, bytes);
	assert_int_equal(query_exec(q, NULL), 1);
}

static void begin(struct db *db)
{
	assert_int_equal(db_begin_write(db, NULL), 0);
}

static void commit(struct db *db)
{
	assert_int_equal(db_commit(db, NULL), 0);
}

static int64_t kept(struct fixture *f, const char *reason)
{
	char sql[100];

	(void)snprintf(sql, sizeof(sql),
		       "SELECT count(*) FROM quarantine WHERE reason = '%s'",
		       reason);
	return fixture_i64(f, sql);
}

static void a_commit_of_many_pages_is_few_writes_and_no_sync(void **state)
{
	struct fixture *f = *state;
	CLEANUP_DB struct db *db = open_store(f);
	struct fault_vfs_counts counts;

	begin(db);
	for (int i = 0; i < ROWS; i++)
		keep(db, "many", ROW_BYTES);
	fault_vfs_arm(0, 0, false);
	commit(db);
	counts = fault_vfs_counts();
	assert_in_range(counts.writes, 1, 3); /* 64 KiB each */
	assert_int_equal(counts.syncs, 0);
	assert_int_equal(kept(f, "many"), ROWS); /* another connection's look */
	assert_int_equal(db_sync(db, NULL), 0);
	assert_int_equal(fault_vfs_counts().syncs, 1);
}

/* Pages leave for the log before the commit, and are read back from it. */
static void a_commit_larger_than_the_cache_is_whole(void **state)
{
	struct fixture *f = *state;
	CLEANUP_DB struct db *db = open_store(f);

	assert_int_equal(db_script(db, "PRAGMA cache_size=10", NULL), 0);
	begin(db);
	for (int i = 0; i < LARGE_BYTES / (ROW_BYTES * 10); i++)
		keep(db, "large", ROW_BYTES * 10);
	assert_int_equal(kept(f, "large"), 0);
	commit(db);
	assert_int_equal(kept(f, "large"), LARGE_BYTES / (ROW_BYTES * 10));
	assert_string_equal(fixture_text(f, "PRAGMA integrity_check"), "ok");
}

static void what_was_rolled_back_leaves_nothing_behind(void **state)
{
	struct fixture *f = *state;
	CLEANUP_DB struct db *db = open_store(f);

	assert_int_equal(db_script(db, "PRAGMA cache_size=10", NULL), 0);
	begin(db);
	for (int i = 0; i < ROWS; i++)
		keep(db, "undone", ROW_BYTES * 10);
	db_rollback(db);
	begin(db);
	keep(db, "done", ROW_BYTES);
	commit(db);
	assert_int_equal(kept(f, "undone"), 0);
	assert_int_equal(kept(f, "done"), 1);
	assert_string_equal(fixture_text(f, "PRAGMA integrity_check"), "ok");
}

/* What the old log held must be on the disk before it is overwritten, and a
 * power cut must not leave the old header in front of new pages. */
static void a_log_begins_anew_after_a_sync_of_store_and_header(void **state)
{
	struct fixture *f = *state;
	CLEANUP_DB struct db *db = open_store(f);

	begin(db);
	keep(db, "before", ROW_BYTES);
	commit(db);
	assert_int_equal(db_checkpoint(db, true, NULL, NULL), 0);
	begin(db);
	keep(db, "after", ROW_BYTES);
	fault_vfs_arm(0, 0, false);
	commit(db);
	assert_int_equal(fault_vfs_counts().syncs, 2);
	begin(db);
	keep(db, "after", ROW_BYTES);
	fault_vfs_arm(0, 0, false);
	commit(db);
	assert_int_equal(fault_vfs_counts().syncs, 0);
}

/* What was gathered of it would overwrite the commit of another process. */
static void
a_rolled_back_transaction_never_writes_over_another_ones(void **state)
{
	struct fixture *f = *state;
	CLEANUP_DB struct db *one = open_store(f);
	CLEANUP_DB struct db *two = open_store(f);

	assert_int_equal(db_script(one, "PRAGMA cache_size=10", NULL), 0);
	begin(one);
	for (int i = 0; i < ROWS; i++)
		keep(one, "undone", ROW_BYTES * 10);
	db_rollback(one);
	begin(two);
	for (int i = 0; i < ROWS; i++)
		keep(two, "done", ROW_BYTES * 10);
	commit(two);
	assert_int_equal(db_sync(one, NULL), 0);
	begin(one);
	keep(one, "after", ROW_BYTES);
	commit(one);
	assert_int_equal(kept(f, "done"), ROWS);
	assert_int_equal(kept(f, "undone"), 0);
	assert_int_equal(kept(f, "after"), 1);
	assert_string_equal(fixture_text(f, "PRAGMA integrity_check"), "ok");
}

/* Or the store's file could hold a page of a commit that the log has lost. */
static void a_checkpoint_syncs_the_log_before_it_copies(void **state)
{
	struct fixture *f = *state;
	CLEANUP_DB struct db *db = open_store(f);

	begin(db);
	keep(db, "before", ROW_BYTES);
	commit(db);
	fault_vfs_arm(0, 0, false);
	assert_int_equal(db_checkpoint(db, false, NULL, NULL), 0);
	assert_true(fault_vfs_counts().writes > 0);
	assert_int_equal(fault_vfs_counts().syncs, 1);
	assert_int_equal(db_sync_store(db, NULL), 0);
	assert_int_equal(fault_vfs_counts().syncs, 2);
}

/* The system reports it once, and says later that all is well. */
static void a_failed_sync_of_the_log_is_not_forgiven(void **state)
{
	struct fixture *f = *state;
	CLEANUP_DB struct db *db = open_store(f);

	begin(db);
	keep(db, "before", ROW_BYTES);
	commit(db);
	fault_vfs_arm(1, SQLITE_IOERR_FSYNC, false);
	assert_int_equal(db_checkpoint(db, false, NULL, NULL), ERR_IO);
	assert_int_equal(fault_vfs_counts().writes, 0);
	assert_int_equal(db_sync(db, NULL), ERR_IO);
	assert_int_equal(db_checkpoint(db, false, NULL, NULL), ERR_IO);
	fault_vfs_arm(0, 0, false);
}

#define STORE_TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(a_commit_of_many_pages_is_few_writes_and_no_sync),
		STORE_TEST(a_commit_larger_than_the_cache_is_whole),
		STORE_TEST(what_was_rolled_back_leaves_nothing_behind),
		STORE_TEST(a_log_begins_anew_after_a_sync_of_store_and_header),
		STORE_TEST(
			a_rolled_back_transaction_never_writes_over_another_ones),
		STORE_TEST(a_checkpoint_syncs_the_log_before_it_copies),
		STORE_TEST(a_failed_sync_of_the_log_is_not_forgiven),
	};

	fault_vfs_install();
	return cmocka_run_group_tests_name("wal_file", tests, NULL, NULL);
}
