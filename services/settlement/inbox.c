/* SPDX-License-Identifier: MIT
 *
 * inbox.c - files of the folder, one after the other.
 *
 * The document is committed before the file is moved: a kill between the two
 * leaves a file that the next run recognises and moves.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "app/service/service.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "document/settlement/settle_files.h"
#include "settlement.h"
#include "store/engine/writer.h"

enum {
	FILES_MAX = 1000, /* of one run */
	SETTLED_S = 20,   /* a file that somebody still writes is younger */
	PATH_BYTES = 1024,
	NAME_BYTES_MAX = 200,
	REASON_BYTES = 32 * 1024
};

struct inbox {
	struct service *s;
	char folder[PATH_BYTES / 2];
	struct buf reasons; /* of the current file */
	int made, known, failed;
	int64_t differences;
};

struct names {
	char (*names)[NAME_BYTES_MAX + 1]; /* owned */
	int count;
};

static int make_folder(const char *root, const char *name, char *ret_path,
		       size_t bytes, struct err *e)
{
	if (snprintf(ret_path, bytes, "%s/%s", root, name) >= (int)bytes)
		return err_set(e, ERR_IO, "%s: the path is too long", root);
	if (mkdir(ret_path, 0750) == 0 || errno == EEXIST)
		return 0;
	return err_errno(e, ERR_IO, "%s cannot be made", ret_path);
}

static int make_folders(struct inbox *in, struct err *e)
{
	char path[PATH_BYTES];
	int rc = make_folder(in->s->dir.root, "import", path, sizeof(path), e);

	if (rc == 0)
		rc = make_folder(in->s->dir.root, "import/reports", in->folder,
				 sizeof(in->folder), e);
	if (rc == 0)
		rc = make_folder(in->folder, "done", path, sizeof(path), e);
	if (rc == 0)
		rc = make_folder(in->folder, "failed", path, sizeof(path), e);
	return rc;
}

/* Names that programs give to files which they are still writing. */
static bool is_unfinished(const char *name)
{
	static const char *const ends[] = {".tmp", ".part", ".filepart",
					   ".crdownload", "~"};
	size_t length = strlen(name);

	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		size_t bytes = strlen(ends[i]);

		if (length >= bytes &&
		    strcmp(name + length - bytes, ends[i]) == 0)
			return true;
	}
	return name[0] == '.' || length > NAME_BYTES_MAX;
}

