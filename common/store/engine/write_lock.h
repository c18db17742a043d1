/* SPDX-License-Identifier: MIT
 *
 * write_lock.h - the queue of processes for the right to write.
 *
 * SQLite has one writer at a time, and its own waiting is unfair: of eight
 * writers with busy_timeout one got a single transaction in four seconds. So
 * processes queue in the kernel, blocking, on an exclusive flock(2) of
 * `<store>.lock`. It is held from BEGIN to COMMIT and around every checkpoint,
 * journal-mode change and last close, which also closes the WAL-reset race of
 * SQLite 3.7.0 to 3.51.2 (Debian 12 has 3.40.1). The kernel lets go of it when
 * a process dies. One thread per lock object.
 */
#ifndef STORE_WRITE_LOCK_H
#define STORE_WRITE_LOCK_H

#include "base/cleanup.h"

struct err;
struct write_lock;

#define WRITE_LOCK_SUFFIX ".lock"

/* Open (make) a side file of the store at `path`: WRITE_LOCK_SUFFIX, or that of
 * another queue of processes. 0, ERR_IO, ERR_NOMEM. */
int write_lock_open(const char *path, const char *suffix,
		    struct write_lock **ret_lock, struct err *e);
void write_lock_close(struct write_lock *lock); /* NULL allowed */
CLEANUP_DEFINE(struct write_lock *, write_lock_close)

/* Wait for the lock. 0 or ERR_IO. */
int write_lock_take(struct write_lock *lock, struct err *e);
/* 1 when it is ours now, 0 when somebody else has it. */
int write_lock_try(struct write_lock *lock);
void write_lock_release(struct write_lock *lock);

#endif
