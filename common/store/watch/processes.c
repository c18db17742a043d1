/* SPDX-License-Identifier: MIT */
#include "store/watch/processes.h"

#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "store/engine/db.h"

enum {
	PLACE_BYTES = 24
};

/* $1 place, $2 service, $3 number, $4 host, $5 owner, $6 pid, $7 version,
 * $8 now. started_ms of a process that goes on is its first beat's. */
STMT(processes_put,
     "INSERT INTO processes (place, service, number, host, owner, pid, version,"
     " started_ms, seen_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)"
     " ON CONFLICT (place, service, number) DO UPDATE SET host = excluded.host,"
     " pid = excluded.pid, version = excluded.version, started_ms = CASE WHEN"
     " processes.owner = excluded.owner THEN processes.started_ms"
     " ELSE excluded.started_ms END, owner = excluded.owner,"
     " seen_ms = excluded.seen_ms");
/* $1 host, $2 service, $3 number, $4 silent since, $5 too old */
STMT(processes_forget,
     "DELETE FROM processes WHERE seen_ms < $5 OR (host = $1 AND service = $2"
     " AND number = $3 AND seen_ms < $4)");
STMT(processes_remove, "DELETE FROM processes WHERE owner = $1");

/* "hook-1@0a1b2c3d:<uuid>" -> "0a1b2c3d" */
static void place_of(const char *owner, char place[PLACE_BYTES])
{
	const char *at = strchr(owner, '@');
	const char *from = at != NULL ? at + 1 : owner;
	size_t bytes = MIN_OF(strcspn(from, ":"), (size_t)PLACE_BYTES - 1);

	memcpy(place, from, bytes);
	place[bytes] = '\0';
}

static int forget(struct db *db, const struct process_row *row, int64_t now_ms,
		  struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &processes_forget);

	query_text(q, 1, row->host);
	query_text(q, 2, row->service);
	query_i64(q, 3, row->number);
	query_i64(q, 4, now_ms - PROCESSES_STALE_MS);
	query_i64(q, 5, now_ms - PROCESSES_KEEP_MS);
	return MIN_OF(query_exec(q, e), 0);
}

int processes_beat(struct db *db, const struct process_row *row, int64_t now_ms,
		   struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &processes_put);
	char place[PLACE_BYTES];
	int rc;

	place_of(row->owner, place);
	query_text(q, 1, place);
	query_text(q, 2, row->service);
	query_i64(q, 3, row->number);
	query_text(q, 4, row->host);
	query_text(q, 5, row->owner);
	query_i64(q, 6, row->pid);
	query_text(q, 7, row->version);
	query_i64(q, 8, now_ms);
	rc = query_exec(q, e);
	return rc < 0 ? rc : forget(db, row, now_ms, e);
}

int processes_end(struct db *db, const char *owner, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &processes_remove);

	query_text(q, 1, owner);
	return MIN_OF(query_exec(q, e), 0);
}
