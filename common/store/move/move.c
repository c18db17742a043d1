/* SPDX-License-Identifier: MIT */
#include "store/move/move.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/id.h"
#include "base/text.h"
#include "store/engine/db.h"
#include "store/engine/migrate.h"
#include "store/engine/turn.h"
#include "store/move/move_fence.h"
#include "store/move/move_table.h"
#include "store/move/move_walk.h"
#include "store/watch/processes.h"

enum {
	LOG_PAGES_MAX = 4000 /* of a target that is a file */
};

#define SOURCE "source"
#define TARGET "target"

STMT(move_state, "SELECT role, installation FROM store_move");
STMT(move_mark, "INSERT INTO store_move (id, role, installation, began_ms)"
		" VALUES (1, $1, $2, $3)");
STMT(move_unmark, "DELETE FROM store_move");
STMT(move_installation, "SELECT installation_id FROM store_meta WHERE id = 1");
/* $1 now, $2 since when a process is silent */
STMT(move_lease,
     "SELECT l.name, l.owner FROM leases AS l WHERE l.until_ms > $1"
     " UNION ALL SELECT 'inbox', i.lease_owner FROM inbox_head AS i"
     "  WHERE i.state = 2 AND i.lease_until_ms > $1"
     " UNION ALL SELECT 'outbox', o.lease_owner FROM outbox_head AS o"
     "  WHERE o.state = 2 AND o.lease_until_ms > $1"
     " UNION ALL SELECT 'telegram', t.lease_owner FROM telegram_head AS t"
     "  WHERE t.state = 2 AND t.lease_until_ms > $1"
     " UNION ALL SELECT 'mail', m.lease_owner FROM mail_head AS m"
     "  WHERE m.state = 2 AND m.lease_until_ms > $1"
     " UNION ALL SELECT p.host, p.owner FROM processes AS p"
     "  WHERE p.seen_ms BETWEEN $2 AND $1 + 60000 LIMIT 1");
/* What the first hour of any installation leaves behind. */
STMT(move_traces,
     "SELECT 1 FROM (SELECT order_id FROM order_identity UNION ALL"
     " SELECT id FROM quarantine UNION ALL SELECT id FROM job_runs UNION ALL"
     " SELECT id FROM documents UNION ALL SELECT id FROM audit_log UNION ALL"
     " SELECT generation FROM products UNION ALL SELECT imported FROM stores)"
     " AS t LIMIT 1");

/* One of the two stores. */
struct side {
	const char *location;
	struct db *db;
	struct turn *turn;
	char role[8]; /* of store_move; "" : the installation's */
	char installation[ID_TEXT_BYTES];
};

struct move {
	const struct move_options *options;
	struct move_result *result;
	struct side from, to;
	struct move_tables tables;
};

static int look_up(struct db *db, const struct stmt *stmt, char *ret_first,
		   size_t first_bytes, char *ret_second, size_t second_bytes,
		   struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, stmt);
	int rc = query_next(q, e);

	ret_first[0] = '\0';
	if (rc > 0)
		(void)text_copy(ret_first, first_bytes, query_col_text(q, 0));
	if (rc > 0 && ret_second != NULL)
		(void)text_copy(ret_second, second_bytes, query_col_text(q, 1));
	return rc < 0 ? rc : 0;
}

static int check_version(struct side *side, const char *what, struct err *e)
{
	int version = 0;
	int rc = migrate_version_of(side->db, &version, e);

	if (rc == 0 && version != migrate_version_built())
		rc = err_set(e, ERR_STATE,
			     "the %s has schema version %d, this program "
			     "needs %d: run 'ordergatectl migrate'",
			     what, version, migrate_version_built());
	return rc;
}

/* Its turn is ours until the end. */
static int open_side(struct side *side, const char *what, struct err *e)
{
	int rc = turn_open(side->location, &side->turn, e);

	if (rc == 0)
		rc = turn_take(side->turn, e);
	if (rc == 0)
		rc = db_open(side->location, DB_CREATE, &side->db, e);
	if (rc == 0)
		rc = check_version(side, what, e);
	return rc < 0 ? err_wrap(e, rc, "%s", what) : 0;
}

