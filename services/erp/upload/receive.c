/* SPDX-License-Identifier: MIT
 *
 * receive.c - a file arrives: onto the disk, into the store, and then an
 * answer: what became of it, or 202 when that takes longer than nobody should
 * wait.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "answer.h"
#include "app/log.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/id.h"
#include "base/macros.h"
#include "erp.h"
#include "store/engine/db.h"
#include "store/engine/writer.h"
#include "store/exchange/uploads.h"
#include "upload/exchange.h"
#include "upload/worker.h"

enum {
	WAIT_MS = 3000, /* for the result; less than a drain takes */
	LOOK_MS = 25,   /* at the store, while somebody waits */
	WAITING_MAX = 16,
	PATH_BYTES = STATE_PATH_BYTES + UPLOAD_NAME_BYTES,
	FD_PATH_BYTES = 40
};

struct arrival { /* of the exchange */
	struct unit unit;
	TAILQ_ENTRY(arrival) link;
	struct http_exchange *x;
	const char *kind;
	char name[UPLOAD_NAME_BYTES];
	int fd;
	int64_t bytes, since_ms;
};
TAILQ_HEAD(arrival_list, arrival);

struct uploads {
	struct service *service;
	struct imports *imports;
	struct db *reader; /* of the thread */
	struct worker worker;
	struct arrival_list fresh; /* under the worker's mutex */
	bool stop;                 /* the same */
	struct arrival_list waiting;
	atomic_int count; /* of both */
};

static int sync_folder(const char *path, struct err *e)
{
	CLEANUP_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return err_errno(e, ERR_IO, "%.120s", path);
	return 0;
}

static void path_of(const struct uploads *uploads, const struct arrival *a,
		    char path[PATH_BYTES])
{
	(void)snprintf(path, PATH_BYTES, "%s/%s",
		       uploads->service->dir.incoming, a->name);
}

/* Its name, and all of it on the disk. */
static int keep_file(const struct uploads *uploads, const struct arrival *a,
		     struct err *e)
{
	char path[PATH_BYTES];
	char fd_path[FD_PATH_BYTES];

	path_of(uploads, a, path);
	(void)snprintf(fd_path, sizeof(fd_path), "/proc/self/fd/%d", a->fd);
	if (fsync(a->fd) < 0 ||
	    linkat(AT_FDCWD, fd_path, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0)
		return err_errno(e, ERR_IO, "%.120s", path);
	return sync_folder(uploads->service->dir.incoming, e);
}

static int run_add(struct unit *u, struct db *db, int64_t now_ms, struct err *e)
{
	const struct arrival *a = CONTAINER_OF(u, struct arrival, unit);

	return uploads_add(db, a->name, a->kind, a->bytes, now_ms, e);
}

static int run_look(struct unit *u, struct db *db, int64_t now_ms,
		    struct err *e)
{
	const struct arrival *a = CONTAINER_OF(u, struct arrival, unit);
	CLEANUP(upload_clear) struct upload upload = {0};
	int rc = uploads_get(db, a->name, &upload, e);

