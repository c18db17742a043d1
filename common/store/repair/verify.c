/* SPDX-License-Identifier: MIT */
#include "store/repair/verify.h"

#include <stddef.h>

#include "base/err.h"
#include "store/engine/db.h"

/* What an engine can say of itself, each in its own words. */
#define OUR_SCHEMA \
	"(SELECT oid FROM pg_namespace WHERE nspname = current_schema())"
STMT_PG(verify_file,
	"SELECT count(*) FROM pragma_integrity_check(10)"
	" WHERE integrity_check <> 'ok'",
	"SELECT count(*) FROM pg_index AS i JOIN pg_class AS c"
	" ON c.oid = i.indrelid WHERE NOT i.indisvalid"
	" AND c.relnamespace = " OUR_SCHEMA);
STMT_PG(verify_references, "SELECT count(*) FROM pragma_foreign_key_check",
	"SELECT count(*) FROM pg_constraint WHERE NOT convalidated"
	" AND connamespace = " OUR_SCHEMA);

/* What is there of a head's messages, here and in the archive, has no gap and
 * ends with its last number; the oldest may have been removed by age. */
#define MESSAGES(table, key)                                          \
	"(SELECT " key " AS head, order_seq FROM " table " UNION ALL" \
	" SELECT " key ", order_seq FROM " table "_archive)"
#define GAPS(table, key, heads)                                               \
	"SELECT count(*) FROM (SELECT m.head, max(h.last_seq) AS last,"       \
	" count(*) AS n, min(m.order_seq) AS low, max(m.order_seq) AS high"   \
	" FROM " MESSAGES(                                                    \
		table, key) " AS m LEFT JOIN " heads                          \
			    " AS h ON h.head = m.head GROUP BY m.head) AS g"  \
			    " WHERE g.high <> coalesce(g.last, 0) OR g.high " \
			    "- g.low + 1 <> g.n"
STMT(verify_inbox_gap,
     GAPS("inbox", "order_id",
	  "(SELECT order_id AS head, last_seq FROM inbox_head UNION ALL"
	  " SELECT r.order_id, r.last_seq FROM inbox_head_idle AS r"
	  "  WHERE NOT EXISTS (SELECT 1 FROM inbox_head AS l"
	  "   WHERE l.order_id = r.order_id))"));
STMT(verify_outbox_gap,
     GAPS("outbox", "head_id",
	  "(SELECT head_id AS head, last_seq FROM outbox_head UNION ALL"
	  " SELECT r.head_id, r.last_seq FROM outbox_head_idle AS r"
	  "  WHERE NOT EXISTS (SELECT 1 FROM outbox_head AS l"
	  "   WHERE l.head_id = r.head_id))"));
STMT(verify_series_gap,
     "SELECT count(*) FROM document_series s WHERE s.last <>"
     " (SELECT count(*) FROM documents d WHERE d.series = s.name)"
     " + coalesce((SELECT sum(j.to_number - j.from_number + 1)"
     "  FROM document_series_jumps j WHERE j.series = s.name), 0)");
STMT(verify_history,
     "SELECT count(*) FROM orders o WHERE NOT EXISTS"
     " (SELECT 1 FROM order_history h WHERE h.order_id = o.id)");
STMT(verify_identity,
     "SELECT count(*) FROM orders o WHERE NOT EXISTS (SELECT 1 FROM"
     " order_identity i WHERE i.channel = o.channel"
     " AND i.external_id = o.external_id AND i.order_id = o.id)");
/* A copy that a person sent again is meant to be sent again; the ERP is told of
 * many steps. */
#define DONE_ONCE                                                     \
	" WHERE state = 3 AND outcome = 'ok' AND copy_of IS NULL AND" \
	" endpoint <> 'erp'"
STMT(verify_done_twice,
     "SELECT count(*) FROM (SELECT order_id, event_type FROM"
     " (SELECT order_id, event_type FROM outbox" DONE_ONCE
     " UNION ALL SELECT order_id, event_type FROM outbox_archive" DONE_ONCE
     ") AS d GROUP BY order_id, event_type HAVING count(*) > 1) AS t");
STMT(verify_document_twice,
     "SELECT count(*) FROM (SELECT order_id FROM documents"
     " GROUP BY order_id, kind, revision HAVING count(*) > 1) AS t");
