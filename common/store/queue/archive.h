/* SPDX-License-Identifier: MIT
 *
 * archive.h - old rows leave the hot tables, and later the archives.
 *
 * Rows are looked at in the order of their ids, so that one walk through a
 * table costs one scan of what is old. One call is one transaction's worth;
 * nothing that waits for somebody (state 1, 2, 4) ever moves.
 */
#ifndef STORE_ARCHIVE_H
#define STORE_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

struct db;
struct err;
struct archive_step;

enum {
	ARCHIVE_BATCH_MAX = 500 /* rows in one transaction */
};

/* Done rows into their archive table, with what was tried with them. */
extern const struct archive_step archive_inbox, archive_outbox;
/* Heads of orders that are over and have nothing in the queue any more. */
extern const struct archive_step archive_idle_heads, archive_idle_outbox_heads;
/* Old rows go for good; a message only when no message of its order is in the
 * queue. */
extern const struct archive_step archive_old_inbox, archive_old_outbox,
	archive_old_telegram, archive_old_mail, archive_old_alerts,
	archive_old_quarantine;
/* Closed orders with everything of theirs but the documents; each is some 40
 * rows, so a batch is small. */
enum {
	ARCHIVE_ORDERS_BATCH = 10
};
extern const struct archive_step archive_old_orders;
/* Steps of orders in the ERP's feed that were overtaken by later ones; a walk
 * goes on where the last one ended. */
extern const struct archive_step archive_overtaken_steps;
/* Stored answers of the assembly API. */
extern const struct archive_step archive_answers;
/* Runs without news (ok, skipped), and all ended runs. */
extern const struct archive_step archive_old_quiet_runs, archive_old_runs;

/* A walk through one table, from {0} until it is finished. */
struct archive_walk {
	int64_t after_id;
	bool finished;
};

/* Look at the next `limit` rows. Number of rows moved or removed, or < 0.
 * Inside a write transaction; *walk changes only when it is good. */
int archive_next(struct db *db, const struct archive_step *step,
		 int64_t before_ms, int limit, struct archive_walk *walk,
		 struct err *e);

/* Parked events that nobody waits for any more, oldest first. Reader or
 * writer. Number of rows, or < 0. */
struct archive_expired {
	int64_t inbox_id, order_id;
	const char *event_type, *external_id; /* borrowed */
	const char *number;                   /* "" : there is no such order */
};
int archive_expired_events(struct db *db, int64_t now_ms, int limit,
			   int (*each)(const struct archive_expired *expired,
				       void *context),
			   void *context, struct err *e);

#endif
