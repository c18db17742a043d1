/* SPDX-License-Identifier: MIT */
#include "store/engine/backup.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "store/engine/db.h"

STMT(backup_quick_check, "PRAGMA quick_check(1)");
STMT(backup_stamp, "UPDATE store_meta SET backup_ms = $1 WHERE id = 1");

static void remove_partial(const char *path)
{
	char journal[PATH_MAX + 16];

	(void)snprintf(journal, sizeof(journal), "%s-journal", path);
	(void)unlink(journal);
	(void)unlink(path);
}

/* VACUUM INTO takes a file that is empty, and then keeps its mode. */
static int make_empty(const char *path, struct err *e)
{
	CLEANUP_FD int fd = -1;

	remove_partial(path); /* of a run that was killed */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd < 0 ? err_errno(e, ERR_IO, "%s", path) : 0;
}

static int copy(const char *path, const char *target, struct err *e)
{
	CLEANUP(buf_clear) struct buf sql = BUF_MAX(2 * PATH_MAX + 64);
	CLEANUP_DB struct db *db = NULL;
	int rc = db_open(path, DB_WRITE, &db, e);

	if (rc < 0)
		return rc;
	/* Every page is read once: a large cache would only fill the memory. */
	buf_add_text(&sql, "PRAGMA cache_size=-1000; VACUUM INTO '");
	for (const char *p = target; *p != '\0'; p++) {
		if (*p == '\'')
			buf_add_char(&sql, '\'');
		buf_add_char(&sql, *p);
	}
	buf_add_char(&sql, '\'');
	rc = buf_finish(&sql, e);
	return rc < 0 ? rc : db_script(db, buf_text(&sql), e);
}

/* What was committed before this moment is in the copy. */
static int stamp(const char *path, int64_t began_ms, struct err *e)
{
	CLEANUP_DB struct db *db = NULL;
	int rc = db_open(path, DB_WRITE, &db, e);

	if (rc < 0)
		return rc;
	CLEANUP_QUERY struct query *q = query_start(db, &backup_stamp);

	query_i64(q, 1, began_ms);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

int backup_check(const char *path, struct err *e)
{
	CLEANUP_DB struct db *db = NULL;
	int rc = db_open(path, DB_READ, &db, e);

	if (rc < 0)
		return rc;
	CLEANUP_QUERY struct query *q = query_start(db, &backup_quick_check);

	rc = query_next(q, e);
	if (rc < 0)
		return rc;
	if (rc == 0 || strcmp(query_col_text(q, 0), "ok") != 0)
		return err_set(e, ERR_IO, "the copy is damaged: %s",
			       rc > 0 ? query_col_text(q, 0) : "no answer");
	return 0;
}

static int sync_path(const char *path, int flags, struct err *e)
{
	CLEANUP_FD int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return err_errno(e, ERR_IO, "%s", path);
	return 0;
}

/* Under its own name only when it is whole and on disk. */
static int publish(const char *partial, const char *target, int64_t *ret_bytes,
		   struct err *e)
{
	const char *slash = strrchr(target, '/');
	char folder[PATH_MAX] = ".";
	struct stat st;
	int rc = sync_path(partial, O_RDONLY, e);

	if (rc < 0)
		return rc;
	if (stat(partial, &st) < 0 || rename(partial, target) < 0)
		return err_errno(e, ERR_IO, "%s", target);
	*ret_bytes = st.st_size;
	if (slash != NULL)
		(void)snprintf(folder, sizeof(folder), "%.*s",
			       (int)(slash - target + 1), target);
	return sync_path(folder, O_RDONLY | O_DIRECTORY, e);
}

static int make(const char *path, const char *target, int64_t began_ms,
		int64_t *ret_bytes, struct err *e)
{
	char partial[PATH_MAX];
	int rc;

	if ((db_caps(path) & DB_CAP_FILE) == 0)
		return err_set(e, ERR_STATE,
			       "the store is a PostgreSQL database: its own "
			       "means make a backup (pg_basebackup, pg_dump)");
	if (snprintf(partial, sizeof(partial), "%s.partial", target) >=
	    (int)sizeof(partial))
		return err_set(e, ERR_IO, "%.60s...: path too long", target);
	rc = make_empty(partial, e);
	if (rc == 0)
		rc = copy(path, partial, e);
	if (rc == 0 && began_ms != 0)
		rc = stamp(partial, began_ms, e);
	if (rc == 0)
		rc = backup_check(partial, e);
	if (rc == 0)
		rc = publish(partial, target, ret_bytes, e);
	if (rc < 0)
		remove_partial(partial);
	return rc;
}

int backup_make(const char *path, const char *target, int64_t *ret_bytes,
		struct err *e)
{
	return make(path, target, clock_wall_ms(), ret_bytes, e);
}

int backup_copy(const char *path, const char *target, int64_t *ret_bytes,
		struct err *e)
{
	return make(path, target, 0, ret_bytes, e);
}
