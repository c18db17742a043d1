/* SPDX-License-Identifier: MIT
 *
 * batches.h - documents that are exported together, and the files made of them.
 *
 * A batch is open while documents join it, sealed from when its files are being
 * written, and done when all of them are there. What its files look like is
 * fixed when it is sealed. Functions take a write transaction unless they say
 * "Reader".
 */
#ifndef STORE_BATCHES_H
#define STORE_BATCHES_H

#include <stdbool.h>
#include <stdint.h>

struct db;
struct err;

enum {
	BATCH_FORMATS_BYTES = 128,
	BATCH_OPTION_BYTES = 16,
	BATCH_SIGNER_BYTES = 128
};

struct batch_options {
	char formats[BATCH_FORMATS_BYTES]; /* names with a space between */
	bool decimal_comma;
	char upd_version[BATCH_OPTION_BYTES], upd_encoding[BATCH_OPTION_BYTES];
	char signer[BATCH_SIGNER_BYTES];
};

struct batch_row {
	int64_t id, document_count, sealed_ms;
	char state[8];
	struct batch_options options; /* once it is sealed */
};

/* One more document joins the batch *batch_id; when that is not open (0, or
 * sealed by somebody else meanwhile), the oldest that is, or else a new one.
 * *batch_id says which. 0 or < 0. */
int batches_join(struct db *db, int64_t *batch_id, int64_t now_ms,
		 struct err *e);

/* No document joins it any more. 1; 0 when it was sealed before, and keeps the
 * options of then. */
int batches_seal(struct db *db, int64_t batch_id,
		 const struct batch_options *options, int64_t now_ms,
		 struct err *e);
int batches_done(struct db *db, int64_t batch_id, int64_t now_ms,
		 struct err *e);

/* The oldest batch after after_id that is not done. 1, 0, < 0. Reader. */
int batches_next(struct db *db, int64_t after_id, int64_t *ret_id,
		 struct err *e);
/* 1, 0 when there is none, < 0. Reader. */
int batches_get(struct db *db, int64_t id, struct batch_row *ret_row,
		struct err *e);

/* A file has been written. The same file again changes nothing. */
struct batch_file {
	int64_t batch_id, document_id; /* 0: of the whole batch */
	const char *format, *file_name, *hash;
	int64_t bytes;
};
int batches_add_file(struct db *db, const struct batch_file *file,
		     int64_t now_ms, struct err *e);
/* The document has no file of that form, and why; until one is written. */
int batches_add_apart(struct db *db, const struct batch_file *file,
		      const char *why, int64_t now_ms, struct err *e);
/* Hash of a file that was written. 1, 0 when none was ("" when it was put
 * apart: 1), < 0. Reader. */
int batches_file_hash(struct db *db, int64_t batch_id, int64_t document_id,
		      const char *format, char ret_hash[65], struct err *e);

#endif
