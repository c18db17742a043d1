/* SPDX-License-Identifier: MIT
 *
 * The power goes at any moment while two writers work on one store. Whatever
 * the disk kept of what was not synced: everything that somebody was told is
 * there, nothing is there by half, and the store is sound.
 *
 * $ORDERGATE_POWER_CUTS says how many moments are looked at (three images of
 * each); `./check full` takes more of them.
 */
#include "cmocka_all.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "crash_log.h"
#include "fault_vfs.h"
#include "store/engine/db.h"
#include "store/engine/writer.h"
#include "store/queue/inbox.h"
#include "store_fixture.h"

enum {
	WRITERS = 2,
	ROUNDS = 60,
	PER_ROUND = 5,
	UNITS = WRITERS * ROUNDS * PER_ROUND,
	CHECKPOINT_PAGES = 40, /* so that the log begins anew often */
	CUTS_DEFAULT = 60,
	SEEDS = 3,
	BODY_BYTES = 2000
};

struct add {
	struct unit unit;
	int number;
};

struct worker {
	struct writer *writer;
	pthread_t thread;
	int first; /* number of its first unit */
};

struct found {
	int moments, lost, half, unsound;
};

static int run_add(struct unit *u, struct db *db, int64_t now_ms, struct err *e)
{
	const struct add *add = CONTAINER_OF(u, struct add, unit);
	char body[BODY_BYTES];
	char external_id[32];
	struct identity identity;
	struct inbox_arrival arrival = {
		.channel = "kuper",
		.external_id = external_id,
		.alias = "",
		.event_type = "order.created",
		.body = body,
		.event_ms = now_ms,
	};

	memset(body, 'a' + add->number % 26, sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	(void)snprintf(external_id, sizeof(external_id), "H%d", add->number);
	return inbox_add(db, &arrival, now_ms, &identity, e);
}

static void tell(struct unit *u, int rc, const struct err *e)
{
	struct add *add = CONTAINER_OF(u, struct add, unit);

	(void)e;
	if (rc == 0)
		crash_log_told(add->number);
}

/* A round is submitted at once and waited for by the last of it, which comes
 * with its batch or after it. */
static void *work(void *context)
{
	struct worker *worker = context;
	struct add adds[PER_ROUND];

	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < PER_ROUND; i++) {
			adds[i] = (struct add){
				.unit.run = run_add,
				.unit.done = i < PER_ROUND - 1 ? tell : NULL,
				.number = worker->first + round * PER_ROUND + i,
			};
			if (i < PER_ROUND - 1 &&
			    writer_submit(worker->writer, &adds[i].unit, NULL) <
				    0)
				return worker;
		}
		if (writer_call(worker->writer, &adds[PER_ROUND - 1].unit,
				NULL) < 0)
			return worker;
		crash_log_told(adds[PER_ROUND - 1].number);
	}
	return NULL;
}

/* Two writers as two processes have them: each its own connection, lock and
 * place in the sync group. */
static void run_writers(struct fixture *f)
{
	struct worker workers[WRITERS];
	void *failed = NULL;

	for (int i = 0; i < WRITERS; i++) {
		struct writer_options options = {
			.path = f->path,
			.checkpoint_pages = CHECKPOINT_PAGES,
		};

		workers[i].first = i * ROUNDS * PER_ROUND;
		assert_int_equal(
			writer_start(&options, &workers[i].writer, NULL), 0);
	}
	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work,
						&workers[i]),
				 0);
	for (int i = 0; i < WRITERS; i++) {
		assert_int_equal(pthread_join(workers[i].thread, &failed), 0);
		assert_null(failed);
		writer_stop(workers[i].writer);
	}
}

static int64_t ask(sqlite3 *handle, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int64_t value = -1;

	if (sqlite3_prepare_v2(handle, sql, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		value = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	return value;
}

/* Which units are there, by their numbers. */
static void read_units(sqlite3 *handle, bool present[UNITS])
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(handle,
			       "SELECT substr(external_id, 2) FROM inbox", -1,
			       &stmt, NULL) != SQLITE_OK)
		return;
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		int number = sqlite3_column_int(stmt, 0);

		if (number >= 0 && number < UNITS)
			present[number] = true;
	}
	(void)sqlite3_finalize(stmt);
}

