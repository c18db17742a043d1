/* SPDX-License-Identifier: MIT
 *
 * fault_vfs.h - a file system for SQLite that fails when told to.
 *
 * It wraps the real one. Every operation that can fail on a real disk (write,
 * sync, truncate, opening a file, growing the shared memory) is counted; the
 * n-th from now fails with the given code, and then all later ones when
 * `persistent` is set. So a loop over n walks through every point of a
 * transaction at which a disk can give up.
 */
#ifndef FAULT_VFS_H
#define FAULT_VFS_H

#include <stdbool.h>

/* Make it the default of this process. Call before the first connection. */
void fault_vfs_install(void);

/* countdown <= 0: no fault. code is an SQLITE_ result code. */
void fault_vfs_arm(int countdown, int code, bool persistent);

/* Operations since the last arming, of all files. */
struct fault_vfs_counts {
	int writes, syncs;
};
struct fault_vfs_counts fault_vfs_counts(void);

/* Has the armed fault happened? */
bool fault_vfs_fired(void);

/* The n-th call of malloc by SQLite from now fails; 0: none. */
void fault_malloc_arm(int countdown);

#endif
