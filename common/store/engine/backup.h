/* SPDX-License-Identifier: MIT
 *
 * backup.h - a copy of the store while everybody works on.
 *
 * The copy is one file that needs nothing beside it, as the store was at one
 * moment. Making it is one long read: it neither writes to the store nor
 * checkpoints it, and takes no lock; the write-ahead log grows meanwhile.
 * A store that is no file (DB_CAP_FILE) is its server's to copy: ERR_STATE.
 */
#ifndef STORE_BACKUP_H
#define STORE_BACKUP_H

#include <stdint.h>

struct err;

/* The same without the note of its time: for a copy of a copy. */
int backup_copy(const char *path, const char *target, int64_t *ret_bytes,
		struct err *e);

/* Is the file a whole store? 0; ERR_IO "damaged: ..."; as db_open(). */
int backup_check(const char *path, struct err *e);

/* Copy the store at path to target, which is replaced only by a whole, checked
 * copy that is on disk (0600: it holds personal data). *ret_bytes is its size.
 * In the copy, store_meta.backup_ms is a moment just before it was made. 0;
 * ERR_NOTFOUND, ERR_BUSY (no space), ERR_IO. */
int backup_make(const char *path, const char *target, int64_t *ret_bytes,
		struct err *e);

#endif