static void look_at_image(const char *path, int moment, struct found *found)
{
	static const char *const sound[] = {
		"SELECT count(*) FROM pragma_integrity_check"
		" WHERE integrity_check <> 'ok'",
	};
	static const char *const whole[] = {
		"SELECT count(*) FROM inbox WHERE length(body) <> 1999",
		"SELECT count(*) FROM inbox WHERE external_id NOT IN"
		" (SELECT external_id FROM order_identity)",
		"SELECT count(*) FROM order_identity WHERE external_id NOT IN"
		" (SELECT external_id FROM inbox)",
		"SELECT count(*) - count(DISTINCT external_id) FROM inbox",
		"SELECT (SELECT value FROM counters WHERE name = 'order') -"
		" (SELECT count(*) FROM order_identity)",
	};
	bool present[UNITS] = {false};
	sqlite3 *handle = NULL;

	if (sqlite3_open(path, &handle) != SQLITE_OK)
		fail_msg("no image");
	(void)sqlite3_exec(handle, "PRAGMA synchronous=OFF", NULL, NULL, NULL);
	for (size_t i = 0; i < COUNT_OF(sound); i++)
		found->unsound += ask(handle, sound[i]) != 0;
	for (size_t i = 0; i < COUNT_OF(whole); i++)
		found->half += ask(handle, whole[i]) != 0;
	read_units(handle, present);
	(void)sqlite3_close(handle);
	for (int i = 0; i < UNITS; i++)
		found->lost += !present[i] && crash_log_was_told(i, moment);
	found->moments++;
}

static void remove_image(const char *path)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};

	for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
		CLEANUP_FREE char *name =
			text_printf("%s%s", path, suffixes[i]);

		(void)unlink(name);
	}
}

static int cuts(void)
{
	const char *text = getenv("ORDERGATE_POWER_CUTS");
	int64_t value = CUTS_DEFAULT;

	if (text != NULL)
		(void)text_to_i64(text, 1, 1000000, &value, NULL);
	return (int)value;
}

/* Moments all over the run, the last one among them. */
static struct found cut_everywhere(struct fixture *f, int count)
{
	struct found found = {0};
	int moments = crash_log_moments();
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/image.db", f->dir);
	for (int i = 0; i < count; i++) {
		int moment = moments - (int)((int64_t)moments * i / count);

		for (uint64_t seed = 0; seed < SEEDS; seed++) {
			crash_log_image(moment,
					seed < 2 ? seed : 2 + (uint64_t)moment,
					path);
			look_at_image(path, moment, &found);
			remove_image(path);
		}
	}
	return found;
}

static void what_was_told_survives_a_power_cut_at_any_moment(void **state)
{
	struct fixture *f = *state;
	struct found found;

	crash_log_start(f->path);
	run_writers(f);
	crash_log_end();
	found = cut_everywhere(f, cuts());
	print_message("%d moments of %d: %d lost, %d half, %d unsound\n",
		      found.moments, crash_log_moments(), found.lost,
		      found.half, found.unsound);
	crash_log_forget();
	assert_int_equal(found.lost, 0);
	assert_int_equal(found.half, 0);
	assert_int_equal(found.unsound, 0);
}

/* The test of the test: without syncs of the log it must find losses. */
static void a_disk_that_ignores_syncs_of_the_log_is_found_out(void **state)
{
	struct fixture *f = *state;
	struct found found;

	crash_log_start(f->path);
	crash_log_ignore_log_syncs(true);
	run_writers(f);
	crash_log_end();
	crash_log_ignore_log_syncs(false);
	found = cut_everywhere(f, 20);
	crash_log_forget();
	assert_true(found.lost > 0);
}

#define STORE_TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(what_was_told_survives_a_power_cut_at_any_moment),
		STORE_TEST(a_disk_that_ignores_syncs_of_the_log_is_found_out),
	};

	fault_vfs_install();
	return cmocka_run_group_tests_name("power cut", tests, NULL, NULL);
}
