/* SPDX-License-Identifier: MIT */
#include "store/queue/inbox_batch.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/id.h"
#include "base/text.h"
#include "store/engine/db.h"

enum {
	NAMES_MAX = 2 * INBOX_BATCH_MAX,
	BYTES_MAX = 4 * 1024 * 1024, /* of bodies in a statement; or one body */
	FIRST_TEXT = 10, /* of the parameters of inbox_batch_write */
	FIRST_NUMBER = 17
};

/* $1 channels, $2 names. Row 0: the last order made, and the epoch. Row i: the
 * order that the i-th name leads to, and the last of its sequence. A plan that
 * is made while the tables are small stays in use while they grow: LIMIT keeps
 * it from reading them whole. */
STMT_ARRAYS(
	inbox_batch_known,
	"SELECT CAST(0 AS BIGINT), c.value, CAST(m.store_epoch AS TEXT),"
	" CAST(0 AS BIGINT) FROM counters AS c, store_meta AS m"
	" WHERE c.name = 'order' AND m.id = 1"
	" UNION ALL SELECT n.i, o.order_id, o.number, coalesce("
	" (SELECT h.last_seq FROM inbox_head AS h WHERE h.order_id = o.order_id"
	"  LIMIT 1), (SELECT r.last_seq FROM inbox_head_idle AS r"
	"  WHERE r.order_id = o.order_id LIMIT 1), 0)"
	" FROM unnest(CAST($1 AS text[]), CAST($2 AS text[]))"
	"  WITH ORDINALITY AS n(channel, name, i)"
	" CROSS JOIN LATERAL (SELECT d.order_id, d.number"
	"  FROM order_identity AS d WHERE d.channel = n.channel"
	"  AND d.external_id = n.name LIMIT 1) AS o");
/* $1 orders made, $2 now; new names: $3 channels, $4 names, $5 orders,
 * $6 numbers; heads: $7 orders, $8 last_seqs, $9 states; messages: enum
 * text_column from $10, enum number_column from $17. Heads change as by
 * inbox_head_next. */
STMT_ARRAYS(
	inbox_batch_write,
	"WITH made AS (UPDATE counters SET value = value + $1"
	"  WHERE name = 'order' AND $1 > 0),"
	" named AS (INSERT INTO order_identity (channel, external_id, order_id,"
	"  number) SELECT * FROM unnest(CAST($3 AS text[]), CAST($4 AS text[]),"
	"  CAST($5 AS bigint[]), CAST($6 AS text[]))),"
	" headed AS (INSERT INTO inbox_head (order_id, last_seq, state, due_ms)"
	"  SELECT n.order_id, n.last_seq, n.state, $2"
	"  FROM unnest(CAST($7 AS bigint[]), CAST($8 AS bigint[]),"
	"  CAST($9 AS bigint[])) AS n(order_id, last_seq, state)"
	"  ON CONFLICT (order_id) DO UPDATE SET last_seq = excluded.last_seq,"
	"  due_ms = CASE WHEN inbox_head.state IN (0, 4) THEN excluded.due_ms"
	"   ELSE inbox_head.due_ms END,"
	"  state = CASE WHEN inbox_head.state = 0"
	"   OR inbox_head.state = 4 AND excluded.state = 1 THEN excluded.state"
	"   ELSE inbox_head.state END)"
	" INSERT INTO inbox (message_id, channel, external_id, event_type,"
	" outcome, error, body, order_id, order_seq, event_ms, state, due_ms,"
	" created_ms, updated_ms)"
	" SELECT m.*, $2, $2, $2 FROM unnest(CAST($10 AS text[]),"
	" CAST($11 AS text[]), CAST($12 AS text[]), CAST($13 AS text[]),"
	" CAST($14 AS text[]), CAST($15 AS text[]), CAST($16 AS text[]),"
	" CAST($17 AS bigint[]), CAST($18 AS bigint[]), CAST($19 AS bigint[]),"
	" CAST($20 AS bigint[])) AS m");

enum text_column {
	MESSAGE_ID,
	CHANNEL,
	EXTERNAL_ID,
	EVENT_TYPE,
	OUTCOME,
	ERROR,
	BODY,
	TEXTS
};
enum number_column {
	ORDER_ID,
	ORDER_SEQ,
	EVENT_MS,
	STATE,
	NUMBERS
};

struct order {
	struct identity identity;
	int64_t last_seq;
	enum head_state state; /* what its messages make it */
	bool has_messages;
};

struct name {
	const char *channel, *text;
	struct order *order; /* NULL: not known yet */
	bool is_new;
};

