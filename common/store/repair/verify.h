/* SPDX-License-Identifier: MIT
 *
 * verify.h - is the file whole, and are the promises kept that data can show?
 *
 * For a store that is in use and for a copy alike; on a reader. Each check
 * counts its breaches: 0 is what it should say.
 */
#ifndef STORE_VERIFY_H
#define STORE_VERIFY_H

#include <stdint.h>

struct db;
struct err;

struct verify_check {
	const char *name; /* "no inbox sequence has a gap" */
	const struct stmt *stmt;
};
extern const struct verify_check verify_checks[]; /* ends with NULLs */

/* 0 or < 0. */
int verify_run(struct db *db, const struct verify_check *check,
	       int64_t *ret_breaches, struct err *e);
/* All of them: the number of checks with breaches. 0 or < 0. */
int verify_all(struct db *db, int *ret_bad, struct err *e);

#endif
