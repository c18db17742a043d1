/* SPDX-License-Identifier: MIT */
#include "store/engine/writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/macros.h"
#include "store/engine/db.h"
#include "store/engine/patience.h"
#include "store/engine/turn.h"
#include "store/engine/units.h"

enum {
	THREAD_STACK_BYTES = 512 * 1024
};

struct writer {
	struct writer_options options;
	char *path;
	pthread_t thread;
	pthread_mutex_t mutex; /* of everything down to stats */
	pthread_cond_t has_work;
	pthread_cond_t has_results;
	struct unit *first;
	struct unit **last;
	int64_t waiting;
	bool idle, stopping, broken;
	int64_t running_ms; /* the oldest that runs was submitted; 0: none */
	int64_t locked_ms;  /* since when the lock is ours; 0: it is not */
	_Atomic int64_t give_way_ms; /* needs no mutex */
	struct writer_stats stats;

	/* The thread's own. */
	struct db *db;
	struct turn *turn;
};

struct batch {
	struct units units;
	bool committed;
	int64_t ticket; /* of turn_sync() */
	int64_t asked_us, locked_us, commit_us, committed_us, released_us,
		synced_us;
};

/* Under the mutex. */
static int append(struct writer *writer, struct unit *u, struct err *e)
{
	int rc = 0;

	u->next = NULL;
	u->rc = 0;
	u->bells = 0;
	u->lost = false;
	u->finished = false;
	u->submitted_ms = clock_mono_ms();
	if (writer->broken || writer->stopping)
		rc = err_set(e, ERR_IO, "the store cannot be written");
	else if (writer->waiting >= WRITER_WAITING_MAX)
		rc = err_set(e, ERR_BUSY, "too many writes are waiting");
	if (rc == 0) {
		*writer->last = u;
		writer->last = &u->next;
		writer->waiting++;
		if (writer->idle)
			(void)pthread_cond_signal(&writer->has_work);
	}
	return rc;
}

int writer_submit(struct writer *writer, struct unit *u, struct err *e)
{
	int rc;

	(void)pthread_mutex_lock(&writer->mutex);
	rc = append(writer, u, e);
	(void)pthread_mutex_unlock(&writer->mutex);
	return rc;
}

/* Wait for work; false when the writer shall end and nothing is left. */
static bool wait_for_work(struct writer *writer)
{
	bool has_work;

	(void)pthread_mutex_lock(&writer->mutex);
	while (writer->first == NULL && !writer->stopping) {
		writer->idle = true;
		(void)pthread_cond_wait(&writer->has_work, &writer->mutex);
		writer->idle = false;
	}
	has_work = writer->first != NULL;
	(void)pthread_mutex_unlock(&writer->mutex);
	return has_work;
}

/* Up to WRITER_BATCH_MAX units, oldest first. */
static struct unit *take_units(struct writer *writer)
{
	struct unit *first;
	struct unit *u;
	int64_t count = 1;

	(void)pthread_mutex_lock(&writer->mutex);
	first = u = writer->first;
	while (u != NULL && u->next != NULL && count < WRITER_BATCH_MAX) {
		u = u->next;
		count++;
	}
	if (u != NULL) {
		writer->first = u->next;
		writer->waiting -= count;
		writer->running_ms = first->submitted_ms;
		u->next = NULL;
	}
	if (writer->first == NULL)
		writer->last = &writer->first;
	(void)pthread_mutex_unlock(&writer->mutex);
	return first;
}

/* Put units that no longer fit into this transaction back to the front. */
static void put_back(struct writer *writer, struct unit *units)
{
	struct unit *last = units;
	int64_t count = 1;

	while (last->next != NULL) {
		last = last->next;
		count++;
	}
	(void)pthread_mutex_lock(&writer->mutex);
	last->next = writer->first;
	if (writer->first == NULL)
		writer->last = &last->next;
	writer->first = units;
	writer->waiting += count;
	(void)pthread_mutex_unlock(&writer->mutex);
}

static void fail_all(struct unit *units, enum err_code code, const char *text)
{
	for (struct unit *u = units; u != NULL; u = u->next) {
		u->rc = err_set(&u->err, code, "%s", text);
		u->lost = true;
	}
}

