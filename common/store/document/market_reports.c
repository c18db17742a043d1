/* SPDX-License-Identifier: MIT */
#include "store/document/market_reports.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "domain/invoice/invoice.h"
#include "store/document/documents.h"
#include "store/engine/db.h"

enum {
	FILE_NAME_BYTES = 256
};

/* $3 last day, $4 only returns, $5 their first day */
#define SIGNED(sum)                                                  \
	"CAST(coalesce(sum(CASE WHEN d.kind = 'return' THEN -d." sum \
	" WHEN $4 = 1 THEN 0 ELSE d." sum " END), 0) AS BIGINT)"
STMT(market_reports_select_ours,
     "SELECT i.number, coalesce(o.state, ''), coalesce(o.invoice_state, ''),"
     " coalesce(o.invoice_reason, ''),"
     " coalesce(sum(CASE WHEN d.kind = 'sale' THEN 1 ELSE 0 END), 0),"
     " " SIGNED("total_minor") ", " SIGNED(
	     "vat_minor") " FROM order_identity i LEFT JOIN orders o ON o.id = "
			  "i.order_id"
			  " LEFT JOIN documents d ON d.order_id = i.order_id"
			  "  AND (d.kind = 'sale' OR (d.kind IN ('correction', "
			  "'return')"
			  "   AND ($3 = '' OR d.business_date <= $3)"
			  "   AND ($4 = 0 OR d.business_date >= $5)))"
			  " WHERE i.channel = $1 AND i.external_id = $2"
			  " GROUP BY i.number, o.state, o.invoice_state, "
			  "o.invoice_reason");
STMT(market_reports_select_sales,
     "SELECT d.business_date, d.id, o.external_id FROM documents d"
     " JOIN orders o ON o.id = d.order_id WHERE d.kind = 'sale'"
     " AND o.channel = $1 AND (d.business_date, d.id) > ($2, $3)"
     " AND d.business_date <= $4 ORDER BY d.business_date, d.id LIMIT $5");
#define REPORT_COLUMNS                                              \
	"id, document_id, created_ms, order_count, missing, extra," \
	" different, duplicate, name"
STMT(market_reports_select,
     "SELECT " REPORT_COLUMNS " FROM market_reports WHERE hash = $1"
     " AND outcome = 'done' ORDER BY id DESC LIMIT 1");
STMT(market_reports_select_unwritten,
     "SELECT " REPORT_COLUMNS " FROM market_reports WHERE id > $1"
     " AND outcome = 'done' AND exported_ms = 0 ORDER BY id LIMIT 1");
STMT(market_reports_insert_document,
     "INSERT INTO documents (kind, series, number, order_id, revision,"
     " store_id, business_date, total_minor, vat_minor, state, file_name, body,"
     " created_ms, exported_ms, actor) VALUES ('report', $1, $2, 0,"
     " (SELECT coalesce(max(r.revision), 0) + 1 FROM documents AS r"
     "  WHERE r.order_id = 0 AND r.kind = 'report'), '', $3, $4, 0, "
     "'exported', $5, $6, $7, $7, $8) RETURNING id");
STMT(market_reports_insert,
     "INSERT INTO market_reports (channel, file_name, hash, revision, outcome,"
     " reason, document_id, name, from_date, to_date, partial, order_count,"
     " missing, extra, different, duplicate, created_ms) VALUES ($1, $2, $3,"
     " (SELECT count(*) + 1 FROM market_reports WHERE hash = $3), $4, $5, $6,"
     " $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) RETURNING id");
/* The same file, a file that could not be read and came again, and a report of
 * the same days. */
STMT(market_reports_supersede,
     "UPDATE market_reports SET superseded_ms = $1 WHERE superseded_ms = 0"
     " AND channel = $2 AND ((hash = $3 AND hash <> '')"
     " OR (outcome <> 'done' AND file_name = $4) OR (outcome = 'done'"
     " AND from_date = $5 AND to_date = $6 AND from_date <> ''))");
STMT(market_reports_set_exported,
     "UPDATE market_reports SET exported_ms = $2 WHERE id = $1");

int market_reports_ours(struct db *db, const struct market_order *order,
			struct settlement_ours *ret_ours, struct err *e)
{
	CLEANUP_QUERY struct query *q =
		query_start(db, &market_reports_select_ours);
	struct settlement_ours *to = ret_ours;
	int rc;