struct inbox_batch {
	struct name names[NAMES_MAX]; /* sorted, each once */
	size_t name_count;
	struct order orders[NAMES_MAX];
	size_t order_count;
	int64_t last_order, made, epoch;
	size_t count; /* of messages */
	char message_ids[INBOX_BATCH_MAX][ID_TEXT_BYTES];
	const char *texts[TEXTS][INBOX_BATCH_MAX];
	int64_t numbers[NUMBERS][INBOX_BATCH_MAX];
};

static int compare_names(const void *a, const void *b)
{
	const struct name *left = a;
	const struct name *right = b;
	int order = strcmp(left->text, right->text);

	return order != 0 ? order : strcmp(left->channel, right->channel);
}

static void add_name(struct inbox_batch *b, const char *channel,
		     const char *text)
{
	if (text[0] != '\0')
		b->names[b->name_count++] =
			(struct name){.channel = channel, .text = text};
}

static void gather_names(struct inbox_batch *b,
			 const struct inbox_arrival *arrivals, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		add_name(b, arrivals[i].channel, arrivals[i].external_id);
		add_name(b, arrivals[i].channel, arrivals[i].alias);
	}
	qsort(b->names, b->name_count, sizeof(b->names[0]), compare_names);
	for (size_t i = 0; i < b->name_count; i++)
		if (kept == 0 ||
		    compare_names(&b->names[kept - 1], &b->names[i]) != 0)
			b->names[kept++] = b->names[i];
	b->name_count = kept;
}

static struct order *add_order(struct inbox_batch *b, int64_t order_id)
{
	struct order *order = &b->orders[b->order_count++];

	*order = (struct order){.identity.order_id = order_id,
				.state = HEAD_IDLE};
	return order;
}

/* An order that several names lead to is there once. */
static struct order *known_order(struct inbox_batch *b, struct query *q)
{
	int64_t order_id = query_col_i64(q, 1);
	struct order *order;

	for (size_t i = 0; i < b->order_count; i++)
		if (b->orders[i].identity.order_id == order_id)
			return &b->orders[i];
	order = add_order(b, order_id);
	query_col_copy_to(q, 2, order->identity.number,
			  sizeof(order->identity.number));
	order->last_seq = query_col_i64(q, 3);
	return order;
}

static void take_row(struct inbox_batch *b, struct query *q)
{
	int64_t row = query_col_i64(q, 0);

	if (row > 0) {
		b->names[row - 1].order = known_order(b, q);
		return;
	}
	b->last_order = query_col_i64(q, 1);
	b->epoch = query_col_i64(q, 2);
}

static int read_known(struct inbox_batch *b, struct db *db, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &inbox_batch_known);
	const char *channels[NAMES_MAX];
	const char *texts[NAMES_MAX];
	int rc;

	for (size_t i = 0; i < b->name_count; i++) {
		channels[i] = b->names[i].channel;
		texts[i] = b->names[i].text;
	}
	query_text_array(q, 1, channels, b->name_count);
	query_text_array(q, 2, texts, b->name_count);
	while ((rc = query_next(q, e)) > 0)
		take_row(b, q);
	if (rc == 0 && b->epoch == 0)
		return err_set(e, ERR_IO, "no order counter");
	return rc;
}

static struct name *find_name(struct inbox_batch *b, const char *channel,
			      const char *text)
{
	const struct name wanted = {.channel = channel, .text = text};

	return text[0] == '\0' ? NULL
			       : bsearch(&wanted, b->names, b->name_count,
					 sizeof(b->names[0]), compare_names);
}

static struct order *make_order(struct inbox_batch *b)
{
	struct order *order = add_order(b, b->last_order + ++b->made);

	identity_number(b->epoch, order->identity.order_id,
			order->identity.number);
	return order;
}

static void lead_to(struct name *name, struct order *order)
{
	if (name == NULL || name->order != NULL)
		return;
	name->order = order;
	name->is_new = true;
}

/* As identity_resolve(): when the names lead to two, the id's counts. */
static struct order *resolve(struct inbox_batch *b,
			     const struct inbox_arrival *arrival)
{
	struct name *id = find_name(b, arrival->channel, arrival->external_id);
	struct name *alias = find_name(b, arrival->channel, arrival->alias);
	struct order *order = id != NULL ? id->order : NULL;

	if (order == NULL && alias != NULL)
		order = alias->order;
	if (order == NULL)
		order = make_order(b);
	lead_to(id, order);
	lead_to(alias, order);
	return order;
}

static void add_message(struct inbox_batch *b,
			const struct inbox_arrival *arrival,
			struct order *order, int64_t now_ms)
{
	bool quarantined = arrival->quarantine_reason != NULL;
	size_t i = b->count++;

