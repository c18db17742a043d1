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
	char time_zone[64]; /* of the store */
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
};
/* ERR_INVALID when the order has it already. */
int documents_add(struct db *db, const struct document *document,
		  int64_t now_ms, struct err *e);

/* orders.invoice_state: done, empty, blocked (with the reason). 1 when the
 * order was still to be invoiced, 0 when not. */
int documents_set_order(struct db *db, int64_t order_id, const char *state,
			const char *reason, struct err *e);

/* Documents whose file is not written yet: calls each() per row. */
struct document_file {
	int64_t id, number;
	const char *series, *kind, *body; /* borrowed during the callback */
};
int documents_to_export(struct db *db,
			int (*each)(const struct document_file *file,
				    void *context),
			void *context, struct err *e);
int documents_exported(struct db *db, int64_t id, const char *file_name,
		       const char *hash, int64_t now_ms, struct err *e);

#endif
