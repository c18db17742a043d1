/* SPDX-License-Identifier: MIT
 *
 * audit.h - who did what by hand, to what, and why.
 *
 * An entry is written in the transaction of its first change and grows with
 * each batch, so that what an interrupted operation did is known exactly.
 * Inside a write transaction; 0 or < 0.
 */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

struct db;
struct err;

enum {
	AUDIT_REASON_BYTES = 400
};

struct audit_entry {
	const char *actor;
	const char *action; /* "queue outbox retry" */
	const char *filter; /* JSON */
	const char *reason;
};
int audit_begin(struct db *db, const struct audit_entry *entry, int64_t now_ms,
		int64_t *ret_audit_id, struct err *e);

/* One message of it; copy_id is 0 unless it was sent again. */
int audit_message(struct db *db, int64_t audit_id, const char *queue,
		  int64_t message_id, bool changed, int64_t copy_id,
		  struct err *e);

/* So many more were looked at, and changed. */
int audit_add(struct db *db, int64_t audit_id, int64_t matched, int64_t changed,
	      struct err *e);

#endif