static bool is_due(const struct inbox *in, const char *name)
{
	char path[PATH_BYTES];
	struct stat about;

	(void)snprintf(path, sizeof(path), "%s/%s", in->folder, name);
	return !is_unfinished(name) && lstat(path, &about) == 0 &&
	       S_ISREG(about.st_mode) &&
	       about.st_mtime <= time(NULL) - SETTLED_S;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int list(const struct inbox *in, struct names *names, struct err *e)
{
	DIR *folder = opendir(in->folder);
	const struct dirent *at;

	if (folder == NULL)
		return err_errno(e, ERR_IO, "%s", in->folder);
	names->names = calloc(FILES_MAX, sizeof(*names->names));
	while (names->names != NULL && names->count < FILES_MAX &&
	       (at = readdir(folder)) != NULL) /* NOLINT: one thread */
		if (is_due(in, at->d_name))
			(void)text_copy(names->names[names->count++],
					sizeof(*names->names), at->d_name);
	(void)closedir(folder);
	if (names->names == NULL)
		return err_set(e, ERR_NOMEM, "settlement: out of memory");
	qsort(names->names, (size_t)names->count, sizeof(*names->names),
	      compare_names);
	return 0;
}

/* Into done/ or failed/, with the beginning of its hash in front: two files may
 * have one name. */
static int move(const struct inbox *in, const char *name, const char *to,
		const char *hash, struct err *e)
{
	char from[PATH_BYTES];
	char target[PATH_BYTES];

	(void)snprintf(from, sizeof(from), "%s/%s", in->folder, name);
	(void)snprintf(target, sizeof(target), "%s/%s/%.12s-%s", in->folder, to,
		       hash[0] != '\0' ? hash : "unread", name);
	if (rename(from, target) == 0)
		return 0;
	return err_errno(e, ERR_IO, "%s", from);
}

/* For whoever looks into failed/. */
static int write_reason(const struct inbox *in, const char *name,
			const char *hash, struct err *e)
{
	char path[PATH_BYTES];
	FILE *out;
	bool ok;

	(void)snprintf(path, sizeof(path), "%s/failed/%.12s-%s.reason.txt",
		       in->folder, hash[0] != '\0' ? hash : "unread", name);
	out = fopen(path, "we");
	ok = out != NULL && fputs(buf_text(&in->reasons), out) >= 0;
	if (out != NULL && fclose(out) != 0)
		ok = false;
	return ok ? 0 : err_errno(e, ERR_IO, "%s", path);
}

static void tell_bad(int64_t line, const char *why, void *context)
{
	struct inbox *in = context;

	buf_printf(&in->reasons, "%lld: %s\n", (long long)line, why);
}

static bool go_on(const char *step, int64_t rows, void *context)
{
	struct inbox *in = context;

	service_progress(in->s, "%s %lld rows", step, (long long)rows);
	return !service_stopping(in->s);
}

struct failure {
	struct unit unit;
	const char *channel, *name, *hash, *reason;
};

static int run_fail(struct unit *u, struct db *db, int64_t now_ms,
		    struct err *e)
{
	struct failure *f = CONTAINER_OF(u, struct failure, unit);

	return market_reports_fail(db, f->channel, f->name, f->hash, f->reason,
				   now_ms, e);
}

/* A file that is no report is told once, and does not keep the others back. */
static int fail(struct inbox *in, const struct settle *settle,
		const struct err *why, struct err *e)
{
	struct failure failure = {.unit.run = run_fail,
				  .channel = settle->channel,
				  .name = settle->name,
				  .hash = settle->hash,
				  .reason = why->text};
	int rc;

	buf_printf(&in->reasons, "%s\n", why->text);
	rc = write_reason(in, settle->name, settle->hash, e);
	if (rc == 0)
		rc = writer_call(in->s->writer, &failure.unit, e);
	if (rc >= 0)
		rc = move(in, settle->name, "failed", settle->hash, e);
	in->failed += rc == 0;
	return rc;
}

static int settle_one(struct inbox *in, const char *name, struct err *e)
{
	struct settle settle;
	char path[PATH_BYTES];
	struct err why = {0};
	int rc;

	(void)snprintf(path, sizeof(path), "%s/%s", in->folder, name);
	settle_set(&settle, in->s->config, clock_wall_ms());
	settle.db = in->s->db;
	settle.writer = in->s->writer;
	settle.folder = in->folder;
	settle.path = path;
	settle.name = name;
	settle.actor = "settlement";
	settle.bad = tell_bad;
	settle.going_on = go_on;
	settle.context = in;
	buf_reset(&in->reasons);
	rc = settle_file(&settle, &why);
	if (rc == ERR_NOTFOUND)
		return 0; /* somebody took it away */
	if (rc == ERR_INVALID)
		return fail(in, &settle, &why, e);
	if (rc < 0) {
		*e = why;
		return rc;
	}
	in->made += rc;
	in->known += rc == 0;
	for (int i = 0; rc > 0 && i < FINDING_KIND_MAX_; i++)
		in->differences += settle.report.counts[i];
	return move(in, name, "done", settle.hash, e);
}

static int settle_all(struct inbox *in, struct err *e)
{
	struct names names = {0};
	int rc = list(in, &names, e);

	for (int i = 0; i < names.count && rc >= 0; i++) {
		if (service_stopping(in->s))
			break;
		rc = settle_one(in, names.names[i], e);
	}
	free(names.names);
	return rc < 0 ? rc : 0;
}

int settlement_run(struct service *s, struct buf *ret_line, struct err *e)
{
	struct inbox in = {.s = s, .reasons = BUF_MAX(REASON_BYTES)};
	int rc = make_folders(&in, e);
	int written_rc;

	if (rc == 0)
		rc = settle_all(&in, e);
	buf_clear(&in.reasons);
	/* What is kept already is written, whatever became of the others. */
	written_rc = settle_write_files(s->db, s->writer, s->dir.export,
					s->config->invoicing.csv_decimal_comma,
					rc < 0 ? NULL : e);
	rc = rc < 0 ? rc : written_rc;
	buf_printf(ret_line, "reports=%d known=%d failed=%d differences=%lld",
		   in.made, in.known, in.failed, (long long)in.differences);
	return rc < 0 ? rc : 0;
}
