/* SPDX-License-Identifier: MIT
 *
 * fold.h - an order's documents put on top of each other: what is sold now.
 */
#ifndef DOCUMENT_FOLD_H
#define DOCUMENT_FOLD_H

#include "domain/invoice/invoice.h"

struct db;
struct err;

struct document_fold {
	enum invoice_kind kind; /* set before: whose revisions are counted */
	struct invoice state;   /* owned */
	int count;
	int64_t revision; /* of that kind's last document */
};

/* Number of documents; 0: the order has none. Reader. The caller clears
 * fold->state, also after a failure. */
int document_fold(struct db *db, int64_t order_id, struct document_fold *fold,
		  struct err *e);

#endif
