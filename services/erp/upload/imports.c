/* SPDX-License-Identifier: MIT
 *
 * imports.c - uploads are imported, the oldest first, by the same code as
 * `ordergatectl catalog import` and under the same lock. What a process did not
 * finish, the next one that gets the lock begins anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/instance.h"
#include "app/log.h"
#include "app/zones.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/json/json_out.h"
#include "erp.h"
#include "flow/import/import.h"
#include "store/engine/db.h"
#include "store/engine/writer.h"
#include "store/exchange/uploads.h"
#include "upload/exchange.h"
#include "upload/sweep.h"
#include "upload/worker.h"

enum {
	LOOK_MS = 2000, /* for what others left */
	TELL_MS = 1000,
	TRIES_MAX = 5,
	FAULTS_BYTES_MAX = 256 * 1024,
	RELEASE_BYTES = 4 * 1024 * 1024,
	PATH_BYTES = STATE_PATH_BYTES + UPLOAD_NAME_BYTES
};
#define KEEP_MS (INT64_C(30) * 24 * 3600 * 1000)
#define SWEEP_MS (INT64_C(24) * 3600 * 1000)

struct imports {
	struct service *service;
	struct db *reader; /* of the thread */
	struct worker worker;
	bool wanted; /* under its mutex */
	atomic_bool stop;
	int64_t swept_ms; /* monotonic: when orphans were looked for; 0: never
			   */
	int64_t tried_id; /* an upload that failed, and how often */
	int tries;
};

struct kind {
	const char *name, *lock; /* of services/ctl/import.c */
	int (*import)(struct import *import, struct imports *imports,
		      struct err *e);
};

struct job {
	struct imports *imports;
	struct upload upload;
	struct unit unit; /* of its row in the store */
	char *data;       /* the file, mapped */
	size_t released_bytes;
	int64_t told_ms;
	struct buf faults;
	struct json_out out;
	struct import import; /* while it runs */
	bool is_told;         /* faults are in upload */
	bool is_over;         /* and that is in the store */
};

static int run_progress(struct unit *u, struct db *db, int64_t now_ms,
			struct err *e)
{
	const struct job *job = CONTAINER_OF(u, struct job, unit);

	(void)now_ms;
	return uploads_progress(db, job->upload.id, job->upload.rows, e);
}

static int run_end(struct unit *u, struct db *db, int64_t now_ms, struct err *e)
{
	const struct job *job = CONTAINER_OF(u, struct job, unit);
	int rc = uploads_end(db, &job->upload, now_ms, e);

	return rc < 0 ? rc
		      : MIN_OF(uploads_forget(db, now_ms - KEEP_MS, 100, e), 0);
}

static int call(struct job *job,
		int (*run)(struct unit *, struct db *, int64_t, struct err *),
		struct err *e)
{
	job->unit = (struct unit){.run = run};
	return writer_call(job->imports->service->writer, &job->unit, e);
}

/* The list of faults is complete. */
static int take_faults(struct job *job, struct err *e)
{
	int rc;

	if (job->is_told)
		return 0;
	job->is_told = true;
	json_end(&job->out);
	rc = json_out_finish(&job->out, e);
	free(job->upload.faults);
	job->upload.faults = rc == 0 ? buf_take(&job->faults) : NULL;
	return rc;
}

static int end(struct job *job, const char *state, const char *message,
	       struct err *e)
{
	char path[PATH_BYTES];
	int rc;

	(void)text_copy(job->upload.state, sizeof(job->upload.state), state);
	(void)text_copy(job->upload.message, sizeof(job->upload.message),
			message);
	rc = take_faults(job, e);
	if (rc == 0)
		rc = call(job, run_end, e);
	if (rc < 0)
		return rc;
	job->is_over = true;
	(void)snprintf(path, sizeof(path), "%s/%s",
		       job->imports->service->dir.incoming, job->upload.name);
	(void)unlink(path);
	log_event(LOG_LEVEL_INFO, "upload is over",
		  LOG_TEXT("kind", job->upload.kind), LOG_TEXT("state", state),
		  LOG_I64("rows", job->upload.rows),
		  LOG_I64("faults", job->upload.fault_count));
	return 0;
}

static void on_fault(void *context, int64_t line, bool is_fault,
		     const char *text)
{
	char warning[ERR_TEXT_MAX + 16];
	struct job *job = context;

	(void)snprintf(warning, sizeof(warning), "warning: %s", text);
	json_object(&job->out, NULL);
	json_put_i64(&job->out, "line", line);
	json_put_text(&job->out, "message", is_fault ? text : warning);
	json_end(&job->out);
}

