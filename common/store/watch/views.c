/* SPDX-License-Identifier: MIT */
#include "store/watch/views.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "store/engine/db.h"
#include "store/engine/sql_text.h"
#include "store/repair/filter_sql.h"
#include "store/watch/processes.h"

#define BRIEF(table, order_column)                               \
	"SELECT id, state, outcome, event_type, " order_column   \
	" AS \"order\", attempts, created_ms, error FROM " table \
	" WHERE id = " AS_NUMBER("$1")
/* A list of one queue by filter_sql.h, $12 limit; then all of one message.
 * Times are milliseconds; ordergatectl prints them as times. */
#define QUEUE_LIST(q, table, archive, filter, order_column, extra)             \
	STMT(view_##q##_list,                                                  \
	     "SELECT id, state, outcome, hold, event_type,"                    \
	     " " order_column " AS \"order\", " extra                          \
	     " attempts, due_ms, created_ms, copy_of, error FROM " table       \
	     " WHERE " filter " ORDER BY id DESC LIMIT " AS_LIMIT("$12"));     \
	STMT(view_##q##_show,                                                  \
	     "SELECT * FROM " table " WHERE id = " AS_NUMBER("$1"));           \
	STMT(view_##q##_brief, BRIEF(table, order_column) " UNION ALL " BRIEF( \
				       archive, order_column));                \
	STMT(view_##q##_archived,                                              \
	     "SELECT * FROM " archive " WHERE id = " AS_NUMBER("$1"));         \
	STMT(view_##q##_attempts,                                              \
	     "SELECT a.attempt_no, " ATTEMPT_VIEW                              \
	     " FROM message_attempts AS a"                                     \
	     " WHERE queue = '" #q "' AND message = " AS_NUMBER(               \
		     "$1") " UNION ALL SELECT a.attempt_no, " ATTEMPT_VIEW     \
			   " FROM message_attempts_archive AS a"               \
			   " WHERE queue = '" #q "' AND message = " AS_NUMBER( \
				   "$1") " ORDER BY attempt_no");              \
	STMT(view_##q##_operations,                                            \
	     "SELECT a.id AS audit, a.at_ms, a.actor, a.action, m.changed,"    \
	     " m.copy, a.reason FROM audit_messages AS m"                      \
	     " JOIN audit_log AS a ON a.id = m.audit_id"                       \
	     " WHERE m.queue = '" #q                                           \
	     "' AND m.message = " AS_NUMBER("$1") " ORDER BY a.id")
#define ATTEMPT_VIEW                                                \
	"a.kind, a.started_ms, a.duration_ms AS took_milliseconds," \
	" a.http_status, a.class, a.answer, a.worker"

QUEUE_LIST(inbox, "inbox", "inbox_archive", FILTER_SQL(FILTER_BY_ORDER, "''"),
	   "external_id", "");
QUEUE_LIST(outbox, "outbox", "outbox_archive",
	   FILTER_SQL(FILTER_BY_ORDER, "endpoint"), "external_id",
	   "endpoint, http_status,");
QUEUE_LIST(telegram, "telegram_queue", "telegram_archive",
	   FILTER_SQL(FILTER_BY_TEXT, "chat"), "chat", "severity,");
QUEUE_LIST(mail, "mail_queue", "mail_archive",
	   FILTER_SQL(FILTER_BY_TEXT, "address"), "address",
	   "severity, subject,");
/* Every text in one piece: clang-format 14 tears macros inside of texts apart.
 */
#define ORDER_ATTEMPTS(table, source, queue_name)                       \
	"SELECT a.queue, a.message, a.attempt_no, " ATTEMPT_VIEW        \
	" FROM " source " AS m JOIN " table " AS a ON a.message = m.id" \
	" AND a.queue = '" queue_name "'"                               \
	" WHERE m.order_id = " AS_NUMBER("$1")
#define INBOX_NOW ORDER_ATTEMPTS("message_attempts", "inbox", "inbox")
#define OUTBOX_NOW ORDER_ATTEMPTS("message_attempts", "outbox", "outbox")
#define INBOX_OLD \
	ORDER_ATTEMPTS("message_attempts_archive", "inbox_archive", "inbox")
#define OUTBOX_OLD \
	ORDER_ATTEMPTS("message_attempts_archive", "outbox_archive", "outbox")
