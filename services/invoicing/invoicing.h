/* SPDX-License-Identifier: MIT
 *
 * invoicing.h - delivered orders to sales documents, documents to files.
 */
#ifndef INVOICING_INVOICING_H
#define INVOICING_INVOICING_H

#include <stdint.h>

struct config_invoicing;
struct db;
struct invoice;
struct order;
struct service;
struct err;

struct invoicing_result {
	int made, empty, blocked, exported;
	int returned, told; /* of what the marketplace said later */
};

/* Make the document of every delivered order that has none, one transaction
 * each. 0; < 0 when the store fails. */
int invoicing_make(struct service *s, struct invoicing_result *result,
		   struct err *e);

/* What the marketplace said of goods that were sold already: a return each
 * (invoicing.after_delivery), or it waits for a person. 0; < 0 when the store
 * fails. */
int invoicing_later(struct service *s, struct invoicing_result *result,
		    struct err *e);

/* What the marketplace took off before the delivery was never sold: *order goes
 * without it. *sale is what the order makes as it is. 1 when that changes; 0;
 * < 0. Inside of a unit. */
int invoicing_take_off(struct db *db, const struct config_invoicing *config,
		       const struct invoice *sale, struct order *order,
		       struct err *e);

/* Write the files of every batch of documents that has none yet. A batch that
 * cannot be written does not keep the others back. 0; the first error. */
int invoicing_export(struct service *s, struct invoicing_result *result,
		     struct err *e);

#endif
