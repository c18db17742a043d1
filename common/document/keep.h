/* SPDX-License-Identifier: MIT
 *
 * keep.h - a new document into the store: its number, its batch, its row and a
 * line of the order's history, in the write transaction of the caller.
 */
#ifndef DOCUMENT_KEEP_H
#define DOCUMENT_KEEP_H

#include <stdint.h>

#include "domain/invoice/invoice.h"

struct db;
struct err;

struct keeping {
	int64_t order_id;
	int64_t *batch_id;   /* batches_join() */
	const char *history; /* kind of the order's history */
	const char *actor;
};
/* invoice->number and made_ms are set. 0; ERR_INVALID when the order has a
 * document of that kind and revision; others. */
int document_keep(struct db *db, struct invoice *invoice,
		  const struct keeping *keeping, int64_t now_ms, struct err *e);

#endif
