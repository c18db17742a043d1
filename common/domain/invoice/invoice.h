/* SPDX-License-Identifier: MIT
 *
 * invoice.h - the documents about a delivered order: its sale (реализация), and
 * later corrections and returns. Pure.
 *
 * Prices include VAT. Every line is rounded by itself, and totals are sums of
 * rounded lines. A weighed line costs its price per piece in proportion to the
 * weight that was handed over; what was not handed over is not on the document.
 *
 * The tax follows the day of shipment, whatever day the document bears, so a
 * return in January of a sale in December keeps the rate of December.
 *
 * A document is a value of its own: nothing that happens to the order, the
 * catalogue or the configuration later changes it. It is kept as JSON
 * (docs/formats/invoice.md), and every other form is made from that.
 */
#ifndef DOMAIN_INVOICE_H
#define DOMAIN_INVOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "domain/catalogue/product.h"
#include "domain/order/order.h"

struct err;

enum {
	INVOICE_DATE_BYTES = 11, /* "2026-11-22" and the NUL */
	INVOICE_SERIES_BYTES = 48,
	INVOICE_NAME_BYTES = 80, /* "OG-000041" */
	INVOICE_REASON_BYTES = 256,
	INVOICE_RATES_MAX = 8 /* distinct rates of one document */
};

/*        symbol, name (documents.kind) */
#define INVOICE_KINDS(X)                    \
	X(INVOICE_SALE, "sale")             \
	X(INVOICE_CORRECTION, "correction") \
	X(INVOICE_RETURN, "return")

enum invoice_kind {
	INVOICE_KIND_NONE = 0,
#define X(symbol, name) symbol,
	INVOICE_KINDS(X)
#undef X
	INVOICE_KIND_MAX_
};

/* What the marketplace is to the seller, as its contract says: it buys or only
 * mediates (sale), sells on behalf of the seller (agent), or sells the seller's
 * goods in its own name (commission). */
#define INVOICE_SCHEMES(X)        \
	X(INVOICE_DIRECT, "sale") \
	X(INVOICE_AGENT, "agent") \
	X(INVOICE_COMMISSION, "commission")

enum invoice_scheme {
	INVOICE_SCHEME_NONE = 0,
#define X(symbol, name) symbol,
	INVOICE_SCHEMES(X)
#undef X
	INVOICE_SCHEME_MAX_
};

const char *invoice_kind_name(enum invoice_kind kind);
const char *invoice_scheme_name(enum invoice_scheme scheme);
enum invoice_kind invoice_kind_from_name(const char *name);
enum invoice_scheme invoice_scheme_from_name(const char *name);

struct invoice_party {
	char name[256], inn[16], kpp[16], address[256];
};

/* Of one line: how much of it, and for how much. */
struct invoice_amounts {
	int64_t qty_milli;
	int64_t weight_g; /* -1: goods by the piece */
	int64_t amount_minor, vat_minor;
};

struct invoice_line {
	int line_no;
	char sku[ORDER_SKU_BYTES];
	char name[ORDER_TEXT_BYTES / 2];
	int64_t price_minor;    /* as charged, per piece */
	int64_t discount_minor; /* of the line; 0: none */
	int vat_percent;        /* VAT_NONE: not subject to the tax */
	/* Sale: what was handed over. Return: what came back. Correction: after
	 * less before, so it may be negative. */
	struct invoice_amounts is;
	struct invoice_amounts before, after; /* not of a sale */
};

/* A marked unit, without the part that proves it (crypto tail). */
struct invoice_code {
	int line_no;
	char unit[ORDER_UNIT_BYTES];
};

struct invoice {
	enum invoice_kind kind;
	enum invoice_scheme scheme;
	char series[INVOICE_SERIES_BYTES];
	int64_t number, revision;
	char date[INVOICE_DATE_BYTES];          /* of the document */
	char shipment_date[INVOICE_DATE_BYTES]; /* of the store, delivery */
	int64_t made_ms, delivered_ms;

	char order_number[ORDER_NUMBER_BYTES];
	char channel[ORDER_SHORT_BYTES];
	char external_id[ORDER_ID_BYTES];
	char store_id[ORDER_SHORT_BYTES];
	struct invoice_party seller, buyer; /* buyer.name "": the public */

	/* Corrections and returns: the sale, and why. */
	char of_series[INVOICE_SERIES_BYTES];
	int64_t of_number;
	char of_date[INVOICE_DATE_BYTES];
	char reason[INVOICE_REASON_BYTES];

	struct invoice_line *lines; /* owned */
	size_t line_count;
	struct invoice_code *codes; /* owned */
	size_t code_count;
	int64_t total_minor, vat_minor, discount_minor;
};
void invoice_clear(struct invoice *invoice);

struct vat_code {
	char text[PRODUCT_VAT_BYTES];
};

struct invoice_terms {
	const char *series;
	const char *business_date;  /* "YYYY-MM-DD" of the document */
	const char *shipment_date;  /* of the store; NULL: business_date */
	enum invoice_scheme scheme; /* 0: direct */
	struct invoice_party seller, buyer;
	const char *default_vat; /* "" : lines without a rate block it */
	/* How far the positions may be off the marketplace's total; -1: is not
	 * looked at. */
	int64_t tolerance_minor;
	/* What the catalogue says of order->lines[i], "" when nothing; NULL:
	 * nothing of any line. */
	const struct vat_code *line_vat;
};

/* The sale of an order, but for its number. 1 and the document; 0 when nothing
 * was handed over: there is none; ERR_INVALID with the reason that blocks it;
 * ERR_NOMEM. */
int invoice_build(const struct order *order, const struct invoice_terms *terms,
		  struct invoice *ret_invoice, struct err *e);

/* What of one line is to change: by how much (return) or to what
 * (correction). */
struct invoice_change {
	int line_no;
	int64_t qty_milli;
	int64_t weight_g; /* -1: in proportion to the quantity */
};

/* Put a later document of the same order on top: *state then says what is sold
 * after it. ERR_INVALID when it is about a line that the sale does not have. */
int invoice_apply(struct invoice *state, const struct invoice *later,
		  struct err *e);

/* A return or correction of what is sold now (the sale with all later documents
 * applied), but for series, number, revision, dates and reason. ERR_INVALID: no
 * such line, twice the same, more than there is, nothing changes; ERR_NOMEM. */
int invoice_return(const struct invoice *state,
		   const struct invoice_change *changes, size_t count,
		   struct invoice *ret_invoice, struct err *e);
int invoice_correct(const struct invoice *state,
		    const struct invoice_change *changes, size_t count,
		    struct invoice *ret_invoice, struct err *e);

/* Sums by rate, the highest rate first. Number of them. */
struct invoice_rate {
	int vat_percent;
	int64_t amount_minor, vat_minor;
};
size_t invoice_rates(const struct invoice *invoice,
		     struct invoice_rate ret_rates[INVOICE_RATES_MAX]);

/* Of a document of that day (YYYY-MM-DD): {year} and {store} of the pattern are
 * filled in. */
void invoice_series(const char *pattern, const char *date, const char *store_id,
		    char ret[INVOICE_SERIES_BYTES]);

/* "OG-000041" */
void invoice_name(const char *series, int64_t number,
		  char ret_name[INVOICE_NAME_BYTES]);

/* As JSON and back. Reading: ERR_INVALID, ERR_NOMEM. */
int invoice_write(const struct invoice *invoice, struct buf *buf,
		  struct err *e);
int invoice_read(const char *body, size_t bytes, struct invoice *ret_invoice,
		 struct err *e);

#endif
