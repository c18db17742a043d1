/* SPDX-License-Identifier: MIT */
#include "store/engine/checkpoint.h"

#include <stdlib.h>

#include "base/err.h"
#include "store/engine/db.h"
#include "store/engine/write_lock.h"

enum {
	/* A log of this size that no checkpoint empties has a reader in its
	 * way: then wait for readers, a little. */
	RESTART_WAL_BYTES = 64 * 1024 * 1024,
	/* The writer that begins the log anew syncs this much at most. */
	REST_PAGES = 64,
	ROUNDS_MAX = 5
};

struct checkpoint {
	struct write_lock *turn; /* of the process whose turn it is */
	struct db *pin;
	int64_t every_pages, at_pages;
	int64_t pages;  /* in the log, after our last commit */
	int64_t copied; /* pages of the log that are in the store */
	int rounds;     /* of copying, since the log was pinned; 0: it is not */
};

STMT(checkpoint_pin, "SELECT count(*) FROM store_meta");

int checkpoint_open(const char *path, int64_t every_pages,
		    struct checkpoint **ret_checkpoint, struct err *e)
{
	CLEANUP(checkpoint_closep) struct checkpoint *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL)
		return err_set(e, ERR_NOMEM, "checkpoint: out of memory");
	c->every_pages = c->at_pages = every_pages;
	rc = write_lock_open(path, ".checkpoint", &c->turn, e);
	if (rc == 0)
		rc = db_open(path, DB_READ, &c->pin, e);
	if (rc < 0)
		return rc;
	*ret_checkpoint = TAKE(c);
	return 0;
}

void checkpoint_close(struct checkpoint *c)
{
	if (c == NULL)
		return;
	db_close(c->pin);
	write_lock_close(c->turn);
	free(c);
}

/* The newest commit stays in the log until unpin(). */
static int pin(struct checkpoint *c)
{
	int rc = db_begin_read(c->pin, NULL);

	if (rc < 0)
		return rc;
	CLEANUP_QUERY struct query *q = query_start(c->pin, &checkpoint_pin);

	return query_next(q, NULL);
}

static void unpin(struct checkpoint *c)
{
	db_rollback(c->pin);
}

static void end(struct checkpoint *c)
{
	unpin(c);
	write_lock_release(c->turn);
	c->rounds = 0;
}

/* Whatever else went wrong can be tried again another time. */
static int only_io(int rc)
{
	return rc == ERR_IO ? ERR_IO : 0;
}

/* Step 1 and 3. The last round leaves no pin, however much it was. */
static int copy(struct checkpoint *c, struct db *db, struct err *e)
{
	bool last = ++c->rounds == ROUNDS_MAX;
	int64_t before = c->copied;
	int rc;

	unpin(c); /* of the round before */
	rc = last || pin(c) > 0 ? db_checkpoint(db, false, &c->copied, e)
				: ERR_BUSY;
	if (rc == 0 && !last &&
	    (c->rounds == 1 || c->copied - before > REST_PAGES))
		return 1;
	end(c);
	return only_io(rc);
}

static bool is_due(struct checkpoint *c, const struct db *db)
{
	int64_t pages = db_wal_pages(db);

	if (pages < c->pages) /* the log began anew */
		c->at_pages = c->every_pages;
	c->pages = pages;
	if (pages < c->at_pages)
		return false;
	/* A reader may keep some of it: do not try again at once. */
	c->at_pages = pages + c->every_pages;
	return true;
}

int checkpoint_step(struct checkpoint *c, struct db *db, struct err *e)
{
	bool due = is_due(c, db);

	if (c->rounds > 0)
		return copy(c, db, e);
	if (!due)
		return 0;
	if (db_wal_bytes(db) > RESTART_WAL_BYTES)
		return only_io(db_checkpoint(db, true, NULL, e));
	return write_lock_try(c->turn) > 0 ? copy(c, db, e) : 0;
}

int checkpoint_sync(struct checkpoint *c, struct db *db, struct err *e)
{
	int rc = db_sync_store(db, e);

	if (rc < 0)
		end(c);
	return rc;
}

int64_t checkpoint_log_pages(const struct checkpoint *c)
{
	return c->pages;
}
