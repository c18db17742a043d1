/* SPDX-License-Identifier: MIT */
#include "document/export.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "document/export_private.h"
#include "store/document/batches.h"
#include "store/document/documents.h"
#include "store/engine/writer.h"

enum {
	LOCK_PAUSE_MS = 50
};

static bool is_stopping(const struct export_context *c)
{
	return c->stopping != NULL && c->stopping(0, c->context);
}

int export_lock(const struct export_context *c, struct err *e)
{
	static const struct timespec pause = {.tv_nsec =
						      LOCK_PAUSE_MS * 1000000L};
	CLEANUP_FD int fd = open(c->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int locked;

	if (fd < 0)
		return err_errno(e, ERR_IO, "%s", c->folder);
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_errno(e, ERR_IO, "%s", c->folder);
		if (is_stopping(c))
			return err_set(e, ERR_STATE, "told to stop");
		(void)nanosleep(&pause, NULL);
	}
	locked = fd;
	fd = -1;
	return locked;
}

void export_form_options(const struct batch_row *batch,
			 struct form_options *ret_options)
{
	const struct batch_options *from = &batch->options;

	*ret_options = (struct form_options){
		.batch_id = batch->id,
		.made_ms = batch->sealed_ms,
		.decimal_comma = from->decimal_comma,
	};
	(void)text_copy(ret_options->upd_version,
			sizeof(ret_options->upd_version), from->upd_version);
	(void)text_copy(ret_options->upd_encoding,
			sizeof(ret_options->upd_encoding), from->upd_encoding);
	(void)text_copy(ret_options->signer, sizeof(ret_options->signer),
			from->signer);
}

struct step {
	struct unit unit;
	int64_t batch_id;
	const struct batch_options *options;
	struct document_mark mark;
};

static int run_seal(struct unit *u, struct db *db, int64_t now_ms,
		    struct err *e)
{
	struct step *step = CONTAINER_OF(u, struct step, unit);

	return batches_seal(db, step->batch_id, step->options, now_ms, e);
}

static int run_mark(struct unit *u, struct db *db, int64_t now_ms,
		    struct err *e)
{
	struct step *step = CONTAINER_OF(u, struct step, unit);

	return documents_exported(db, &step->mark, now_ms, e);
}

static int run_done(struct unit *u, struct db *db, int64_t now_ms,
		    struct err *e)
{
	struct step *step = CONTAINER_OF(u, struct step, unit);

	return batches_done(db, step->batch_id, now_ms, e);
}

static int run_pages(struct export_run *run, struct err *e)
{
	int rc;

	do {
		rc = export_page(run, e);
	} while (rc > 0);
	return rc;
}

/* Some hundred rows a transaction, some transactions at once. Number of
 * documents that were marked. */
static int mark_some(struct export_run *run, int64_t *after_id, struct err *e)
{
	struct step steps[MARK_UNITS_MAX];
	struct unit *units[MARK_UNITS_MAX] = {0};
	size_t count = 0;
	int marked = 0;

	while (*after_id < run->last_id && count < MARK_UNITS_MAX) {
		struct document_mark mark = {
			.batch_id = run->batch.id,
			.after_id = *after_id,
			.up_to_id =
				MIN_OF(*after_id + MARK_ROWS_MAX, run->last_id),
			.file_name = run->first_file,
			.hash = run->first_hash};

		steps[count] =
			(struct step){.unit.run = run_mark, .mark = mark};
		units[count] = &steps[count].unit;
		*after_id = mark.up_to_id;
		count++;
	}
	writer_call_all(run->c->writer, units, count);
	for (size_t i = 0; i < count; i++) {
		if (units[i]->rc < 0) {
			if (e != NULL)
				*e = units[i]->err;
			return units[i]->rc;
		}
		marked += units[i]->rc;
	}
	return marked;
}

static int mark_documents(struct export_run *run, struct err *e)
{
	struct step done = {.unit.run = run_done, .batch_id = run->batch.id};
	int64_t after_id = run->first_id - 1;
	int count = 0;
	int rc = 0;

	while (after_id < run->last_id && rc >= 0) {
		rc = mark_some(run, &after_id, e);
		count += rc;
	}
	if (rc >= 0)
		rc = writer_call(run->c->writer, &done.unit, e);
	return rc < 0 ? rc : count;
}

static int write_files(const struct export_context *c, int64_t batch_id,
		       struct export_run *run, struct err *e)
{
	int rc = batches_get(c->db, batch_id, &run->batch, e);

	if (rc == 0)
		rc = err_set(e, ERR_NOTFOUND, "there is no batch %lld",
			     (long long)batch_id);
	if (rc > 0 && run->batch.sealed_ms == 0)
		rc = err_set(e, ERR_NOTFOUND, "batch %lld was not exported yet",
			     (long long)batch_id);
	if (rc < 0)
		return rc;
	run->c = c;
	export_form_options(&run->batch, &run->options);
	rc = export_streams_begin(run, e);
	if (rc == 0)
		rc = run_pages(run, e);
	return rc < 0 ? rc : export_streams_end(run, e);
}

int export_batch(const struct export_context *c, int64_t batch_id,
		 const struct batch_options *options, struct err *e)
{
	CLEANUP(export_run_clear) struct export_run run = {0};
	struct step step = {
		.unit.run = run_seal, .batch_id = batch_id, .options = options};
	int rc = writer_call(c->writer, &step.unit, e);

	if (rc >= 0)
		rc = write_files(c, batch_id, &run, e);
	return rc < 0 ? rc : mark_documents(&run, e);
}

int export_rebuild(const struct export_context *c, int64_t batch_id,
		   struct err *e)
{
	CLEANUP(export_run_clear) struct export_run run = {0};
	int rc = write_files(c, batch_id, &run, e);

	if (rc == 0 && run.apart_count > 0)
		rc = err_set(e, ERR_STATE, "%s; %d forms cannot be made",
			     run.apart, run.apart_count);
	if (rc == 0 && run.changed_count > 0)
		rc = err_set(e, ERR_STATE,
			     "%s; %d of %d files would be others and were left "
			     "as they are",
			     run.changed, run.changed_count,
			     run.changed_count + run.file_count);
	return rc < 0 ? rc : run.file_count;
}
