/* SPDX-License-Identifier: MIT
 *
 * migrate.h - the schema's versions (schema/README.md).
 *
 * Migrations are numbered files, applied in order, each in one transaction
 * under the write lock. A store
 * holds `version` (what it has) and `min_reader` (the oldest program that
 * understands it). Programs older than min_reader refuse; a program newer than
 * the store asks for `ordergatectl migrate`.
 */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include <stdint.h>

struct db;
struct err;

struct migration {
	int version;
	const char *name;
	const char *sql; /* NULL ends the list */
};

extern const struct migration migrations_sqlite[];
extern const struct migration migrations_postgresql[];
/* Those of the connection's engine. */
const struct migration *db_migrations(const struct db *db);

/* Version that this program was built for. */
int migrate_version_built(void);

/* Make the store at the location (when create) or upgrade it; progress, when
 * not NULL, is told of each step. Number of migrations applied, or ERR_STATE
 * (the store is newer than this program), ERR_NOTFOUND, ERR_BUSY, ERR_IO; as
 * db_open(). */
int migrate_run(const char *location, int create,
		void (*progress)(int version, const char *name, void *context),
		void *context, struct err *e);

/* 0 when this program may use the store, else ERR_STATE with what to do. */
int migrate_check(struct db *db, struct err *e);

/* The version that the store has. */
int migrate_version_of(struct db *db, int *ret_version, struct err *e);

#endif
