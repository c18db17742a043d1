/* SPDX-License-Identifier: MIT */
#include "store_fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/macros.h"
#include "cmocka_all.h"
#include "store/engine/db.h"
#include "store/engine/writer.h"
#include "store_fixture_private.h"

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

bool fixture_is_sqlite(void)
{
	return getenv("ORDERGATE_TEST_STORE") == NULL;
}

static const struct fixture_engine *engine_of_run(void)
{
	return fixture_is_sqlite() ? &fixture_sqlite : &fixture_postgres;
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
	f->engine = engine_of_run();
	options.path = f->path;
	if (f->engine->make(f, &e) < 0 ||
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

const char *fixture_text(struct fixture *f, const char *sql)
{
	static char text[8192];

	text[0] = '\0';
	f->engine->text(f, sql, text, sizeof(text));
	return text;
}

int64_t fixture_i64(struct fixture *f, const char *sql)
{
	const char *text = fixture_text(f, sql);

	return text[0] == '\0' ? -1 : strtoll(text, NULL, 10);
}

void fixture_sql(struct fixture *f, const char *sql)
{
	f->engine->sql(f, sql);
}
