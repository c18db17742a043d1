/* SPDX-License-Identifier: MIT */
#include "store/repair/repair.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/json/json_out.h"
#include "store/engine/db.h"
#include "store/engine/writer.h"
#include "store/queue/inbox.h"
#include "store/queue/mail_queue.h"
#include "store/queue/outbox.h"
#include "store/queue/queue.h"
#include "store/queue/telegram_queue.h"
#include "store/repair/filter_sql.h"

enum {
	FILTER_BYTES_MAX = 4096,
	I64_BYTES = 24
};

struct repair_queue {
	const struct queue *queue;
	const struct stmt *find[REPAIR_ACTION_MAX_], *count[REPAIR_ACTION_MAX_];
	const struct stmt *last_id;
	int (*copy)(struct db *db, int64_t message_id, int64_t now_ms,
		    int64_t *ret_copy_id, struct err *e);
	bool named_in_text; /* orders are */
};

/* By action: which states allow it, and whether the archive counts too. */
#define RETRY_STATES "state = 4"
#define SKIP_STATES "state IN (1, 4)"
#define RELEASE_STATES "state = 1"
#define RESEND_STATES "state IN (3, 4)"

#define FIND(symbol, source, states, filter)                          \
	STMT(symbol##_find, "SELECT id FROM " source " WHERE " states \
			    " AND " filter " ORDER BY id LIMIT $12"); \
	STMT(symbol##_count,                                          \
	     "SELECT count(*) FROM " source " WHERE " states " AND " filter)
/* What the archive of the Telegram queue lacks is said by `columns`. */
#define BOTH(table, archive, columns, archive_columns)                         \
	"(SELECT " columns " FROM " table " UNION ALL SELECT " archive_columns \
	" FROM " archive ") AS b"
