/* SPDX-License-Identifier: MIT
 *
 * inbox.h - messages from marketplaces, kept before they are answered (P1).
 *
 * The inbox keeps every delivery, also the second of the same event: whether it
 * changes anything is decided when it is applied. Inside a write transaction.
 */
#ifndef STORE_INBOX_H
#define STORE_INBOX_H

#include <stddef.h>
#include <stdint.h>

#include "store/order/identity.h"
#include "store/queue/queue.h"

struct inbox_arrival {
	const char *channel;
	const char *external_id; /* "" when only the alias is known */
	const char *alias;       /* "" : none */
	const char *event_type;
	const char *body; /* NUL-terminated valid UTF-8 */
	int64_t event_ms; /* the body's time, else the time of receipt */
	const char *quarantine_reason; /* not NULL: known shape, unknown event:
					  kept as failed, and not worked on */
};

/* Keep one message; *ret_identity is the order it belongs to.
 * 0, or as query_next(). */
int inbox_add(struct db *db, const struct inbox_arrival *arrival,
	      int64_t now_ms, struct identity *ret_identity, struct err *e);

/* Keep a body that could not be read. 0, or as query_next(). */
int quarantine_add(struct db *db, const char *channel, const char *reason,
		   const void *raw, size_t bytes, int64_t now_ms,
		   struct err *e);

#endif