/* After a failure that leaves a connection in doubt. */
static void reopen(struct writer *writer)
{
	if (db_caps(writer->path) & DB_CAP_RECONNECTS)
		return;
	db_close(writer->db);
	writer->db = NULL;
	(void)db_open(writer->path, DB_WRITE, &writer->db, NULL);
}

static void set_broken(struct writer *writer)
{
	(void)pthread_mutex_lock(&writer->mutex);
	writer->broken = true;
	(void)pthread_mutex_unlock(&writer->mutex);
}

/* From here on we are the only one who writes. */
static int begin(struct writer *writer, struct err *e)
{
	int rc;

	if (writer->broken)
		return err_set(e, ERR_IO, "the store cannot be written");
	rc = turn_take(writer->turn, e);
	if (rc < 0)
		return rc;
	if (writer->db == NULL)
		reopen(writer);
	if (writer->db == NULL)
		return err_set(e, ERR_IO, "the store cannot be opened");
	return db_begin_write(writer->db, e);
}

/* What fits into half of the budget, as a batch may have to run twice. */
static int run_begun(struct writer *writer, struct batch *batch, struct err *e)
{
	int rc = units_run(writer->db, &batch->units,
			   writer->options.lock_budget_ms * 1000 / 2, e);

	if (batch->units.rest != NULL)
		put_back(writer, batch->units.rest);
	return rc;
}

/* Every unit of the batch has its rc afterwards; rc and e are of begin(). */
static void run_transaction(struct writer *writer, struct batch *batch, int rc,
			    struct err *e)
{
	if (rc == 0)
		rc = run_begun(writer, batch, e);
	if (rc < 0) {
		db_rollback(writer->db);
		if (rc == ERR_IO)
			set_broken(writer);
		fail_all(batch->units.first, rc == ERR_IO ? ERR_IO : ERR_BUSY,
			 e->text);
		return;
	}
	batch->commit_us = clock_mono_us();
	rc = db_commit(writer->db, e);
	if (rc < 0) {
		/* It may have reached the disk or not. */
		if (rc == ERR_IO)
			set_broken(writer);
		db_rollback(writer->db);
		reopen(writer);
		fail_all(batch->units.first, ERR_UNCERTAIN, e->text);
		return;
	}
	batch->committed = true;
	batch->ticket = turn_ticket(writer->turn);
}

/* What has been committed is on the disk only when the disk says so. */
static void give_up(struct writer *writer, struct batch *batch,
		    const struct err *e)
{
	set_broken(writer);
	if (batch->committed)
		fail_all(batch->units.first, ERR_UNCERTAIN, e->text);
	batch->committed = false;
}

/* After the lock was given up: nobody is told before the log is on the disk. */
static void sync_batch(struct writer *writer, struct batch *batch)
{
	struct err e = {0};

	if (!batch->committed ||
	    turn_sync(writer->turn, batch->ticket, writer->db, &e) == 0)
		return;
	give_up(writer, batch, &e);
}

static void count_batch(struct writer *writer, const struct batch *batch)
{
	struct writer_stats *stats = &writer->stats;
	int64_t held_us = batch->released_us - batch->locked_us;

	(void)pthread_mutex_lock(&writer->mutex);
	stats->batches += batch->units.count > 0 ? 1 : 0;
	stats->units += batch->units.count;
	stats->failed_units += batch->units.failed;
	stats->lock_wait_us += batch->locked_us - batch->asked_us;
	stats->lock_held_us += held_us;
	if (batch->committed) {
		stats->commit_us += batch->committed_us - batch->commit_us;
		stats->sync_us += batch->synced_us - batch->released_us;
	}
	stats->lock_held_max_us = MAX_OF(stats->lock_held_max_us, held_us);
	stats->wal_pages = turn_log_pages(writer->turn);
	(void)pthread_mutex_unlock(&writer->mutex);
}

/* Under the lock. Is checkpoint_sync() owed? */
static bool step_checkpoint(struct writer *writer, struct batch *batch)
{
	struct err e = {0};
	int rc = 0;

	if (writer->db != NULL && !writer->broken)
		rc = turn_checkpoint_step(writer->turn, writer->db, &e);
	if (rc < 0)
		give_up(writer, batch, &e);
	return rc > 0;
}

