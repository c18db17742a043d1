/* SPDX-License-Identifier: MIT
 *
 * export_pages.c - documents of a batch into files, page by page.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "document/export_private.h"
#include "store/document/documents.h"

/* Copies, so that no reading of the store lasts as long as drawing pages. */
struct page {
	int64_t ids[PAGE_DOCUMENTS_MAX];
	char *bodies[PAGE_DOCUMENTS_MAX];
	int count;
	size_t bytes;

	struct out_file *files[PAGE_FILES_MAX]; /* of single documents */
	struct export_written written[PAGE_FILES_MAX];
	int file_count;
};

static void page_clear(struct page *page)
{
	if (page == NULL)
		return;
	for (int i = 0; i < page->count; i++)
		free(page->bodies[i]);
	for (int i = 0; i < page->file_count; i++)
		out_file_free(page->files[i]);
	free(page);
}
CLEANUP_DEFINE(struct page *, page_clear)

static int keep(const struct document_body *document, void *context,
		struct err *e)
{
	struct page *page = context;

	page->ids[page->count] = document->id;
	page->bodies[page->count] = strdup(document->body);
	if (page->bodies[page->count] == NULL)
		return err_set(e, ERR_NOMEM, "document: out of memory");
	page->bytes += strlen(document->body);
	page->count++;
	return page->bytes >= PAGE_BYTES_MAX ? 1 : 0;
}

void export_run_clear(struct export_run *run)
{
	for (int i = 0; i < run->stream_count; i++) {
		form_clear(&run->streams[i].form);
		buf_clear(&run->streams[i].bytes);
		out_file_free(run->streams[i].file);
	}
	run->stream_count = 0;
	buf_clear(&run->single_bytes);
}

static int begin_stream(struct export_run *run, const struct form *form,
			struct err *e)
{
	struct export_stream *s = &run->streams[run->stream_count++];

	s->bytes = BUF_MAX(FILE_BYTES_MAX);
	form_batch_file(form, &run->options, s->name);
	{
		int rc = out_file_new(run->c->folder, s->name, &s->file, e);

		return rc < 0 ? rc
			      : form_begin(&s->form, form, &run->options,
					   &s->bytes, e);
	}
}

int export_streams_begin(struct export_run *run, struct err *e)
{
	char formats[BATCH_FORMATS_BYTES];
	char *rest = formats;
	char *name;
	int rc = 0;

	memcpy(formats, run->batch.options.formats, sizeof(formats));
	while (rc == 0 && (name = strsep(&rest, " ")) != NULL) {
		const struct form *form = form_find(name);

		/* A form of a later version, or none at all. */
		if (form == NULL || run->stream_count == FORMATS_MAX ||
		    run->single_count == FORMATS_MAX)
			continue;
		if (form->is_single)
			run->singles[run->single_count++] = form;
		else
			rc = begin_stream(run, form, e);
	}
	return rc;
}

static int flush(struct export_stream *s, size_t more_than_bytes, struct err *e)
{
	int rc;

	if (s->bytes.used_bytes <= more_than_bytes)
		return 0;
	rc = out_file_write(s->file, s->bytes.data, s->bytes.used_bytes, e);
	buf_reset(&s->bytes);
	return rc;
}

/* For what lies in the document. A lack of memory does not: all of it is made
 * again. */
static int put_apart(struct export_run *run, int64_t document_id,
		     const char *format, int rc, const struct err *why,
		     struct err *e)
{
	return rc == ERR_NOMEM
		       ? err_set(e, ERR_NOMEM, "%s", why->text)
		       : export_put_apart(run, document_id, format, why, e);
}

