/* SPDX-License-Identifier: MIT
 *
 * quarantine.h - bodies that could not be read at all (P4), until a person has
 * dealt with them; and the originals of bodies that a person has corrected.
 *
 * Inside a write transaction unless it says otherwise; 0, or < 0 as
 * query_next().
 */
#ifndef STORE_QUARANTINE_H
#define STORE_QUARANTINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct db;
struct err;

/* Keep a body that could not be read. */
int quarantine_add(struct db *db, const char *channel, const char *reason,
		   const void *raw, size_t bytes, int64_t now_ms,
		   struct err *e);

enum {
	QUARANTINE_CHANNEL_BYTES = 64,
	QUARANTINE_REASON_BYTES = 400
};

struct quarantined {
	char channel[QUARANTINE_CHANNEL_BYTES];
	char reason[QUARANTINE_REASON_BYTES];
	bool closed;    /* somebody has dealt with it */
	struct buf raw; /* owned; its maximum is the caller's */
};

/* 1; 0: there is none; < 0. Reader or writer.
 */
int quarantine_read(struct db *db, int64_t id, struct quarantined *ret_one,
		    struct err *e);

/* A person has dealt with it: "replayed" or "dismissed". 1; 0: somebody had
 * before; < 0. */
int quarantine_close(struct db *db, int64_t id, const char *outcome,
		     int64_t now_ms, struct err *e);

/* Give a message of the inbox that has failed (state 4) another body, and keep
 * the one that it came with as a closed row here. 1; 0: there is no such
 * message; < 0. */
int quarantine_correct(struct db *db, int64_t inbox_id, const char *body,
		       int64_t now_ms, struct err *e);

#endif
