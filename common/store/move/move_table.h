/* SPDX-License-Identifier: MIT
 *
 * move_table.h - what the tables of a move are made of, as the target's engine
 * tells it.
 */
#ifndef STORE_MOVE_TABLE_H
#define STORE_MOVE_TABLE_H

#include <stdint.h>

struct db;
struct err;

enum {
	MOVE_TABLES_MAX = 128,
	MOVE_COLUMNS_MAX = 48, /* db_sqlite.c has so many parameters */
	MOVE_KEYS_MAX = 4,
	MOVE_NAME_BYTES = 64
};

struct move_tables {
	char names[MOVE_TABLES_MAX][MOVE_NAME_BYTES];
	int count;
};

struct move_table {
	const char *name;
	char columns[MOVE_COLUMNS_MAX][MOVE_NAME_BYTES];
	int column_count;
	int keys[MOVE_KEYS_MAX]; /* indexes of columns, in the key's order */
	int key_count;
};

/* All that hold data of an installation, in the order in which a schema makes
 * them: what refers to another comes after it. */
int move_tables_list(struct db *db, struct move_tables *ret_tables,
		     struct err *e);
int move_table_describe(struct db *db, const char *name,
			struct move_table *ret_table, struct err *e);
/* All rows go. */
int move_table_clear(struct db *db, const char *name, struct err *e);

/* Whatever id comes next in the target has been given out in neither. last_id:
 * of the copied rows, or 0. */
int move_sequence(struct db *from, struct db *to,
		  const struct move_table *table, int64_t last_id,
		  struct err *e);

#endif