	*to = (struct settlement_ours){0};
	query_text(q, 1, order->channel);
	query_text(q, 2, order->external_id);
	query_text(q, 3, order->to_date);
	query_i64(q, 4, order->only_returns);
	query_text(q, 5, order->from_date);
	rc = query_next(q, e);
	if (rc <= 0)
		return rc;
	to->is_known = true;
	(void)text_copy(to->number, sizeof(to->number), query_col_text(q, 0));
	(void)text_copy(to->state, sizeof(to->state), query_col_text(q, 1));
	(void)text_copy(to->invoice_state, sizeof(to->invoice_state),
			query_col_text(q, 2));
	(void)text_copy(to->invoice_reason, sizeof(to->invoice_reason),
			query_col_text(q, 3));
	to->has_sale = query_col_i64(q, 4) > 0;
	to->amount_minor = query_col_i64(q, 5);
	to->vat_minor = query_col_i64(q, 6);
	return 0;
}

int market_reports_sales(struct db *db, struct market_sales *place, int max,
			 int (*each)(const char *external_id, const char *date,
				     void *context, struct err *e),
			 void *context, struct err *e)
{
	CLEANUP_QUERY struct query *q =
		query_start(db, &market_reports_select_sales);
	char from[MARKET_DATE_BYTES];
	int count = 0;
	int rc;

	memcpy(from, place->date, sizeof(from));
	query_text(q, 1, place->channel);
	query_text(q, 2, from);
	query_i64(q, 3, place->id);
	query_text(q, 4, place->to_date);
	query_i64(q, 5, max);
	while ((rc = query_next(q, e)) > 0) {
		(void)text_copy(place->date, sizeof(place->date),
				query_col_text(q, 0));
		place->id = query_col_i64(q, 1);
		rc = each(query_col_text(q, 2), place->date, context, e);
		if (rc < 0)
			return rc;
		count++;
	}
	return rc < 0 ? rc : count;
}

static int read_report(struct query *q, struct market_report *to, struct err *e)
{
	int rc = query_next(q, e);

	if (rc <= 0)
		return rc;
	*to = (struct market_report){
		.id = query_col_i64(q, 0),
		.document_id = query_col_i64(q, 1),
		.created_ms = query_col_i64(q, 2),
		.orders = query_col_i64(q, 3),
		.counts[FINDING_MISSING] = query_col_i64(q, 4),
		.counts[FINDING_EXTRA] = query_col_i64(q, 5),
		.counts[FINDING_DIFFERENT] = query_col_i64(q, 6),
		.counts[FINDING_DUPLICATE] = query_col_i64(q, 7),
	};
	(void)text_copy(to->name, sizeof(to->name), query_col_text(q, 8));
	return 1;
}

int market_reports_find(struct db *db, const char *hash,
			struct market_report *ret_report, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &market_reports_select);

	query_text(q, 1, hash);
	return read_report(q, ret_report, e);
}

int market_reports_to_export(struct db *db, int64_t after_id,
			     struct market_report *ret_report, struct err *e)
{
	CLEANUP_QUERY struct query *q =
		query_start(db, &market_reports_select_unwritten);

	query_i64(q, 1, after_id);
	return read_report(q, ret_report, e);
}

int market_reports_exported(struct db *db, int64_t id, int64_t now_ms,
			    struct err *e)
{
	CLEANUP_QUERY struct query *q =
		query_start(db, &market_reports_set_exported);
	int rc;

	query_i64(q, 1, id);
	query_i64(q, 2, now_ms);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

/* A row of market_reports. */
struct kept {
	const char *channel, *hash, *outcome, *reason;
	char file_name[FILE_NAME_BYTES];
	const struct settlement *found;
	bool is_partial;
	struct market_report *report;
};

/* A name of a file is any bytes. */
static void name_file(struct kept *kept, const char *file_name)
{
	(void)text_copy(kept->file_name, sizeof(kept->file_name), file_name);
	text_make_line(kept->file_name);
}

static int supersede(struct db *db, const struct kept *kept, int64_t now_ms,
		     struct err *e)
{
	CLEANUP_QUERY struct query *q =
		query_start(db, &market_reports_supersede);

