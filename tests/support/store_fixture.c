/* SPDX-License-Identifier: MIT */
#include "store_fixture.h"

#include <ftw.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/macros.h"
#include "cmocka_all.h"
#include "store/engine/db.h"
#include "store/engine/migrate.h"
#include "store/engine/writer.h"

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

static int copy_fresh(const char *path, struct err *e)
{
	int rc = fresh.data[0] == NULL ? make_fresh(e) : 0;

	for (size_t i = 0; i < COUNT_OF(suffixes) && rc >= 0; i++) {
		char file_path[128];
		FILE *file;

		(void)snprintf(file_path, sizeof(file_path), "%s%s", path,
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

int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct writer_options options = {.checkpoint_pages = 1000};
	struct err e = {0};

	if (f == NULL)
		return -1;
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/ordergate-test-XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	(void)snprintf(f->path, sizeof(f->path), "%s/ordergate.db", f->dir);
	options.path = f->path;
	if (copy_fresh(f->path, &e) < 0 ||
	    db_open(f->path, DB_READ, &f->db, &e) < 0 ||
	    writer_start(&options, &f->writer, &e) < 0) {
		(void)fprintf(stderr, "fixture: %s\n", e.text);
		return -1;
	}
	*state = f;
	return 0;
}

void fixture_close(struct fixture *f)
{
	writer_stop(f->writer);
	db_close(f->db);
	f->writer = NULL;
	f->db = NULL;
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	fixture_close(f);
	(void)nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

struct call {
	struct unit unit;
	int (*run)(struct db *db, int64_t now_ms, void *context, struct err *e);
	void *context;
};

static int run_call(struct unit *u, struct db *db, int64_t now_ms,
		    struct err *e)
{
	struct call *call = CONTAINER_OF(u, struct call, unit);

	return call->run(db, now_ms, call->context, e);
}

int fixture_write(struct fixture *f,
		  int (*run)(struct db *db, int64_t now_ms, void *context,
			     struct err *e),
		  void *context, struct err *e)
{
	struct call call = {
		.unit.run = run_call, .run = run, .context = context};

	return writer_call(f->writer, &call.unit, e);
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

const char *fixture_text(struct fixture *f, const char *sql)
{
	static char text[8192];
	sqlite3 *handle = open_file(f);
	sqlite3_stmt *stmt = NULL;

	text[0] = '\0';
	if (sqlite3_prepare_v2(handle, sql, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(handle));
	if (sqlite3_step(stmt) == SQLITE_ROW &&
	    sqlite3_column_type(stmt, 0) != SQLITE_NULL)
		(void)snprintf(text, sizeof(text), "%s",
			       (const char *)sqlite3_column_text(stmt, 0));
	(void)sqlite3_finalize(stmt);
	(void)sqlite3_close(handle);
	return text;
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

int64_t fixture_i64(struct fixture *f, const char *sql)
{
	const char *text = fixture_text(f, sql);

	return text[0] == '\0' ? -1 : strtoll(text, NULL, 10);
}

void fixture_sql(struct fixture *f, const char *sql)
{
	sqlite3 *handle = open_file(f);
	char *message = NULL;

	if (sqlite3_exec(handle, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
	(void)sqlite3_close(handle);
}
