/* SPDX-License-Identifier: MIT
 *
 * export.c - batches of documents that are due, as files for the ERP.
 */
#include "document/export.h"

#include "app/service/service.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "invoicing.h"
#include "store/document/batches.h"

enum {
	BATCHES_MAX = 10000 /* of one run */
};

struct exporting {
	struct service *service;
	const struct invoicing_result *result;
};

static bool stopping(int64_t documents, void *context)
{
	const struct exporting *x = context;

	if (documents > 0)
		service_progress(x->service,
				 "made=%d empty=%d blocked=%d exported=%lld so "
				 "far",
				 x->result->made, x->result->empty,
				 x->result->blocked,
				 x->result->exported + (long long)documents);
	return service_stopping(x->service);
}

static void set_options(const struct config_invoicing *c,
			struct batch_options *to)
{
	CLEANUP(buf_clear) struct buf formats = BUF_MAX(BATCH_FORMATS_BYTES);

	for (int i = 0; i < CONFIG_FORMATS_MAX && c->formats[i][0] != '\0'; i++)
		buf_printf(&formats, "%s%s", i > 0 ? " " : "", c->formats[i]);
	*to = (struct batch_options){.decimal_comma = c->csv_decimal_comma};
	(void)text_copy(to->formats, sizeof(to->formats), buf_text(&formats));
	(void)text_copy(to->upd_version, sizeof(to->upd_version),
			c->upd_version);
	(void)text_copy(to->upd_encoding, sizeof(to->upd_encoding),
			c->upd_encoding);
	(void)text_copy(to->signer, sizeof(to->signer), c->signer);
}

static int export_all(const struct export_context *c,
		      const struct batch_options *options,
		      struct invoicing_result *result, struct err *e)
{
	int64_t id = 0;
	int worst = 0;

	for (int i = 0; i < BATCHES_MAX; i++) {
		struct err why = {0};
		int rc = batches_next(c->db, id, &id, e);

		if (rc <= 0)
			return rc < 0 ? rc : worst;
		rc = export_batch(c, id, options, &why);
		if (rc >= 0) {
			result->exported += rc;
			continue;
		}
		if (worst == 0) {
			worst = rc;
			(void)err_set(e, why.code, "batch %lld: %s",
				      (long long)id, why.text);
		}
		if (rc == ERR_IO || rc == ERR_STATE || stopping(0, c->context))
			return worst;
	}
	return worst;
}

int invoicing_export(struct service *s, struct invoicing_result *result,
		     struct err *e)
{
	struct exporting exporting = {.service = s, .result = result};
	const struct export_context c = {.db = s->db,
					 .writer = s->writer,
					 .folder = s->dir.export,
					 .stopping = stopping,
					 .context = &exporting};
	struct batch_options options;
	CLEANUP_FD int lock = export_lock(&c, e);

	if (lock < 0)
		return lock == ERR_STATE ? 0 : lock;
	set_options(&s->config->invoicing, &options);
	return export_all(&c, &options, result, e);
}
