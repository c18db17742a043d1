/* SPDX-License-Identifier: MIT
 *
 * documents.h - sales documents and their gapless numbers.
 *
 * A document's number is taken from its series in the transaction that inserts
 * it, so a series has no gap; (order, kind, revision) is unique, so an order
 * has no second document, however often the job runs.
 */
#ifndef STORE_DOCUMENTS_H
#define STORE_DOCUMENTS_H

#include <stddef.h>
#include <stdint.h>

struct db;
struct err;

/* Delivered orders without a document, oldest delivery first, after
 * (delivered_ms, id); blocked ones are among them, to be tried again. */
struct document_due {
	int64_t order_id, delivered_ms;
	char store_id[64], time_zone[64]; /* of the store */
};
/* Count of rows written to ret_due, at most max; < 0. Reader. */
int documents_due(struct db *db, int64_t after_ms, int64_t after_id,
		  struct document_due *ret_due, int max, struct err *e);

/* Next number of a series. Inside the write transaction of the document.
 * ERR_STATE while the series is held (restore.h). */
int documents_next_number(struct db *db, const char *series,
			  int64_t *ret_number, struct err *e);

struct document {
	const char *kind, *series, *store_id, *business_date, *body;
	int64_t number, order_id, revision, total_minor, vat_minor;
	int64_t batch_id;           /* batches_join() */
	const char *reason, *actor; /* of what a person asked for, or NULL */
};
/* ERR_INVALID when the order has it already. */
int documents_add(struct db *db, const struct document *document,
		  int64_t now_ms, struct err *e);

/* orders.invoice_state: done, empty, blocked (with the reason). 1 when the
 * order was still to be invoiced, 0 when not. */
int documents_set_order(struct db *db, int64_t order_id, const char *state,
			const char *reason, struct err *e);

/* A document as it is kept. Readers call each() per row until it returns < 0,
 * which then is the result, or > 0: enough. Number of rows, or < 0. */
struct document_body {
	int64_t id;
	const char *body; /* borrowed during the callback */
};
typedef int documents_visit(const struct document_body *document, void *context,
			    struct err *e);
/* At most max of a batch, after after_id, by id. */
int documents_of_batch(struct db *db, int64_t batch_id, int64_t after_id,
		       int max, documents_visit *each, void *context,
		       struct err *e);
/* All of an order, oldest first. */
int documents_of_order(struct db *db, int64_t order_id, documents_visit *each,
		       void *context, struct err *e);
int documents_get(struct db *db, int64_t id, documents_visit *each,
		  void *context, struct err *e);

/* Its batch. 1; 0 when there is no such document; < 0. */
int documents_batch_of(struct db *db, const char *id, int64_t *ret_batch_id,
		       struct err *e);

/* Documents of a batch, after_id < id <= up_to_id, have been exported: with the
 * name and hash of the batch's first file. Number of those that were not yet,
 * or < 0. Inside a write transaction. */
struct document_mark {
	int64_t batch_id, after_id, up_to_id;
	const char *file_name, *hash;
};
int documents_exported(struct db *db, const struct document_mark *mark,
		       int64_t now_ms, struct err *e);

#endif
