/* SPDX-License-Identifier: MIT
 *
 * export_record.c - what is known of the files that were written.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "document/export_private.h"
#include "store/engine/writer.h"

enum {
	UNIT_FILES_MAX = 64, /* rows in one unit of work */
	RECORDS_MAX = PAGE_FILES_MAX / UNIT_FILES_MAX
};

struct record {
	struct unit unit;
	int64_t batch_id;
	const struct export_written *files;
	int count;
};

static int run_record(struct unit *u, struct db *db, int64_t now_ms,
		      struct err *e)
{
	struct record *record = CONTAINER_OF(u, struct record, unit);
	int rc = 0;

	for (int i = 0; i < record->count && rc == 0; i++) {
		const struct export_written *from = &record->files[i];
		struct batch_file file = {.batch_id = record->batch_id,
					  .document_id = from->document_id,
					  .format = from->form->name,
					  .file_name = from->name,
					  .hash = from->facts.hash,
					  .bytes = from->facts.bytes};

		rc = batches_add_file(db, &file, now_ms, e);
	}
	return rc;
}

/* 1 when a file has the bytes that it had, or never was; 2 when it was put
 * apart; 0 when not. */
static int is_same(struct export_run *run, const struct export_written *file,
		   struct err *e)
{
	char hash[DIGEST_TEXT_BYTES] = "";
	int rc = batches_file_hash(run->c->db, run->batch.id, file->document_id,
				   file->form->name, hash, e);

	if (rc > 0 && hash[0] == '\0')
		return 2;
	if (rc <= 0 || strcmp(hash, file->facts.hash) == 0)
		return rc < 0 ? rc : 1;
	if (run->changed_count++ == 0)
		(void)snprintf(run->changed, sizeof(run->changed),
			       "%s is not what it was: it had the hash "
			       "%.16s...",
			       file->name, hash);
	return 0;
}

/* All at once, so that they share a commit. */
static int record_all(struct writer *writer, struct record *records,
		      size_t count, struct err *e)
{
	struct unit *units[RECORDS_MAX] = {0};

	for (size_t i = 0; i < count; i++)
		units[i] = &records[i].unit;
	writer_call_all(writer, units, count);
	for (size_t i = 0; i < count; i++)
		if (units[i]->rc < 0) {
			if (e != NULL)
				*e = units[i]->err;
			return units[i]->rc;
		}
	return 0;
}

static int record_files(struct export_run *run, struct writer *writer,
			const struct export_written *files, int count,
			struct err *e)
{
	struct record records[RECORDS_MAX] = {0};
	size_t record_count = 0;

	for (int i = 0; i < count; i += UNIT_FILES_MAX)
		records[record_count++] = (struct record){
			.unit.run = run_record,
			.batch_id = run->batch.id,
			.files = &files[i],
			.count = MIN_OF(count - i, UNIT_FILES_MAX)};
	return record_all(writer, records, record_count, e);
}

/* What was sent to somebody stays as it is: nothing is put in its place that
 * has other bytes. A form that was put apart is one of the batch now. */
static int publish_same(struct export_run *run, struct out_file *const *files,
			const struct export_written *written, int count,
			struct err *e)
{
	CLEANUP_FREE struct out_file **same =
		calloc((size_t)count, sizeof(struct out_file *));
	CLEANUP_FREE struct export_written *again =
		calloc((size_t)count, sizeof(*again));
	size_t same_count = 0;
	int again_count = 0;
	int rc;

	if (same == NULL || again == NULL)
		return err_set(e, ERR_NOMEM, "rebuild: out of memory");
	for (int i = 0; i < count; i++) {
		rc = is_same(run, &written[i], e);
		if (rc < 0)
			return rc;
		if (rc > 0)
			same[same_count++] = files[i];
		if (rc > 1)
			again[again_count++] = written[i];
	}
	run->file_count += (int)same_count;
	rc = out_file_publish(run->c->folder, same, same_count, e);
	return rc < 0 || run->c->repairs == NULL
		       ? rc
		       : record_files(run, run->c->repairs, again, again_count,
				      e);
}

int export_publish(struct export_run *run, struct out_file *const *files,
		   const struct export_written *written, int count,
		   struct err *e)
{
	int rc;

	if (run->c->writer == NULL)
		return publish_same(run, files, written, count, e);
	rc = out_file_publish(run->c->folder, files, (size_t)count, e);
	run->file_count += count;
	return rc < 0 ? rc
		      : record_files(run, run->c->writer, written, count, e);
}

struct apart {
	struct unit unit;
	struct batch_file file;
	const char *why;
};

static int run_apart(struct unit *u, struct db *db, int64_t now_ms,
		     struct err *e)
{
	struct apart *apart = CONTAINER_OF(u, struct apart, unit);

	return batches_add_apart(db, &apart->file, apart->why, now_ms, e);
}

int export_put_apart(struct export_run *run, int64_t document_id,
		     const char *format, const struct err *why, struct err *e)
{
	struct apart apart = {.unit.run = run_apart,
			      .file.batch_id = run->batch.id,
			      .file.document_id = document_id,
			      .file.format = format,
			      .why = why->text};

	if (run->apart_count++ == 0)
		(void)snprintf(run->apart, sizeof(run->apart),
			       "document %lld has no %s: %s",
			       (long long)document_id, format, why->text);
	return run->c->writer == NULL
		       ? 0
		       : writer_call(run->c->writer, &apart.unit, e);
}