/* What was read goes out of our memory; it stays in the kernel's if there is
 * room. A new pass begins with less than the last one ended with. */
static void release(struct job *job, size_t bytes)
{
	if (bytes < job->released_bytes)
		job->released_bytes = 0;
	if (bytes - job->released_bytes < RELEASE_BYTES)
		return;
	bytes -= bytes % RELEASE_BYTES;
	(void)madvise(job->data + job->released_bytes,
		      bytes - job->released_bytes, MADV_DONTNEED);
	job->released_bytes = bytes;
}

static int on_progress(void *context, int64_t rows, bool written, size_t bytes,
		       struct err *e)
{
	struct job *job = context;
	int64_t now_ms = clock_mono_ms();

	(void)written;
	release(job, bytes);
	if (atomic_load(&job->imports->stop))
		return err_set(e, ERR_BUSY, "the process is ending");
	if (now_ms - job->told_ms < TELL_MS)
		return 0;
	job->told_ms = now_ms;
	job->upload.rows = rows;
	return call(job, run_progress, e);
}

static bool on_stopping(void *context)
{
	return atomic_load(&((struct job *)context)->imports->stop);
}

static const char *message_of(const struct import *import,
			      char text[UPLOAD_MESSAGE_BYTES])
{
	text[0] = '\0';
	if (import->faults > 0)
		(void)snprintf(text, UPLOAD_MESSAGE_BYTES,
			       "%lld faults; nothing was changed",
			       (long long)import->faults);
	else if (import->is_known)
		(void)text_copy(text, UPLOAD_MESSAGE_BYTES,
				"this file is the catalogue already");
	else if (import->warnings > 0)
		(void)snprintf(text, UPLOAD_MESSAGE_BYTES,
			       "%lld warnings: see faults",
			       (long long)import->warnings);
	return text;
}

/* Nobody has to wait for the tidying up. If this fails, the import says it once
 * more when it is through. */
static void on_published(void *context, int64_t rows)
{
	char text[UPLOAD_MESSAGE_BYTES];
	struct job *job = context;

	job->upload.rows = job->upload.changed = rows;
	(void)end(job, "done", message_of(&job->import, text), NULL);
}

static int catalog(struct import *import, struct imports *imports,
		   struct err *e)
{
	return import_catalog(import, imports->reader, imports->service->writer,
			      e);
}

static int stores(struct import *import, struct imports *imports, struct err *e)
{
	return import_stores(import, imports->service->writer, e);
}

static const struct kind kinds[] = {
	{"catalog", "catalog-import", catalog},
	{"stores", "store-import", stores},
};

static const struct kind *find_kind(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

static int import_mapped(struct job *job, const struct kind *kind, size_t bytes,
			 struct err *e)
{
	struct import_ear ear = {.fault = on_fault,
				 .progress = on_progress,
				 .stopping = on_stopping,
				 .published = on_published,
				 .context = job};
	char text[UPLOAD_MESSAGE_BYTES];
	struct import *import = &job->import;
	int rc;

	import_init(import, job->data, bytes, &ear);
	import->check_zone = zones_check;
	rc = kind->import(import, job->imports, e);
	job->upload.fault_count = import->faults;
	if (rc == 0 && !job->is_over) {
		job->upload.rows = MAX_OF(import->rows, import->row_count);
		job->upload.changed = import->changed;
		rc = end(job, import->faults > 0 ? "refused" : "done",
			 message_of(import, text), e);
	}
	import_clear(import);
	return rc;
}

/* Nobody else writes to the file, so what is mapped stays there. */
static int import_file(struct job *job, const struct kind *kind, struct err *e)
{
	struct stat about;
	char path[PATH_BYTES];
	size_t bytes;
	int rc;

	(void)snprintf(path, sizeof(path), "%s/%s",
		       job->imports->service->dir.incoming, job->upload.name);
	{
		CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd < 0 || fstat(fd, &about) < 0)
			return err_errno(
				e, errno == ENOENT ? ERR_NOTFOUND : ERR_IO,
				"%.120s", path);
		bytes = (size_t)about.st_size;
		/* Of an empty file there is nothing to map. */
		job->data = bytes > 0 ? mmap(NULL, bytes, PROT_READ,
					     MAP_PRIVATE, fd, 0)
				      : NULL;
	}
	if (job->data == MAP_FAILED) {
		job->data = NULL;
		return err_errno(e, ERR_NOMEM, "%.120s", path);
	}
	if (job->data == NULL) {
		char nothing[1] = "";

		job->data = nothing;
		rc = import_mapped(job, kind, 0, e);
		job->data = NULL;
		return rc;
	}
	rc = import_mapped(job, kind, bytes, e);
	(void)munmap(job->data, bytes);
	return rc;
}

