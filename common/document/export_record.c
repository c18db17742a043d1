/* SPDX-License-Identifier: MIT
 *
 * export_record.c - what is known of the files that were written.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "document/export_private.h"
#include "store/engine/writer.h"

enum {
	UNIT_FILES_MAX = 64 /* rows in one unit of work */
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

static int check(const struct export_run *run,
		 const struct export_written *files, int count, struct err *e)
{
	for (int i = 0; i < count; i++) {
		char hash[DIGEST_TEXT_BYTES] = "";
		int rc = batches_file_hash(run->c->db, run->batch.id,
					   files[i].document_id,
					   files[i].form->name, hash, e);

		if (rc < 0)
			return rc;
		if (rc > 0 && strcmp(hash, files[i].facts.hash) != 0)
			return err_set(e, ERR_STATE,
				       "%s is not what it was: it had the hash "
				       "%.16s...",
				       files[i].name, hash);
	}
	return 0;
}

int export_record(struct export_run *run, const struct export_written *files,
		  int count, struct err *e)
{
	run->file_count += count;
	if (run->c->writer == NULL)
		return check(run, files, count, e);
	for (int i = 0; i < count; i += UNIT_FILES_MAX) {
		struct record record = {
			.unit.run = run_record,
			.batch_id = run->batch.id,
			.files = &files[i],
			.count = MIN_OF(count - i, UNIT_FILES_MAX)};
		int rc = writer_call(run->c->writer, &record.unit, e);

		if (rc < 0)
			return rc;
	}
	return 0;
}
