/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "store/engine/db_private.h"
#include "store/engine/writer.h"
#include "store/queue/inbox.h"
#include "store_fixture.h"

enum {
	MANY = 300,
	SLOW = 40,
	SLOW_MS = 3,
	KILLS = 25
};

struct add {
	struct unit unit;
	int number;
	struct identity identity;
	bool lock_was_free; /* seen by run() from outside */
	const char *lock_path;
};

static bool lock_is_free(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	bool free_now = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;

	if (fd >= 0)
		(void)close(fd);
	return free_now;
}

static int run_add(struct unit *u, struct db *db, int64_t now_ms, struct err *e)
{
	struct add *add = CONTAINER_OF(u, struct add, unit);
	char id[32];
	struct inbox_arrival arrival = {
		.channel = "kuper",
		.external_id = id,
		.alias = "",
		.event_type = "order.created",
		.body = "{}",
		.event_ms = now_ms,
	};

	(void)snprintf(id, sizeof(id), "H%d", add->number);
	if (add->lock_path != NULL)
		add->lock_was_free = lock_is_free(add->lock_path);
	u->bells = BELL_PROCESSOR;
	return inbox_add(db, &arrival, now_ms, &add->identity, e);
}

static sem_t units_done;

static void count_done(struct unit *u, int rc, const struct err *e)
{
	(void)u;
	(void)e;
	assert_int_equal(rc, 0);
	(void)sem_post(&units_done);
}

/* The writer queues for the lock while all of them are submitted. The budget is
 * a slow machine's: it is not what ends a batch here. */