static void close_side(struct side *side)
{
	if (side->db != NULL)
		db_rollback(side->db);
	db_close(side->db);
	turn_release(side->turn);
	turn_close(side->turn);
}

static int open_source(struct side *from, struct err *e)
{
	struct db *there = NULL;
	int rc = db_open(from->location, DB_READ, &there, e);

	db_close(there); /* or the next would make a store */
	if (rc == 0)
		rc = open_side(from, SOURCE, e);
	if (rc == 0)
		rc = look_up(from->db, &move_state, from->role,
			     sizeof(from->role), NULL, 0, e);
	if (rc == 0 && strcmp(from->role, TARGET) == 0)
		rc = err_set(e, ERR_STATE,
			     "the source is itself the target of a move");
	if (rc == 0)
		rc = look_up(from->db, &move_installation, from->installation,
			     sizeof(from->installation), NULL, 0, e);
	return rc;
}

static int make_target(const char *location, struct err *e)
{
	struct db *db = NULL;
	int version = 0;
	int rc = db_open(location, DB_CREATE, &db, e);

	if (rc == 0)
		rc = migrate_version_of(db, &version, e);
	db_close(db);
	if (rc == 0 && version == 0)
		rc = migrate_run(location, 1, NULL, NULL, e);
	return rc < 0 ? err_wrap(e, rc, TARGET) : 0;
}

static int mark(struct db *db, const char *role, const char *installation,
		struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &move_mark);
	int rc;

	query_text(q, 1, role);
	query_text(q, 2, installation);
	query_i64(q, 3, clock_wall_ms());
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

static int unmark(struct db *db, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &move_unmark);
	int rc = query_exec(q, e);

	return rc < 0 ? rc : 0;
}

/* The row that every program asks for first. */
static int copy_meta(struct move *m, struct err *e)
{
	CLEANUP(move_walk_closep) struct move_walk *walk = NULL;
	struct move_table table;
	int rc = move_table_describe(m->to.db, "store_meta", &table, e);

	if (rc == 0)
		rc = move_walk_open(m->from.db, &table, &walk, e);
	if (rc == 0)
		rc = move_walk_copy(walk, m->to.db, e);
	return rc < 0 ? rc : 0;
}

/* Also without the rows that a new store has. */
static int empty_target(struct move *m, struct err *e)
{
	struct db *db = m->to.db;
	int rc = db_begin_write(db, e);

	for (int i = m->tables.count - 1; i >= 0 && rc == 0; i--)
		rc = move_table_clear(db, m->tables.names[i], e);
	if (rc == 0)
		rc = unmark(db, e);
	if (rc == 0)
		rc = mark(db, TARGET, m->from.installation, e);
	if (rc == 0)
		rc = copy_meta(m, e);
	return rc < 0 ? rc : db_commit(db, e);
}

static int is_in_use(struct db *db, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &move_traces);

	return query_next(q, e);
}

static int prepare_target(struct move *m, struct err *e)
{
	struct side *to = &m->to;
	bool goes_on;
	int rc = look_up(to->db, &move_state, to->role, sizeof(to->role),
			 to->installation, sizeof(to->installation), e);

	if (rc < 0)
		return rc;
	if (strcmp(to->role, SOURCE) == 0)
		return err_set(e, ERR_STATE,
			       "the target is a store that has moved itself: "
			       "take another place");
	goes_on = strcmp(to->role, TARGET) == 0 &&
		  strcmp(to->installation, m->from.installation) == 0;
	if (m->from.role[0] != '\0' && !goes_on)
		return err_set(
			e, ERR_STATE,
			"the source has moved already, to another place");
	if (to->role[0] == '\0') {
		rc = is_in_use(to->db, e);
		if (rc > 0)
			rc = err_set(e, ERR_STATE,
				     "the target is in use by an installation");
		return rc < 0 ? rc : empty_target(m, e);
	}
	if (!goes_on && !m->options->anew)
		return err_set(e, ERR_STATE,
			       "the target holds the beginning of another "
			       "installation's move: --anew forgets it");
	return m->options->anew ? empty_target(m, e) : 0;
}