STMT(view_order_attempts,
     INBOX_NOW " UNION ALL " OUTBOX_NOW " UNION ALL " INBOX_OLD
	       " UNION ALL " OUTBOX_OLD " ORDER BY started_ms, attempt_no");

STMT(view_audit_list,
     "SELECT id, at_ms, actor, action, matched, changed, filter, reason"
     " FROM audit_log ORDER BY id DESC LIMIT " AS_LIMIT("$1"));
STMT(view_audit_show, "SELECT queue, message, changed, copy FROM audit_messages"
		      " WHERE audit_id = " AS_NUMBER("$1") " ORDER BY message");

STMT(view_order_find, "SELECT order_id FROM order_identity"
		      " WHERE external_id = $1 OR number = $1"
		      " UNION SELECT id FROM orders WHERE id = " AS_NUMBER(
			      "$1") " AND CAST(id AS TEXT) = $1 LIMIT 1");
STMT(view_order_head,
     "SELECT id, channel, external_id, number, store_id, state, version,"
     " slot_from_ms, slot_to_ms, deadline_ms, picker_id, total_minor,"
     " discount_total_minor, taken_ms, assembled_ms, ready_ms, paid_ms,"
     " received_ms, delivered_ms, canceled_ms, courier_assigned_ms,"
     " courier_arrived_ms, cancel_source, cancel_reason, cancel_code,"
     " client_type, payment_methods, delivery_cost_minor,"
     " invoice_state, invoice_reason, created_ms, updated_ms"
     " FROM orders WHERE id = " AS_NUMBER("$1"));
STMT(view_order_lines,
     "SELECT line_no, sku, name, qty_ordered_milli, qty_milli,"
     " qty_picked_milli, weight_g, weight_picked_g, price_minor,"
     " discount_price_minor, state, reason, replaced_by, replaces"
     " FROM order_lines"
     " WHERE order_id = " AS_NUMBER("$1") " ORDER BY line_no");
STMT(view_order_history, "SELECT at_ms, kind, actor, detail FROM order_history"
			 " WHERE order_id = " AS_NUMBER("$1") " ORDER BY id");
STMT(view_order_inbox,
     "SELECT id, order_seq, event_type, state, outcome, hold, attempts,"
     " created_ms, copy_of, error FROM inbox"
     " WHERE order_id = " AS_NUMBER(
	     "$1") " UNION ALL SELECT id, order_seq, event_type, state, "
		   "outcome, hold,"
		   " attempts, created_ms, copy_of, error FROM inbox_archive"
		   " WHERE order_id = " AS_NUMBER("$1") " ORDER BY order_seq");
STMT(view_order_outbox,
     "SELECT id, order_seq, endpoint, event_type, state, outcome, hold,"
     " attempts, http_status, created_ms, copy_of, error FROM outbox"
     " WHERE order_id = " AS_NUMBER(
	     "$1") " UNION ALL SELECT id, order_seq, endpoint, event_type, "
		   "state, outcome,"
		   " hold, attempts, http_status, created_ms, copy_of, error"
		   " FROM outbox_archive"
		   " WHERE order_id = " AS_NUMBER("$1") " ORDER BY order_seq");
STMT(view_document_reports,
     "SELECT r.id, r.name, r.document_id, r.file_name, r.outcome, r.from_date,"
     " r.to_date, r.order_count, r.missing, r.extra, r.different, r.duplicate,"
     " r.reason FROM market_reports AS r ORDER BY r.id DESC"
     " LIMIT " AS_LIMIT("$1"));
STMT(view_document_changed,
     "SELECT o.external_id, o.number, o.store_id, c.event_ms, c.total_minor,"
     " c.reason FROM order_later_changes AS c JOIN orders AS o"
     " ON o.id = c.order_id WHERE c.state = 'told' ORDER BY c.id DESC"
     " LIMIT " AS_LIMIT("$1"));
STMT(view_order_documents,
     "SELECT id, kind, series, number, business_date, total_minor, vat_minor,"
     " state, file_name FROM documents"
     " WHERE order_id = " AS_NUMBER("$1") " ORDER BY id");
