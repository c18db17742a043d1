/* SPDX-License-Identifier: MIT
 *
 * units.h - the units of one batch, inside a transaction. Only writer.c
 * includes this.
 */
#ifndef STORE_UNITS_H
#define STORE_UNITS_H

#include <stdint.h>

struct db;
struct unit;
struct err;

struct units {
	struct unit *first;
	/* Set by units_run(). */
	struct unit *rest; /* did not fit: cut off from the others; or NULL */
	unsigned bells;
	int64_t count, failed; /* that ran */
};

/* Run them, and have the rc in each. A write transaction is open, and still is
 * afterwards; when a unit fails it is undone and begun anew. After budget_us
 * nothing more is begun. 0; ERR_BUSY (the engine lost the transaction); ERR_IO.
 */
int units_run(struct db *db, struct units *units, int64_t budget_us,
	      struct err *e);

#endif
