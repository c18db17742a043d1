/* SPDX-License-Identifier: MIT
 *
 * terms.h - what the configuration and the calendar say about one document.
 */
#ifndef INVOICING_TERMS_H
#define INVOICING_TERMS_H

#include <stdint.h>

#include "domain/invoice/invoice.h"

struct config;
struct document_due;

struct terms {
	struct invoice_terms invoice; /* points into this struct */
	char shipment_date[INVOICE_DATE_BYTES];
	char business_date[INVOICE_DATE_BYTES];
	char series[INVOICE_SERIES_BYTES];
};

/* The day of shipment is that of the delivery where the store is. The document
 * bears the same day, or, when the books of that day are closed and the
 * configuration says so, today's there. The series may name {year} and {store}.
 * *terms must not be copied afterwards. */
void terms_set(struct terms *terms, const struct config *config,
	       const struct document_due *due, int64_t now_ms);

#endif