	(void)now_ms;
	return rc == 0 ? err_set(e, ERR_NOTFOUND, "it is not in the store")
		       : MIN_OF(rc, 0);
}

/* Its row is in the store: 0. A commit of unknown outcome is asked about; it is
 * ERR_UNCERTAIN still when there is no answer. */
static int add_row(struct uploads *uploads, struct arrival *a, struct err *e)
{
	struct writer *writer = uploads->service->writer;
	int rc;

	a->unit = (struct unit){.run = run_add};
	rc = writer_call(writer, &a->unit, e);
	if (rc != ERR_UNCERTAIN)
		return rc;
	a->unit = (struct unit){.run = run_look};
	rc = writer_call(writer, &a->unit, e);
	return rc == 0 || rc == ERR_NOTFOUND ? rc : ERR_UNCERTAIN;
}

/* 0 or < 0. What is uncertain leaves the file, in case it is in the store;
 * sweep.c takes it if it is not. */
static int keep(struct uploads *uploads, struct arrival *a)
{
	struct err e = {0};
	char path[PATH_BYTES];
	int rc = keep_file(uploads, a, &e);

	(void)close(a->fd);
	a->fd = -1;
	if (rc == 0)
		rc = add_row(uploads, a, &e);
	if (rc == 0)
		return 0;
	path_of(uploads, a, path);
	if (rc != ERR_UNCERTAIN)
		(void)unlink(path);
	log_error(&e, "an upload was not kept", LOG_TEXT("kind", a->kind));
	return rc;
}

static const struct {
	const char *state;
	int status;
	const char *code; /* NULL: no error */
} ends[] = {
	{"done", 200, NULL},
	{"refused", 422, "bad_rows"},
	{"failed", 500, "import_failed"},
};

static void put_error(struct json_out *out, const char *code,
		      const struct upload *upload)
{
	json_object(out, NULL);
	json_object(out, "error");
	json_put_text(out, "code", code);
	json_put_text(out, "message", upload->message);
	json_put_raw(out, "details", upload->faults);
	json_end(out);
	answer_put_upload(out, "import", upload, false);
	json_end(out);
}

static void answer(struct http_exchange *x, const struct upload *upload)
{
	CLEANUP(buf_clear) struct buf body = BUF_MAX(ERP_ANSWER_BYTES_MAX);
	struct json_out out = json_out_to(&body);
	char location[sizeof(ERP_PATH) + UPLOAD_NAME_BYTES + 16];

	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		if (strcmp(ends[i].state, upload->state) != 0)
			continue;
		if (ends[i].code != NULL)
			put_error(&out, ends[i].code, upload);
		else
			answer_put_upload(&out, NULL, upload, true);
		answer_send(x, ends[i].status, &out);
		return;
	}
	(void)snprintf(location, sizeof(location), ERP_PATH "imports/%s",
		       upload->name);
	http_reply_header(x, "Location", location);
	answer_put_upload(&out, NULL, upload, true);
	answer_send(x, 202, &out);
}

/* True when it was answered. */
static bool look(struct uploads *uploads, struct arrival *a)
{
	CLEANUP(upload_clear) struct upload upload = {0};
	bool is_late = clock_mono_ms() - a->since_ms >= WAIT_MS;
	int rc = uploads_get(uploads->reader, a->name, &upload, NULL);

	if (rc > 0 && (upload.ended_ms > 0 || is_late))
		answer(a->x, &upload);
	else if (rc <= 0 && is_late)
		erp_unavailable(a->x);
	else
		return false;
	return true;
}

static void take_fresh(struct uploads *uploads, struct arrival_list *fresh)
{
	struct arrival *a;

	while ((a = TAILQ_FIRST(fresh)) != NULL) {
		struct http_exchange *x = a->x;

		TAILQ_REMOVE(fresh, a, link);
		if (keep(uploads, a) < 0) {
			erp_unavailable(x);
			atomic_fetch_sub(&uploads->count, 1);
			continue;
		}
		a->since_ms = clock_mono_ms();
		TAILQ_INSERT_TAIL(&uploads->waiting, a, link);
		imports_wake(uploads->imports);
	}
}

static void look_at_waiting(struct uploads *uploads)
{
	struct arrival *next;

	for (struct arrival *a = TAILQ_FIRST(&uploads->waiting); a != NULL;
	     a = next) {
		next = TAILQ_NEXT(a, link);
		TAILQ_REMOVE(&uploads->waiting, a, link);
		if (look(uploads, a)) /* a is gone */
			atomic_fetch_sub(&uploads->count, 1);
		else if (next != NULL)
			TAILQ_INSERT_BEFORE(next, a, link);
		else
			TAILQ_INSERT_TAIL(&uploads->waiting, a, link);
	}
}

/* Takes what is new; false at the end. */
static bool wait_for_work(struct uploads *uploads, struct arrival_list *fresh)
{
	bool stop;

	(void)pthread_mutex_lock(&uploads->worker.mutex);
	while (!uploads->stop && TAILQ_EMPTY(&uploads->fresh) &&
	       TAILQ_EMPTY(&uploads->waiting))
		(void)pthread_cond_wait(&uploads->worker.cond,
					&uploads->worker.mutex);
	if (!uploads->stop && TAILQ_EMPTY(&uploads->fresh))
		worker_wait(&uploads->worker, LOOK_MS);
	TAILQ_CONCAT(fresh, &uploads->fresh, link);
	stop = uploads->stop;
	(void)pthread_mutex_unlock(&uploads->worker.mutex);
	return !stop || !TAILQ_EMPTY(fresh) || !TAILQ_EMPTY(&uploads->waiting);
}

