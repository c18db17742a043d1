/* SPDX-License-Identifier: MIT
 *
 * checkpoint.h - keeps the write-ahead log short without keeping writers.
 *
 * A checkpoint copies pages from the log into the store, and the store must be
 * on the disk before the log begins anew. The copying is short and needs the
 * write lock; the disk may take long and does not. So:
 *  1. under the lock, pin the log (a reader, which keeps writers from beginning
 *     it anew) and copy;
 *  2. without the lock, sync the store;
 *  3. under the lock, copy what came meanwhile; when that was little, unpin, so
 *     that the next writer begins the log anew; else once more from 2.
 * The lock is one that a batch holds anyway, when there is one.
 * One process of an installation does this at a time
 * (`<store>.checkpoint`). When it is killed in between nothing is lost:
 * whoever begins the log anew syncs the store first (wal_file.h). One thread
 * per object.
 */
#ifndef STORE_CHECKPOINT_H
#define STORE_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

struct checkpoint;
struct db;
struct err;
struct write_lock;

/* every_pages: of log, after which a checkpoint is due. 0, ERR_IO, ERR_NOMEM.
 */
int checkpoint_open(const char *path, int64_t every_pages,
		    struct checkpoint **ret_checkpoint, struct err *e);
void checkpoint_close(struct checkpoint *c); /* NULL allowed */
CLEANUP_DEFINE(struct checkpoint *, checkpoint_close)

/* Under the write lock, db in no transaction: what is due of steps 1 and 3. 1:
 * now checkpoint_sync() is owed, and then another checkpoint_step(), soon; 0:
 * nothing is; ERR_IO: the disk fails, and the process should end. */
int checkpoint_step(struct checkpoint *c, struct db *db, struct err *e);

/* Step 2, without the lock. 0; ERR_IO: the process should end. */
int checkpoint_sync(struct checkpoint *c, struct db *db, struct err *e);

/* Pages in the log after the last commit that was looked at. */
int64_t checkpoint_log_pages(const struct checkpoint *c);

#endif
