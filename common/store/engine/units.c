/* SPDX-License-Identifier: MIT */
#include "store/engine/units.h"

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/err.h"
#include "store/engine/db.h"
#include "store/engine/writer.h"

enum {
	UNIT_FAILED = 1 /* undo all, and begin anew */
};

/* How many of them run_all() takes at once; 0: run() takes the first. */
static size_t count_together(struct db *db, const struct unit *first)
{
	const struct unit *u = first;
	size_t count = 0;

	if (first->run_all == NULL || !(db_caps_of(db) & DB_CAP_ARRAYS))
		return 0;
	while (u != NULL && u->run_all == first->run_all &&
	       count < WRITER_TOGETHER_MAX) {
		u = u->next;
		count++;
	}
	return count;
}

/* 0 when the transaction lives on, whatever became of the unit. */
static int run_unit(struct db *db, struct unit *u, bool apart, size_t together,
		    int64_t now_ms, struct err *e)
{
	u->bells = 0;
	u->rc = together > 0 ? u->run_all(u, together, db, now_ms, &u->err)
			     : u->run(u, db, now_ms, &u->err);
	if (u->rc >= 0 && apart && db_settle(db, &u->err) < 0)
		u->rc = (int)u->err.code;
	if (u->rc >= 0 && db_is_failed(db))
		u->rc = err_set(&u->err, ERR_STATE,
				"a unit went on after a failed statement");
	if (u->rc == ERR_IO)
		return err_set(e, ERR_IO, "%s", u->err.text);
	if (db_in_transaction(db))
		return 0;
	return err_set(e, ERR_BUSY, "the store undid the transaction (%s)",
		       u->rc < 0 ? u->err.text : "no reason given");
}

/* The same inside a savepoint, so that a failing unit is undone alone. */
static int run_unit_apart(struct db *db, struct unit *u, int64_t now_ms,
			  struct err *e)
{
	int rc = db_savepoint(db, e);

	if (rc == 0)
		rc = run_unit(db, u, true, 0, now_ms, e);
	if (rc < 0)
		return rc;
	return u->rc < 0 ? db_savepoint_rollback(db, e)
			 : db_savepoint_release(db, e);
}

/* What the last of them have left to run. 0, UNIT_FAILED: one of them has
 * failed, and which one is seen when each runs apart. */
static int settle(struct db *db, struct err *e)
{
	int rc = db_settle(db, e);

	if (rc >= 0 || rc == ERR_IO)
		return rc;
	return db_in_transaction(db) ? UNIT_FAILED : ERR_BUSY;
}

/* They ran, so many together; 0: the first alone. The last of them. */
static struct unit *count_done(struct units *units, struct unit *u,
			       size_t together)
{
	units->failed += u->rc < 0 ? 1 : 0;
	units->bells |= u->rc < 0 ? 0 : u->bells;
	units->count++;
	for (size_t i = 1; i < together; i++) {
		u = u->next;
		units->bells |= u->bells;
		units->count++;
	}
	return u;
}

/* Without savepoints it ends at the first unit that fails, with UNIT_FAILED. */
static int run_all_units(struct db *db, struct units *units, int64_t end_us,
			 bool apart, struct err *e)
{
	int64_t now_ms = db_now_ms(db);

	units->count = units->failed = 0;
	units->bells = 0;
	for (struct unit *u = units->first; u != NULL; u = u->next) {
		size_t together = apart ? 0 : count_together(db, u);
		int rc = apart ? run_unit_apart(db, u, now_ms, e)
			       : run_unit(db, u, false, together, now_ms, e);

		if (rc < 0)
			return rc;
		if (u->rc < 0 && !apart)
			return UNIT_FAILED;
		u = count_done(units, u, together);
		if (u->next != NULL && clock_mono_us() > end_us) {
			units->rest = u->next;
			u->next = NULL;
		}
	}
	return apart ? 0 : settle(db, e);
}

/* A savepoint keeps a copy of every page that its unit touches, a quarter of
 * the cost of a small unit, and units rarely fail. So the batch runs without
 * them first, and anew with them when a unit has failed. */
int units_run(struct db *db, struct units *units, int64_t budget_us,
	      struct err *e)
{
	int rc =
		run_all_units(db, units, clock_mono_us() + budget_us, false, e);

	if (rc != UNIT_FAILED)
		return rc;
	db_rollback(db);
	rc = db_begin_write(db, e);
	return rc < 0 ? rc
		      : run_all_units(db, units, clock_mono_us() + budget_us,
				      true, e);
}
