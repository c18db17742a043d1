/* SPDX-License-Identifier: MIT
 *
 * store_fixture_private.h - what an engine provides to store_fixture.c.
 */
#ifndef STORE_FIXTURE_PRIVATE_H
#define STORE_FIXTURE_PRIVATE_H

#include <stddef.h>

#include "store_fixture.h"

struct fixture_engine {
	/* Make a store for the fixture, whose folder is there: f->path. */
	int (*make)(struct fixture *f, struct err *e);
	void (*sql)(struct fixture *f, const char *sql);
	/* Into text, which holds "". */
	void (*text)(struct fixture *f, const char *sql, char *text,
		     size_t bytes);
};

extern const struct fixture_engine fixture_sqlite;
extern const struct fixture_engine fixture_postgres;

#endif
