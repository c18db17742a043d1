/* SPDX-License-Identifier: MIT */
#include "store/engine/pg_transaction.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "store/engine/pg_link.h"
#include "store/engine/pg_post.h"

enum {
	/* "OGWR", so that other users of advisory locks do not meet us. */
	LOCK_CLASS = 0x4f475752,
	LOCK_STEP_MS = 500
};

int pg_transaction_go_on(struct pg_link *link, struct err *e)
{
	if (!link->began)
		return pg_link_ready(link, e);
	return link->conn != NULL
		       ? 0
		       : err_set(e, ERR_BUSY, "PostgreSQL went away");
}

enum db_tx_state pg_transaction_state(const struct pg_link *link)
{
	static const enum db_tx_state states[] = {
		[PQTRANS_INTRANS] = DB_TX_OPEN,
		[PQTRANS_ACTIVE] = DB_TX_OPEN, /* with what was posted */
		[PQTRANS_INERROR] = DB_TX_FAILED,
		[PQTRANS_UNKNOWN] = DB_TX_NONE,
	};

	if (!link->began || link->conn == NULL)
		return DB_TX_NONE;
	return link->posts.failed < 0 ? DB_TX_FAILED
				      : states[PQtransactionStatus(link->conn)];
}

static void rollback(struct pg_link *link)
{
	(void)pg_post_settle(link, NULL);
	pg_post_forget(link);
	link->began = false;
	if (link->conn != NULL &&
	    PQtransactionStatus(link->conn) != PQTRANS_IDLE &&
	    pg_link_script(link, "ROLLBACK", "rollback", NULL) < 0)
		pg_link_lose(link);
}

/* Every statement of a writer has one right plan, by an index. It is made once
 * and kept: not anew each time, which costs more than the statement, and not
 * without the index because the table was small or empty at that moment. */
static const char one_plan[] =
	"SET LOCAL plan_cache_mode TO force_generic_plan;"
	" SET LOCAL enable_seqscan TO off";

/* For db_now_ms(); and who has this transaction, which behind a pooler is
 * another process each time. */
#define CLOCK                                                                 \
	"SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)" \
	", pg_backend_pid()"

static void note_start(struct pg_link *link, const PGresult *result)
{
	int64_t pid = 0;

	(void)text_to_i64(PQgetvalue(result, 0, 0), 0, INT64_MAX,
			  &link->began_ms, NULL);
	(void)text_to_i64(PQgetvalue(result, 0, 1), 0, INT32_MAX, &pid, NULL);
	link->server_pid = (int)pid;
}

/* The text's last result is the clock's. */
static int start(struct pg_link *link, const char *text, struct err *e)
{
	PGresult *result = NULL;
	int rc = pg_link_ready(link, e);

	pg_post_forget(link);
	if (rc == 0)
		rc = pg_link_finish(link, PQsendQuery(link->conn, text),
				    "begin", &result, e);
	link->began = true;
	if (rc < 0)
		rollback(link);
	else
		note_start(link, result);
	PQclear(result);
	return rc;
}

/* All that is read is of one moment, as with SQLite. */
static int begin_read(struct pg_link *link, enum db_tx what, struct err *e)
{
	char text[400];

	(void)what;
	(void)snprintf(text, sizeof(text),
		       "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; %s;"
		       " " CLOCK,
		       link->set_limits);
	return start(link, text, e);
}

/* One writer at a time in the installation, as with SQLite: the lock is the
 * transaction's, so the server frees it when the transaction ends, or its
 * owner. */
static int begin_write_once(struct pg_link *link, int lock_ms, struct err *e)
{
	char text[700];

	(void)snprintf(text, sizeof(text),
		       "BEGIN READ WRITE; %s; %s;"
		       " SET LOCAL synchronous_commit TO off;"
		       " SET LOCAL lock_timeout TO %d;"
		       " SELECT pg_advisory_xact_lock(%d, %d);"
		       " SET LOCAL lock_timeout TO %d; " CLOCK,
		       link->set_limits, one_plan, lock_ms, LOCK_CLASS,
		       link->schema_hash, link->lock_ms);
	link->is_locked_out = false;
	return start(link, text, e);
}

/* In steps: who freezes or is cut off while it waits in the server's queue
 * would be given the lock, and keep it until the server ends what is idle; one
 * after the other, as many as a machine has processes. So it is out of the
 * queue before that. */
static int begin_write(struct pg_link *link, enum db_tx what, struct err *e)
{
	int64_t left_ms = link->lock_ms;
	int64_t until_ms = clock_mono_ms() + left_ms;
	struct err why = {0};
	int rc;

	(void)what;
	do {
		rc = begin_write_once(
			link, (int)MIN_OF(left_ms, (int64_t)LOCK_STEP_MS),
			&why);
		left_ms = until_ms - clock_mono_ms();
	} while (rc < 0 && link->is_locked_out && left_ms > 0);
	if (rc < 0 && e != NULL)
		*e = why;
	return rc;
}

/* The first COMMIT makes the changes visible and gives the lock up at once, as
 * it does not wait for the disk. The small transaction behind it does, and the
 * log is written in order. They are one message, so both are this connection's,
 * also behind a pooler. A server that stopped waiting for its standby only
 * warns. */
static int commit(struct pg_link *link, enum db_tx what, struct err *e)
{
	const char *text = link->reads
				   ? "COMMIT"
				   : "COMMIT; SELECT pg_logical_emit_message("
				     "true, 'ordergate', '')";
	int rc = pg_post_settle(link, e);

	(void)what;
	if (rc < 0 || link->conn == NULL ||
	    PQtransactionStatus(link->conn) != PQTRANS_INTRANS) {
		rollback(link);
		return rc < 0 ? rc
			      : err_set(e, ERR_BUSY,
					"commit: the transaction was undone");
	}
	link->warned = false;
	rc = pg_link_end(link, text, e);
	link->began = false;
	if (rc == 0 && link->warned)
		rc = err_set(e, ERR_BUSY,
			     "commit: the standby did not say "
			     "that it has it");
	return rc;
}

static int undo(struct pg_link *link, enum db_tx what, struct err *e)
{
	(void)what;
	(void)e;
	rollback(link);
	return 0;
}

static int mark(struct pg_link *link, enum db_tx what, struct err *e)
{
	static const char *const texts[] = {
		[DB_TX_SAVEPOINT] = "SAVEPOINT unit",
		[DB_TX_RELEASE] = "RELEASE unit",
		[DB_TX_UNDO] = "ROLLBACK TO unit",
	};
	int rc = pg_post_settle(link, what == DB_TX_UNDO ? NULL : e);

	if (what == DB_TX_UNDO) {
		pg_post_forget(link);
		rc = 0;
	}
	if (rc == 0)
		rc = pg_transaction_go_on(link, e);
	return rc < 0 ? rc : pg_link_script(link, texts[what], "savepoint", e);
}

int pg_transaction(struct pg_link *link, enum db_tx what, struct err *e)
{
	static int (*const rows[])(struct pg_link * link, enum db_tx what,
				   struct err * e) = {
		[DB_TX_BEGIN_READ] = begin_read,
		[DB_TX_BEGIN_WRITE] = begin_write,
		[DB_TX_COMMIT] = commit,
		[DB_TX_ROLLBACK] = undo,
		[DB_TX_SAVEPOINT] = mark,
		[DB_TX_RELEASE] = mark,
		[DB_TX_UNDO] = mark,
	};

	return rows[what](link, what, e);
}