STMT(view_order_list,
     "SELECT number, external_id, store_id, state, deadline_ms, picker_id,"
     " created_ms FROM orders WHERE ($1 = '' OR state = $1)"
     " AND ($2 = '' OR store_id = $2)"
     " ORDER BY id DESC LIMIT " AS_LIMIT("$3"));
STMT(view_job_list,
     "SELECT j.name, j.paused, j.requested_by, j.last_slot_ms, j.next_ms,"
     " (SELECT r.outcome FROM job_runs r WHERE r.job = j.name"
     "  ORDER BY r.id DESC LIMIT 1) AS last_outcome,"
     " (SELECT max(r.ended_ms) FROM job_runs r WHERE r.job = j.name"
     "  AND r.outcome = 'ok') AS last_ok_ms FROM jobs j ORDER BY j.name");
STMT(view_job_history,
     "SELECT id, slot_ms, started_ms, ended_ms, outcome, trigger, detail"
     " FROM job_runs WHERE job = $1"
     " ORDER BY id DESC LIMIT " AS_LIMIT("$2"));
STMT(view_alert_list,
     "SELECT id, rule, subject, severity, state, store_id, since_ms, fired_ms,"
     " resolved_ms, acked_ms, acked_by FROM alerts"
     " WHERE ($1 = '' OR state = $1) ORDER BY CASE state WHEN 'firing'"
     " THEN 0 ELSE 1 END, id DESC LIMIT " AS_LIMIT("$2"));
STMT(view_silence_list,
     "SELECT id, rule, subject, store_id, from_ms, until_ms, made_by, reason"
     " FROM silences ORDER BY id DESC LIMIT " AS_LIMIT("$1"));
STMT(view_store_chats, "SELECT DISTINCT telegram_chat FROM stores"
		       " WHERE telegram_chat <> '' ORDER BY telegram_chat");
STMT(view_telegram_strangers,
     "SELECT user_id, first_ms, last_ms, updates FROM telegram_strangers"
     " ORDER BY last_ms DESC LIMIT 100");
STMT(view_rule_list,
     "SELECT rule, store_id, enabled, threshold, changed_by, changed_ms"
     " FROM rule_stores ORDER BY rule, store_id");
STMT(view_measure_list, "SELECT name, subject, value, detail, at_ms"
			" FROM measures ORDER BY name, subject");
STMT(view_document_list,
     "SELECT id, kind, series, number, order_id, store_id, business_date,"
     " total_minor, vat_minor, state, batch_id, file_name FROM documents"
     " WHERE ($1 = '' OR kind = $1) AND ($2 = '' OR state = $2)"
     " ORDER BY id DESC LIMIT " AS_LIMIT("$3"));
STMT(view_document_blocked,
     "SELECT id AS order_id, external_id, number, store_id, delivered_ms,"
     " invoice_reason AS reason FROM orders WHERE state = 'delivered'"
     " AND invoice_state IN ('none', 'blocked') AND invoice_state = 'blocked'"
     " UNION ALL SELECT o.id, o.external_id, o.number, o.store_id,"
     " o.delivered_ms, 'document ' || CAST(f.document_id AS TEXT)"
     " || ' of batch ' || CAST(f.batch_id AS TEXT) || ' has no ' || f.format"
     " || ': ' || f.error FROM document_files AS f"
     " JOIN documents AS d ON d.id = f.document_id"
     " JOIN orders AS o ON o.id = d.order_id WHERE f.error <> ''"
     " ORDER BY delivered_ms, order_id LIMIT " AS_LIMIT("$1"));
STMT(view_document_batches,
     "SELECT id, state, document_count, formats, created_ms, sealed_ms,"
     " done_ms FROM document_batches"
     " ORDER BY id DESC LIMIT " AS_LIMIT("$1"));
STMT(view_document_files,
     "SELECT format, file_name, bytes, hash, written_ms, error"
     " FROM document_files"
     " WHERE batch_id = " AS_NUMBER(
	     "$1") " ORDER BY document_id, format LIMIT " AS_LIMIT("$2"));
STMT(view_erp_status,
     "SELECT r.name, r.after_id AS after, r.read_ms,"
     " (SELECT count(*) FROM erp_feed AS f WHERE f.id > r.after_id AND f.kind"
     "  = CASE r.name WHEN 'documents' THEN 'document' WHEN 'orders' THEN"
     "  'order' ELSE f.kind END) AS behind,"
     " (SELECT count(*) FROM outbox AS b WHERE r.name = 'push'"
     "  AND b.endpoint = 'erp' AND b.state IN (1, 2)) AS waiting"
     " FROM erp_readers AS r WHERE r.name <> 'pulled'"
     " ORDER BY r.name");