#define QUEUE(q, table, both, filter, copier, in_text)                         \
	FIND(repair_##q##_retry, table, RETRY_STATES, filter);                 \
	FIND(repair_##q##_skip, table, SKIP_STATES, filter);                   \
	FIND(repair_##q##_release, table, RELEASE_STATES, filter);             \
	FIND(repair_##q##_resend, both, RESEND_STATES, filter);                \
	STMT(repair_##q##_last_id, "SELECT coalesce(max(id), 0) FROM " table); \
	static const struct repair_queue repair_##q = {                        \
		.queue = &queue_##q,                                           \
		.find = {&repair_##q##_retry_find, &repair_##q##_skip_find,    \
			 &repair_##q##_release_find,                           \
			 &repair_##q##_resend_find},                           \
		.count = {&repair_##q##_retry_count, &repair_##q##_skip_count, \
			  &repair_##q##_release_count,                         \
			  &repair_##q##_resend_count},                         \
		.last_id = &repair_##q##_last_id,                              \
		.copy = (copier),                                              \
		.named_in_text = (in_text),                                    \
	}

#define SHARED "id, state, outcome, event_type, error, created_ms"
#define INBOX_COLUMNS SHARED ", hold, order_id"
#define OUTBOX_COLUMNS SHARED ", hold, order_id, endpoint"
QUEUE(inbox, "inbox",
      BOTH("inbox", "inbox_archive", INBOX_COLUMNS, INBOX_COLUMNS),
      FILTER_SQL(FILTER_BY_ORDER, "''"), inbox_copy, false);
QUEUE(outbox, "outbox",
      BOTH("outbox", "outbox_archive", OUTBOX_COLUMNS, OUTBOX_COLUMNS),
      FILTER_SQL(FILTER_BY_ORDER, "endpoint"), outbox_copy, false);
QUEUE(telegram, "telegram_queue",
      BOTH("telegram_queue", "telegram_archive", SHARED ", hold, text, chat",
	   SHARED ", 'none' AS hold, text, chat"),
      FILTER_SQL(FILTER_BY_TEXT, "chat"), telegram_copy, true);

QUEUE(mail, "mail_queue",
      BOTH("mail_queue", "mail_archive", SHARED ", hold, text, address",
	   SHARED ", 'none' AS hold, text, address"),
      FILTER_SQL(FILTER_BY_TEXT, "address"), mail_copy, true);

const struct repair_queue *const repair_queues[] = {
	&repair_inbox, &repair_outbox, &repair_telegram, &repair_mail, NULL};

STMT(repair_order_id,
     "SELECT o.order_id FROM order_identity AS o WHERE o.external_id = $1"
     " OR o.number = $1 UNION SELECT i.order_id FROM order_identity AS i"
     " WHERE CAST(i.order_id AS TEXT) = $1 LIMIT 1");
STMT(repair_order_name,
     "SELECT external_id FROM orders WHERE id = " AS_NUMBER("$1"));

static const char *const action_names[] = {
	[REPAIR_RETRY] = "retry",
	[REPAIR_SKIP] = "skip",
	[REPAIR_RELEASE] = "release",
	[REPAIR_RESEND] = "resend",
};
static const char *const field_names[] = {
#define X(symbol, name) [symbol] = (name),
	REPAIR_FIELDS(X)
#undef X
};

const char *repair_action_name(enum repair_action action)
{
	return action_names[action];
}

const char *repair_queue_name(const struct repair_queue *queue)
{
	return queue->queue->name;
}

const struct repair_queue *repair_queue_find(const char *name)
{
	for (size_t i = 0; repair_queues[i] != NULL; i++)
		if (strcmp(repair_queue_name(repair_queues[i]), name) == 0)
			return repair_queues[i];
	return NULL;
}

void repair_pattern(const char *text, char ret_value[REPAIR_ORDER_BYTES])
{
	size_t used = 0;

	ret_value[used++] = '%';
	for (; *text != '\0' && used + 4 < REPAIR_ORDER_BYTES; text++) {
		if (strchr("%_\\", *text) != NULL)
			ret_value[used++] = '\\';
		ret_value[used++] = (char)tolower((unsigned char)*text);
	}
	ret_value[used++] = '%';
	ret_value[used] = '\0';
}

/* First column of the only row as text. 1, 0, < 0. */
static int look_up(struct db *reader, const struct stmt *stmt, const char *name,
		   char ret_value[REPAIR_ORDER_BYTES], struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(reader, stmt);
	int rc;

	query_text(q, 1, name);
	rc = query_next(q, e);
	if (rc > 0)
		(void)text_copy(ret_value, REPAIR_ORDER_BYTES,
				query_col_text(q, 0));
	return rc;
}

int repair_order(struct db *reader, const struct repair_queue *queue,
		 const char *name, char ret_value[REPAIR_ORDER_BYTES],
		 struct err *e)
{
	char external_id[REPAIR_ORDER_BYTES];
	int rc = look_up(reader, &repair_order_id, name, ret_value, e);

	if (rc <= 0 || !queue->named_in_text)
		return rc;
	rc = look_up(reader, &repair_order_name, ret_value, external_id, e);
	if (rc > 0)
		repair_pattern(external_id, ret_value);
	return rc;
}

static void bind_filter(struct query *q, const struct repair_filter *filter)
{
	for (int i = 0; i < REPAIR_FIELD_MAX_; i++)
		query_text(q, i + 1,
			   filter->values[i] != NULL ? filter->values[i] : "");
}

int repair_count(struct db *reader, const struct repair_queue *queue,
		 enum repair_action action, const struct repair_filter *filter,
		 int64_t *ret_count, struct err *e)
{
	CLEANUP_QUERY struct query *q =
		query_start(reader, queue->count[action]);
	int rc;

	bind_filter(q, filter);
	rc = query_one_i64(q, ret_count, e);
	return rc < 0 ? rc : 0;
}

int repair_find(struct db *reader, const struct repair_queue *queue,
		enum repair_action action, const struct repair_filter *filter,
		int64_t *ret_ids, int max, struct err *e)
{
	CLEANUP_QUERY struct query *q =
		query_start(reader, queue->find[action]);
	int count = 0;
	int rc;

	bind_filter(q, filter);
	query_i64(q, 12, max);
	while ((rc = query_next(q, e)) > 0)
		ret_ids[count++] = query_col_i64(q, 0);
	return rc < 0 ? rc : count;
}

struct batch {
	struct unit unit;
	const struct repair_task *task;
	const char *filter_json;
	const int64_t *ids;
	int count;
	int64_t audit_id; /* 0: the unit begins the entry */
	int64_t ret_audit_id, ret_changed;
};

/* 1 when it was done, 0 when the message's state does not allow it. */
static int do_one(struct db *db, const struct repair_task *task, int64_t id,
		  int64_t now_ms, int64_t *ret_copy_id, struct err *e)
{
	static const enum queue_operation operations[] = {
		[REPAIR_RETRY] = OPERATE_RETRY,
		[REPAIR_SKIP] = OPERATE_SKIP,
		[REPAIR_RELEASE] = OPERATE_RELEASE,
	};

	if (task->action == REPAIR_RESEND)
		return task->queue->copy(db, id, now_ms, ret_copy_id, e);
	return queue_operate(db, task->queue->queue, id,
			     operations[task->action], now_ms, e);
}

static int begin_entry(struct db *db, const struct batch *batch, int64_t now_ms,
		       int64_t *ret_audit_id, struct err *e)
{
	const struct repair_task *task = batch->task;
	char action[64];
	struct audit_entry entry = {
		.actor = task->actor,
		.action = action,
		.filter = batch->filter_json,
		.reason = task->reason,
	};

	(void)snprintf(action, sizeof(action), "queue %s %s",
		       repair_queue_name(task->queue),
		       repair_action_name(task->action));
	return audit_begin(db, &entry, now_ms, ret_audit_id, e);
}

static int run_batch(struct unit *u, struct db *db, int64_t now_ms,
		     struct err *e)
{
	struct batch *batch = CONTAINER_OF(u, struct batch, unit);
	const char *queue = repair_queue_name(batch->task->queue);
	int rc = 0;

	/* It may run again. */
	batch->ret_changed = 0;
	batch->ret_audit_id = batch->audit_id;
	if (batch->audit_id == 0)
		rc = begin_entry(db, batch, now_ms, &batch->ret_audit_id, e);
	for (int i = 0; i < batch->count && rc >= 0; i++) {
		int64_t copy_id = 0;

		rc = do_one(db, batch->task, batch->ids[i], now_ms, &copy_id,
			    e);
		if (rc < 0)
			break;
		batch->ret_changed += rc;
		rc = audit_message(db, batch->ret_audit_id, queue,
				   batch->ids[i], rc > 0, copy_id, e);
	}
	if (rc >= 0)
		rc = audit_add(db, batch->ret_audit_id, batch->count,
			       batch->ret_changed, e);
	u->bells = BELL_PROCESSOR | BELL_NOTIFIER | BELL_TELEGRAM;
	return rc;
}

static int do_batch(struct writer *writer, const struct repair_task *task,
		    const char *filter_json, const int64_t *ids, int count,
		    struct repair_done *done, struct err *e)
{
	struct batch batch = {
		.unit.run = run_batch,
		.task = task,
		.filter_json = filter_json,
		.ids = ids,
		.count = count,
		.audit_id = done->audit_id,
	};
	int rc = writer_call(writer, &batch.unit, e);

	if (rc < 0)
		return rc;
	done->audit_id = batch.ret_audit_id;
	done->matched += count;
	done->changed += batch.ret_changed;
	return 0;
}

static int write_filter(const struct repair_task *task, struct buf *out,
			struct err *e)
{
	struct json_out json = json_out_to(out);

	json_object(&json, NULL);
	if (task->ids != NULL)
		json_put_i64(&json, "ids", task->id_count);
	for (int i = 0; task->ids == NULL && i < REPAIR_FIELD_MAX_; i++)
		if (task->filter->values[i] != NULL &&
		    task->filter->values[i][0] != '\0')
			json_put_text(&json, field_names[i],
				      task->filter->values[i]);
	json_end(&json);
	return json_out_finish(&json, e);
}

struct progress {
	void (*tell)(const struct repair_done *done, void *context);
	void *context;
};

static int run_ids(struct writer *writer, const struct repair_task *task,
		   const char *filter_json, const struct progress *progress,
		   struct repair_done *done, struct err *e)
{
	int rc = 0;

	for (int at = 0; at < task->id_count && rc == 0; at += REPAIR_BATCH) {
		int count = MIN_OF(task->id_count - at, (int)REPAIR_BATCH);

		rc = do_batch(writer, task, filter_json, task->ids + at, count,
			      done, e);
		if (rc == 0 && progress->tell != NULL)
			progress->tell(done, progress->context);
	}
	return rc;
}

static int read_last_id(struct db *reader, const struct repair_queue *queue,
			char ret_id[I64_BYTES], struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(reader, queue->last_id);
	int64_t id = 0;
	int rc = query_one_i64(q, &id, e);

	(void)snprintf(ret_id, I64_BYTES, "%lld", (long long)id);
	return rc;
}

/* Page by page, and no further than what was there at the beginning: what is
 * sent again is not sent again once more. */
static int run_filter(struct db *reader, struct writer *writer,
		      const struct repair_task *task, const char *filter_json,
		      const struct progress *progress, struct repair_done *done,
		      struct err *e)
{
	struct repair_filter filter = *task->filter;
	int64_t ids[REPAIR_BATCH];
	char first[I64_BYTES] = "0";
	char last[I64_BYTES] = "";
	int count = REPAIR_BATCH;
	int rc = 0;

	if (filter.values[FIELD_FIRST_ID] != NULL)
		(void)text_copy(first, sizeof(first),
				filter.values[FIELD_FIRST_ID]);
	if (filter.values[FIELD_LAST_ID] == NULL) {
		rc = read_last_id(reader, task->queue, last, e);
		filter.values[FIELD_LAST_ID] = last;
	}
	filter.values[FIELD_FIRST_ID] = first;
	while (rc >= 0 && count == REPAIR_BATCH) {
		count = repair_find(reader, task->queue, task->action, &filter,
				    ids, REPAIR_BATCH, e);
		if (count <= 0)
			return count;
		rc = do_batch(writer, task, filter_json, ids, count, done, e);
		if (rc == 0 && progress->tell != NULL)
			progress->tell(done, progress->context);
		(void)snprintf(first, sizeof(first), "%lld",
			       (long long)ids[count - 1] + 1);
	}
	return rc < 0 ? rc : 0;
}

int repair_run(struct db *reader, struct writer *writer,
	       const struct repair_task *task,
	       void (*progress)(const struct repair_done *done, void *context),
	       void *context, struct repair_done *ret_done, struct err *e)
{
	CLEANUP(buf_clear) struct buf filter = BUF_MAX(FILTER_BYTES_MAX);
	struct progress p = {.tell = progress, .context = context};
	int rc;

	*ret_done = (struct repair_done){0};
	if (task->ids == NULL && task->reason[0] == '\0')
		return err_set(e, ERR_INVALID, "a reason is needed");
	rc = write_filter(task, &filter, e);
	if (rc < 0)
		return rc;
	return task->ids != NULL
		       ? run_ids(writer, task, buf_text(&filter), &p, ret_done,
				 e)
		       : run_filter(reader, writer, task, buf_text(&filter), &p,
				    ret_done, e);
}
