/* SPDX-License-Identifier: MIT
 *
 * A batch of units meets a disk that gives up at each possible point. Whatever
 * happens: no unit is half done, every unit that was reported good is in the
 * store after reopening it, and none that was reported undone is.
 */
#include "cmocka_all.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "fault_vfs.h"
#include "store/engine/db.h"
#include "store/engine/write_lock.h"
#include "store/engine/writer.h"
#include "store/queue/inbox.h"
#include "store_fixture.h"

enum {
	UNITS = 6,
	POINTS_MAX = 400 /* more than a batch has operations */
};

struct add {
	struct unit unit;
	char external_id[32];
	struct identity identity;
	const char *body;
	bool refuse; /* fails on its own after having written */
};

STMT(test_synchronous, "PRAGMA synchronous");

static int run_add(struct unit *u, struct db *db, int64_t now_ms, struct err *e)
{
	struct add *add = CONTAINER_OF(u, struct add, unit);
	struct inbox_arrival arrival = {
		.channel = "kuper",
		.external_id = add->external_id,
		.alias = "",
		.event_type = "order.created",
		.body = add->body,
		.event_ms = now_ms,
	};
	int rc;

	/* A body that is large for its cache spills to disk at once. */
	if (strlen(add->body) > 1000)
		(void)db_script(db, "PRAGMA cache_size=10", NULL);
	rc = inbox_add(db, &arrival, now_ms, &add->identity, e);
	if (rc == 0 && add->refuse)
		return err_set(e, ERR_STATE, "refused after writing");
	return rc;
}

/* On a busy machine a batch must not be split by its budget. */
static int patient_setup(void **state)
{
	struct writer_options options = {.checkpoint_pages = 1000,
					 .lock_budget_ms = 60000};
	struct fixture *f = NULL;

	if (fixture_setup(state) != 0)
		return -1;
	f = *state;
	writer_stop(f->writer);
	f->writer = NULL;
	options.path = f->path;
	return writer_start(&options, &f->writer, NULL);
}

static void make_units(struct add *adds, struct unit **units, int round)
{
	memset(adds, 0, sizeof(*adds) * UNITS);
	for (int i = 0; i < UNITS; i++) {
		adds[i].unit.run = run_add;
		adds[i].body = "{}";
		adds[i].refuse = i == 2;
		(void)snprintf(adds[i].external_id, sizeof(adds[i].external_id),
			       "H%d-%d", round, i);
		units[i] = &adds[i].unit;
	}
}

struct gate {
	struct fixture *f;
	struct write_lock *lock;
};

static void *open_when_all_wait(void *context)
{
	struct gate *gate = context;

	while (writer_stats(gate->f->writer).waiting < UNITS)
		(void)usleep(200);
	write_lock_release(gate->lock);
	return NULL;
}

/* Hold the write lock until all units wait, so that they are one batch. */
static void run_as_one_batch(struct fixture *f, struct unit **units)
{
	struct gate gate = {.f = f};
	pthread_t thread;

	assert_int_equal(
		write_lock_open(f->path, WRITE_LOCK_SUFFIX, &gate.lock, NULL),
		0);
	assert_int_equal(write_lock_take(gate.lock, NULL), 0);
	assert_int_equal(
		pthread_create(&thread, NULL, open_when_all_wait, &gate), 0);
	writer_call_all(f->writer, units, UNITS);
	(void)pthread_join(thread, NULL);
	write_lock_close(gate.lock);
}

static int64_t count(struct fixture *f, const char *table, const char *id)
{
	char sql[256];

	(void)snprintf(sql, sizeof(sql),
		       "SELECT count(*) FROM %s WHERE external_id = '%s'",
		       table, id);
	return fixture_i64(f, sql);
}

