/* SPDX-License-Identifier: MIT
 *
 * settlement.h - a marketplace's report held against our documents: what was
 * found, as a document of kind `report` (docs/formats/report.md). Pure.
 */
#ifndef DOMAIN_SETTLEMENT_H
#define DOMAIN_SETTLEMENT_H

#include "base/buf.h"
#include "domain/settlement/market_index.h"

enum {
	SETTLEMENT_LISTED_MAX = 5000, /* findings; more are only counted */
	SETTLEMENT_BODY_BYTES_MAX = 16 * 1024 * 1024
};

/*        symbol, name, in a document of kind report */
#define FINDING_KINDS(X)                  \
	X(FINDING_MISSING, "missing")     \
	X(FINDING_EXTRA, "extra")         \
	X(FINDING_DIFFERENT, "different") \
	X(FINDING_DUPLICATE, "duplicate")

enum finding_kind {
	FINDING_NONE,
#define X(symbol, name) symbol,
	FINDING_KINDS(X)
#undef X
	FINDING_KIND_MAX_
};
const char *finding_kind_name(enum finding_kind kind);

/* What we have of an order. */
struct settlement_ours {
	bool is_known; /* there is such an order */
	bool has_sale; /* and a document of its sale */
	char number[ORDER_NUMBER_BYTES];
	char state[ORDER_SHORT_BYTES];         /* of the order */
	char invoice_state[ORDER_SHORT_BYTES]; /* none done empty blocked */
	char invoice_reason[256];
	/* The sale with its corrections, less its returns. */
	int64_t amount_minor, vat_minor;
};

struct settlement_limits {
	int64_t amount_minor, vat_minor; /* less than that is no difference */
};

struct settlement {
	struct settlement_limits limits;
	int64_t rows, orders, matched;
	int64_t counts[FINDING_KIND_MAX_];
	int64_t report_minor, ours_minor; /* of the report's orders */
	char from[MARKET_DATE_BYTES], to[MARKET_DATE_BYTES]; /* "": unknown */
	struct buf findings; /* JSON objects with commas between */
	int64_t listed;
};
/* Zeroed is empty, but for the buffer: settlement_begin(). */
void settlement_begin(struct settlement *s,
		      const struct settlement_limits *limits);
void settlement_clear(struct settlement *s);

/* Judge one row of the report. 0; ERR_INVALID: sums that do not fit;
 * ERR_NOMEM. */
int settlement_row(struct settlement *s, const struct market_row *row,
		   const struct market_entry *entry,
		   const struct settlement_ours *ours, struct err *e);
/* We have sold what the report does not know. As above. */
int settlement_extra(struct settlement *s, const char *external_id,
		     const char *date, const struct settlement_ours *ours,
		     struct err *e);

int64_t settlement_differences(const struct settlement *s);

/* What the document says besides. Borrowed. */
struct settlement_about {
	const char *series, *date, *channel;
	int64_t number, made_ms;
	const char *file_name, *hash;
	bool is_partial;
};
/* The document as JSON. 0 or ERR_NOMEM. */
int settlement_write(const struct settlement *s,
		     const struct settlement_about *about, struct buf *buf,
		     struct err *e);

#endif