/* Try again later, unless it is hopeless. */
static void on_failure(struct job *job, int rc, const struct err *e)
{
	struct imports *imports = job->imports;

	if (job->is_over || atomic_load(&imports->stop))
		return;
	log_error(e, "an upload was not imported",
		  LOG_TEXT("kind", job->upload.kind));
	if (imports->tried_id != job->upload.id)
		imports->tries = 0;
	imports->tried_id = job->upload.id;
	if (++imports->tries >= TRIES_MAX || rc == ERR_NOTFOUND)
		(void)end(job, "failed", e->text, NULL);
}

static void job_clear(struct job *job)
{
	buf_clear(&job->faults);
	upload_clear(&job->upload);
}

/* With the lock: nobody else has finished it meanwhile. 1, 0, < 0. */
static int look_again(struct job *job, struct err *e)
{
	char name[UPLOAD_NAME_BYTES];
	int rc;

	memcpy(name, job->upload.name, sizeof(name));
	upload_clear(&job->upload);
	rc = uploads_get(job->imports->reader, name, &job->upload, e);
	return rc > 0 ? job->upload.ended_ms == 0 : rc;
}

/* True when there may be more to do at once. */
static bool import_next_upload(struct imports *imports)
{
	CLEANUP(job_clear)
	struct job job = {.imports = imports,
			  .faults = BUF_MAX(FAULTS_BYTES_MAX)};
	const struct kind *kind;
	struct instance lock;
	struct err e = {0};
	int rc = uploads_next(imports->reader, &job.upload, &e);

	if (rc <= 0)
		return false;
	kind = find_kind(job.upload.kind);
	if (kind == NULL || instance_open(imports->service->dir.run, kind->lock,
					  1, &lock, NULL) < 0)
		return false;
	job.out = json_out_to(&job.faults);
	json_array(&job.out, NULL);
	rc = look_again(&job, &e);
	if (rc > 0)
		rc = import_file(&job, kind, &e);
	if (rc < 0)
		on_failure(&job, rc, &e);
	instance_close(&lock);
	return job.is_over;
}

/* At the start, and then daily. */
static void sweep_when_due(struct imports *imports)
{
	int64_t mono_ms = clock_mono_ms();

	if (imports->swept_ms != 0 && mono_ms - imports->swept_ms < SWEEP_MS)
		return;
	imports->swept_ms = mono_ms;
	sweep_incoming(imports->service->dir.incoming, imports->reader,
		       clock_wall_ms());
}

static void wait_for_work(struct imports *imports)
{
	(void)pthread_mutex_lock(&imports->worker.mutex);
	if (!imports->wanted && !atomic_load(&imports->stop))
		worker_wait(&imports->worker, LOOK_MS);
	imports->wanted = false;
	(void)pthread_mutex_unlock(&imports->worker.mutex);
}

static void *run(void *context)
{
	struct imports *imports = context;

	while (!atomic_load(&imports->stop)) {
		sweep_when_due(imports);
		if (!import_next_upload(imports))
			wait_for_work(imports);
	}
	return NULL;
}

void imports_wake(struct imports *imports)
{
	(void)pthread_mutex_lock(&imports->worker.mutex);
	imports->wanted = true;
	(void)pthread_cond_signal(&imports->worker.cond);
	(void)pthread_mutex_unlock(&imports->worker.mutex);
}

static void imports_free(struct imports *imports)
{
	if (imports == NULL)
		return;
	db_close(imports->reader);
	free(imports);
}
CLEANUP_DEFINE(struct imports *, imports_free)

int imports_start(struct service *s, const char *store_path,
		  struct imports **ret_imports, struct err *e)
{
	CLEANUP(imports_freep)
	struct imports *imports = calloc(1, sizeof(*imports));
	int rc;

	if (imports == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	imports->service = s;
	rc = db_open(store_path, DB_READ, &imports->reader, e);
	if (rc == 0)
		rc = worker_start(&imports->worker, run, imports, e);
	if (rc == 0)
		*ret_imports = TAKE(imports);
	return rc;
}

void imports_stop(struct imports *imports)
{
	if (imports == NULL)
		return;
	atomic_store(&imports->stop, true);
	imports_wake(imports);
	worker_join(&imports->worker);
	imports_free(imports);
}
