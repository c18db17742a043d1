/* SPDX-License-Identifier: MIT
 *
 * invoice.h - the sales document (реализация) of a delivered order. Pure.
 *
 * Prices include VAT. Every line is rounded by itself, and totals are sums of
 * rounded lines. A weighed line costs its price per piece in proportion to the
 * weight that was handed over; what was not handed over is not on the document.
 */
#ifndef DOMAIN_INVOICE_H
#define DOMAIN_INVOICE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "domain/catalogue/product.h"
#include "domain/order/order.h"

struct err;

struct invoice_terms {
	const char *series;
	const char *business_date; /* of the store: "YYYY-MM-DD" */
	const char *seller_name, *seller_inn, *seller_kpp;
	const char *default_vat; /* "" : lines without a rate block it */
	/* What the catalogue says of order->lines[i], "" when nothing; NULL:
	 * nothing of any line. */
	char (*line_vat)[PRODUCT_VAT_BYTES];
};

struct invoice_line {
	const struct order_line *line; /* borrowed from the order */
	int64_t qty_milli, amount_minor, vat_minor;
	int vat_percent;
};

struct invoice {
	struct invoice_line *lines; /* owned */
	size_t line_count;
	int64_t total_minor, vat_minor;
};
void invoice_clear(struct invoice *invoice);

/* 1 and the document; 0 when nothing was handed over: there is none;
 * ERR_INVALID with the reason that blocks it; ERR_NOMEM. */
int invoice_build(const struct order *order, const struct invoice_terms *terms,
		  struct invoice *ret_invoice, struct err *e);

/* The document as JSON (docs/formats/invoice.md). */
int invoice_render(const struct invoice *invoice, const struct order *order,
		   const struct invoice_terms *terms, int64_t number,
		   struct buf *buf, struct err *e);

#endif