/* What each unit was told agrees with what is in the file. */
static void check_units(struct fixture *f, const struct add *adds, int point,
			int code)
{
	for (int i = 0; i < UNITS; i++) {
		int64_t inbox = count(f, "inbox", adds[i].external_id);
		int64_t names = count(f, "order_identity", adds[i].external_id);
		int rc = adds[i].unit.rc;

		if (inbox != names || inbox > 1)
			fail_msg("point %d code %d unit %d is half done: "
				 "%lld messages, %lld names",
				 point, code, i, (long long)inbox,
				 (long long)names);
		if (rc == 0 && inbox != 1)
			fail_msg("point %d code %d unit %d was acknowledged "
				 "and is lost",
				 point, code, i);
		if (rc < 0 && rc != ERR_UNCERTAIN && inbox != 0)
			fail_msg("point %d code %d unit %d was undone (%s) "
				 "and is there",
				 point, code, i, err_name(rc));
	}
}

static void check_store(struct fixture *f)
{
	assert_string_equal(fixture_text(f, "PRAGMA integrity_check"), "ok");
	/* No gap in the sequence of any order. */
	assert_int_equal(
		fixture_i64(f, "SELECT count(*) FROM inbox_head h WHERE"
			       " last_seq <> (SELECT count(*) FROM inbox i"
			       " WHERE i.order_id = h.order_id)"),
		0);
}

/* One batch with a fault armed at `point`; true when the fault happened. The
 * fixture is made in here, because a broken writer stays broken. */
static bool try_point(int point, int code, bool persistent)
{
	struct fixture *f = NULL;
	struct add adds[UNITS];
	struct unit *units[UNITS];
	bool fired;

	assert_int_equal(patient_setup((void **)&f), 0);
	make_units(adds, units, point);
	fault_vfs_arm(point, code, persistent);
	run_as_one_batch(f, units);
	fired = fault_vfs_fired();
	fault_vfs_arm(0, 0, false);
	/* What an uncertain commit left behind shows to whoever opens next. */
	check_units(f, adds, point, code);
	check_store(f);
	assert_int_equal(fixture_teardown((void **)&f), 0);
	return fired;
}

