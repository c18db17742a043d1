/* SPDX-License-Identifier: MIT
 *
 * product.h - an article of the retailer's catalogue. Pure.
 */
#ifndef DOMAIN_PRODUCT_H
#define DOMAIN_PRODUCT_H

#include <stdbool.h>
#include <stdint.h>

#include "domain/order/order.h"

enum {
	PRODUCT_UNIT_BYTES = 16,
	PRODUCT_VAT_BYTES = 8,
	PRODUCT_BARCODES_BYTES = 512, /* all of one product, spaces between */
	BARCODE_BYTES = 64
};

struct product {
	char sku[ORDER_SKU_BYTES];
	char name[ORDER_TEXT_BYTES / 2];
	char unit[PRODUCT_UNIT_BYTES];
	char vat_rate[PRODUCT_VAT_BYTES]; /* a code of vat.h; "": not said */
	char barcodes[PRODUCT_BARCODES_BYTES];
	int64_t piece_weight_g; /* -1: not said */
	int tolerance_percent;  /* -1: not said */
	bool marked; /* each piece has a marking code («Честный знак») */
};

/* Does its unit say that there is no half of it: "шт", "pcs"? */
bool product_is_piece(const struct product *product);

/* How far a picked weight may be off: beyond soft a warning, beyond hard it is
 * refused. The product's own tolerance is the hard one, and the soft one is
 * never wider than that. NULL, or a product that says nothing: those of
 * order_actions.h. */
struct tolerance {
	int soft_percent, hard_percent;
};
struct tolerance product_tolerance(const struct product *product);

/* The form in which barcodes are compared: digits of at most 14 places filled
 * up with zeros to a GTIN-14 (GS1 General Specifications, 3.3.2), anything else
 * as it is. False: empty, too long, or with a space or control character. */
bool product_barcode_key(const char *text, char ret_key[BARCODE_BYTES]);

#endif