static int refuse_leases(struct db *db, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &move_lease);
	int rc;

	query_i64(q, 1, clock_wall_ms());
	query_i64(q, 2, clock_wall_ms() - PROCESSES_STALE_MS);
	rc = query_next(q, e);
	return rc > 0 ? err_set(e, ERR_STATE,
				"%s: %s works in the source: stop the "
				"services first",
				query_col_text(q, 0), query_col_text(q, 1))
		      : rc;
}

static int compare_names(struct move *m, struct err *e)
{
	struct move_tables theirs;
	int rc = move_tables_list(m->from.db, &theirs, e);

	if (rc == 0 && theirs.count != m->tables.count)
		rc = err_set(e, ERR_STATE,
			     "the source has %d tables, the target %d",
			     theirs.count, m->tables.count);
	return rc;
}

static void tell(const struct move *m, const char *table, bool checking,
		 int64_t rows, bool done)
{
	const struct move_progress progress = {.table = table,
					       .checking = checking,
					       .rows = rows,
					       .done = done};

	if (m->options->tell != NULL)
		m->options->tell(&progress, m->options->context);
}

/* Rows, < 0. */
static int copy_batch(struct move *m, struct move_walk *walk, struct err *e)
{
	struct db *to = m->to.db;
	int rows = db_begin_write(to, e);
	int rc;

	if (rows == 0)
		rows = move_walk_copy(walk, to, e);
	if (rows <= 0) {
		db_rollback(to);
		return rows;
	}
	rc = db_commit(to, e);
	if (rc == 0 && db_wal_pages(to) > LOG_PAGES_MAX)
		rc = db_checkpoint(to, true, NULL, e);
	return rc < 0 ? rc : rows;
}

static int finish_ids(struct move *m, const struct move_table *table,
		      const struct move_walk *walk, struct err *e)
{
	struct db *to = m->to.db;
	int rc = db_begin_write(to, e);

	if (rc == 0)
		rc = move_sequence(m->from.db, to, table,
				   move_walk_last_id(walk), e);
	return rc < 0 ? rc : db_commit(to, e);
}

static int copy_table(struct move *m, const char *name, struct err *e)
{
	CLEANUP(move_walk_closep) struct move_walk *walk = NULL;
	struct move_table table;
	int64_t rows = 0;
	int rc = move_table_describe(m->to.db, name, &table, e);

	if (rc == 0)
		rc = move_walk_open(m->from.db, &table, &walk, e);
	if (rc == 0)
		rc = move_walk_skip(walk, m->to.db, e);
	while (rc >= 0 && (rc = copy_batch(m, walk, e)) > 0) {
		rows += rc;
		tell(m, name, false, rows, false);
	}
	if (rc == 0)
		rc = finish_ids(m, &table, walk, e);
	if (rc < 0)
		return rc;
	m->result->repaired += move_walk_repaired(walk);
	tell(m, name, false, rows, true);
	return 0;
}

/* In turns, so that neither transaction is idle for long. */
static int compare(struct move *m, const struct move_table *table,
		   struct move_walk *from, struct move_walk *to, struct err *e)
{
	CLEANUP(digest_freep) struct digest *left = digest_new();
	CLEANUP(digest_freep) struct digest *right = digest_new();
	char texts[2][DIGEST_TEXT_BYTES];
	int64_t rows = 0;
	int rc;

	if (left == NULL || right == NULL)
		return err_set(e, ERR_NOMEM, "move: out of memory");
	while ((rc = move_walk_digest(from, left, e)) > 0) {
		int same = move_walk_digest(to, right, e);

		if (same < 0)
			return same;
		if (same != rc)
			break;
		rows += rc;
		tell(m, table->name, true, rows, false);
	}
	if (rc == 0)
		rc = move_walk_digest(to, right, e); /* has none either */
	if (rc < 0)
		return rc;
	digest_end(left, texts[0]);
	digest_end(right, texts[1]);
	if (rc != 0 || strcmp(texts[0], texts[1]) != 0)
		return err_set(e, ERR_STATE,
			       "%s: source and target are not the same; the "
			       "source was changed since the move began: "
			       "--anew begins again",
			       table->name);
	m->result->rows += rows;
	tell(m, table->name, true, rows, true);
	return 0;
}