/* With the lock for itself, when no batch will come and bring it. */
static bool step_checkpoint_alone(struct writer *writer)
{
	struct batch nothing = {.asked_us = clock_mono_us()};
	bool owes;

	if (turn_take(writer->turn, NULL) < 0)
		return false;
	nothing.locked_us = clock_mono_us();
	owes = step_checkpoint(writer, &nothing);
	turn_release(writer->turn);
	nothing.released_us = clock_mono_us();
	count_batch(writer, &nothing);
	return owes;
}

static bool has_waiting(struct writer *writer)
{
	bool has;

	(void)pthread_mutex_lock(&writer->mutex);
	has = writer->first != NULL;
	(void)pthread_mutex_unlock(&writer->mutex);
	return has;
}

/* The part of a checkpoint that takes long, and needs no lock. */
static void go_on_with_checkpoint(struct writer *writer)
{
	bool owes = true;

	while (owes) {
		int64_t start_us = clock_mono_us();

		if (turn_checkpoint_sync(writer->turn, writer->db, NULL) < 0)
			set_broken(writer);
		(void)pthread_mutex_lock(&writer->mutex);
		writer->stats.checkpoint_us += clock_mono_us() - start_us;
		(void)pthread_mutex_unlock(&writer->mutex);
		owes = !has_waiting(writer) && step_checkpoint_alone(writer);
	}
}

static void report(struct writer *writer, struct unit *units)
{
	bool someone_waits = false;

	(void)pthread_mutex_lock(&writer->mutex);
	writer->running_ms = 0;
	(void)pthread_mutex_unlock(&writer->mutex);
	while (units != NULL) {
		struct unit *u = units;

		units = u->next;
		if (u->done != NULL) {
			u->done(u, u->rc, &u->err);
			continue;
		}
		(void)pthread_mutex_lock(&writer->mutex);
		u->finished = true;
		someone_waits = true;
		(void)pthread_mutex_unlock(&writer->mutex);
	}
	if (someone_waits)
		(void)pthread_cond_broadcast(&writer->has_results);
}

void writer_give_way(struct writer *writer, int64_t wait_ms)
{
	atomic_store(&writer->give_way_ms, wait_ms);
}

static void give_way(struct writer *writer)
{
	struct timespec wait = {.tv_nsec = atomic_load(&writer->give_way_ms) *
					   1000000};

	if (wait.tv_nsec > 0)
		(void)nanosleep(&wait, NULL);
}

static void note_locked(struct writer *writer, bool locked)
{
	(void)pthread_mutex_lock(&writer->mutex);
	writer->locked_ms = locked ? clock_mono_ms() : 0;
	(void)pthread_mutex_unlock(&writer->mutex);
}

static void run_batch(struct writer *writer)
{
	struct batch batch = {.asked_us = clock_mono_us()};
	struct err e = {0};
	bool owes_checkpoint = false;
	int rc = begin(writer, &e);

	batch.locked_us = clock_mono_us();
	note_locked(writer, rc == 0);
	/* Taken only now: what came while waiting for the lock comes along. */
	batch.units.first = take_units(writer);
	run_transaction(writer, &batch, rc, &e);
	batch.committed_us = clock_mono_us();
	owes_checkpoint = step_checkpoint(writer, &batch);
	turn_release(writer->turn);
	note_locked(writer, false);
	batch.released_us = clock_mono_us();
	sync_batch(writer, &batch);
	batch.synced_us = clock_mono_us();
	count_batch(writer, &batch);
	report(writer, batch.units.first);
	if (batch.units.bells != 0 && writer->options.ring != NULL)
		writer->options.ring(batch.units.bells,
				     writer->options.context);
	if (batch.units.bells != 0 && batch.committed)
		db_ring(writer->db, batch.units.bells);
	if (owes_checkpoint)
		go_on_with_checkpoint(writer);
}

static void *writer_main(void *context)
{
	struct writer *writer = context;

	while (wait_for_work(writer)) {
		give_way(writer);
		run_batch(writer);
	}
	return NULL;
}

static void writer_free(struct writer *writer)
{
	db_close(writer->db);
	turn_close(writer->turn);
	(void)pthread_mutex_destroy(&writer->mutex);
	(void)pthread_cond_destroy(&writer->has_work);
	(void)pthread_cond_destroy(&writer->has_results);
	free(writer->path);
	free(writer);
}