static int write_single(struct export_run *run, struct page *page,
			const struct form *form, const struct invoice *invoice,
			int at, struct err *e)
{
	CLEANUP(form_clear) struct form_run form_run = {0};
	struct buf *bytes = &run->single_bytes;
	struct export_written *to = &page->written[page->file_count];
	struct out_file **file = &page->files[page->file_count];
	struct err why = {0};
	int rc;

	buf_reset(bytes);
	bytes->max_bytes = FILE_BYTES_MAX;
	rc = form_begin(&form_run, form, &run->options, bytes, &why);
	if (rc == 0)
		rc = form_add(&form_run, invoice, page->bodies[at], &why);
	if (rc == 0)
		rc = form_end(&form_run, &why);
	if (rc < 0)
		return put_apart(run, page->ids[at], form->name, rc, &why, e);
	to->form = form;
	to->document_id = page->ids[at];
	form_single_file(form, invoice, &run->options, to->name);
	rc = out_file_new(run->c->folder, to->name, file, e);
	if (rc < 0)
		return rc;
	page->file_count++;
	rc = out_file_write(*file, buf_text(bytes), bytes->used_bytes, e);
	return rc < 0 ? rc : out_file_end(*file, &to->facts, e);
}

static int write_document(struct export_run *run, struct page *page, int at,
			  struct err *e)
{
	CLEANUP(invoice_clear) struct invoice invoice = {0};
	const char *body = page->bodies[at];
	int rc = invoice_read(body, strlen(body), &invoice, e);

	for (int i = 0; i < run->stream_count && rc == 0; i++) {
		struct export_stream *s = &run->streams[i];

		if (!form_suits(s->form.form, &invoice))
			continue;
		rc = form_add(&s->form, &invoice, body, e);
		if (rc == 0)
			rc = flush(s, FILE_BUFFER_BYTES, e);
	}
	for (int i = 0; i < run->single_count && rc == 0; i++)
		if (form_suits(run->singles[i], &invoice))
			rc = write_single(run, page, run->singles[i], &invoice,
					  at, e);
	return rc < 0 ? err_wrap(e, rc, "document %lld",
				 (long long)page->ids[at])
		      : 0;
}

static int publish_page(struct export_run *run, struct page *page,
			struct err *e)
{
	return page->file_count == 0
		       ? 0
		       : export_publish(run, page->files, page->written,
					page->file_count, e);
}

static int look_up(struct export_run *run, struct err *e)
{
	const struct export_context *c = run->c;

	if (run->document_count++ % LOOK_UP_DOCUMENTS != 0 ||
	    c->stopping == NULL ||
	    !c->stopping(run->document_count, c->context))
		return 0;
	return err_set(e, ERR_STATE, "told to stop");
}

int export_page(struct export_run *run, struct err *e)
{
	CLEANUP(page_clearp) struct page *page = calloc(1, sizeof(*page));
	int rc;

	if (page == NULL)
		return err_set(e, ERR_NOMEM, "document: out of memory");
	rc = documents_of_batch(run->c->db, run->batch.id, run->last_id,
				PAGE_DOCUMENTS_MAX, keep, page, e);
	if (rc < 0 || page->count == 0)
		return rc;
	for (int i = 0; i < page->count; i++) {
		rc = look_up(run, e);
		if (rc == 0)
			rc = write_document(run, page, i, e);
		if (rc < 0)
			return rc;
	}
	rc = publish_page(run, page, e);
	if (run->first_id == 0)
		run->first_id = page->ids[0];
	run->last_id = page->ids[page->count - 1];
	return rc < 0 ? rc : 1;
}

static int end_stream(struct export_stream *s, struct export_written *to,
		      struct err *e)
{
	int rc = form_end(&s->form, e);

	if (rc == 0)
		rc = flush(s, 0, e);
	if (rc < 0)
		return rc;
	to->form = s->form.form;
	memcpy(to->name, s->name, sizeof(to->name));
	return out_file_end(s->file, &to->facts, e);
}

int export_streams_end(struct export_run *run, struct err *e)
{
	struct export_written written[FORMATS_MAX] = {0};
	struct out_file *files[FORMATS_MAX];
	int rc = 0;

	for (int i = 0; i < run->stream_count && rc == 0; i++) {
		rc = end_stream(&run->streams[i], &written[i], e);
		files[i] = run->streams[i].file;
	}
	if (rc < 0 || run->stream_count == 0)
		return rc;
	memcpy(run->first_file, written[0].name, sizeof(run->first_file));
	memcpy(run->first_hash, written[0].facts.hash, sizeof(run->first_hash));
	return export_publish(run, files, written, run->stream_count, e);
}
