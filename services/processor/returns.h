/* SPDX-License-Identifier: MIT
 *
 * returns.h - messages that were claimed and could not be applied, until the
 * store takes them back.
 *
 * A store that is away for a moment, or busy, is no fault of theirs, so nothing
 * is forgotten: else they would wait for the end of a lease and count as ones
 * that have killed a worker. One thread.
 */
#ifndef PROCESSOR_RETURNS_H
#define PROCESSOR_RETURNS_H

#include <stddef.h>

#include "store/engine/writer.h"
#include "store/queue/queue.h"

struct err;

enum {
	RETURNS_MAX = 480 /* three batches */
};

enum return_why {
	RETURN_UNTRIED, /* nothing was done with it: it is as it was */
	RETURN_LOST,    /* the store went away while it was applied, perhaps by
			   what it does: a loss (queue.h) */
	RETURN_FAILED   /* it could not be applied: later again */
};

struct returned {
	struct unit unit;
	struct queue_message message; /* without its texts */
	enum return_why why;
	char error[ERR_TEXT_MAX];
};

struct returns {
	size_t count;
	struct returned rows[RETURNS_MAX];
};

/* There must be room: write them before another three batches are claimed. */
void returns_add(struct returns *returns, const struct queue_message *m,
		 enum return_why why, const char *error);

/* Give them back, and forget those that are, or that somebody else has taken
 * meanwhile. 0 when none is left, else why not. */
int returns_write(struct returns *returns, struct writer *writer,
		  struct err *e);

#endif