STMT(view_erp_refused,
     "SELECT v.document_id AS id, d.series || d.number AS name, d.kind,"
     " coalesce(o.number, '') AS order_number, v.at_ms, v.reason"
     " FROM erp_verdicts AS v JOIN documents AS d ON d.id = v.document_id"
     " LEFT JOIN orders AS o ON o.id = d.order_id WHERE v.state = 'refused'"
     " ORDER BY v.document_id LIMIT " AS_LIMIT("$1"));
STMT(view_erp_uploads,
     "SELECT name, kind, state, bytes, rows, changed, fault_count, created_ms,"
     " ended_ms, message FROM erp_uploads"
     " ORDER BY id DESC LIMIT " AS_LIMIT("$1"));
STMT(view_store_list,
     "SELECT id, name, time_zone, opening_hours, telegram_chat,"
     " integration_type, imported FROM stores ORDER BY id");
STMT(view_label_list,
     "SELECT CASE store_id WHEN '' THEN '-' ELSE store_id END AS store,"
     " prefix, article_digits, value, divisor FROM store_labels"
     " ORDER BY store_id, prefix");
STMT(view_catalog_show,
     "SELECT sku, name, barcodes, unit, piece_weight_g, vat_rate,"
     " tolerance_percent FROM products WHERE sku = $1"
     " AND generation = (SELECT generation FROM catalogue_state)");
STMT(view_catalog_status,
     "SELECT generation, product_rows AS products, published_ms, file_hash"
     " FROM catalogue_state");
STMT(view_quarantine_list,
     "SELECT id, received_ms, channel, reason, length(raw) AS bytes,"
     " CASE closed_ms WHEN 0 THEN 'open' ELSE outcome END AS state"
     " FROM quarantine ORDER BY CASE closed_ms WHEN 0 THEN 0 ELSE 1 END,"
     " id DESC LIMIT " AS_LIMIT("$1"));
/* What may be corrected: of which channel and order. */
STMT(view_inbox_failed, "SELECT channel, external_id FROM inbox WHERE id ="
			" " AS_NUMBER("$1") " AND state = 4");
STMT(view_status_queues,
     "SELECT 'inbox' AS queue, state, count(*) AS messages,"
     " min(created_ms) AS oldest_ms FROM inbox GROUP BY state"
     " UNION ALL SELECT 'outbox', state, count(*), min(created_ms)"
     " FROM outbox GROUP BY state"
     " UNION ALL SELECT 'telegram', state, count(*), min(created_ms)"
     " FROM telegram_queue GROUP BY state"
     " UNION ALL SELECT 'mail', state, count(*), min(created_ms)"
     " FROM mail_queue GROUP BY state");
STMT(view_status_orders, "SELECT state, count(*) AS orders FROM orders"
			 " GROUP BY state ORDER BY state");
STMT(view_status_endpoints,
     "SELECT name, state, failures, reason, changed_ms FROM endpoints"
     " ORDER BY name");
STMT(view_restore_list,
     "SELECT r.id, r.restored_ms, r.backup_ms, r.epoch, r.outbox_uncertain,"
     " r.pulled_ms, r.released_ms, r.released_by, r.reason, m.held, r.file"
     " FROM restores AS r, store_meta AS m ORDER BY r.id DESC");
STMT(view_series_list, "SELECT name, last, held FROM document_series"
		       " ORDER BY name");
STMT(view_status_store,
     "SELECT version, store_epoch, held, installation_id, created_ms"
     " FROM store_meta");

/* By the database's clock; 30000 is PROCESSES_STALE_MS. A scheduler that does
 * not hold the lease stands by. */
#define PROCESSES(now)                                                    \
	"SELECT p.host, p.service || '-' || p.number AS process, p.pid,"  \
	" p.version, p.started_ms, p.seen_ms,"                            \
	" CASE WHEN p.seen_ms < " now " - 30000 THEN 'silent'"            \
	" WHEN p.service <> 'scheduler' THEN 'up' WHEN EXISTS (SELECT 1"  \
	" FROM leases AS l WHERE l.name = 'scheduler'"                    \
	" AND l.owner = p.owner AND l.until_ms >= " now ") THEN 'active'" \
	" ELSE 'standby' END AS state FROM processes AS p"                \
	" ORDER BY p.host, p.place, p.service, p.number"