static void no_unit_is_half_done_at_any_point_of_failure(void **state)
{
	static const struct {
		int code;
		bool persistent;
	} rows[] = {
		{SQLITE_FULL, false},        {SQLITE_FULL, true},
		{SQLITE_IOERR_WRITE, false}, {SQLITE_IOERR_WRITE, true},
		{SQLITE_IOERR_FSYNC, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int point = 1;

		while (point < POINTS_MAX &&
		       try_point(point, rows[i].code, rows[i].persistent))
			point++;
		assert_in_range(point, 3, POINTS_MAX - 1);
	}
}

/* Pages that do not fit into the cache reach the disk before COMMIT, so the
 * engine gives the whole transaction up in the middle of a unit: then nothing
 * more of the batch may run, and no commit is tried. */
static void a_transaction_lost_midway_takes_all_of_its_units(void **state)
{
	static const int codes[] = {SQLITE_FULL, SQLITE_IOERR_WRITE};
	static char body[100000];

	(void)state;
	memset(body, 'x', sizeof(body) - 1);
	for (int point = 1; point < 30; point += 3) {
		struct fixture *f = NULL;
		struct add adds[UNITS];
		struct unit *units[UNITS];

		assert_int_equal(patient_setup((void **)&f), 0);
		make_units(adds, units, point);
		for (int i = 0; i < UNITS; i++)
			adds[i].body = body;
		fault_vfs_arm(point, codes[point % 2], false);
		run_as_one_batch(f, units);
		assert_true(fault_vfs_fired());
		check_units(f, adds, point, codes[point % 2]);
		for (int i = 0; i < UNITS; i++)
			if (adds[i].unit.rc >= 0 ||
			    adds[i].unit.rc == ERR_UNCERTAIN)
				fail_msg("point %d unit %d: %s", point, i,
					 err_name(adds[i].unit.rc));
		assert_int_equal(fixture_teardown((void **)&f), 0);
	}
}

static void running_out_of_memory_undoes_whole_units(void **state)
{
	(void)state;
	for (int point = 1; point < 200; point += 3) {
		struct fixture *f = NULL;
		struct add adds[UNITS];
		struct unit *units[UNITS];

		assert_int_equal(patient_setup((void **)&f), 0);
		make_units(adds, units, point);
		fault_malloc_arm(point);
		run_as_one_batch(f, units);
		fault_malloc_arm(0);
		check_units(f, adds, point, SQLITE_NOMEM);
		check_store(f);
		assert_int_equal(fixture_teardown((void **)&f), 0);
	}
}

static void a_refusing_unit_is_undone_alone(void **state)
{
	struct fixture *f = *state;
	struct add adds[UNITS];
	struct unit *units[UNITS];

	make_units(adds, units, 0);
	run_as_one_batch(f, units);
	for (int i = 0; i < UNITS; i++)
		assert_int_equal(adds[i].unit.rc, i == 2 ? ERR_STATE : 0);
	check_units(f, adds, 0, 0);
}

static void after_a_full_disk_the_writer_goes_on(void **state)
{
	struct fixture *f = *state;
	struct add adds[UNITS];
	struct unit *units[UNITS];

	make_units(adds, units, 1);
	fault_vfs_arm(1, SQLITE_FULL, true);
	run_as_one_batch(f, units);
	for (int i = 0; i < UNITS; i++)
		assert_true(adds[i].unit.rc < 0);
	fault_vfs_arm(0, 0, false);
	make_units(adds, units, 2);
	run_as_one_batch(f, units);
	assert_int_equal(adds[0].unit.rc, 0);
	check_units(f, adds, 0, 0);
}

static void after_an_io_error_the_writer_says_so(void **state)
{
	struct fixture *f = *state;
	struct add adds[UNITS];
	struct unit *units[UNITS];

	make_units(adds, units, 1);
	fault_vfs_arm(1, SQLITE_IOERR_WRITE, true);
	run_as_one_batch(f, units);
	fault_vfs_arm(0, 0, false);
	assert_true(writer_stats(f->writer).broken);
	make_units(adds, units, 2);
	writer_call_all(f->writer, units, UNITS);
	for (int i = 0; i < UNITS; i++)
		assert_int_equal(adds[i].unit.rc, ERR_IO);
}

struct last_unit {
	struct unit unit;
	const char *path, *away;
};

/* The disk fills up, and the store is gone when it is to be opened anew. */
static int run_last_unit(struct unit *u, struct db *db, int64_t now_ms,
			 struct err *e)
{
	const struct last_unit *last = CONTAINER_OF(u, struct last_unit, unit);

	(void)now_ms;
	if (db_script(db, "UPDATE store_meta SET backup_ms = 1", e) < 0)
		return ERR_INVALID;
	if (rename(last->path, last->away) < 0)
		return err_errno(e, ERR_INVALID, "%s", last->path);
	fault_vfs_arm(1, SQLITE_FULL, true);
	return 0;
}

static void a_store_that_cannot_be_opened_anew_ends_the_writer(void **state)
{
	struct fixture *f = *state;
	char away[sizeof(f->path) + 8];
	struct last_unit last = {
		.unit.run = run_last_unit, .path = f->path, .away = away};

	(void)snprintf(away, sizeof(away), "%s.away", f->path);
	assert_int_equal(writer_call(f->writer, &last.unit, NULL),
			 ERR_UNCERTAIN);
	fault_vfs_arm(0, 0, false);
	for (int i = 0; i < 2; i++)
		assert_int_equal(writer_call(f->writer, &last.unit, NULL),
				 ERR_IO);
	assert_true(writer_stats(f->writer).broken);
}

static int run_io_failure(struct unit *u, struct db *db, int64_t now_ms,
			  struct err *e)
{
	(void)u;
	(void)db;
	(void)now_ms;
	return err_set(e, ERR_IO, "the disk fails");
}

static void a_unit_that_met_a_failing_disk_ends_the_writer(void **state)
{
	struct fixture *f = *state;
	struct unit u = {.run = run_io_failure};

	assert_int_equal(writer_call(f->writer, &u, NULL), ERR_IO);
	assert_true(writer_stats(f->writer).broken);
}

/* One unit with a checkpoint behind it; false when the fault did not happen. */
static bool fail_sync(int point)
{
	struct fixture *f = NULL;
	struct writer_options options = {.checkpoint_pages = 1};
	struct writer *writer = NULL;
	struct add first = {.unit.run = run_add, .body = "{}"};
	struct add second = {.unit.run = run_add, .body = "{}"};
	bool fired;

	assert_int_equal(patient_setup((void **)&f), 0);
	options.path = f->path;
	(void)snprintf(first.external_id, sizeof(first.external_id), "H1");
	(void)snprintf(second.external_id, sizeof(second.external_id), "H2");
	assert_int_equal(writer_start(&options, &writer, NULL), 0);
	fault_vfs_arm(point, SQLITE_IOERR_FSYNC, false);
	(void)writer_call(writer, &first.unit, NULL);
	/* The first may have been told before its checkpoint failed. */
	(void)writer_call(writer, &second.unit, NULL);
	fired = fault_vfs_fired();
	if (fired && !writer_stats(writer).broken)
		fail_msg("operation %d failed and nobody was told", point);
	writer_stop(writer);
	fault_vfs_arm(0, 0, false);
	assert_int_equal(fixture_teardown((void **)&f), 0);
	return fired;
}

/* The system reports a failed sync once; the next one says that all is well. */
static void a_failed_sync_anywhere_ends_the_writer(void **state)
{
	int point = 1;

	(void)state;
	while (point < POINTS_MAX && fail_sync(point))
		point++;
	assert_in_range(point, 5, POINTS_MAX - 1);
}

static void a_copy_without_memory_leaves_commits_as_they_were(void **state)
{
	(void)state;
	for (int point = 1; point < 60; point++) {
		struct fixture *f = NULL;
		struct db *db = NULL;
		int64_t level = 0;
		int rc;

		assert_int_equal(patient_setup((void **)&f), 0);
		assert_int_equal(db_open(f->path, DB_WRITE, &db, NULL), 0);
		assert_int_equal(db_begin_write(db, NULL), 0);
		assert_int_equal(db_script(db,
					   "UPDATE store_meta SET version ="
					   " version",
					   NULL),
				 0);
		assert_int_equal(db_commit(db, NULL), 0);
		fault_malloc_arm(point);
		rc = db_checkpoint(db, false, NULL, NULL);
		fault_malloc_arm(0);
		{
			CLEANUP_QUERY struct query *q =
				query_start(db, &test_synchronous);

			assert_int_equal(query_one_i64(q, &level, NULL), 1);
		}
		if (level != 2 && rc != ERR_IO)
			fail_msg("allocation %d: synchronous is %d", point,
				 (int)level);
		db_close(db);
		assert_int_equal(fixture_teardown((void **)&f), 0);
	}
}

#define STORE_TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, patient_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_unit_is_half_done_at_any_point_of_failure),
		cmocka_unit_test(
			a_transaction_lost_midway_takes_all_of_its_units),
		cmocka_unit_test(running_out_of_memory_undoes_whole_units),
		STORE_TEST(a_refusing_unit_is_undone_alone),
		STORE_TEST(after_a_full_disk_the_writer_goes_on),
		STORE_TEST(after_an_io_error_the_writer_says_so),
		STORE_TEST(a_store_that_cannot_be_opened_anew_ends_the_writer),
		STORE_TEST(a_unit_that_met_a_failing_disk_ends_the_writer),
		cmocka_unit_test(a_failed_sync_anywhere_ends_the_writer),
		cmocka_unit_test(
			a_copy_without_memory_leaves_commits_as_they_were),
	};

	fault_vfs_install();
	return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
