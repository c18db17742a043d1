/* SPDX-License-Identifier: MIT
 *
 * db_private.h - what an engine provides to db.c. Only drivers include this.
 */
#ifndef STORE_DB_PRIVATE_H
#define STORE_DB_PRIVATE_H

#include "store/engine/db.h"

enum {
	DB_PARAMETERS_MAX = 72 /* of a statement */
};

enum db_tx { /* what db.h asks of a transaction */
	DB_TX_BEGIN_READ,
	DB_TX_BEGIN_WRITE,
	DB_TX_COMMIT,
	DB_TX_ROLLBACK, /* nothing to do when there is none */
	DB_TX_SAVEPOINT,
	DB_TX_RELEASE,
	DB_TX_UNDO /* back to the savepoint, which stays */
};

enum db_tx_state {
	DB_TX_NONE,
	DB_TX_OPEN,
	DB_TX_FAILED /* takes nothing more until it is undone */
};

struct migration;

struct db_driver {
	const char *name;
	unsigned caps; /* enum db_cap */
	const struct migration *migrations;
	/* db_check(); NULL: whatever it is. */
	int (*check)(const char *location, struct err *e);
	int (*open)(const char *location, enum db_mode mode, struct db **ret_db,
		    struct err *e);
	void (*close)(struct db *db);
	int (*script)(struct db *db, const char *sql, struct err *e);

	int (*prepare)(struct query *q, struct err *e);
	void (*reset)(struct query *q);
	void (*finalize)(struct query *q);
	int (*bind_i64)(struct query *q, int n, int64_t value);
	int (*bind_text)(struct query *q, int n, const char *value);
	int (*bind_blob)(struct query *q, int n, const void *data,
			 size_t bytes);
	/* Only with DB_CAP_ARRAYS, else NULL. */
	int (*bind_i64_array)(struct query *q, int n, const int64_t *values,
			      size_t count);
	int (*bind_text_array)(struct query *q, int n,
			       const char *const *values, size_t count);
	int (*step)(struct query *q, struct err *e);
	/* query_post() and db_settle(); NULL: each statement runs at once. */
	bool (*can_post)(const struct db *db);
	int (*post)(struct query *q, const char *why_none, struct err *e);
	int (*settle)(struct db *db, struct err *e);
	int (*changes)(struct query *q);
	int64_t (*col_i64)(struct query *q, int column);
	const char *(*col_text)(struct query *q, int column);
	const void *(*col_blob)(struct query *q, int column, size_t *ret_bytes);
	bool (*col_is_null)(struct query *q, int column);
	int (*columns)(struct query *q);
	bool (*col_is_number)(struct query *q, int column);
	bool (*col_is_blob)(struct query *q, int column);
	const char *(*col_name)(struct query *q, int column);

	int (*tx)(struct db *db, enum db_tx what, struct err *e);
	enum db_tx_state (*tx_state)(struct db *db);
	int64_t (*now_ms)(
		struct db *db); /* db_now_ms(); NULL: this machine's */

	/* Only with DB_CAP_BELLS, else NULL. */
	void (*ring)(struct db *db, unsigned bells);
	int (*hear)(struct db *db, int wait_ms, unsigned *ret_bells,
		    struct err *e);

	/* Only with DB_CAP_FILE, else NULL. */
	int (*sync)(struct db *db, struct err *e);
	int64_t (*wal_pages)(const struct db *db);
	int64_t (*wal_bytes)(const struct db *db);
	int (*checkpoint)(struct db *db, bool restart, int64_t *ret_pages,
			  struct err *e);
	int (*sync_store)(struct db *db, struct err *e);
};

struct query {
	struct db *db;
	const struct stmt *stmt;
	size_t number;  /* names it at a server */
	void *prepared; /* the driver's; NULL until first used */
	bool running;
	bool bind_failed;
};

/* First member of every driver's connection. */
struct db {
	const struct db_driver *driver;
	struct query *queries; /* one per STMT of the program */
	size_t made;           /* so many others by query_new() */
};

/* All STMTs of the program, in no particular order. */
const struct stmt *stmt_first(void);
size_t stmt_count(void);

/* For open(): driver, and a query for each STMT. 0, ERR_NOMEM. */
int db_init(struct db *db, const struct db_driver *driver, struct err *e);
/* The connection's one query of a statement. */
struct query *db_query(struct db *db, const struct stmt *stmt);

extern const struct db_driver db_sqlite;
extern const struct db_driver db_postgres;

#endif
