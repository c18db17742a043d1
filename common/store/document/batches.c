/* SPDX-License-Identifier: MIT */
#include "store/document/batches.h"

#include "base/err.h"
#include "base/text.h"
#include "store/engine/db.h"

STMT(batches_count,
     "UPDATE document_batches SET document_count = document_count + 1"
     " WHERE id = $1 AND state = 'open'");
STMT(batches_count_oldest,
     "UPDATE document_batches SET document_count = document_count + 1"
     " WHERE id = (SELECT min(id) FROM document_batches WHERE state = 'open')"
     " AND state = 'open' RETURNING id");
STMT(batches_open,
     "INSERT INTO document_batches (state, document_count, created_ms)"
     " VALUES ('open', 1, $1) RETURNING id");
STMT(batches_set_sealed,
     "UPDATE document_batches SET state = 'sealed', formats = $2,"
     " decimal_comma = $3, upd_version = $4, upd_encoding = $5, signer = $6,"
     " sealed_ms = $7 WHERE id = $1 AND state = 'open'");
STMT(batches_set_done,
     "UPDATE document_batches SET state = 'done', done_ms = $2"
     " WHERE id = $1 AND state = 'sealed'");
STMT(batches_select_next,
     "SELECT min(id) FROM document_batches"
     " WHERE state <> 'done' AND id > $1 HAVING min(id) IS NOT NULL");
STMT(batches_select,
     "SELECT id, state, document_count, sealed_ms, formats, decimal_comma,"
     " upd_version, upd_encoding, signer FROM document_batches WHERE id = $1");
STMT(batches_insert_file,
     "INSERT INTO document_files (batch_id, document_id, format, file_name,"
     " bytes, hash, written_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)"
     " ON CONFLICT (batch_id, document_id, format) DO UPDATE SET"
     " file_name = excluded.file_name, bytes = excluded.bytes,"
     " hash = excluded.hash, written_ms = excluded.written_ms, error = ''"
     " WHERE document_files.hash <> excluded.hash");
STMT(batches_insert_apart,
     "INSERT INTO document_files (batch_id, document_id, format, file_name,"
     " bytes, hash, written_ms, error) VALUES ($1, $2, $3, '', 0, '', $4, $5)"
     " ON CONFLICT (batch_id, document_id, format) DO UPDATE SET"
     " error = excluded.error WHERE document_files.hash = ''");
STMT(batches_select_hash, "SELECT hash FROM document_files WHERE batch_id = $1"
			  " AND document_id = $2 AND format = $3");

static int count_one(struct db *db, int64_t batch_id, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &batches_count);

	query_i64(q, 1, batch_id);
	return query_exec(q, e);
}

int batches_join(struct db *db, int64_t *batch_id, int64_t now_ms,
		 struct err *e)
{
	CLEANUP_QUERY struct query *open = NULL;
	CLEANUP_QUERY struct query *add = NULL;
	int rc = *batch_id != 0 ? count_one(db, *batch_id, e) : 0;

	if (rc == 0) {
		open = query_start(db, &batches_count_oldest);
		rc = query_one_i64(open, batch_id, e);
	}
	if (rc == 0) {
		add = query_start(db, &batches_open);
		query_i64(add, 1, now_ms);
		rc = query_one_i64(add, batch_id, e);
	}
	return rc < 0 ? rc : 0;
}

int batches_seal(struct db *db, int64_t batch_id,
		 const struct batch_options *options, int64_t now_ms,
		 struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &batches_set_sealed);

	query_i64(q, 1, batch_id);
	query_text(q, 2, options->formats);
	query_i64(q, 3, options->decimal_comma);
	query_text(q, 4, options->upd_version);
	query_text(q, 5, options->upd_encoding);
	query_text(q, 6, options->signer);
	query_i64(q, 7, now_ms);
	return query_exec(q, e);
}

int batches_done(struct db *db, int64_t batch_id, int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &batches_set_done);

	query_i64(q, 1, batch_id);
	query_i64(q, 2, now_ms);
	return query_exec(q, e);
}

int batches_next(struct db *db, int64_t after_id, int64_t *ret_id,
		 struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &batches_select_next);

	query_i64(q, 1, after_id);
	return query_one_i64(q, ret_id, e);
}

int batches_get(struct db *db, int64_t id, struct batch_row *ret_row,
		struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &batches_select);
	struct batch_options *options = &ret_row->options;
	int rc;

	query_i64(q, 1, id);
	rc = query_next(q, e);
	if (rc <= 0)
		return rc;
	*ret_row = (struct batch_row){
		.id = query_col_i64(q, 0),
		.document_count = query_col_i64(q, 2),
		.sealed_ms = query_col_i64(q, 3),
		.options.decimal_comma = query_col_i64(q, 5) != 0,
	};
	(void)text_copy(ret_row->state, sizeof(ret_row->state),
			query_col_text(q, 1));
	(void)text_copy(options->formats, sizeof(options->formats),
			query_col_text(q, 4));
	(void)text_copy(options->upd_version, sizeof(options->upd_version),
			query_col_text(q, 6));
	(void)text_copy(options->upd_encoding, sizeof(options->upd_encoding),
			query_col_text(q, 7));
	(void)text_copy(options->signer, sizeof(options->signer),
			query_col_text(q, 8));
	return 1;
}

int batches_add_file(struct db *db, const struct batch_file *file,
		     int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &batches_insert_file);
	int rc;

	query_i64(q, 1, file->batch_id);
	query_i64(q, 2, file->document_id);
	query_text(q, 3, file->format);
	query_text(q, 4, file->file_name);
	query_i64(q, 5, file->bytes);
	query_text(q, 6, file->hash);
	query_i64(q, 7, now_ms);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

int batches_add_apart(struct db *db, const struct batch_file *file,
		      const char *why, int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &batches_insert_apart);
	int rc;

	query_i64(q, 1, file->batch_id);
	query_i64(q, 2, file->document_id);
	query_text(q, 3, file->format);
	query_i64(q, 4, now_ms);
	query_text(q, 5, why);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

int batches_file_hash(struct db *db, int64_t batch_id, int64_t document_id,
		      const char *format, char ret_hash[65], struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &batches_select_hash);
	int rc;

	query_i64(q, 1, batch_id);
	query_i64(q, 2, document_id);
	query_text(q, 3, format);
	rc = query_next(q, e);
	if (rc > 0)
		(void)text_copy(ret_hash, 65, query_col_text(q, 0));
	return rc;
}
