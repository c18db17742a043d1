/* SPDX-License-Identifier: MIT
 *
 * sync_group.h - one fsync for the commits of all processes.
 *
 * The write-ahead log is one file: a sync of it makes every commit in it
 * durable, whoever wrote it. So after its commit a process draws a ticket and
 * gives the write lock up. Whoever finds that nobody syncs (flock of
 * `<store>.sync`, which the kernel frees when its holder dies) syncs for all
 * tickets drawn so far; the others sleep until that has ended, and most of them
 * find their commit on the disk then. While one process waits for the disk the
 * others run their transactions.
 *
 * The counters live in the shared side file and mean nothing after a
 * reboot. One thread per object.
 */
#ifndef STORE_SYNC_GROUP_H
#define STORE_SYNC_GROUP_H

#include <stdint.h>

#include "base/cleanup.h"

struct err;
struct sync_group;

/* Open (make) the side file of the store at `path`. 0, ERR_IO, ERR_NOMEM. */
int sync_group_open(const char *path, struct sync_group **ret_group,
		    struct err *e);
void sync_group_close(struct sync_group *group); /* NULL allowed */
CLEANUP_DEFINE(struct sync_group *, sync_group_close)

/* After a commit, while the write lock is still held. */
int64_t sync_group_ticket(struct sync_group *group);

/* Return when the commit of that ticket is on the disk: sync() is called, or
 * another process's call has covered it. 0; the error of sync(); ERR_IO. */
int sync_group_wait(struct sync_group *group, int64_t ticket,
		    int (*sync)(void *context, struct err *e), void *context,
		    struct err *e);

#endif