static void many_units_share_few_transactions(void **state)
{
	struct fixture *f = *state;
	struct writer_options options = {.path = f->path,
					 .checkpoint_pages = 1000,
					 .lock_budget_ms = 60 * 1000};
	struct writer *writer = NULL;
	static struct add adds[MANY];
	struct writer_stats stats;
	char path[128];
	int fd;

	if (!fixture_is_sqlite())
		skip(); /* the lock is the server's */
	(void)snprintf(path, sizeof(path), "%s.lock", f->path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(sem_init(&units_done, 0, 0), 0);
	assert_int_equal(writer_start(&options, &writer, NULL), 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	for (int i = 0; i < MANY; i++) {
		adds[i] = (struct add){
			.unit = {.run = run_add, .done = count_done},
			.number = i};
		assert_int_equal(writer_submit(writer, &adds[i].unit, NULL), 0);
	}
	(void)close(fd);
	for (int i = 0; i < MANY; i++)
		(void)sem_wait(&units_done);
	stats = writer_stats(writer);
	writer_stop(writer);
	assert_int_equal(stats.units, MANY);
	assert_in_range(stats.batches, 1, MANY / 4);
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM inbox"), MANY);
	assert_int_equal(fixture_i64(f, "SELECT count(DISTINCT number) FROM"
					" order_identity"),
			 MANY);
}

static int run_slow_add(struct unit *u, struct db *db, int64_t now_ms,
			struct err *e)
{
	const struct timespec pause = {.tv_nsec = SLOW_MS * 1000 * 1000};

	(void)nanosleep(&pause, NULL);
	return run_add(u, db, now_ms, e);
}

/* Half of the budget, as a batch may have to run twice. */
static void a_batch_of_slow_units_gives_the_lock_up_in_between(void **state)
{
	struct fixture *f = *state;
	static struct add adds[SLOW];
	static struct unit *units[SLOW];

	for (int i = 0; i < SLOW; i++) {
		adds[i] = (struct add){.unit.run = run_slow_add, .number = i};
		units[i] = &adds[i].unit;
	}
	writer_call_all(f->writer, units, SLOW);
	for (int i = 0; i < SLOW; i++)
		assert_int_equal(adds[i].unit.rc, 0);
	assert_true(writer_stats(f->writer).batches >=
		    SLOW * SLOW_MS / (WRITER_LOCK_BUDGET_MS / 2 + SLOW_MS));
}

static void the_write_lock_is_held_while_a_unit_runs(void **state)
{
	struct fixture *f = *state;
	char path[128];
	struct add add = {.unit.run = run_add, .lock_path = path};

	if (!fixture_is_sqlite())
		skip();
	(void)snprintf(path, sizeof(path), "%s.lock", f->path);
	assert_int_equal(writer_call(f->writer, &add.unit, NULL), 0);
	assert_false(add.lock_was_free);
	assert_true(lock_is_free(path));
}

static int64_t rows_when_rung;
static unsigned bells_rung;

static void ring(unsigned bells, void *context)
{
	bells_rung |= bells;
	rows_when_rung = fixture_i64(context, "SELECT count(*) FROM inbox");
}

/* The second one comes while the writer waits, and costs no commit of its own.
 * The budget is a slow server's: it is not what ends the batch here. */
static void who_gives_way_takes_along_what_comes_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct writer_options options = {.path = f->path,
					 .checkpoint_pages = 1000,
					 .lock_budget_ms = 60 * 1000};
	struct writer *writer = NULL;
	struct add adds[2];
	const struct timespec a_moment = {.tv_nsec = 20 * 1000 * 1000};

	assert_int_equal(sem_init(&units_done, 0, 0), 0);
	assert_int_equal(writer_start(&options, &writer, NULL), 0);
	writer_give_way(writer, 900);
	for (int i = 0; i < 2; i++) {
		adds[i] = (struct add){
			.unit = {.run = run_add, .done = count_done},
			.number = i};
		assert_int_equal(writer_submit(writer, &adds[i].unit, NULL), 0);
		(void)nanosleep(&a_moment, NULL);
	}
	for (int i = 0; i < 2; i++)
		(void)sem_wait(&units_done);
	assert_int_equal(writer_stats(writer).batches, 1);
	writer_stop(writer);
}

static void bells_ring_after_the_commit(void **state)
{
	struct fixture *f = *state;
	struct writer_options options = {.path = f->path,
					 .checkpoint_pages = 1000,
					 .ring = ring,
					 .context = f};
	struct writer *writer = NULL;
	struct add add = {.unit.run = run_add};

	bells_rung = 0;
	assert_int_equal(writer_start(&options, &writer, NULL), 0);
	assert_int_equal(writer_call(writer, &add.unit, NULL), 0);
	writer_stop(writer);
	assert_int_equal(bells_rung, BELL_PROCESSOR);
	assert_int_equal(rows_when_rung, 1);
}

static void the_log_is_emptied_by_checkpoints(void **state)
{
	struct fixture *f = *state;
	struct writer_options options = {.path = f->path,
					 .checkpoint_pages = 20};
	struct writer *writer = NULL;

	assert_int_equal(writer_start(&options, &writer, NULL), 0);
	for (int i = 0; i < MANY; i++) {
		struct add add = {.unit.run = run_add, .number = i};

		assert_int_equal(writer_call(writer, &add.unit, NULL), 0);
	}
	assert_in_range(writer_stats(writer).wal_pages, 0, 60);
	writer_stop(writer);
}

static void a_stopped_writer_has_done_everything(void **state)
{
	struct fixture *f = *state;
	struct writer_options options = {.path = f->path,
					 .checkpoint_pages = 1000};
	struct writer *writer = NULL;
	static struct add adds[MANY];

	assert_int_equal(writer_start(&options, &writer, NULL), 0);
	for (int i = 0; i < MANY; i++) {
		adds[i] = (struct add){.unit.run = run_add, .number = i};
		assert_int_equal(writer_submit(writer, &adds[i].unit, NULL), 0);
	}
	writer_stop(writer);
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM inbox"), MANY);
}

/* Child: write one order after another; say each number after its COMMIT. */
static void write_until_killed(const char *path, int say_fd, int first)
{
	struct writer_options options = {.path = path, .checkpoint_pages = 50};
	struct writer *writer = NULL;

	if (writer_start(&options, &writer, NULL) < 0)
		_exit(1);
	for (int i = first;; i++) {
		struct add add = {.unit.run = run_add, .number = i};

		if (writer_call(writer, &add.unit, NULL) < 0 ||
		    write(say_fd, &i, sizeof(i)) != sizeof(i))
			_exit(1);
	}
}

/* Kill a writing process after some acknowledged orders; the last of them. */
static int kill_one(struct fixture *f, int first, int after)
{
	int pipe_fds[2];
	int last = first - 1;
	pid_t child;

	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		write_until_killed(f->path, pipe_fds[1], first);
	(void)close(pipe_fds[1]);
	for (int n = 0; n < after; n++)
		assert_int_equal(read(pipe_fds[0], &last, sizeof(last)),
				 sizeof(last));
	assert_int_equal(kill(child, SIGKILL), 0);
	while (read(pipe_fds[0], &last, sizeof(last)) == sizeof(last))
		;
	(void)close(pipe_fds[0]);
	(void)waitpid(child, NULL, 0);
	return last;
}

static void what_was_acknowledged_survives_sigkill(void **state)
{
	struct fixture *f = *state;
	int first = 1000;

	fixture_close(f);
	for (int round = 0; round < KILLS; round++) {
		int last = kill_one(f, first, 1 + round * 3 % 17);
		char sql[160];

		(void)snprintf(sql, sizeof(sql),
			       "SELECT count(*) FROM inbox WHERE"
			       " CAST(substr(external_id, 2) AS INTEGER)"
			       " BETWEEN %d AND %d",
			       first, last);
		assert_int_equal(fixture_i64(f, sql), last - first + 1);
		first = last + 100;
	}
	if (fixture_is_sqlite())
		assert_string_equal(fixture_text(f, "PRAGMA integrity_check"),
				    "ok");
}

/* Statements about a file are SQLite's alone. */
static bool is_of_engine(const struct stmt *stmt)
{
	return strncmp(stmt->name, "tx_", 3) != 0 &&
	       (fixture_is_sqlite() || strncmp(stmt->sql, "PRAGMA", 6) != 0);
}

static int prepare_all(struct db *db, int64_t now_ms, void *context,
		       struct err *e)
{
	const struct stmt *first = stmt_first();

	(void)now_ms;
	(void)context;
	for (size_t i = 0; i < stmt_count(); i++) {
		struct err why = {0};
		int rc;

		if (!is_of_engine(&first[i]))
			continue;
		assert_int_equal(db_savepoint(db, e), 0);
		{
			CLEANUP_QUERY struct query *q =
				query_start(db, &first[i]);

			rc = query_next(q, &why);
		}
		assert_int_equal(db_savepoint_rollback(db, e), 0);
		if (rc < 0 && rc != ERR_INVALID)
			return err_set(e, ERR_IO, "%s: %s", first[i].name,
				       why.text);
	}
	return err_set(e, ERR_STATE, "undo it all");
}

static void every_statement_runs_on_the_real_schema(void **state)
{
	struct err e = {0};

	if (fixture_write(*state, prepare_all, NULL, &e) != ERR_STATE)
		fail_msg("%s", e.text);
}

#define STORE_TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(many_units_share_few_transactions),
		STORE_TEST(a_batch_of_slow_units_gives_the_lock_up_in_between),
		STORE_TEST(the_write_lock_is_held_while_a_unit_runs),
		STORE_TEST(who_gives_way_takes_along_what_comes_meanwhile),
		STORE_TEST(bells_ring_after_the_commit),
		STORE_TEST(the_log_is_emptied_by_checkpoints),
		STORE_TEST(a_stopped_writer_has_done_everything),
		STORE_TEST(what_was_acknowledged_survives_sigkill),
		STORE_TEST(every_statement_runs_on_the_real_schema),
	};

	return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}
