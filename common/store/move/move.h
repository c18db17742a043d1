/* SPDX-License-Identifier: MIT
 *
 * move.h - a store goes to another place and engine, whole.
 *
 * Every table is copied in key ranges, each in a transaction of the target, so
 * whoever is killed goes on after the last key that is there. Then both sides
 * are read once more, row by row: number of rows and SHA-256 must be the same.
 * Only when all are is the source closed (no program opens it, and no
 * connection that is open can write into it), and then the target opened. From
 * the first row to the last the source's write lock is held: nothing changes.
 *
 * How a person does it: docs/scale.md.
 */
#ifndef STORE_MOVE_H
#define STORE_MOVE_H

#include <stdbool.h>
#include <stdint.h>

struct err;

struct move_progress {
	const char *table;
	bool checking; /* else copying */
	int64_t rows;  /* so far */
	bool done;     /* with this table */
};

struct move_options {
	const char *from, *to; /* locations (db.h) */
	bool anew;             /* forget what an earlier move has copied */
	void (*tell)(const struct move_progress *progress, void *context);
	void *context;
};

struct move_result {
	int tables;
	int64_t rows;
	int64_t repaired; /* texts that were no UTF-8, now with U+FFFD */
};

/* ERR_STATE: the schemas differ, somebody holds a lease in the source (unless
 * the store is held), the target is in use, or the two are not the same after
 * all; else as db_open(). Whatever fails, the source is as it was. */
int move_store(const struct move_options *options,
	       struct move_result *ret_result, struct err *e);

/* Undo what closed a source that has moved. 0; ERR_STATE when it was not. */
int move_reopen(const char *location, struct err *e);

#endif