	if (!quarantined)
		order->state = HEAD_READY;
	order->has_messages = true;
	id_make(now_ms, b->message_ids[i]);
	b->texts[MESSAGE_ID][i] = b->message_ids[i];
	b->texts[CHANNEL][i] = arrival->channel;
	b->texts[EXTERNAL_ID][i] = inbox_name_of(arrival);
	b->texts[EVENT_TYPE][i] = arrival->event_type;
	b->texts[OUTCOME][i] = queue_outcome_name(
		quarantined ? OUTCOME_QUARANTINED : OUTCOME_NONE);
	b->texts[ERROR][i] = arrival->quarantine_reason;
	b->texts[BODY][i] = arrival->body;
	b->numbers[ORDER_ID][i] = order->identity.order_id;
	b->numbers[ORDER_SEQ][i] = ++order->last_seq;
	b->numbers[EVENT_MS][i] = arrival->event_ms;
	b->numbers[STATE][i] = quarantined ? QUEUE_FAILED : QUEUE_CREATED;
}

static void bind_names(const struct inbox_batch *b, struct query *q)
{
	const char *texts[3][NAMES_MAX];
	int64_t orders[NAMES_MAX];
	size_t count = 0;

	for (size_t i = 0; i < b->name_count; i++) {
		const struct name *name = &b->names[i];

		if (!name->is_new)
			continue;
		texts[0][count] = name->channel;
		texts[1][count] = name->text;
		texts[2][count] = name->order->identity.number;
		orders[count++] = name->order->identity.order_id;
	}
	query_text_array(q, 3, texts[0], count);
	query_text_array(q, 4, texts[1], count);
	query_i64_array(q, 5, orders, count);
	query_text_array(q, 6, texts[2], count);
}

static void bind_heads(const struct inbox_batch *b, struct query *q)
{
	int64_t columns[3][INBOX_BATCH_MAX];
	size_t count = 0;

	for (size_t i = 0; i < b->order_count; i++) {
		const struct order *order = &b->orders[i];

		if (!order->has_messages)
			continue;
		columns[0][count] = order->identity.order_id;
		columns[1][count] = order->last_seq;
		columns[2][count++] = order->state;
	}
	for (int i = 0; i < 3; i++)
		query_i64_array(q, 7 + i, columns[i], count);
}

static int write_batch(const struct inbox_batch *b, struct db *db,
		       int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &inbox_batch_write);
	int rc;

	query_i64(q, 1, b->made);
	query_i64(q, 2, now_ms);
	bind_names(b, q);
	bind_heads(b, q);
	for (int i = 0; i < TEXTS; i++)
		query_text_array(q, FIRST_TEXT + i, b->texts[i], b->count);
	for (int i = 0; i < NUMBERS; i++)
		query_i64_array(q, FIRST_NUMBER + i, b->numbers[i], b->count);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

/* How many of them go into one statement: at least one. */
static size_t count_that_fit(const struct inbox_arrival *arrivals, size_t count)
{
	size_t bytes = strlen(arrivals[0].body);
	size_t fit = 1;

	while (fit < count &&
	       (bytes += strlen(arrivals[fit].body)) <= BYTES_MAX)
		fit++;
	return fit;
}

static int add_some(struct db *db, const struct inbox_arrival *arrivals,
		    size_t count, int64_t now_ms,
		    struct identity *ret_identities, struct err *e)
{
	struct inbox_batch *b = calloc(1, sizeof(*b));
	int rc;

	if (b == NULL)
		return err_set(e, ERR_NOMEM, "inbox: out of memory");
	gather_names(b, arrivals, count);
	rc = read_known(b, db, e);
	for (size_t i = 0; i < count && rc == 0; i++) {
		struct order *order = resolve(b, &arrivals[i]);

		add_message(b, &arrivals[i], order, now_ms);
		ret_identities[i] = order->identity;
	}
	if (rc == 0)
		rc = write_batch(b, db, now_ms, e);
	free(b);
	return rc;
}

int inbox_add_all(struct db *db, const struct inbox_arrival *arrivals,
		  size_t count, int64_t now_ms, struct identity *ret_identities,
		  struct err *e)
{
	int rc = 0;

	assert(count <= INBOX_BATCH_MAX);
	for (size_t i = 0, some; i < count && rc == 0; i += some) {
		some = count_that_fit(arrivals + i, count - i);
		rc = add_some(db, arrivals + i, some, now_ms,
			      ret_identities + i, e);
	}
	return rc;
}
