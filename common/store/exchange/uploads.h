/* SPDX-License-Identifier: MIT
 *
 * uploads.h - files of products and stores that were sent to us, and what
 * became of them.
 *
 * The row is written when the file is on the disk; from then on it will be
 * imported or refused, whoever dies meanwhile. One import of a kind at a time:
 * the caller's lock sees to it, so a row that is `running` while the lock is
 * free was left by a dead process and begins anew.
 */
#ifndef STORE_UPLOADS_H
#define STORE_UPLOADS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct db;
struct err;

enum {
	UPLOAD_NAME_BYTES = 40,
	UPLOAD_WORD_BYTES = 16,
	UPLOAD_MESSAGE_BYTES = 300
};

struct upload {
	int64_t id;
	char name[UPLOAD_NAME_BYTES], kind[UPLOAD_WORD_BYTES],
		state[UPLOAD_WORD_BYTES]; /* waiting running done refused
					     failed */
	char message[UPLOAD_MESSAGE_BYTES];
	int64_t bytes, rows, changed, fault_count, created_ms, ended_ms;
	char *faults; /* owned: JSON list of {line, message}; NULL: not read */
};
void upload_clear(struct upload *upload);

/* Inside a write transaction. 0 or < 0. */
int uploads_add(struct db *db, const char *name, const char *kind,
		int64_t bytes, int64_t now_ms, struct err *e);
/* It is being imported, and so many rows are done. */
int uploads_progress(struct db *db, int64_t id, int64_t rows, struct err *e);
/* It is over, as *upload says. */
int uploads_end(struct db *db, const struct upload *upload, int64_t now_ms,
		struct err *e);
/* Forget those that were over before. Number of them. */
int uploads_forget(struct db *db, int64_t before_ms, int max, struct err *e);

/* Reader or writer. 1, the caller clears it; 0; < 0. */
int uploads_get(struct db *db, const char *name, struct upload *ret_upload,
		struct err *e);
/* The oldest that is not over. */
int uploads_next(struct db *db, struct upload *ret_upload, struct err *e);

#endif
