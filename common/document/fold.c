/* SPDX-License-Identifier: MIT */
#include "document/fold.h"

#include <string.h>

#include "base/cleanup.h"
#include "store/document/documents.h"

static int add(const struct document_body *document, void *context,
	       struct err *e)
{
	CLEANUP(invoice_clear) struct invoice invoice = {0};
	struct document_fold *fold = context;
	int rc = invoice_read(document->body, strlen(document->body), &invoice,
			      e);

	if (rc < 0)
		return rc;
	if (invoice.kind == fold->kind)
		fold->revision = invoice.revision;
	if (fold->count++ > 0)
		return invoice_apply(&fold->state, &invoice, e);
	fold->state = invoice;
	invoice = (struct invoice){0};
	return 0;
}

int document_fold(struct db *db, int64_t order_id, struct document_fold *fold,
		  struct err *e)
{
	return documents_of_order(db, order_id, add, fold, e);
}
