/* SPDX-License-Identifier: MIT */
#include "store/queue/endpoints.h"

#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "store/engine/db.h"

#define CHANGES_KEPT_MS (INT64_C(30) * 24 * 3600 * 1000)

static const char *const state_names[ENDPOINT_STATE_MAX_] = {
#define X(symbol, name) [symbol] = (name),
	ENDPOINT_STATES(X)
#undef X
};

STMT(endpoint_get, "SELECT state, failures, changed_ms, next_probe_ms, reason"
		   " FROM endpoints WHERE name = $1");
/* $1 name, $2 reason, $3 next probe, $4 now */
STMT(endpoint_open,
     "INSERT INTO endpoints (name, state, reason, next_probe_ms, changed_ms)"
     " VALUES ($1, 'open', $2, $3, $4)"
     " ON CONFLICT (name) DO UPDATE SET state = 'open', failures = 0,"
     " reason = excluded.reason, next_probe_ms = excluded.next_probe_ms,"
     " changed_ms = excluded.changed_ms WHERE endpoints.state = 'closed'");
/* $1 name, $2 next probe, $3 now, $4 later than any */
STMT(endpoint_take_probe,
     "UPDATE endpoints SET next_probe_ms = $2 WHERE name = $1"
     " AND state = 'open' AND (next_probe_ms <= $3 OR next_probe_ms > $4)");
STMT(endpoint_probe_failed,
     "UPDATE endpoints SET failures = failures + 1, reason = $2"
     " WHERE name = $1 AND state = 'open'");
STMT(endpoint_close,
     "UPDATE endpoints SET state = 'closed', failures = 0, reason = '',"
     " changed_ms = $2 WHERE name = $1 AND state = 'open'");
/* $1 name, $2 reason, $3 now */
STMT(endpoint_hold,
     "INSERT INTO endpoints (name, state, reason, changed_ms)"
     " VALUES ($1, 'held', $2, $3)"
     " ON CONFLICT (name) DO UPDATE SET state = 'held',"
     " reason = excluded.reason, changed_ms = excluded.changed_ms"
     " WHERE endpoints.state <> 'held'");
STMT(endpoint_resume,
     "UPDATE endpoints SET state = 'open', failures = 0, next_probe_ms = $2,"
     " changed_ms = $2 WHERE name = $1 AND state = 'held'");

/* $1 name, $2 now. What happened stays known to the monitor, however short. */
STMT(endpoint_note,
     "INSERT INTO endpoint_changes (endpoint, state, reason, at_ms)"
     " SELECT name, state, reason, $2 FROM endpoints WHERE name = $1");
STMT(endpoint_forget, "DELETE FROM endpoint_changes WHERE at_ms < $1");

const char *endpoint_state_name(enum endpoint_state state)
{
	return state_names[state];
}

/* A state that this version does not know keeps everything back. */
static enum endpoint_state state_from_name(const char *name)
{
	for (int i = 0; i < ENDPOINT_STATE_MAX_; i++)
		if (strcmp(state_names[i], name) == 0)
			return (enum endpoint_state)i;
	return ENDPOINT_HELD;
}

bool endpoint_probe_is_due(const struct endpoint_row *row, int64_t now_ms)
{
	return row->next_probe_ms <= now_ms ||
	       row->next_probe_ms > now_ms + ENDPOINT_PROBE_MAX_MS;
}

int endpoints_get(struct db *db, const char *name, struct endpoint_row *ret_row,
		  struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &endpoint_get);
	int rc;

	query_text(q, 1, name);
	rc = query_next(q, e);
	if (rc < 0)
		return rc;
	*ret_row = (struct endpoint_row){.state = ENDPOINT_CLOSED};
	if (rc == 0)
		return 0;
	ret_row->state = state_from_name(query_col_text(q, 0));
	ret_row->failures = query_col_i64(q, 1);
	ret_row->changed_ms = query_col_i64(q, 2);
	ret_row->next_probe_ms = query_col_i64(q, 3);
	(void)text_copy(ret_row->reason, sizeof(ret_row->reason),
			query_col_text(q, 4));
	return 0;
}

/* The state of an endpoint was changed, in this very transaction. */
static int note_change(struct db *db, const char *name, int64_t now_ms, int rc,
		       struct err *e)
{
	CLEANUP_QUERY struct query *note = query_start(db, &endpoint_note);
	CLEANUP_QUERY struct query *old = query_start(db, &endpoint_forget);
	int noted;

	if (rc <= 0)
		return rc;
	query_text(note, 1, name);
	query_i64(note, 2, now_ms);
	noted = query_exec(note, e);
	if (noted < 0)
		return noted;
	query_i64(old, 1, now_ms - CHANGES_KEPT_MS);
	noted = query_exec(old, e);
	return noted < 0 ? noted : rc;
}

int endpoints_open(struct db *db, const char *name, const char *reason,
		   int64_t next_probe_ms, int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &endpoint_open);

	query_text(q, 1, name);
	query_text(q, 2, reason);
	query_i64(q, 3, next_probe_ms);
	query_i64(q, 4, now_ms);
	return note_change(db, name, now_ms, query_exec(q, e), e);
}

int endpoints_take_probe(struct db *db, const char *name, int64_t next_probe_ms,
			 int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &endpoint_take_probe);

	query_text(q, 1, name);
	query_i64(q, 2, next_probe_ms);
	query_i64(q, 3, now_ms);
	query_i64(q, 4, now_ms + ENDPOINT_PROBE_MAX_MS);
	return query_exec(q, e);
}

int endpoints_probe_failed(struct db *db, const char *name, const char *reason,
			   struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &endpoint_probe_failed);

	query_text(q, 1, name);
	query_text(q, 2, reason);
	return query_exec(q, e);
}

int endpoints_close(struct db *db, const char *name, int64_t now_ms,
		    struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &endpoint_close);

	query_text(q, 1, name);
	query_i64(q, 2, now_ms);
	return note_change(db, name, now_ms, query_exec(q, e), e);
}

int endpoints_hold(struct db *db, const char *name, const char *reason,
		   int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &endpoint_hold);

	query_text(q, 1, name);
	query_text(q, 2, reason);
	query_i64(q, 3, now_ms);
	return note_change(db, name, now_ms, query_exec(q, e), e);
}

int endpoints_resume(struct db *db, const char *name, int64_t now_ms,
		     struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &endpoint_resume);

	query_text(q, 1, name);
	query_i64(q, 2, now_ms);
	return note_change(db, name, now_ms, query_exec(q, e), e);
}
