/* SPDX-License-Identifier: MIT
 *
 * export.c - documents as files for the ERP.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/service/service.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "codec/digest.h"
#include "invoicing.h"
#include "store/engine/writer.h"
#include "store/order/documents.h"

enum {
	FILES_MAX = 100,
	ROUNDS_MAX = 1000
};

struct mark {
	struct unit unit;
	int64_t document_id;
	char file_name[96];
	char hash[DIGEST_TEXT_BYTES];
};

struct export
{
	const struct state_dir *dir;
	struct mark marks[FILES_MAX];
	int count;
	struct err *err;
};

static int write_all(int fd, const char *data, size_t bytes)
{
	while (bytes > 0) {
		ssize_t n = write(fd, data, bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		bytes -= (size_t)n;
	}
	return fsync(fd);
}

static int sync_folder(const char *path)
{
	CLEANUP_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 ? fsync(fd) : -1;
}

/* Readers of the folder see the whole file or none of it. */
static int write_file(const char *folder, const char *name, const char *body,
		      struct err *e)
{
	char path[STATE_PATH_BYTES + 128];
	char temporary[STATE_PATH_BYTES + 136];
	int rc;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	(void)snprintf(temporary, sizeof(temporary), "%s/.%s.tmp", folder,
		       name);
	{
		CLEANUP_FD int fd =
			open(temporary,
			     O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

		rc = fd >= 0 ? write_all(fd, body, strlen(body)) : -1;
	}
	if (rc != 0 || rename(temporary, path) != 0 || sync_folder(folder) != 0)
		return err_errno(e, ERR_IO, "%s", path);
	return 0;
}

static int export_one(const struct document_file *file, void *context)
{
	struct export *export = context;
	struct mark *mark;
	int rc;

	if (export->count == FILES_MAX)
		return 0;
	mark = &export->marks[export->count];
	mark->document_id = file->id;
	(void)snprintf(mark->file_name, sizeof(mark->file_name),
		       "%s-%s-%06lld.json", file->kind, file->series,
		       (long long)file->number);
	digest_sha256(file->body, strlen(file->body), mark->hash);
	rc = write_file(export->dir->export, mark->file_name, file->body,
			export->err);
	if (rc == 0)
		export->count++;
	return rc;
}

static int run_mark(struct unit *u, struct db *db, int64_t now_ms,
		    struct err *e)
{
	struct mark *mark = CONTAINER_OF(u, struct mark, unit);

	return documents_exported(db, mark->document_id, mark->file_name,
				  mark->hash, now_ms, e);
}

static int mark_all(struct service *s, struct export *export, struct err *e)
{
	struct unit *units[FILES_MAX];

	for (int i = 0; i < export->count; i++) {
		export->marks[i].unit = (struct unit){.run = run_mark};
		units[i] = &export->marks[i].unit;
	}
	writer_call_all(s->writer, units, (size_t) export->count);
	for (int i = 0; i < export->count; i++)
		if (units[i]->rc < 0) {
			*e = units[i]->err;
			return units[i]->rc;
		}
	return 0;
}

int invoicing_export(struct service *s, struct invoicing_result *result,
		     struct err *e)
{
	for (int round = 0; round < ROUNDS_MAX && !service_stopping(s);
	     round++) {
		struct export export = {.dir = &s->dir, .err = e};
		int rc = documents_to_export(s->db, export_one, &export, e);

		if (rc >= 0 && export.count > 0)
			rc = mark_all(s, &export, e);
		if (rc < 0 || export.count == 0)
			return rc < 0 ? rc : 0;
		result->exported += export.count;
	}
	return 0;
}
