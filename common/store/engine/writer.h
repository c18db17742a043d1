/* SPDX-License-Identifier: MIT
 *
 * writer.h - the one writer thread of a process, with group commit.
 *
 * Whoever wants to write makes a unit of work and submits it. The thread takes
 * every unit that waits, queues for the write lock, and runs them all in one
 * transaction. When a unit fails, all of it is undone and run again, each unit
 * inside its own savepoint, so that a failing unit is undone alone. After
 * COMMIT it gives the lock up and waits until the log is on the disk; only then
 * does it report to each.
 *
 * Where a server holds the store, units of one kind that follow each other may
 * run in one go: run_all().
 *
 * A unit's run() may be called more than once (another one of its batch has
 * failed), does no parsing, no I/O and no waiting, and makes nothing visible
 * outside the database; what the caller needs of its results is copied into the
 * unit.
 *
 * When the engine has lost the transaction (disk full, I/O error, no memory),
 * nothing more of the batch runs, all of its units are undone and each of them
 * fails with ERR_BUSY. When COMMIT fails, whether it happened is unknown: each
 * unit fails with ERR_UNCERTAIN, and the connection is opened anew. After an
 * I/O error the writer is broken: it fails everything with ERR_IO, and the
 * process should end and be restarted.
 */
#ifndef STORE_WRITER_H
#define STORE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

struct db;
struct writer;

enum {
	WRITER_BATCH_MAX = 512,    /* units in one transaction */
	WRITER_TOGETHER_MAX = 128, /* of them in one run_all() */
	WRITER_WAITING_MAX = 8192, /* more: writer_submit() says ERR_BUSY */
	WRITER_LOCK_BUDGET_MS = 20 /* then the batch commits (P7, P1) */
};

enum writer_bell { /* who has work after COMMIT; bits in unit.bells */
	BELL_PROCESSOR = 1 << 0, /* inbox */
	BELL_NOTIFIER = 1 << 1,  /* outbox */
	BELL_TELEGRAM = 1 << 2,
	BELL_SCHEDULER = 1 << 3, /* a run that was asked for */
	BELL_CHAT = 1 << 4,      /* what people say to the bot */
	BELL_MAX_ = 5
};

struct unit {
	/* Inside the transaction, on the writer's thread. < 0 undoes the unit.
	 * now_ms is the installation's clock (db_now_ms()), the same for a
	 * whole batch. */
	int (*run)(struct unit *u, struct db *db, int64_t now_ms,
		   struct err *e);
	/* NULL, or what does the same for this unit and those that follow it,
	 * so many in all, whose run_all is the same. Only with DB_CAP_ARRAYS,
	 * where the way to the server costs more than the statement. < 0: all
	 * of it is undone, and each of them runs by itself. */
	int (*run_all)(struct unit *first, size_t count, struct db *db,
		       int64_t now_ms, struct err *e);
	/* After COMMIT or failure, on the writer's thread; u is the caller's
	 * again from here on, and may be freed in it. NULL only for
	 * writer_call(). */
	void (*done)(struct unit *u, int rc, const struct err *e);

	/* Set by run() or run_all(): rung after COMMIT. */
	unsigned bells;
	/* It failed with its transaction, whether run() was called or not: that
	 * may be no fault of its own. */
	bool lost;

	/* The writer's own. */
	struct unit *next;
	int rc;
	struct err err;
	int64_t submitted_ms; /* monotonic */
	bool finished;        /* writer_call() waits for it */
};

struct writer_options {
	const char *path;         /* of the store */
	int64_t checkpoint_pages; /* WAL pages after which a commit also moves
				     them into the file */
	int64_t lock_budget_ms;   /* 0: WRITER_LOCK_BUDGET_MS */
	/* Called on the writer's thread after COMMIT with the bells of the
	 * batch. NULL: none. */
	void (*ring)(unsigned bells, void *context);
	void *context;
};

/* Open the store for writing and start the thread. 0, or as db_open(). */
int writer_start(const struct writer_options *options,
		 struct writer **ret_writer, struct err *e);

/* Finish what was submitted, then end the thread. NULL allowed. */
void writer_stop(struct writer *writer);

/* Queue a unit; never blocks. 0, ERR_BUSY (too many wait), ERR_IO (broken), in
 * which cases done() is not called. Any thread. */
int writer_submit(struct writer *writer, struct unit *u, struct err *e);

/* Every batch waits so long before it asks for the lock, until told otherwise;
 * what comes meanwhile goes along. 0: not at all, which it begins with. Any
 * thread. */
void writer_give_way(struct writer *writer, int64_t wait_ms);

/* Submit and wait for the result. Any thread but the writer's. */
int writer_call(struct writer *writer, struct unit *u, struct err *e);
/* The same for many units at once; each has its own rc and err afterwards. */
void writer_call_all(struct writer *writer, struct unit *const *units,
		     size_t count);
/* Its two halves, for whoever has something to do meanwhile: the units go into
 * one transaction as far as they fit, and belong to the writer until
 * writer_wait_all() has returned. */
void writer_submit_all(struct writer *writer, struct unit *const *units,
		       size_t count);
void writer_wait_all(struct writer *writer, struct unit *const *units,
		     size_t count);

struct writer_stats {
	int64_t batches, units, failed_units;
	/* Sums: waiting for the lock; holding it, of which in COMMIT; waiting
	 * for the disk after it was given up; putting checkpoints on the disk,
	 * without it. */
	int64_t lock_wait_us, lock_held_us, commit_us, sync_us, checkpoint_us;
	int64_t lock_held_max_us; /* since the last call of writer_stats() */
	/* Of the oldest unit that has no result yet; the lock is ours for. */
	int64_t oldest_waiting_ms, locked_ms, waiting, wal_pages;
	bool broken;
};
struct writer_stats writer_stats(struct writer *writer);

#endif
