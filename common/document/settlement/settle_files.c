/* SPDX-License-Identifier: MIT */
#include "document/settlement/settle_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/config/config.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "codec/time/timestamp.h"
#include "document/export.h"
#include "document/out_file.h"
#include "document/settlement/report_form.h"
#include "store/document/documents.h"
#include "store/engine/writer.h"

enum {
	FORMS_MAX = 8,
	FILE_BYTES_MAX = 64 * 1024 * 1024,
	MOSCOW_OFFSET_S =
		3 * 3600,    /* where the marketplaces count their days */
	DOCUMENTS_MAX = 1000 /* of one run */
};

void settle_set(struct settle *s, const struct config *config, int64_t now_ms)
{
	static _Thread_local char today[DATE_TEXT_BYTES];
	const struct config_settlement *c = &config->settlement;

	*s = (struct settle){
		.channel = "kuper",
		.series = c->series,
		.actor = "ordergate",
		.today = timestamp_date(now_ms, MOSCOW_OFFSET_S, today),
		.format = {.order = c->order,
			   .amount = c->amount,
			   .vat = c->vat,
			   .status = c->status,
			   .date = c->date,
			   .delivered = c->delivered,
			   .cancelled = c->cancelled},
		.limits = {.amount_minor = c->tolerance_minor,
			   .vat_minor = c->vat_tolerance_minor},
		.from = "",
		.to = "",
		.is_partial = c->partial,
	};
}

static int keep_body(const struct document_body *document, void *context,
		     struct err *e)
{
	buf_add_text(context, document->body);
	return buf_finish(context, e);
}

static int make_file(const struct report_form *form, const char *name,
		     const struct buf *body, const char *folder,
		     bool decimal_comma, struct out_file **ret_file,
		     struct err *e)
{
	CLEANUP(buf_clear) struct buf out = BUF_MAX(FILE_BYTES_MAX);
	char file_name[MARKET_NAME_BYTES + 32];
	struct out_file_facts facts;
	int rc = form->render(buf_text(body), body->used_bytes, decimal_comma,
			      &out, e);

	(void)snprintf(file_name, sizeof(file_name), "report-%s.%s", name,
		       form->name);
	if (rc == 0)
		rc = out_file_new(folder, file_name, ret_file, e);
	if (rc == 0)
		rc = out_file_write(*ret_file, buf_text(&out), out.used_bytes,
				    e);
	return rc < 0 ? rc : out_file_end(*ret_file, &facts, e);
}

static int write_report(struct db *db, const struct market_report *report,
			const char *folder, bool decimal_comma, struct err *e)
{
	CLEANUP(buf_clear) struct buf body = BUF_MAX(FILE_BYTES_MAX);
	struct out_file *files[FORMS_MAX] = {0};
	size_t count = 0;
	int rc = documents_get(db, report->document_id, keep_body, &body, e);

	if (rc == 0)
		rc = err_set(e, ERR_IO, "document %lld is gone",
			     (long long)report->document_id);
	for (const struct report_form *form = report_forms;
	     form->name != NULL && rc >= 0 && count < FORMS_MAX; form++)
		rc = make_file(form, report->name, &body, folder, decimal_comma,
			       &files[count++], e);
	if (rc >= 0)
		rc = out_file_publish(folder, files, count, e);
	for (size_t i = 0; i < count; i++)
		out_file_free(files[i]);
	return rc;
}

struct mark {
	struct unit unit;
	int64_t id;
};

static int run_mark(struct unit *u, struct db *db, int64_t now_ms,
		    struct err *e)
{
	const struct mark *mark = CONTAINER_OF(u, struct mark, unit);

	return market_reports_exported(db, mark->id, now_ms, e);
}

int settle_write_files(struct db *db, struct writer *writer, const char *folder,
		       bool decimal_comma, struct err *e)
{
	const struct export_context c = {.db = db, .folder = folder};
	struct market_report report = {0};
	CLEANUP_FD int lock = -1;
	int count = 0;
	int rc = market_reports_to_export(db, 0, &report, e);

	if (rc <= 0)
		return rc;
	lock = export_lock(&c, e);
	if (lock < 0)
		return lock;
	for (; rc > 0 && count < DOCUMENTS_MAX; count++) {
		struct mark mark = {.unit.run = run_mark, .id = report.id};

		rc = write_report(db, &report, folder, decimal_comma, e);
		if (rc >= 0)
			rc = writer_call(writer, &mark.unit, e);
		if (rc >= 0)
			rc = market_reports_to_export(db, report.id, &report,
						      e);
	}
	return rc < 0 ? rc : count;
}
