/* SPDX-License-Identifier: MIT */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "cmocka_all.h"
#include "store/engine/migrate.h"
#include "store_fixture_private.h"

enum {
	URL_BYTES = sizeof(((struct fixture *)NULL)->path)
};

/* Each test's database is a copy of one that this process migrated. */
static char fresh[32];

static void say_nothing(void *context, const char *message)
{
	(void)context;
	(void)message;
}

static int run(const char *url, const char *sql, struct err *e)
{
	PGconn *conn = PQconnectdb(url);
	PGresult *result = NULL;
	int rc = 0;

	(void)PQsetNoticeProcessor(conn, say_nothing, NULL);
	result = PQexec(conn, sql);

	if (PQresultStatus(result) != PGRES_COMMAND_OK &&
	    PQresultStatus(result) != PGRES_TUPLES_OK)
		rc = err_set(e, ERR_IO, "%.100s: %s", sql,
			     PQerrorMessage(conn));
	PQclear(result);
	PQfinish(conn);
	return rc;
}

static const char *server(void)
{
	return getenv("ORDERGATE_TEST_STORE");
}

/* The server's URL with the name of another database in it. */
static void url_of(const char *database, char url[URL_BYTES])
{
	const char *slash = strrchr(server(), '@') + 1;
	const char *rest = strchr(server(), '?');

	slash += strcspn(slash, "/");
	(void)snprintf(url, URL_BYTES, "%.*s/%s%s", (int)(slash - server()),
		       server(), database, rest != NULL ? rest : "");
}

static int make_fresh(struct err *e)
{
	char sql[64];
	char url[URL_BYTES];
	int rc;

	(void)snprintf(fresh, sizeof(fresh), "fresh_%d", (int)getpid());
	(void)snprintf(sql, sizeof(sql), "DROP DATABASE IF EXISTS %s", fresh);
	rc = run(server(), sql, e);
	(void)snprintf(sql, sizeof(sql), "CREATE DATABASE %s", fresh);
	if (rc == 0)
		rc = run(server(), sql, e);
	url_of(fresh, url);
	return rc < 0 ? rc : migrate_run(url, 1, NULL, NULL, e);
}

/* The folder's name is unique, and its end is letters and digits. */
static const char *database_of(const struct fixture *f)
{
	return strrchr(f->dir, '-') + 1;
}

static int copy_fresh(struct fixture *f, struct err *e)
{
	char sql[128];
	int rc = fresh[0] == '\0' ? make_fresh(e) : 0;

	(void)snprintf(sql, sizeof(sql),
		       "CREATE DATABASE \"%s\" TEMPLATE %s STRATEGY file_copy",
		       database_of(f), fresh);
	if (rc >= 0)
		rc = run(server(), sql, e);
	url_of(database_of(f), f->path);
	return rc;
}

static void drop(struct fixture *f)
{
	char sql[128];

	(void)snprintf(sql, sizeof(sql), "DROP DATABASE \"%s\" WITH (FORCE)",
		       database_of(f));
	(void)run(server(), sql, NULL);
}

static void server_sql(struct fixture *f, const char *sql)
{
	struct err e = {0};

	if (run(f->path, sql, &e) < 0)
		fail_msg("%s", e.text);
}

static void server_text(struct fixture *f, const char *sql, char *text,
			size_t bytes)
{
	PGconn *conn = PQconnectdb(f->path);
	PGresult *result = PQexec(conn, sql);

	if (PQresultStatus(result) != PGRES_TUPLES_OK &&
	    PQresultStatus(result) != PGRES_COMMAND_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(conn));
	if (PQntuples(result) > 0)
		(void)snprintf(text, bytes, "%s", PQgetvalue(result, 0, 0));
	PQclear(result);
	PQfinish(conn);
}

const struct fixture_engine fixture_postgres = {
	.make = copy_fresh,
	.drop = drop,
	.sql = server_sql,
	.text = server_text,
};
