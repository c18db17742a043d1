/* SPDX-License-Identifier: MIT
 *
 * Whoever waits for the store waits for seconds, says so meanwhile, and stands
 * in nobody's way when it is frozen.
 */
#include "cmocka_all.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "store/engine/db.h"
#include "store/engine/patience.h"
#include "store/engine/writer.h"
#include "store_fixture.h"

enum {
	WAIT_MS = 60000,
	AGAIN_MS = 20,
	STEPS_MS = 1200,   /* some steps in the queue for the lock */
	QUEUED_MS = 2500,  /* less than a live one waits in all */
	SECONDS_MS = 15000 /* a reader's 6 s on a slow machine */
};

STMT(test_pid, "SELECT pg_backend_pid()");
STMT(test_one, "SELECT 1");

#define QUEUE                                                        \
	" FROM pg_locks WHERE locktype = 'advisory' AND NOT granted" \
	" AND database = (SELECT oid FROM pg_database WHERE datname" \
	" = current_database())"
static const char queued[] = "SELECT count(*)" QUEUE;
static const char queued_ms[] =
	"SELECT coalesce(max(CAST(extract(epoch FROM clock_timestamp()"
	" - waitstart) * 1000 AS BIGINT)), -1)" QUEUE;

static struct {
	struct writer *writer;
	int calls;
	int64_t oldest_ms, locked_ms;
} seen;

static void look(void *context)
{
	struct writer_stats stats = {0};

	assert_ptr_equal(context, &seen);
	seen.calls++;
	if (seen.writer != NULL)
		stats = writer_stats(seen.writer);
	seen.oldest_ms = MAX_OF(seen.oldest_ms, stats.oldest_waiting_ms);
	seen.locked_ms = MAX_OF(seen.locked_ms, stats.locked_ms);
}

static void watch(struct writer *writer)
{
	memset(&seen, 0, sizeof(seen));
	seen.writer = writer;
	patience_open(look, &seen);
}

static int stay(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	(void)db;
	(void)now_ms;
	(void)context;
	(void)e;
	(void)poll(NULL, 0, 4 * PATIENCE_EVERY_MS);
	return 0;
}

static void who_waits_for_the_writer_hears_of_it(void **state)
{
	struct fixture *f = *state;

	watch(f->writer);
	assert_int_equal(fixture_write(f, stay, NULL, NULL), 0);
	patience_open(NULL, NULL);
	assert_in_range(seen.calls, 1, 100);
	/* And somebody can see who it is that does not get on. */
	assert_true(seen.oldest_ms > 0);
	assert_true(seen.locked_ms > 0);
	assert_int_equal(writer_stats(f->writer).oldest_waiting_ms, 0);
	assert_int_equal(writer_stats(f->writer).locked_ms, 0);
	seen.calls = 0;
	assert_int_equal(fixture_write(f, stay, NULL, NULL), 0);
	assert_int_equal(seen.calls, 0);
}

static int ask(struct db *db, const struct stmt *stmt, int64_t *ret_value)
{
	CLEANUP_QUERY struct query *q = query_start(db, stmt);

	return query_one_i64(q, ret_value, NULL);
}

static void a_server_that_stands_still_holds_a_reader_for_seconds(void **state)
{
	struct fixture *f = *state;
	CLEANUP_DB struct db *db = NULL;
	int64_t until_ms = clock_mono_ms() + WAIT_MS;
	int64_t began_ms;
	int64_t pid = 0;
	int64_t one = 0;

	if (fixture_is_sqlite())
		skip();
	assert_int_equal(db_open(f->path, DB_SERVE, &db, NULL), 0);
	assert_true(ask(db, &test_pid, &pid) >= 0 && pid > 1);
	assert_int_equal(kill((pid_t)pid, SIGSTOP), 0);
	watch(NULL);
	began_ms = clock_mono_ms();
	assert_int_equal(ask(db, &test_one, &one), ERR_BUSY);
	patience_open(NULL, NULL);
	assert_true(clock_mono_ms() - began_ms < SECONDS_MS);
	assert_in_range(seen.calls, 1, 100);
	assert_int_equal(kill((pid_t)pid, SIGCONT), 0);
	while (ask(db, &test_one, &one) < 0 && clock_mono_ms() < until_ms)
		(void)poll(NULL, 0, AGAIN_MS);
	assert_int_equal(one, 1);
}

static void wait_for_a_queue(struct fixture *f)
{
	int64_t until_ms = clock_mono_ms() + WAIT_MS;

	while (fixture_i64(f, queued) == 0 && clock_mono_ms() < until_ms)
		(void)poll(NULL, 0, AGAIN_MS);
	assert_int_equal(fixture_i64(f, queued), 1);
}

_Noreturn static void be_a_writer(const char *path)
{
	struct db *db = NULL;

	for (;;) {
		if (db != NULL || db_open(path, DB_WRITE, &db, NULL) == 0)
			(void)db_begin_write(db, NULL);
		if (db != NULL)
			db_rollback(db);
	}
}

/* Its machine is frozen, or the cable cut: the server does not notice. */
static void who_stands_still_in_the_queue_is_not_given_the_lock(void **state)
{
	struct fixture *f = *state;
	CLEANUP_DB struct db *holder = NULL;
	int64_t longest_ms = 0;
	int64_t ms;
	int status;
	pid_t pid;

	if (fixture_is_sqlite())
		skip();
	fixture_close(f);
	pid = fork();
	if (pid == 0)
		be_a_writer(f->path);
	assert_int_equal(db_open(f->path, DB_CREATE, &holder, NULL), 0);
	assert_int_equal(db_begin_write(holder, NULL), 0);
	wait_for_a_queue(f);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	while ((ms = fixture_i64(f, queued_ms)) >= 0 && ms < WAIT_MS) {
		longest_ms = MAX_OF(longest_ms, ms);
		(void)poll(NULL, 0, AGAIN_MS);
	}
	assert_in_range(longest_ms, 0, QUEUED_MS);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	db_rollback(holder);
}

static void *begin_once(void *context)
{
	struct db *db = context;
	int rc = db_begin_write(db, NULL);

	db_rollback(db);
	return rc == 0 ? context : NULL;
}

static void who_lives_waits_on_and_gets_it(void **state)
{
	struct fixture *f = *state;
	CLEANUP_DB struct db *holder = NULL;
	CLEANUP_DB struct db *other = NULL;
	pthread_t thread;
	void *got = NULL;

	if (fixture_is_sqlite())
		skip();
	assert_int_equal(db_open(f->path, DB_CREATE, &holder, NULL), 0);
	assert_int_equal(db_open(f->path, DB_WRITE, &other, NULL), 0);
	assert_int_equal(db_begin_write(holder, NULL), 0);
	assert_int_equal(pthread_create(&thread, NULL, begin_once, other), 0);
	wait_for_a_queue(f);
	(void)poll(NULL, 0, STEPS_MS);
	db_rollback(holder);
	assert_int_equal(pthread_join(thread, &got), 0);
	assert_ptr_equal(got, other);
}

#define STORE_TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(who_waits_for_the_writer_hears_of_it),
		STORE_TEST(
			a_server_that_stands_still_holds_a_reader_for_seconds),
		STORE_TEST(who_stands_still_in_the_queue_is_not_given_the_lock),
		STORE_TEST(who_lives_waits_on_and_gets_it),
	};

	return cmocka_run_group_tests_name("patience", tests, NULL, NULL);
}