	query_i64(q, 1, now_ms);
	query_text(q, 2, kept->channel);
	query_text(q, 3, kept->hash);
	query_text(q, 4, kept->file_name);
	query_text(q, 5, kept->found->from);
	query_text(q, 6, kept->found->to);
	return query_exec(q, e);
}

static int insert(struct db *db, const struct kept *kept, int64_t now_ms,
		  struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &market_reports_insert);
	const struct settlement *found = kept->found;
	int rc = supersede(db, kept, now_ms, e);

	if (rc < 0)
		return rc;
	query_text(q, 1, kept->channel);
	query_text(q, 2, kept->file_name);
	query_text(q, 3, kept->hash);
	query_text(q, 4, kept->outcome);
	query_text(q, 5, kept->reason);
	query_i64(q, 6, kept->report->document_id);
	query_text(q, 7, kept->report->name);
	query_text(q, 8, found->from);
	query_text(q, 9, found->to);
	query_i64(q, 10, kept->is_partial);
	query_i64(q, 11, found->orders);
	query_i64(q, 12, found->counts[FINDING_MISSING]);
	query_i64(q, 13, found->counts[FINDING_EXTRA]);
	query_i64(q, 14, found->counts[FINDING_DIFFERENT]);
	query_i64(q, 15, found->counts[FINDING_DUPLICATE]);
	query_i64(q, 16, now_ms);
	rc = query_one_i64(q, &kept->report->id, e);
	return rc < 0 ? rc : 1;
}

static int insert_document(struct db *db, const struct market_keeping *keeping,
			   struct settlement_about *about,
			   struct market_report *report, struct err *e)
{
	CLEANUP(buf_clear)
	struct buf body = BUF_MAX((size_t)SETTLEMENT_BODY_BYTES_MAX * 2);
	CLEANUP_QUERY struct query *q = NULL;
	char file_name[MARKET_NAME_BYTES + 16];
	int rc = documents_next_number(db, about->series, &about->number, e);

	if (rc == 0)
		rc = settlement_write(keeping->found, about, &body, e);
	if (rc < 0)
		return rc;
	invoice_name(about->series, about->number, report->name);
	(void)snprintf(file_name, sizeof(file_name), "report-%s.json",
		       report->name);
	q = query_start(db, &market_reports_insert_document);
	query_text(q, 1, about->series);
	query_i64(q, 2, about->number);
	query_text(q, 3, about->date);
	query_i64(q, 4, keeping->found->report_minor);
	query_text(q, 5, file_name);
	query_text(q, 6, buf_text(&body));
	query_i64(q, 7, about->made_ms);
	query_text(q, 8, keeping->actor);
	rc = query_one_i64(q, &report->document_id, e);
	return rc < 0 ? rc : 0;
}

int market_reports_keep(struct db *db, const struct market_keeping *keeping,
			int64_t now_ms, struct market_report *ret_report,
			struct err *e)
{
	struct settlement_about about = *keeping->about;
	struct kept kept = {.channel = about.channel,
			    .hash = about.hash,
			    .outcome = "done",
			    .reason = "",
			    .found = keeping->found,
			    .is_partial = about.is_partial,
			    .report = ret_report};
	int rc = keeping->again
			 ? 0
			 : market_reports_find(db, about.hash, ret_report, e);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	*ret_report = (struct market_report){.created_ms = now_ms,
					     .orders = keeping->found->orders};
	memcpy(ret_report->counts, keeping->found->counts,
	       sizeof(ret_report->counts));
	name_file(&kept, about.file_name);
	about.made_ms = now_ms;
	rc = insert_document(db, keeping, &about, ret_report, e);
	return rc < 0 ? rc : insert(db, &kept, now_ms, e);
}

int market_reports_fail(struct db *db, const char *channel,
			const char *file_name, const char *hash,
			const char *reason, int64_t now_ms, struct err *e)
{
	const struct settlement nothing = {0};
	struct market_report report = {0};
	struct kept kept = {.channel = channel,
			    .hash = hash,
			    .outcome = "failed",
			    .reason = reason,
			    .found = &nothing,
			    .report = &report};
	int rc;

	name_file(&kept, file_name);
	rc = insert(db, &kept, now_ms, e);
	return rc < 0 ? rc : 0;
}
