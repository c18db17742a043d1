/* SPDX-License-Identifier: MIT
 *
 * leases.h - what only one process of an installation may do (the scheduler).
 *
 * A lease has an owner, a time until which it holds, and a term that goes up
 * with every new owner. Whoever acts under a lease names its term in the
 * transaction that acts (leases_check()): an owner that was frozen and thaws
 * after somebody else took over is refused. Inside a write transaction unless
 * it says otherwise.
 */
#ifndef STORE_LEASES_H
#define STORE_LEASES_H

#include <stdbool.h>
#include <stdint.h>

struct db;
struct err;

enum {
	/* So far a clock may be set back before a lease counts as over. */
	LEASE_CLOCK_DIFFERENCE_MAX_MS = 60 * 1000
};

struct lease_claim {
	const char *name;
	const char *owner; /* instance.h */
	int64_t hold_ms;
	/* True when the other owner is known to be dead: its lease is over
	 * now. NULL: never. */
	bool (*is_dead)(const char *owner, void *context);
	void *context;
};

/* Take the lease, or keep it when it is ours. It is free when it was never
 * held, ran out, belongs to a dead owner, or lasts longer than anybody may hold
 * it (the clock was set back). now_ms is db_now_ms(): with a server, one clock
 * for all machines. 1 and *ret_term; 0 when another holds it; < 0.
 */
int leases_take(struct db *db, const struct lease_claim *claim, int64_t now_ms,
		int64_t *ret_term, struct err *e);

/* 0, or ERR_STATE when the lease has another term by now. */
int leases_check(struct db *db, const char *name, int64_t term, struct err *e);

/* *ret_until_ms: how long its latest owner holds it, by the wall clock; 0 when
 * it was given back or never held. Reads only. */
int leases_until(struct db *db, const char *name, int64_t *ret_until_ms,
		 struct err *e);

/* Give it back early; nothing happens when it is no longer ours. */
int leases_release(struct db *db, const char *name, int64_t term,
		   struct err *e);

#endif
