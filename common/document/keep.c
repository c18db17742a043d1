/* SPDX-License-Identifier: MIT */
#include "document/keep.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "store/document/batches.h"
#include "store/document/documents.h"
#include "store/order/orders.h"

enum {
	BODY_BYTES_MAX = 4 * 1024 * 1024
};

int document_keep(struct db *db, struct invoice *invoice,
		  const struct keeping *keeping, int64_t now_ms, struct err *e)
{
	CLEANUP(buf_clear) struct buf body = BUF_MAX(BODY_BYTES_MAX);
	struct document document = {
		.kind = invoice_kind_name(invoice->kind),
		.series = invoice->series,
		.store_id = invoice->store_id,
		.business_date = invoice->date,
		.order_id = keeping->order_id,
		.revision = invoice->revision,
		.total_minor = invoice->total_minor,
		.vat_minor = invoice->vat_minor,
		.reason = invoice->reason,
		.actor = keeping->actor,
	};
	int rc =
		documents_next_number(db, invoice->series, &invoice->number, e);

	invoice->made_ms = now_ms;
	if (rc == 0)
		rc = invoice_write(invoice, &body, e);
	if (rc == 0)
		rc = batches_join(db, keeping->batch_id, now_ms, e);
	if (rc < 0)
		return rc;
	document.number = invoice->number;
	document.batch_id = *keeping->batch_id;
	document.body = buf_text(&body);
	rc = documents_add(db, &document, now_ms, e);
	return rc < 0 ? rc
		      : history_add(db, keeping->order_id, now_ms,
				    keeping->history, keeping->actor, "{}", e);
}