/* What is made will be exported, and what is exported is in a file. */
STMT(verify_document_batches,
     "SELECT (SELECT count(*) FROM documents AS d WHERE d.state = 'made'"
     " AND NOT EXISTS (SELECT 1 FROM document_batches AS b"
     "  WHERE b.id = d.batch_id AND b.state <> 'done')) +"
     " (SELECT count(*) FROM document_batches AS b WHERE b.document_count <>"
     "  (SELECT count(*) FROM documents AS d WHERE d.batch_id = b.id))");
/* A waiting message is worked on: its head is ready, leased, or blocked by one
 * that failed. */
#define FORGOTTEN(table, head, key)                                        \
	"SELECT count(*) FROM " table " AS m LEFT JOIN " head              \
	" AS h ON h." key " = m." key " WHERE m.state IN (1, 2) AND"       \
	" (h.state IS NULL OR h.state = 0 OR m.state = 2 AND h.state <> 2" \
	" OR h.state = 4 AND NOT EXISTS (SELECT 1 FROM " table " AS f"     \
	"  WHERE f." key " = m." key " AND f.state = 4))"
STMT(verify_inbox_forgotten, FORGOTTEN("inbox", "inbox_head", "order_id"));
STMT(verify_outbox_forgotten, FORGOTTEN("outbox", "outbox_head", "head_id"));
STMT(verify_reason, "SELECT (SELECT count(*) FROM inbox WHERE state IN (3, 4)"
		    " AND outcome = '') + (SELECT count(*) FROM outbox"
		    " WHERE state IN (3, 4) AND outcome = '')"
		    " + (SELECT count(*) FROM inbox WHERE state = 4"
		    "  AND coalesce(error, '') = '')");
STMT(verify_states,
     "SELECT (SELECT count(*) FROM inbox WHERE state NOT IN (1, 2, 3, 4))"
     " + (SELECT count(*) FROM outbox WHERE state NOT IN (1, 2, 3, 4))"
     " + (SELECT count(*) FROM inbox_archive WHERE state <> 3)"
     " + (SELECT count(*) FROM outbox_archive WHERE state <> 3)");
STMT(verify_archived_twice,
     "SELECT (SELECT count(*) FROM inbox AS m JOIN inbox_archive AS a"
     "  ON a.id = m.id) + (SELECT count(*) FROM outbox AS m"
     "  JOIN outbox_archive AS a ON a.id = m.id)");
STMT(verify_parked,
     "SELECT count(*) FROM parked_events AS p WHERE NOT EXISTS"
     " (SELECT 1 FROM inbox AS i WHERE i.id = p.inbox_id) AND NOT EXISTS"
     " (SELECT 1 FROM inbox_archive AS a WHERE a.id = p.inbox_id)");

const struct verify_check verify_checks[] = {
	{"the file is whole", &verify_file},
	{"what refers to something finds it", &verify_references},
	{"inbox sequences have no gap", &verify_inbox_gap},
	{"outbox sequences have no gap", &verify_outbox_gap},
	{"document series have no gap", &verify_series_gap},
	{"every order has a history", &verify_history},
	{"every order has its names", &verify_identity},
	{"no notification was sent twice", &verify_done_twice},
	{"no order has a document twice", &verify_document_twice},
	{"every document is in a batch of files", &verify_document_batches},
	{"no waiting inbox message is forgotten", &verify_inbox_forgotten},
	{"no waiting notification is forgotten", &verify_outbox_forgotten},
	{"what is over or failed says why", &verify_reason},
	{"every message is in a known state", &verify_states},
	{"no message is in a queue and in its archive", &verify_archived_twice},
	{"every parked event has its message", &verify_parked},
	{NULL, NULL},
};

int verify_run(struct db *db, const struct verify_check *check,
	       int64_t *ret_breaches, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, check->stmt);
	int rc = query_one_i64(q, ret_breaches, e);

	return rc < 0 ? rc : 0;
}

int verify_all(struct db *db, int *ret_bad, struct err *e)
{
	*ret_bad = 0;
	for (const struct verify_check *c = verify_checks; c->name != NULL;
	     c++) {
		int64_t breaches = 0;
		int rc = verify_run(db, c, &breaches, e);

		if (rc < 0)
			return rc;
		*ret_bad += breaches != 0;
	}
	return 0;
}
