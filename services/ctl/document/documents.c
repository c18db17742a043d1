/* SPDX-License-Identifier: MIT
 *
 * documents.c - sales documents, byte for byte as they were made.
 */
#include <stdio.h>
#include <string.h>

#include "app/locale.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "ctl.h"
#include "document/export.h"
#include "document/settlement/report_form.h"
#include "store/document/batches.h"
#include "store/document/documents.h"
#include "store/engine/db.h"
#include "store/engine/writer.h"

enum {
	DOCUMENT_BYTES_MAX = 32 * 1024 * 1024
};

static int keep_body(const struct document_body *document, void *context,
		     struct err *e)
{
	buf_add_text(context, document->body);
	return buf_finish(context, e);
}

/* CTL_DONE with the document's JSON in *body, else why not. */
static int read_body(struct ctl *ctl, const char *id_text, struct buf *body)
{
	int64_t id = 0;
	int rc;

	if (id_text == NULL ||
	    text_to_i64(id_text, 1, INT64_MAX, &id, NULL) < 0)
		return ctl_fail(ctl, CTL_USAGE,
				"which document? (see "
				"ordergatectl document list)");
	rc = documents_get(ctl->db, id, keep_body, body, &ctl->err);
	if (rc < 0)
		return ctl_error(ctl, rc);
	return rc > 0 ? CTL_DONE
		      : ctl_fail(ctl, CTL_NOTFOUND, "there is no document %s",
				 id_text);
}

int ctl_document_show(struct ctl *ctl)
{
	CLEANUP(buf_clear) struct buf body = BUF_MAX(DOCUMENT_BYTES_MAX);
	int code = read_body(ctl, ctl_next(ctl), &body);

	if (code == CTL_DONE)
		(void)printf("%s\n", buf_text(&body));
	return code;
}

/* As its batch has it, but for the batch. */
static int form_options(struct ctl *ctl, const char *id,
			struct form_options *ret_options)
{
	struct batch_row batch = {.options.upd_version = "5.03",
				  .options.upd_encoding = "UTF-8"};
	int64_t batch_id = 0;
	int rc = documents_batch_of(ctl->db, id, &batch_id, &ctl->err);

	if (rc > 0)
		rc = batches_get(ctl->db, batch_id, &batch, &ctl->err);
	if (batch.options.upd_version[0] == '\0') {
		(void)text_copy(batch.options.upd_version,
				sizeof(batch.options.upd_version),
				ctl->config->invoicing.upd_version);
		(void)text_copy(batch.options.upd_encoding,
				sizeof(batch.options.upd_encoding),
				ctl->config->invoicing.upd_encoding);
		(void)text_copy(batch.options.signer,
				sizeof(batch.options.signer),
				ctl->config->invoicing.signer);
	}
	export_form_options(&batch, ret_options);
	ret_options->batch_id = 0;
	return rc < 0 ? rc : 0;
}

static int render(const struct form *form, struct form_options *options,
		  const struct buf *body, struct buf *out, struct err *e)
{
	CLEANUP(form_clear) struct form_run run = {0};
	CLEANUP(invoice_clear) struct invoice invoice = {0};
	int rc = invoice_read(buf_text(body), body->used_bytes, &invoice, e);

	if (rc < 0)
		return rc;
	if (!form_suits(form, &invoice))
		return err_set(e, ERR_INVALID,
			       "a %s has no form %s: the УПД is of sales only; "
			       "its correction is the УКД, which the operator "
			       "of electronic documents or the ERP makes from "
			       "the json, csv, commerceml, html or pdf",
			       invoice_kind_name(invoice.kind), form->name);
	options->made_ms = invoice.made_ms;
	rc = form_begin(&run, form, options, out, e);
	if (rc == 0)
		rc = form_add(&run, &invoice, buf_text(body), e);
	return rc < 0 ? rc : form_end(&run, e);
}

/* A report has forms of its own. */
static int render_report(struct ctl *ctl, const char *format,
			 const struct buf *body, struct buf *out)
{
	const struct report_form *form = report_form_find(format);

	if (form == NULL)
		return err_set(&ctl->err, ERR_INVALID,
			       "forms of a report are json csv html");
	return form->render(buf_text(body), body->used_bytes,
			    ctl->config->invoicing.csv_decimal_comma, out,
			    &ctl->err);
}

static int render_document(struct ctl *ctl, const char *id, const char *format,
			   const struct buf *body, struct buf *out)
{
	const struct form *form = form_find(format);
	struct form_options options;
	int rc;

	if (report_form_is_report(buf_text(body)))
		return render_report(ctl, format, body, out);
	if (form == NULL)
		return err_set(&ctl->err, ERR_INVALID,
			       "forms are json csv commerceml upd html pdf");
	rc = form_options(ctl, id, &options);
	return rc < 0 ? rc : render(form, &options, body, out, &ctl->err);
}

static int write_to(struct ctl *ctl, const char *path, const struct buf *bytes)
{
	FILE *out = fopen(path, "we");
	bool ok = out != NULL;

	if (ok)
		ok = fwrite(buf_text(bytes), 1, bytes->used_bytes, out) ==
		     bytes->used_bytes;
	if (out != NULL && fclose(out) != 0)
		ok = false;
	return ok ? CTL_DONE
		  : ctl_error(ctl, err_errno(&ctl->err, ERR_IO, "%s", path));
}

int ctl_document_export(struct ctl *ctl)
{
	CLEANUP(buf_clear) struct buf body = BUF_MAX(DOCUMENT_BYTES_MAX);
	CLEANUP(buf_clear) struct buf out = BUF_MAX(DOCUMENT_BYTES_MAX);
	const char *format = ctl_option(ctl, "--format", "json");
	const char *id = ctl_next(ctl);
	const char *path = ctl_next(ctl);
	int code;

	if (path == NULL)
		return ctl_fail(ctl, CTL_USAGE, "ID and FILE are needed");
	if (form_find(format) == NULL)
		return ctl_fail(ctl, CTL_USAGE,
				"forms are json csv commerceml upd html pdf");
	code = read_body(ctl, id, &body);
	if (code != CTL_DONE)
		return code;
	if (render_document(ctl, id, format, &body, &out) < 0)
		return ctl_error(ctl, ctl->err.code);
	return write_to(ctl, path, &out);
}

int ctl_document_rebuild(struct ctl *ctl)
{
	struct export_context c = {.db = ctl->db, .folder = ctl->dir.export};
	const char *text = ctl_next(ctl);
	CLEANUP_FD int lock = -1;
	int64_t id = 0;
	int rc;

	if (text == NULL || text_to_i64(text, 1, INT64_MAX, &id, NULL) < 0)
		return ctl_fail(ctl, CTL_USAGE,
				"which batch? (see ordergatectl document "
				"batches)");
	c.repairs = ctl_writer(ctl);
	if (c.repairs == NULL)
		return CTL_FAILED;
	lock = export_lock(&c, &ctl->err);
	rc = lock < 0 ? lock : export_rebuild(&c, id, &ctl->err);
	writer_stop(c.repairs);
	if (rc < 0)
		return ctl_error(ctl, rc);
	(void)printf(
		tr_n("%d file in %s\n", "%d files in %s\n", (unsigned long)rc),
		rc, ctl->dir.export);
	return CTL_DONE;
}
