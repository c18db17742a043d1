/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "base/err.h"
#include "fault_vfs.h"
#include "store/engine/checkpoint.h"
#include "store/engine/db.h"
#include "store/engine/write_lock.h"
#include "store_fixture.h"

enum {
	EVERY_PAGES = 20,
	MANY_BYTES = 400 * 1024 /* more pages than the last step leaves */
};

STMT(test_keep, "INSERT INTO quarantine (received_ms, channel, reason, raw)"
		" VALUES (1, 'test', '', $1)");

/* A writing process, as far as checkpoints know it. */
struct process {
	struct db *db;
	struct write_lock *lock;
	struct checkpoint *checkpoint;
};

static void start(struct process *p, const struct fixture *f)
{
	struct err e = {0};

	*p = (struct process){0};
	if (db_open(f->path, DB_WRITE, &p->db, &e) < 0 ||
	    write_lock_open(f->path, WRITE_LOCK_SUFFIX, &p->lock, &e) < 0 ||
	    checkpoint_open(f->path, EVERY_PAGES, &p->checkpoint, &e) < 0)
		fail_msg("%s", e.text);
}

static void stop(struct process *p)
{
	checkpoint_close(p->checkpoint);
	write_lock_close(p->lock);
	db_close(p->db);
}

/* One commit; does it owe a checkpoint? */
static bool write_bytes(struct process *p, size_t bytes)
{
	CLEANUP_FREE char *raw = calloc(1, bytes);
	bool owes;

	assert_non_null(raw);
	assert_int_equal(write_lock_take(p->lock, NULL), 0);
	assert_int_equal(db_begin_write(p->db, NULL), 0);
	{
		CLEANUP_QUERY struct query *q = query_start(p->db, &test_keep);

		query_blob(q, 1, raw, bytes);
		assert_int_equal(query_exec(q, NULL), 1);
	}
	assert_int_equal(db_commit(p->db, NULL), 0);
	owes = checkpoint_step(p->checkpoint, p->db, NULL) > 0;
	write_lock_release(p->lock);
	return owes;
}

static void write_until_due(struct process *p)
{
	for (int i = 0; i < 2 * EVERY_PAGES; i++)
		if (write_bytes(p, 5000))
			return;
	fail_msg("no checkpoint was due");
}

static int finish(struct process *p)
{
	bool owes = true;

	while (owes) {
		int rc = checkpoint_sync(p->checkpoint, p->db, NULL);

		if (rc < 0)
			return rc;
		assert_int_equal(write_lock_take(p->lock, NULL), 0);
		owes = checkpoint_step(p->checkpoint, p->db, NULL) > 0;
		write_lock_release(p->lock);
	}
	return 0;
}

static void the_log_begins_anew_only_when_the_store_is_on_the_disk(void **state)
{
	struct fixture *f = *state;
	struct process one;
	struct process two;
	int64_t pages;

	start(&one, f);
	start(&two, f);
	write_until_due(&one);
	pages = db_wal_pages(one.db);
	assert_true(pages >= EVERY_PAGES);
	(void)write_bytes(&two, 100);
	assert_true(db_wal_pages(two.db) > pages); /* pinned: it goes on */
	assert_int_equal(finish(&one), 0);
	fault_vfs_arm(0, 0, false);
	(void)write_bytes(&two, 100);
	assert_in_range(db_wal_pages(two.db), 1, EVERY_PAGES / 2);
	stop(&one);
	stop(&two);
	assert_string_equal(fixture_text(f, "PRAGMA integrity_check"), "ok");
}

static void one_process_of_an_installation_does_it_at_a_time(void **state)
{
	struct fixture *f = *state;
	struct process one;
	struct process two;

	start(&one, f);
	start(&two, f);
	write_until_due(&one);
	for (int i = 0; i < EVERY_PAGES; i++)
		assert_false(write_bytes(&two, 5000));
	assert_int_equal(finish(&one), 0);
	write_until_due(&two);
	assert_int_equal(finish(&two), 0);
	stop(&one);
	stop(&two);
}

/* One that is killed has lost its pin and its turn, as one that is closed. */
static void
after_a_kill_in_between_the_next_writer_syncs_the_store(void **state)
{
	struct fixture *f = *state;
	struct process one;
	struct process two;

	start(&one, f);
	start(&two, f);
	write_until_due(&one);
	stop(&one);
	fault_vfs_arm(0, 0, false);
	(void)write_bytes(&two, 100);
	assert_in_range(db_wal_pages(two.db), 1, EVERY_PAGES / 2);
	assert_int_equal(fault_vfs_counts().syncs, 2); /* store, header */
	write_until_due(&two);
	assert_int_equal(finish(&two), 0);
	stop(&two);
}

static void a_disk_that_fails_is_said_and_frees_the_turn(void **state)
{
	struct fixture *f = *state;
	struct process one;
	struct process two;

	start(&one, f);
	start(&two, f);
	write_until_due(&one);
	fault_vfs_arm(1, SQLITE_IOERR_FSYNC, false);
	assert_int_equal(finish(&one), ERR_IO);
	fault_vfs_arm(0, 0, false);
	write_until_due(&two);
	assert_int_equal(finish(&two), 0);
	stop(&one);
	stop(&two);
	assert_string_equal(fixture_text(f, "PRAGMA integrity_check"), "ok");
}

/* Without the pin of a second round the writer that begins the log anew would
 * sync all of it while everybody waits. */
static void
what_came_in_masses_meanwhile_is_synced_without_the_lock(void **state)
{
	struct fixture *f = *state;
	struct process one;
	struct process two;

	start(&one, f);
	start(&two, f);
	write_until_due(&one);
	(void)write_bytes(&two, MANY_BYTES);
	fault_vfs_arm(0, 0, false);
	assert_int_equal(finish(&one), 0);
	/* Each round: the store, then the log before it is copied. */
	assert_int_equal(fault_vfs_counts().syncs, 4);
	stop(&one);
	stop(&two);
}

#define STORE_TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(
			the_log_begins_anew_only_when_the_store_is_on_the_disk),
		STORE_TEST(one_process_of_an_installation_does_it_at_a_time),
		STORE_TEST(
			after_a_kill_in_between_the_next_writer_syncs_the_store),
		STORE_TEST(a_disk_that_fails_is_said_and_frees_the_turn),
		STORE_TEST(
			what_came_in_masses_meanwhile_is_synced_without_the_lock),
	};

	fault_vfs_install();
	return cmocka_run_group_tests_name("checkpoint", tests, NULL, NULL);
}
