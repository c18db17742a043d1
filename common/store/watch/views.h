/* SPDX-License-Identifier: MIT
 *
 * views.h - what a person looks at: read-only queries with named columns.
 *
 * ordergatectl (and later the console) prints whatever columns a view has, so
 * a new view is a row of the table in views.c.
 */
#ifndef STORE_VIEWS_H
#define STORE_VIEWS_H

#include <stddef.h>
#include <stdint.h>

struct db;
struct err;
struct query;

struct view {
	const char *name; /* "inbox.list" */
	const struct stmt *stmt;
};

const struct view *view_find(const char *name); /* NULL: none */

/* Text parameters ($1, $2, ...; numbers as text compare by affinity).
 * each() reads the current row by query_col_*. Count of rows, < 0. */
int view_run(struct db *db, const struct view *view, const char *const *params,
	     size_t count, int (*each)(struct query *row, void *context),
	     void *context, struct err *e);

#endif
