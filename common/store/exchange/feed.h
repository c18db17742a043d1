/* SPDX-License-Identifier: MIT
 *
 * feed.h - what an ERP pulls after a counter: documents, and what happened to
 * orders.
 *
 * An entry is written in the transaction of what it tells, and is never changed
 * afterwards, so a page after the same counter is the same page with what came
 * since. Counters follow the order of commits (docs/decisions): no entry can
 * become visible behind one that was read before.
 */
#ifndef STORE_FEED_H
#define STORE_FEED_H

#include <stdint.h>

struct db;
struct err;
struct order;

#define FEED_DOCUMENTS "documents" /* names of readers */
#define FEED_ORDERS "orders"
#define FEED_PUSH "push" /* push.h */
/* No reader: the newest entry when pushing took over from pulling. */
#define FEED_PULLED "pulled"

/* Inside the write transaction of the change. 0 or < 0. */
int feed_add_document(struct db *db, int64_t document_id, const char *event,
		      int64_t now_ms, struct err *e);
/* event: state, lines. */
int feed_add_order(struct db *db, const struct order *order, const char *event,
		   int64_t now_ms, struct err *e);
/* Of a restored store: go on beyond all that anybody has read, however often a
 * backup is restored, and where: at the microseconds of now_ms. */
int feed_jump(struct db *db, int64_t now_ms, struct err *e);

/* One entry; texts are borrowed during the callback. */
struct feed_entry {
	int64_t id, ref_id, at_ms, order_id; /* order_id 0: of no order */
	const char *kind, *event;
	const char *number, *channel, *external_id, *store_id; /* order's */
	/* Of an order */
	const char *state;
	int64_t version;
	/* Of a document */
	const char *document_kind, *series, *business_date, *body;
	int64_t document_number, revision, total_minor, vat_minor;
};
/* < 0 ends with that; > 0: enough, and this one was not taken. */
typedef int feed_visit(const struct feed_entry *entry, void *context,
		       struct err *e);

/* Entries after after_id, at most max. Reader or writer. Number of them that
 * were taken, or < 0. */
int feed_documents(struct db *db, int64_t after_id, int max, feed_visit *each,
		   void *context, struct err *e);
int feed_orders(struct db *db, int64_t after_id, int max, feed_visit *each,
		void *context, struct err *e);
/* Both. */
int feed_all(struct db *db, int64_t after_id, int max, feed_visit *each,
	     void *context, struct err *e);
/* One document, as an entry without a counter. 1, 0: there is none, < 0. */
int feed_document(struct db *db, int64_t document_id, feed_visit *each,
		  void *context, struct err *e);

/* How far a reader is. 1, 0 when it has never read, < 0. */
int feed_reader(struct db *db, const char *name, int64_t *ret_after_id,
		int64_t *ret_read_ms, struct err *e);
/* It asked for what comes after after_id. Inside a write transaction. Once that
 * is on the disk, so is every entry that was read before it began. */
int feed_read_on(struct db *db, const char *name, int64_t after_id,
		 int64_t now_ms, struct err *e);

#endif