static_assert((int)PROCESSES_STALE_MS == 30000, "as in PROCESSES()");
/* Each engine has its own word for now. */
STMT_PG(view_status_processes, PROCESSES("unixepoch() * 1000"),
	PROCESSES("extract(epoch FROM clock_timestamp()) * 1000"));

static const struct view views[] = {
	{"inbox.list", &view_inbox_list},
	{"inbox.failed", &view_inbox_failed},
	{"inbox.show", &view_inbox_show},
	{"outbox.list", &view_outbox_list},
	{"outbox.show", &view_outbox_show},
	{"telegram.list", &view_telegram_list},
	{"telegram.show", &view_telegram_show},
	{"mail.list", &view_mail_list},
	{"mail.show", &view_mail_show},
	{"inbox.brief", &view_inbox_brief},
	{"outbox.brief", &view_outbox_brief},
	{"telegram.brief", &view_telegram_brief},
	{"mail.brief", &view_mail_brief},
	{"inbox.archived", &view_inbox_archived},
	{"outbox.archived", &view_outbox_archived},
	{"telegram.archived", &view_telegram_archived},
	{"mail.archived", &view_mail_archived},
	{"inbox.attempts", &view_inbox_attempts},
	{"outbox.attempts", &view_outbox_attempts},
	{"telegram.attempts", &view_telegram_attempts},
	{"mail.attempts", &view_mail_attempts},
	{"inbox.operations", &view_inbox_operations},
	{"outbox.operations", &view_outbox_operations},
	{"telegram.operations", &view_telegram_operations},
	{"mail.operations", &view_mail_operations},
	{"order.attempts", &view_order_attempts},
	{"audit.list", &view_audit_list},
	{"audit.show", &view_audit_show},
	{"quarantine.list", &view_quarantine_list},
	{"order.find", &view_order_find},
	{"order.head", &view_order_head},
	{"order.lines", &view_order_lines},
	{"order.history", &view_order_history},
	{"order.inbox", &view_order_inbox},
	{"order.outbox", &view_order_outbox},
	{"order.documents", &view_order_documents},
	{"order.list", &view_order_list},
	{"job.list", &view_job_list},
	{"job.history", &view_job_history},
	{"alert.list", &view_alert_list},
	{"store.chats", &view_store_chats},
	{"silence.list", &view_silence_list},
	{"telegram.strangers", &view_telegram_strangers},
	{"rule.list", &view_rule_list},
	{"measure.list", &view_measure_list},
	{"document.changed", &view_document_changed},
	{"document.reports", &view_document_reports},
	{"document.list", &view_document_list},
	{"document.blocked", &view_document_blocked},
	{"document.batches", &view_document_batches},
	{"document.files", &view_document_files},
	{"erp.status", &view_erp_status},
	{"erp.refused", &view_erp_refused},
	{"erp.uploads", &view_erp_uploads},
	{"store.list", &view_store_list},
	{"label.list", &view_label_list},
	{"catalog.show", &view_catalog_show},
	{"catalog.status", &view_catalog_status},
	{"restore.list", &view_restore_list},
	{"series.list", &view_series_list},
	{"status.processes", &view_status_processes},
	{"status.queues", &view_status_queues},
	{"status.orders", &view_status_orders},
	{"status.endpoints", &view_status_endpoints},
	{"status.store", &view_status_store},
	{NULL, NULL},
};

const struct view *view_find(const char *name)
{
	for (const struct view *v = views; v->name != NULL; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

int view_run(struct db *db, const struct view *view, const char *const *params,
	     size_t count, int (*each)(struct query *row, void *context),
	     void *context, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, view->stmt);
	int rows = 0;
	int rc;

	for (size_t i = 0; i < count; i++)
		query_text(q, (int)i + 1, params[i]);
	while ((rc = query_next(q, e)) > 0) {
		rc = each(q, context);
		if (rc < 0)
			break;
		rows++;
	}
	return rc < 0 ? rc : rows;
}
