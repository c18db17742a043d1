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
	TYPE_BOOL = 16,
	URL_BYTES = sizeof(((struct fixture *)NULL)->path)
};

/* A database costs half a second: it is made once in a process, and given back
 * to its first state for every fixture. */
static char database[32];

/* Before what the tests ask themselves. */
static const char with_words[] = "SET search_path TO public, words";

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
	PQclear(PQexec(conn, with_words));
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
static void url_of(const char *name, char url[URL_BYTES])
{
	const char *slash = strrchr(server(), '@') + 1;
	const char *rest = strchr(server(), '?');

	slash += strcspn(slash, "/");
	(void)snprintf(url, URL_BYTES, "%.*s/%s%s", (int)(slash - server()),
		       server(), name, rest != NULL ? rest : "");
}

/* Words of SQLite's that tests use to look at a store. Their schema is on the
 * path of fixture_sql() and fixture_text() only: our own statements do without
 * them. */
static const char words[] =
	"CREATE SCHEMA words;"
	"CREATE DOMAIN words.blob AS bytea;"
	"CREATE FUNCTION words.joined(text, text) RETURNS text LANGUAGE sql AS"
	" $$ SELECT coalesce($1 || ',', '') || coalesce($2, '') $$;"
	"CREATE FUNCTION words.joined(text, text, text) RETURNS text"
	" LANGUAGE sql AS $$ SELECT coalesce($1 || $3, '') || $2 $$;"
	"CREATE FUNCTION words.joined(text, bigint) RETURNS text"
	" LANGUAGE sql AS $$ SELECT coalesce($1 || ',', '') || $2 $$;"
	"CREATE AGGREGATE words.group_concat(text)"
	" (sfunc = words.joined, stype = text);"
	"CREATE AGGREGATE words.group_concat(bigint)"
	" (sfunc = words.joined, stype = text);"
	"CREATE AGGREGATE words.group_concat(text, text)"
	" (sfunc = words.joined, stype = text);"
	"CREATE FUNCTION words.hex(bytea) RETURNS text LANGUAGE sql AS"
	" $$ SELECT upper(encode($1, 'hex')) $$;"
	"CREATE FUNCTION words.randomblob(bigint) RETURNS bytea LANGUAGE sql"
	" VOLATILE AS $$ SELECT decode(md5(random()::text), 'hex') $$;"
	"CREATE FUNCTION words.from_bits(bit) RETURNS bytea LANGUAGE sql AS"
	" $$ SELECT CASE WHEN length($1) = 0 THEN ''::bytea"
	" ELSE set_byte('0', 0, $1::int) END $$;"
	"CREATE CAST (bit AS bytea) WITH FUNCTION words.from_bits"
	" AS ASSIGNMENT;"
	"CREATE FUNCTION words.json_array(VARIADIC \"any\") RETURNS json"
	" LANGUAGE internal STABLE AS 'json_build_array'";

/* Rows of the migrations are kept aside. Foreign keys are off meanwhile. A
 * table that never had a row has no pages: most have none, and are passed over.
 */
static const char resetting[] =
	"DO $$ DECLARE t text; filled boolean; BEGIN"
	" FOR t IN SELECT relname FROM pg_class"
	"  WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP"
	"  EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', t)"
	"   INTO filled;"
	"  IF filled THEN"
	"   EXECUTE format('CREATE TABLE words.%I AS TABLE public.%I', t, t);"
	"  END IF;"
	" END LOOP; END $$;"
	"CREATE PROCEDURE words.reset() LANGUAGE plpgsql AS $$"
	" DECLARE t text; BEGIN"
	" PERFORM set_config('session_replication_role', 'replica', true);"
	" PERFORM setval(seqrelid, 1, false) FROM pg_sequence"
	"  WHERE pg_sequence_last_value(seqrelid) IS NOT NULL;"
	" FOR t IN SELECT relname FROM pg_class"
	"  WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
	"  AND pg_relation_size(oid) > 0 LOOP"
	"  EXECUTE format('DELETE FROM public.%I', t);"
	"  IF to_regclass(format('words.%I', t)) IS NOT NULL THEN"
	"   EXECUTE format('INSERT INTO public.%I TABLE words.%I', t, t);"
	"  END IF;"
	" END LOOP; END $$;";

static void drop(void)
{
	char sql[80];

	(void)snprintf(sql, sizeof(sql), "DROP DATABASE %s WITH (FORCE)",
		       database);
	(void)run(server(), sql, NULL);
}

static int make_database(char url[URL_BYTES], struct err *e)
{
	char sql[64];
	int rc;

	(void)snprintf(database, sizeof(database), "test_%d", (int)getpid());
	(void)snprintf(sql, sizeof(sql), "DROP DATABASE IF EXISTS %s",
		       database);
	rc = run(server(), sql, e);
	(void)snprintf(sql, sizeof(sql), "CREATE DATABASE %s", database);
	if (rc == 0)
		rc = run(server(), sql, e);
	url_of(database, url);
	if (rc == 0)
		rc = migrate_run(url, 1, NULL, NULL, e);
	if (rc >= 0)
		rc = run(url, words, e);
	if (rc == 0)
		rc = run(url, resetting, e);
	(void)atexit(drop);
	return rc;
}

static int make(struct fixture *f, struct err *e)
{
	if (database[0] == '\0')
		return make_database(f->path, e);
	url_of(database, f->path);
	return run(f->path, "CALL words.reset()", e);
}

static void server_sql(struct fixture *f, const char *sql)
{
	struct err e = {0};

	if (run(f->path, sql, &e) < 0)
		fail_msg("%s", e.text);
}

/* The first one; truth as SQLite says it. */
static const char *value_of(const PGresult *result)
{
	const char *value = PQgetvalue(result, 0, 0);

	if (PQftype(result, 0) != TYPE_BOOL || value[0] == '\0')
		return value;
	return value[0] == 't' ? "1" : "0";
}

static void server_text(struct fixture *f, const char *sql, char *text,
			size_t bytes)
{
	PGconn *conn = PQconnectdb(f->path);
	PGresult *result;

	PQclear(PQexec(conn, with_words));
	result = PQexec(conn, sql);

	if (PQresultStatus(result) != PGRES_TUPLES_OK &&
	    PQresultStatus(result) != PGRES_COMMAND_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(conn));
	if (PQntuples(result) > 0)
		(void)snprintf(text, bytes, "%s", value_of(result));
	PQclear(result);
	PQfinish(conn);
}

const struct fixture_engine fixture_postgres = {
	.make = make,
	.sql = server_sql,
	.text = server_text,
};
