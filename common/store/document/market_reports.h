/* SPDX-License-Identifier: MIT
 *
 * market_reports.h - reports of a marketplace and what we have of their orders.
 *
 * Functions take a write transaction unless they say "Reader".
 */
#ifndef STORE_MARKET_REPORTS_H
#define STORE_MARKET_REPORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domain/settlement/settlement.h"

struct db;
struct err;

enum {
	MARKET_FILE_BYTES = 256,
	MARKET_NAME_BYTES = 80 /* "REP-000001" */
};

/* What we have of an order. With days: as it was on the last of them, without
 * what was corrected or came back later. only_returns: the report has the
 * order's returns alone, so only what came back on those days counts. */
struct market_order {
	const char *channel, *external_id;
	const char *from_date, *to_date; /* or "" */
	bool only_returns;
};
/* 0 (ours->is_known says whether there is one) or < 0. Reader. */
int market_reports_ours(struct db *db, const struct market_order *order,
			struct settlement_ours *ret_ours, struct err *e);

/* Sales by the day that they bear, after *place, which moves on. */
struct market_sales {
	const char *channel, *to_date;
	char date[MARKET_DATE_BYTES]; /* from this day on at first */
	int64_t id;                   /* 0 at first */
};
/* Calls each() for at most max sales until it returns < 0. Number of them, or
 * < 0. Reader. */
int market_reports_sales(struct db *db, struct market_sales *place, int max,
			 int (*each)(const char *external_id, const char *date,
				     void *context, struct err *e),
			 void *context, struct err *e);

/* The latest good report with this file. */
struct market_report {
	int64_t id, document_id, created_ms;
	int64_t counts[FINDING_KIND_MAX_], orders;
	char name[MARKET_NAME_BYTES];
};
/* 1, 0 when there is none, < 0. Reader. */
int market_reports_find(struct db *db, const char *hash,
			struct market_report *ret_report, struct err *e);

/* Keep the document and the report. 1; 0: the file is known already, and
 * *ret_report says as what (unless `again`). */
struct market_keeping {
	const struct settlement *found;
	const struct settlement_about *about; /* but number and made_ms */
	const char *actor;
	bool again;
};
int market_reports_keep(struct db *db, const struct market_keeping *keeping,
			int64_t now_ms, struct market_report *ret_report,
			struct err *e);
/* The file could not be read. */
int market_reports_fail(struct db *db, const char *channel,
			const char *file_name, const char *hash,
			const char *reason, int64_t now_ms, struct err *e);

/* The oldest report, after after_id, whose files were not written. 1, 0, < 0.
 * Reader. */
int market_reports_to_export(struct db *db, int64_t after_id,
			     struct market_report *ret_report, struct err *e);
int market_reports_exported(struct db *db, int64_t id, int64_t now_ms,
			    struct err *e);

#endif