static int check_table(struct move *m, const char *name, struct err *e)
{
	CLEANUP(move_walk_closep) struct move_walk *from = NULL;
	CLEANUP(move_walk_closep) struct move_walk *to = NULL;
	struct move_table table;
	int rc = move_table_describe(m->to.db, name, &table, e);

	if (rc == 0)
		rc = move_walk_open(m->from.db, &table, &from, e);
	if (rc == 0)
		rc = move_walk_open(m->to.db, &table, &to, e);
	return rc < 0 ? rc : compare(m, &table, from, to, e);
}

/* The source is closed before the target is opened: between the two there is
 * none, and never two. */
static int hand_over(struct move *m, struct err *e)
{
	struct side *from = &m->from;
	struct db *to = m->to.db;
	int rc = db_sync(to, e);

	if (rc == 0 && from->role[0] == '\0') {
		rc = mark(from->db, SOURCE, from->installation, e);
		if (rc == 0)
			rc = move_fence_put(from->db, db_caps(from->location),
					    &m->tables, e);
	}
	if (rc == 0)
		rc = db_commit(from->db, e);
	if (rc == 0)
		rc = db_sync(from->db, e);
	if (rc == 0)
		rc = db_begin_write(to, e);
	if (rc == 0)
		rc = unmark(to, e);
	if (rc == 0)
		rc = db_commit(to, e);
	return rc < 0 ? rc : db_sync(to, e);
}

static int run(struct move *m, struct err *e)
{
	int rc = open_source(&m->from, e);

	if (rc == 0)
		rc = make_target(m->to.location, e);
	if (rc == 0)
		rc = open_side(&m->to, TARGET, e);
	if (rc == 0)
		rc = move_tables_list(m->to.db, &m->tables, e);
	if (rc == 0)
		rc = compare_names(m, e);
	if (rc == 0)
		rc = db_begin_write(m->from.db, e);
	if (rc == 0)
		rc = refuse_leases(m->from.db, e);
	if (rc == 0)
		rc = prepare_target(m, e);
	for (int i = 0; i < m->tables.count && rc == 0; i++)
		rc = copy_table(m, m->tables.names[i], e);
	for (int i = 0; i < m->tables.count && rc == 0; i++)
		rc = check_table(m, m->tables.names[i], e);
	if (rc == 0)
		rc = hand_over(m, e);
	m->result->tables = m->tables.count;
	return rc;
}

int move_store(const struct move_options *options,
	       struct move_result *ret_result, struct err *e)
{
	struct move m = {.options = options,
			 .result = ret_result,
			 .from = {.location = options->from},
			 .to = {.location = options->to}};
	int rc;

	*ret_result = (struct move_result){0};
	if (strcmp(options->from, options->to) == 0)
		return err_set(e, ERR_INVALID,
			       "source and target are the same");
	rc = run(&m, e);
	close_side(&m.from);
	close_side(&m.to);
	return rc;
}

int move_reopen(const char *location, struct err *e)
{
	struct side side = {.location = location};
	struct move_tables tables;
	int rc = open_source(&side, e);

	if (rc == 0 && side.role[0] == '\0')
		rc = err_set(e, ERR_STATE, "the store is open");
	if (rc == 0)
		rc = db_begin_write(side.db, e);
	if (rc == 0)
		rc = move_tables_list(side.db, &tables, e);
	if (rc == 0)
		rc = move_fence_remove(side.db, db_caps(location), &tables, e);
	if (rc == 0)
		rc = unmark(side.db, e);
	if (rc == 0)
		rc = db_commit(side.db, e);
	if (rc == 0)
		rc = db_sync(side.db, e);
	close_side(&side);
	return rc;
}
