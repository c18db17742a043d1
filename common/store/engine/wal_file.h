/* SPDX-License-Identifier: MIT
 *
 * wal_file.h - the write-ahead log's file between SQLite and the disk.
 *
 * SQLite writes each page of a commit by two system calls and then, with
 * synchronous=FULL, syncs the log. This VFS stands before the system's own: it
 * gathers what is appended to the log and writes all of it when SQLite asks for
 * that sync, which it leaves to sync_group.h. SQLite shows the commit to other
 * connections only afterwards, so they find it in the file. The store's file
 * and everything else go to the system's VFS as they are.
 *
 * When the log begins anew over an old one two syncs stay: the store's, because
 * what the old log held must be on the disk before it is overwritten; then the
 * header's, so that a power cut cannot leave the old header before new pages.
 */
#ifndef STORE_WAL_FILE_H
#define STORE_WAL_FILE_H

#include <sqlite3.h>

/* The VFS for sqlite3_open_v2(), registered by the first call, which must not
 * race with another. NULL: out of memory. */
const char *wal_file_vfs(void);

/* `log` is what SQLITE_FCNTL_JOURNAL_POINTER gave. Put the log on the disk,
 * now. SQLITE_OK or SQLite's code, and then always: what a failed sync has lost
 * no later one brings back. */
int wal_file_sync(sqlite3_file *log);

/* A transaction was rolled back: what was gathered of it must never be written,
 * as another process may write there next. */
void wal_file_forget(sqlite3_file *log);

#endif