static void *run(void *context)
{
	struct uploads *uploads = context;
	struct arrival_list fresh = TAILQ_HEAD_INITIALIZER(fresh);

	while (wait_for_work(uploads, &fresh)) {
		take_fresh(uploads, &fresh);
		look_at_waiting(uploads);
	}
	return NULL;
}

static void uploads_free(struct uploads *uploads)
{
	if (uploads == NULL)
		return;
	db_close(uploads->reader);
	free(uploads);
}
CLEANUP_DEFINE(struct uploads *, uploads_free)

int uploads_start(struct service *s, const char *store_path,
		  struct imports *imports, struct uploads **ret_uploads,
		  struct err *e)
{
	CLEANUP(uploads_freep)
	struct uploads *uploads = calloc(1, sizeof(*uploads));
	int rc;

	if (uploads == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	uploads->service = s;
	uploads->imports = imports;
	TAILQ_INIT(&uploads->fresh);
	TAILQ_INIT(&uploads->waiting);
	rc = db_open(store_path, DB_READ, &uploads->reader, e);
	if (rc == 0)
		rc = worker_start(&uploads->worker, run, uploads, e);
	if (rc == 0)
		*ret_uploads = TAKE(uploads);
	return rc;
}

void uploads_stop(struct uploads *uploads)
{
	if (uploads == NULL)
		return;
	(void)pthread_mutex_lock(&uploads->worker.mutex);
	uploads->stop = true;
	(void)pthread_cond_signal(&uploads->worker.cond);
	(void)pthread_mutex_unlock(&uploads->worker.mutex);
	worker_join(&uploads->worker);
	uploads_free(uploads);
}

static void submit(struct uploads *uploads, struct arrival *a)
{
	atomic_fetch_add(&uploads->count, 1);
	(void)pthread_mutex_lock(&uploads->worker.mutex);
	TAILQ_INSERT_TAIL(&uploads->fresh, a, link);
	(void)pthread_cond_signal(&uploads->worker.cond);
	(void)pthread_mutex_unlock(&uploads->worker.mutex);
}

static void receive(struct http_exchange *x, void *context, const char *kind)
{
	struct erp *erp = erp_enter(x, context);
	struct arrival *a;
	size_t bytes;

	if (erp == NULL)
		return;
	if (atomic_load(&erp->uploads->count) >= WAITING_MAX) {
		http_reply_header(x, "Retry-After", "5");
		http_reply_error(x, 503, "busy",
				 "too many uploads at once: try again later");
		return;
	}
	a = http_exchange_alloc(x, sizeof(*a));
	if (a == NULL) {
		erp_unavailable(x);
		return;
	}
	a->x = x;
	a->kind = kind;
	a->fd = http_body_file(x, &bytes);
	a->bytes = (int64_t)bytes;
	id_make(clock_wall_ms(), a->name);
	if (a->fd < 0) /* the token was changed between headers and body */
		erp_unavailable(x);
	else
		submit(erp->uploads, a);
}

void upload_catalog(struct http_exchange *x, void *context)
{
	receive(x, context, "catalog");
}

void upload_stores(struct http_exchange *x, void *context)
{
	receive(x, context, "stores");
}

void upload_show(struct http_exchange *x, void *context)
{
	CLEANUP(buf_clear) struct buf body = BUF_MAX(ERP_ANSWER_BYTES_MAX);
	CLEANUP(upload_clear) struct upload upload = {0};
	struct erp *erp = erp_enter(x, context);
	struct json_out out = json_out_to(&body);
	int rc;

	if (erp == NULL)
		return;
	rc = uploads_get(erp->reader,
			 http_path(x) + strlen(ERP_PATH "imports/"), &upload,
			 NULL);
	if (rc > 0)
		answer_put_upload(&out, NULL, &upload, true);
	answer_one(x, rc, &out, "unknown_import",
		   "there is no import with that id");
}
