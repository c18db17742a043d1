/* SPDX-License-Identifier: MIT
 *
 * restore.h - a copy becomes the store again, and nothing is sent until a
 * person says so.
 *
 * A copy knows nothing of what happened after it was made. So what it holds as
 * unsent may have been sent: each such notification is asked about first. Its
 * order numbers get a new epoch, its document series wait until they are
 * advanced past what the ERP has, its Telegram messages are old news. The row
 * of `restores` says from when on the marketplace is to be read again.
 */
#ifndef STORE_RESTORE_H
#define STORE_RESTORE_H

#include <stdbool.h>
#include <stdint.h>

struct db;
struct err;

struct restore {
	int64_t backup_ms;   /* what is newer is not in it */
	bool backup_guessed; /* the file does not say; its newest trace does */
	int64_t old_epoch, epoch;
	int64_t inbox_returned, outbox_uncertain, telegram_expired;
};

/* Inside a write transaction on a copy that nobody uses. epoch_at_least: of the
 * store that it replaces, 0 when there is none. */
int restore_mark(struct db *db, const char *file, int64_t epoch_at_least,
		 int64_t now_ms, struct restore *ret_restore, struct err *e);

/* The store's epoch. 0 or < 0. Also on a reader. */
int restore_epoch(struct db *db, int64_t *ret_epoch, struct err *e);

/* Is the store held since a restore? 1, 0, < 0. Also on a reader. */
int restore_is_held(struct db *db, struct err *e);

/* From when on the marketplace must be read again: 1 and *ret_since_ms while a
 * held restore still waits for that, 0, < 0. The pull begins there by itself:
 * restore_mark() sets its cursors back. Also on a reader. */
int restore_pull_wanted(struct db *db, int64_t *ret_since_ms, struct err *e);
/* A listing of all changes that began at began_ms has ended. What it found is
 * queued, and a restore still waits until that queue is empty. Number of
 * restores that waited for it, < 0. Inside a write transaction. */
int restore_pull_listed(struct db *db, int64_t began_ms, int64_t now_ms,
			struct err *e);

/* Notifications go again. 0; ERR_STATE when nothing is held, or when the pull
 * has not ended and without_pull is not set. Inside a write transaction. */
int restore_release(struct db *db, const char *actor, const char *reason,
		    bool without_pull, int64_t now_ms, struct err *e);

/* The ERP has documents of this series up to `last`: the next one is last + 1,
 * and the series is held no more. The numbers that are left out are written
 * down. ERR_INVALID when ours has gone further. Inside a write transaction. */
int restore_advance_series(struct db *db, const char *series, int64_t last,
			   const char *actor, const char *reason,
			   int64_t now_ms, struct err *e);

#endif