static int start_thread(struct writer *writer, struct err *e)
{
	pthread_attr_t attributes;
	int rc;

	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
	rc = pthread_create(&writer->thread, &attributes, writer_main, writer);
	(void)pthread_attr_destroy(&attributes);
	return rc == 0 ? 0 : err_set(e, ERR_NOMEM, "cannot start a thread");
}

int writer_start(const struct writer_options *options,
		 struct writer **ret_writer, struct err *e)
{
	struct writer *writer = calloc(1, sizeof(*writer));
	int rc;

	if (writer == NULL)
		return err_set(e, ERR_NOMEM, "writer: out of memory");
	writer->options = *options;
	if (options->lock_budget_ms == 0)
		writer->options.lock_budget_ms = WRITER_LOCK_BUDGET_MS;
	writer->last = &writer->first;
	(void)pthread_mutex_init(&writer->mutex, NULL);
	(void)pthread_cond_init(&writer->has_work, NULL);
	(void)pthread_cond_init(&writer->has_results, NULL);
	writer->path = strdup(options->path);
	rc = writer->path != NULL
		     ? turn_open(options->path, &writer->turn, e)
		     : err_set(e, ERR_NOMEM, "writer: out of memory");
	if (rc == 0)
		rc = db_open(options->path, DB_WRITE, &writer->db, e);
	if (rc == 0)
		rc = turn_open_log(writer->turn, options->path,
				   options->checkpoint_pages, e);
	if (rc == 0)
		rc = start_thread(writer, e);
	if (rc < 0) {
		writer_free(writer);
		return rc;
	}
	*ret_writer = writer;
	return 0;
}

void writer_stop(struct writer *writer)
{
	if (writer == NULL)
		return;
	(void)pthread_mutex_lock(&writer->mutex);
	writer->stopping = true;
	(void)pthread_cond_signal(&writer->has_work);
	(void)pthread_mutex_unlock(&writer->mutex);
	(void)pthread_join(writer->thread, NULL);
	writer_free(writer);
}

/* In one go: or the thread would wake up for the first one, and write it and
 * wait for the disk alone. */
void writer_submit_all(struct writer *writer, struct unit *const *units,
		       size_t count)
{
	(void)pthread_mutex_lock(&writer->mutex);
	for (size_t i = 0; i < count; i++) {
		struct unit *u = units[i];
		int rc = append(writer, u, &u->err);

		if (rc < 0) {
			u->rc = rc;
			u->finished = true;
		}
	}
	(void)pthread_mutex_unlock(&writer->mutex);
}

/* Under the mutex, which patience_tell() is not. */
static void wait_patiently(struct writer *writer)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += PATIENCE_EVERY_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	if (pthread_cond_clockwait(&writer->has_results, &writer->mutex,
				   CLOCK_MONOTONIC, &until) != ETIMEDOUT)
		return;
	(void)pthread_mutex_unlock(&writer->mutex);
	patience_tell();
	(void)pthread_mutex_lock(&writer->mutex);
}

void writer_wait_all(struct writer *writer, struct unit *const *units,
		     size_t count)
{
	(void)pthread_mutex_lock(&writer->mutex);
	for (size_t i = 0; i < count; i++)
		while (!units[i]->finished)
			wait_patiently(writer);
	(void)pthread_mutex_unlock(&writer->mutex);
}

void writer_call_all(struct writer *writer, struct unit *const *units,
		     size_t count)
{
	writer_submit_all(writer, units, count);
	writer_wait_all(writer, units, count);
}

int writer_call(struct writer *writer, struct unit *u, struct err *e)
{
	writer_call_all(writer, &u, 1);
	if (u->rc < 0 && e != NULL)
		*e = u->err;
	return u->rc;
}

struct writer_stats writer_stats(struct writer *writer)
{
	int64_t now_ms = clock_mono_ms();
	struct writer_stats stats;

	(void)pthread_mutex_lock(&writer->mutex);
	stats = writer->stats;
	writer->stats.lock_held_max_us = 0;
	stats.waiting = writer->waiting;
	stats.broken = writer->broken;
	if (writer->running_ms != 0)
		stats.oldest_waiting_ms = now_ms - writer->running_ms;
	else if (writer->first != NULL)
		stats.oldest_waiting_ms = now_ms - writer->first->submitted_ms;
	if (writer->locked_ms != 0)
		stats.locked_ms = now_ms - writer->locked_ms;
	(void)pthread_mutex_unlock(&writer->mutex);
	return stats;
}
