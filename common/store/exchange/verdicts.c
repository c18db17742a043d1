/* SPDX-License-Identifier: MIT */
#include "store/exchange/verdicts.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "codec/json/json_out.h"
#include "store/engine/db.h"
#include "store/exchange/feed.h"
#include "store/order/orders.h"
#include "store/repair/audit.h"

enum {
	DETAIL_BYTES_MAX = 8 * VERDICT_REASON_BYTES
};

STMT(verdicts_select,
     "SELECT coalesce(v.state, 'none'), coalesce(v.reason, ''),"
     " coalesce(v.at_ms, 0), d.order_id FROM documents AS d"
     " LEFT JOIN erp_verdicts AS v ON v.document_id = d.id WHERE d.id = $1");
STMT(verdicts_insert,
     "INSERT INTO erp_verdicts (document_id, state, reason, at_ms)"
     " VALUES ($1, $2, $3, $4)");
STMT(verdicts_remove,
     "DELETE FROM erp_verdicts WHERE document_id = $1 AND state = 'refused'");
/* What came later says what was before and after. */
STMT(verdicts_replace,
     "UPDATE erp_verdicts SET state = 'replaced', at_ms = $3"
     " WHERE state = 'refused' AND document_id < $2 AND document_id IN"
     " (SELECT id FROM documents WHERE order_id = $1)");

/* 1 and the verdict with its order, 0, < 0. */
static int get(struct db *db, int64_t document_id, struct verdict *ret,
	       int64_t *ret_order_id, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &verdicts_select);
	int rc;

	query_i64(q, 1, document_id);
	rc = query_next(q, e);
	if (rc <= 0)
		return rc;
	*ret = (struct verdict){.document_id = document_id,
				.at_ms = query_col_i64(q, 2)};
	(void)text_copy(ret->state, sizeof(ret->state), query_col_text(q, 0));
	(void)text_copy(ret->reason, sizeof(ret->reason), query_col_text(q, 1));
	*ret_order_id = query_col_i64(q, 3);
	return 1;
}

int verdicts_get(struct db *db, int64_t document_id,
		 struct verdict *ret_verdict, struct err *e)
{
	int64_t order_id;

	return get(db, document_id, ret_verdict, &order_id, e);
}

static int note(struct db *db, int64_t order_id, const struct verdict *verdict,
		const char *actor, struct err *e)
{
	CLEANUP(buf_clear) struct buf detail = BUF_MAX(DETAIL_BYTES_MAX);
	struct json_out out = json_out_to(&detail);
	int rc;

	json_object(&out, NULL);
	json_put_i64(&out, "document", verdict->document_id);
	json_put_text(&out, "state", verdict->state);
	if (verdict->reason[0] != '\0')
		json_put_text(&out, "reason", verdict->reason);
	json_end(&out);
	rc = json_out_finish(&out, e);
	return rc < 0 ? rc
		      : history_add(db, order_id, verdict->at_ms, "erp", actor,
				    buf_text(&detail), e);
}

static int insert(struct db *db, const struct verdict *verdict, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &verdicts_insert);

	query_i64(q, 1, verdict->document_id);
	query_text(q, 2, verdict->state);
	query_text(q, 3, verdict->reason);
	query_i64(q, 4, verdict->at_ms);
	return query_exec(q, e);
}

static int replace_refused(struct db *db, int64_t order_id,
			   const struct verdict *verdict, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &verdicts_replace);

	query_i64(q, 1, order_id);
	query_i64(q, 2, verdict->document_id);
	query_i64(q, 3, verdict->at_ms);
	return query_exec(q, e);
}

int verdicts_give(struct db *db, int64_t document_id, const char *state,
		  const char *reason, int64_t now_ms,
		  struct verdict *ret_verdict, struct err *e)
{
	struct verdict *v = ret_verdict;
	int64_t order_id;
	int rc = get(db, document_id, v, &order_id, e);

	if (rc <= 0 || strcmp(v->state, "none") != 0)
		return rc;
	(void)text_copy(v->state, sizeof(v->state), state);
	(void)text_copy(v->reason, sizeof(v->reason), reason);
	v->at_ms = now_ms;
	rc = insert(db, v, e);
	if (rc >= 0 && order_id != 0 &&
	    strcmp(state, VERDICT_ACKNOWLEDGED) == 0)
		rc = replace_refused(db, order_id, v, e);
	if (rc >= 0)
		rc = note(db, order_id, v, "erp", e);
	return rc < 0 ? rc : 1;
}

static int remove_refused(struct db *db, int64_t document_id, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &verdicts_remove);

	query_i64(q, 1, document_id);
	return query_exec(q, e);
}

static int keep_audit(struct db *db, const struct verdict *v, const char *actor,
		      const char *why, struct err *e)
{
	CLEANUP(buf_clear) struct buf filter = BUF_MAX(64);
	struct json_out out = json_out_to(&filter);
	struct audit_entry entry = {
		.actor = actor, .action = "erp offer", .reason = why};
	int64_t id = 0;
	int rc;

	json_object(&out, NULL);
	json_put_i64(&out, "document", v->document_id);
	json_end(&out);
	rc = json_out_finish(&out, e);
	entry.filter = buf_text(&filter);
	if (rc == 0)
		rc = audit_begin(db, &entry, v->at_ms, &id, e);
	return rc < 0 ? rc : audit_add(db, id, 1, 1, e);
}

int verdicts_offer(struct db *db, int64_t document_id, const char *actor,
		   const char *why, int64_t now_ms, struct err *e)
{
	struct verdict v;
	int64_t order_id;
	int rc = get(db, document_id, &v, &order_id, e);

	if (rc > 0)
		rc = remove_refused(db, document_id, e);
	if (rc <= 0)
		return rc;
	(void)text_copy(v.state, sizeof(v.state), "offered");
	(void)text_copy(v.reason, sizeof(v.reason), why);
	v.at_ms = now_ms;
	rc = feed_add_document(db, document_id, "offered", now_ms, e);
	if (rc >= 0)
		rc = note(db, order_id, &v, actor, e);
	if (rc >= 0)
		rc = keep_audit(db, &v, actor, why, e);
	return rc < 0 ? rc : 1;
}
