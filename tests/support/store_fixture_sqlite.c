/* SPDX-License-Identifier: MIT */
#include <ftw.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/macros.h"
#include "cmocka_all.h"
#include "store/engine/migrate.h"
#include "store_fixture_private.h"

/* A store as the migrations make it costs some hundred transactions: it is made
 * once in a process, and every fixture is a copy of it. */
static struct {
	char *data[2];
	size_t bytes[2];
} fresh;
static const char *const suffixes[COUNT_OF(fresh.data)] = {"", "-wal"};

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static bool read_whole(const char *path, char **ret_data, size_t *ret_bytes)
{
	FILE *file = fopen(path, "rb");
	struct stat st;
	bool good = file != NULL && fstat(fileno(file), &st) == 0;

	if (good) {
		*ret_bytes = (size_t)st.st_size;
		*ret_data = malloc(*ret_bytes + 1);
		good = *ret_data != NULL &&
		       fread(*ret_data, 1, *ret_bytes, file) == *ret_bytes;
	}
	if (file != NULL)
		(void)fclose(file);
	return good;
}

static int make_fresh(struct err *e)
{
	char dir[] = "/tmp/ordergate-test-XXXXXX";
	char path[64];
	char file[80];
	int rc;

	if (mkdtemp(dir) == NULL)
		return err_errno(e, ERR_IO, "mkdtemp");
	(void)snprintf(path, sizeof(path), "%s/ordergate.db", dir);
	rc = migrate_run(path, 1, NULL, NULL, e);
	for (size_t i = 0; i < COUNT_OF(suffixes) && rc >= 0; i++) {
		(void)snprintf(file, sizeof(file), "%s%s", path, suffixes[i]);
		if (!read_whole(file, &fresh.data[i], &fresh.bytes[i]))
			rc = err_errno(e, ERR_IO, "%s", file);
	}
	(void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return rc;
}

static int copy_fresh(struct fixture *f, struct err *e)
{
	int rc = fresh.data[0] == NULL ? make_fresh(e) : 0;

	(void)snprintf(f->path, sizeof(f->path), "%s/ordergate.db", f->dir);
	for (size_t i = 0; i < COUNT_OF(suffixes) && rc >= 0; i++) {
		char file_path[sizeof(f->path) + 8];
		FILE *file;

		(void)snprintf(file_path, sizeof(file_path), "%s%s", f->path,
			       suffixes[i]);
		file = fopen(file_path, "wb");
		if (file == NULL || fwrite(fresh.data[i], 1, fresh.bytes[i],
					   file) != fresh.bytes[i])
			rc = err_errno(e, ERR_IO, "%s", file_path);
		if (file != NULL && fclose(file) != 0 && rc >= 0)
			rc = err_errno(e, ERR_IO, "%s", file_path);
	}
	return rc;
}

static sqlite3 *open_file(struct fixture *f)
{
	sqlite3 *handle = NULL;

	if (sqlite3_open(f->path, &handle) != SQLITE_OK)
		fail_msg("cannot open %s", f->path);
	(void)sqlite3_busy_timeout(handle, 5000);
	(void)sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
				NULL);
	return handle;
}

static void file_text(struct fixture *f, const char *sql, char *text,
		      size_t bytes)
{
	sqlite3 *handle = open_file(f);
	sqlite3_stmt *stmt = NULL;

	text[0] = '\0';
	if (sqlite3_prepare_v2(handle, sql, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(handle));
	if (sqlite3_step(stmt) == SQLITE_ROW &&
	    sqlite3_column_type(stmt, 0) != SQLITE_NULL)
		(void)snprintf(text, bytes, "%s",
			       (const char *)sqlite3_column_text(stmt, 0));
	(void)sqlite3_finalize(stmt);
	(void)sqlite3_close(handle);
}

const char *fixture_plan(struct fixture *f, const char *sql)
{
	enum {
		DETAIL = 3
	};
	static char text[8192];
	sqlite3 *handle = open_file(f);
	char *explain = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
	sqlite3_stmt *stmt = NULL;
	size_t used = 0;

	text[0] = '\0';
	if (sqlite3_prepare_v2(handle, explain, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(handle));
	while (sqlite3_step(stmt) == SQLITE_ROW && used < sizeof(text))
		used += (size_t)snprintf(
			text + used, sizeof(text) - used, "%s\n",
			(const char *)sqlite3_column_text(stmt, DETAIL));
	(void)sqlite3_finalize(stmt);
	sqlite3_free(explain);
	(void)sqlite3_close(handle);
	return text;
}

static void file_sql(struct fixture *f, const char *sql)
{
	sqlite3 *handle = open_file(f);
	char *message = NULL;

	if (sqlite3_exec(handle, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
	(void)sqlite3_close(handle);
}

const struct fixture_engine fixture_sqlite = {
	.make = copy_fresh,
	.sql = file_sql,
	.text = file_text,
};
