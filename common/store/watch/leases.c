/* SPDX-License-Identifier: MIT */
#include "store/watch/leases.h"

#include <string.h>

#include "base/err.h"
#include "store/engine/db.h"

STMT(leases_get, "SELECT owner, term, until_ms FROM leases WHERE name = $1");
/* $1 name, $2 owner, $3 term, $4 until */
STMT(leases_put, "INSERT INTO leases (name, owner, term, until_ms)"
		 " VALUES ($1, $2, $3, $4)"
		 " ON CONFLICT (name) DO UPDATE SET owner = excluded.owner,"
		 " term = excluded.term, until_ms = excluded.until_ms");
STMT(leases_end, "UPDATE leases SET until_ms = 0 WHERE name = $1"
		 " AND term = $2");

/* Whether another owner's lease may be taken. */
static bool is_free(const struct lease_claim *claim, const char *owner,
		    int64_t until_ms, int64_t now_ms)
{
	int64_t longest_ms = claim->hold_ms + LEASE_CLOCK_DIFFERENCE_MAX_MS;

	return until_ms <= now_ms || until_ms - now_ms > longest_ms ||
	       (claim->is_dead != NULL &&
		claim->is_dead(owner, claim->context));
}

/* The term under which the claim may have the lease; 0: it may not. */
static int decide(struct db *db, const struct lease_claim *claim,
		  int64_t now_ms, int64_t *ret_term, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &leases_get);
	int64_t term;
	int rc;

	query_text(q, 1, claim->name);
	rc = query_next(q, e);
	if (rc < 0)
		return rc;
	term = rc > 0 ? query_col_i64(q, 1) : 0;
	if (rc > 0 && strcmp(query_col_text(q, 0), claim->owner) == 0)
		*ret_term = term;
	else if (rc == 0 || is_free(claim, query_col_text(q, 0),
				    query_col_i64(q, 2), now_ms))
		*ret_term = term + 1;
	else
		*ret_term = 0;
	return 0;
}

int leases_take(struct db *db, const struct lease_claim *claim, int64_t now_ms,
		int64_t *ret_term, struct err *e)
{
	int64_t term = 0;
	int rc = decide(db, claim, now_ms, &term, e);

	if (rc < 0 || term == 0)
		return rc;
	CLEANUP_QUERY struct query *q = query_start(db, &leases_put);

	query_text(q, 1, claim->name);
	query_text(q, 2, claim->owner);
	query_i64(q, 3, term);
	query_i64(q, 4, now_ms + claim->hold_ms);
	rc = query_exec(q, e);
	if (rc < 0)
		return rc;
	*ret_term = term;
	return 1;
}

int leases_until(struct db *db, const char *name, int64_t *ret_until_ms,
		 struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &leases_get);
	int rc;

	query_text(q, 1, name);
	rc = query_next(q, e);
	*ret_until_ms = rc > 0 ? query_col_i64(q, 2) : 0;
	return rc < 0 ? rc : 0;
}

int leases_check(struct db *db, const char *name, int64_t term, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &leases_get);
	int rc;

	query_text(q, 1, name);
	rc = query_next(q, e);
	if (rc < 0)
		return rc;
	if (rc == 0 || query_col_i64(q, 1) != term)
		return err_set(e, ERR_STATE,
			       "the lease '%s' of term %lld belongs to another "
			       "process now",
			       name, (long long)term);
	return 0;
}

int leases_release(struct db *db, const char *name, int64_t term, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &leases_end);
	int rc;

	query_text(q, 1, name);
	query_i64(q, 2, term);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}
