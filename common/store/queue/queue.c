/* SPDX-License-Identifier: MIT */
#include "store/queue/queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "store/engine/db.h"
#include "store/queue/attempts.h"
#include "store/queue/queue_sql.h"

enum {
	RECLAIM_MAX = 500 /* heads looked at in one transaction */
};

static const char *const outcome_names[OUTCOME_MAX_] = {
#define X(symbol, name) [symbol] = (name),
	QUEUE_OUTCOMES(X)
#undef X
};
static const char lost_lease[] = "the lease was lost";
static const char *const hold_names[HOLD_MAX_] = {
#define X(symbol, name) [symbol] = (name),
	QUEUE_HOLDS(X)
#undef X
};

const char *queue_outcome_name(enum queue_outcome outcome)
{
	return outcome_names[outcome];
}

const char *queue_hold_name(enum queue_hold hold)
{
	return hold_names[hold];
}

void queue_message_clear(struct queue_message *m)
{
	free(m->event_type);
	free(m->body);
	free(m->channel);
	free(m->external_id);
	free(m->address);
	*m = (struct queue_message){0};
}

/* MESSAGE_COLUMNS, from column n on. 1 or ERR_NOMEM. */
static int read_message(struct query *q, int n, struct queue_message *m,
			struct err *e)
{
	m->id = query_col_i64(q, n);
	m->order_seq = query_col_i64(q, n + 1);
	m->attempts = (int)query_col_i64(q, n + 2);
	m->event_type = query_col_copy(q, n + 3);
	m->created_ms = query_col_i64(q, n + 4);
	m->sending_since_ms = query_col_i64(q, n + 5);
	m->body = query_col_copy(q, n + 6);
	m->order_id = query_col_i64(q, n + 7);
	m->channel = query_col_copy(q, n + 8);
	m->external_id = query_col_copy(q, n + 9);
	m->address = query_col_copy(q, n + 10);
	m->losses = (int)query_col_i64(q, n + 11);
	if (m->event_type == NULL || m->body == NULL || m->channel == NULL ||
	    m->external_id == NULL || m->address == NULL)
		return err_set(e, ERR_NOMEM, "message: out of memory");
	return 1;
}

static int lease_head(struct db *db, const struct queue *queue,
		      const struct queue_lease *lease,
		      const struct queue_message *m, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, queue->lease_head);

	query_i64(q, 1, m->head_id);
	query_text(q, 2, lease->owner);
	query_i64(q, 3, m->lease_epoch);
	query_i64(q, 4, lease->until_ms);
	return query_post(q, NULL, e);
}

/* 1 and the head that the statement chooses by its only value, with the epoch
 * that it shall have; 0: there is none. */
static int choose_head(struct db *db, const struct stmt *choice, int64_t value,
		       struct queue_message *m, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, choice);
	int rc;

	query_i64(q, 1, value);
	rc = query_next(q, e);
	if (rc <= 0)
		return rc;
	m->head_id = query_col_i64(q, 0);
	m->lease_epoch = query_col_i64(q, 1) + 1;
	return 1;
}

static int find_oldest(struct db *db, const struct queue *queue,
		       struct queue_message *m, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, queue->oldest_message);
	int rc;

	query_i64(q, 1, m->head_id);
	rc = query_next(q, e);
	return rc > 0 ? read_message(q, 0, m, e) : rc;
}

static int take_message(struct db *db, const struct queue *queue,
			int64_t now_ms, const struct queue_lease *lease,
			struct queue_message *m, struct err *e)
{
	int rc = find_oldest(db, queue, m, e);

	if (rc <= 0)
		return rc;
	CLEANUP_QUERY struct query *q = query_start(db, queue->take_message);

	m->attempts++;
	query_i64(q, 1, m->id);
	query_i64(q, 2, now_ms);
	query_text(q, 3, lease->owner);
	query_i64(q, 4, m->lease_epoch);
	query_i64(q, 5, lease->until_ms);
	if (lease->sending)
		query_i64(q, 6, now_ms);
	else
		query_null(q, 6);
	rc = query_post(q, NULL, e);
	return rc < 0 ? rc : 1;
}

/* 1 and when the head's oldest pending message is due, 0 when it has none. */
static int next_pending(struct db *db, const struct queue *queue,
			int64_t head_id, int64_t *ret_due_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, queue->next_pending);

	query_i64(q, 1, head_id);
	return query_one_i64(q, ret_due_ms, e);
}

static int settle_by_pending(struct db *db, const struct queue *queue,
			     const struct queue_message *m, struct err *e)
{
	CLEANUP_QUERY struct query *q =
		query_start(db, queue->settle_by_pending);

	query_i64(q, 1, m->head_id);
	query_i64(q, 2, m->lease_epoch);
	return query_post(q, lost_lease, e);
}

/* Set the head by what is pending now: ready or idle. SQLite would set up more
 * for one statement than two cost. */
static int settle_head(struct db *db, const struct queue *queue,
		       const struct queue_message *m, struct err *e)
{
	int64_t due_ms = 0;
	int rc;

	if (db_caps_of(db) & DB_CAP_ARRAYS)
		return settle_by_pending(db, queue, m, e);
	rc = next_pending(db, queue, m->head_id, &due_ms, e);
	if (rc < 0)
		return rc;
	CLEANUP_QUERY struct query *q = query_start(db, queue->settle_head);

	query_i64(q, 1, m->head_id);
	query_i64(q, 2, m->lease_epoch);
	query_i64(q, 3, rc > 0 ? HEAD_READY : HEAD_IDLE);
	query_i64(q, 4, due_ms);
	return query_post(q, lost_lease, e);
}

/* The oldest message of the head that m names, under its lease. */
static int take_leased(struct db *db, const struct queue *queue, int64_t now_ms,
		       const struct queue_lease *lease, struct queue_message *m,
		       struct queue_message *ret_message, struct err *e)
{
	int rc = take_message(db, queue, now_ms, lease, m, e);

	if (rc == 0) /* a head without a message: put it to rest */
		return settle_head(db, queue, m, e);
	if (rc < 0)
		return rc;
	*ret_message = *m;
	*m = (struct queue_message){0};
	return 1;
}

int queue_claim(struct db *db, const struct queue *queue, int64_t now_ms,
		const struct queue_lease *lease,
		struct queue_message *ret_message, struct err *e)
{
	CLEANUP(queue_message_clear) struct queue_message m = {0};
	int rc = choose_head(db, queue->due_head, now_ms, &m, e);

	if (rc <= 0)
		return rc;
	rc = lease_head(db, queue, lease, &m, e);
	if (rc < 0)
		return rc;
	return take_leased(db, queue, now_ms, lease, &m, ret_message, e);
}

static int untake(struct db *db, const struct queue *queue, int64_t head_id,
		  int64_t now_ms, bool lost, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, queue->untake_message);

	query_i64(q, 1, head_id);
	query_i64(q, 2, now_ms);
	query_i64(q, 3, lost ? 1 : 0);
	return query_post(q, NULL, e);
}

int queue_seize(struct db *db, const struct queue *queue, int64_t head_id,
		int64_t now_ms, const struct queue_lease *lease,
		struct queue_message *ret_message, struct err *e)
{
	CLEANUP(queue_message_clear) struct queue_message m = {0};
	int rc = choose_head(db, queue->live_head, head_id, &m, e);

	if (rc <= 0)
		return rc;
	rc = lease_head(db, queue, lease, &m, e);
	if (rc == 0)
		rc = untake(db, queue, head_id, now_ms, false, e);
	if (rc < 0)
		return rc;
	return take_leased(db, queue, now_ms, lease, &m, ret_message, e);
}

int queue_peek(struct db *db, const struct queue *queue, int64_t head_id,
	       struct queue_message *ret_messages, int max, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, queue->peek_messages);
	int count = 0;
	int rc;

	query_i64(q, 1, head_id);
	query_i64(q, 2, max);
	while ((rc = query_next(q, e)) > 0 && count < max) {
		struct queue_message *m = &ret_messages[count++];

		*m = (struct queue_message){.head_id = head_id};
		rc = read_message(q, 0, m, e);
		if (rc < 0)
			break;
	}
	for (int i = 0; rc < 0 && i < count; i++)
		queue_message_clear(&ret_messages[i]);
	return rc < 0 ? rc : count;
}

static void bind_status(const struct queue *queue, struct query *q, int n,
			int http_status)
{
	if (!queue->has_status)
		return;
	if (http_status != 0)
		query_i64(q, n, http_status);
	else
		query_null(q, n);
}

int queue_finish(struct db *db, const struct queue *queue,
		 const struct queue_message *m,
		 const struct queue_result *result, int64_t now_ms,
		 struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, queue->finish_message);
	int rc;

	query_i64(q, 1, m->id);
	query_i64(q, 2, m->lease_epoch);
	query_i64(q, 3, result->state);
	query_text(q, 4, queue_outcome_name(result->outcome));
	query_text(q, 5, result->error);
	query_i64(q, 6, now_ms);
	query_i64(q, 7, result->keep_uncertain ? 1 : 0);
	bind_status(queue, q, 8, result->http_status);
	rc = query_post(q, lost_lease, e);
	if (rc < 0)
		return rc;
	return settle_head(db, queue, m, e);
}

int queue_retry(struct db *db, const struct queue *queue,
		const struct queue_message *m, const struct queue_retry *retry,
		int64_t now_ms, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, queue->retry_message);
	int rc;

	query_i64(q, 1, m->id);
	query_i64(q, 2, m->lease_epoch);
	query_i64(q, 3, retry->due_ms);
	query_text(q, 4, queue_hold_name(retry->hold));
	query_text(q, 5, retry->error);
	query_i64(q, 6, now_ms);
	query_i64(q, 7, retry->keep_uncertain ? 1 : 0);
	query_i64(q, 8, retry->refund ? 1 : 0);
	query_i64(q, 9, retry->lost ? 1 : (retry->keep_losses ? 0 : -1));
	bind_status(queue, q, 10, retry->http_status);
	rc = query_post(q, lost_lease, e);
	if (rc < 0)
		return rc;
	return settle_head(db, queue, m, e);
}

int queue_put_back(struct db *db, const struct queue *queue,
		   const struct queue_message *m, int64_t now_ms, struct err *e)
{
	struct queue_retry back = {
		.due_ms = MIN_OF(m->created_ms, now_ms),
		.hold = m->sending_since_ms != 0 ? HOLD_UNCERTAIN : HOLD_NONE,
		.keep_uncertain = m->sending_since_ms != 0,
		.refund = true,
		.keep_losses = true,
	};

	return queue_retry(db, queue, m, &back, now_ms, e);
}

static bool must_be_alone(const struct queue_message *m)
{
	return m->losses >= QUEUE_LOSSES_ALONE;
}

struct claimed {
	struct queue_message *const *messages;
	int count, max;
};

/* One after the other, to the first that must be alone. */
static int claim_each(struct db *db, const struct queue *queue, int64_t now_ms,
		      const struct queue_lease *lease, struct claimed *c,
		      struct err *e)
{
	int rc = 1;

	while (c->count < c->max && rc > 0 &&
	       (c->count == 0 || !must_be_alone(c->messages[c->count - 1]))) {
		rc = queue_claim(db, queue, now_ms, lease,
				 c->messages[c->count], e);
		c->count += rc > 0;
	}
	return MIN_OF(rc, 0);
}

/* A row of claim_many: a message, or a head without one. */
static int take_row(struct db *db, const struct queue *queue, struct query *q,
		    struct claimed *c, struct err *e)
{
	struct queue_message *m = c->messages[c->count];

	*m = (struct queue_message){
		.head_id = query_col_i64(q, 0),
		.lease_epoch = query_col_i64(q, 1),
	};
	if (query_col_is_null(q, 2))
		return settle_head(db, queue, m, e);
	c->count++;
	if (read_message(q, 2, m, e) < 0)
		return ERR_NOMEM;
	m->attempts++;
	return 0;
}

/* All in one way. */
static int claim_at_once(struct db *db, const struct queue *queue,
			 int64_t now_ms, const struct queue_lease *lease,
			 struct claimed *c, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, queue->claim_many);
	int rc = 0;

	query_i64(q, 1, now_ms);
	query_i64(q, 2, c->max);
	query_text(q, 3, lease->owner);
	query_i64(q, 4, lease->until_ms);
	if (lease->sending)
		query_i64(q, 5, now_ms);
	else
		query_null(q, 5);
	while (rc == 0 && c->count < c->max && (rc = query_next(q, e)) > 0)
		rc = take_row(db, queue, q, c, e);
	return MIN_OF(rc, 0);
}

/* Back go all others beside the first, when it must be alone, and those that
 * must be alone beside any. */
static int part_alone(struct db *db, const struct queue *queue, int64_t now_ms,
		      struct claimed *c, struct err *e)
{
	bool alone = c->count > 0 && must_be_alone(c->messages[0]);
	int kept = MIN_OF(c->count, 1);
	int rc = 0;

	for (int i = 1; i < c->count; i++) {
		struct queue_message *m = c->messages[i];

		if (alone || must_be_alone(m)) {
			if (rc == 0)
				rc = queue_put_back(db, queue, m, now_ms, e);
			queue_message_clear(m);
		} else if (kept++ < i) {
			*c->messages[kept - 1] = *m;
			*m = (struct queue_message){0};
		}
	}
	c->count = kept;
	return rc;
}

int queue_claim_batch(struct db *db, const struct queue *queue, int64_t now_ms,
		      const struct queue_lease *lease,
		      struct queue_message *const *ret_messages, int max,
		      struct err *e)
{
	struct claimed c = {.messages = ret_messages, .max = max};
	int rc = db_caps_of(db) & DB_CAP_ARRAYS
			 ? claim_at_once(db, queue, now_ms, lease, &c, e)
			 : claim_each(db, queue, now_ms, lease, &c, e);

	if (rc == 0)
		rc = part_alone(db, queue, now_ms, &c, e);
	while (rc < 0 && c.count > 0)
		queue_message_clear(ret_messages[--c.count]);
	return rc < 0 ? rc : c.count;
}

/* The attempt that died with its worker. */
static int note_loss(struct db *db, const struct queue *queue, int64_t head_id,
		     struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, queue->taken_message);
	struct attempt lost = {
		.kind = queue->loss_kind,
		.duration_ms = ATTEMPT_UNKNOWN_MS,
		.class = "lost",
		.answer = "its worker died or stood still",
	};
	int rc;

	query_i64(q, 1, head_id);
	rc = query_next(q, e);
	if (rc <= 0)
		return rc;
	lost.started_ms = query_col_i64(q, 1);
	lost.worker = query_col_text(q, 2);
	return attempts_add(db, queue, query_col_i64(q, 0), &lost, e);
}

struct lost_head {
	int64_t id;
	bool is_loss;
};

static int give_back(struct db *db, const struct queue *queue,
		     const struct lost_head *head, int64_t now_ms,
		     struct err *e)
{
	int rc = head->is_loss ? note_loss(db, queue, head->id, e) : 0;

	if (rc >= 0)
		rc = untake(db, queue, head->id, now_ms, head->is_loss, e);

	if (rc < 0)
		return rc;
	CLEANUP_QUERY struct query *q = query_start(db, queue->ready_head);

	query_i64(q, 1, head->id);
	query_i64(q, 2, now_ms);
	return query_post(q, NULL, e);
}

struct lost {
	enum queue_owner (*life_of)(const char *owner, void *context);
	void *context;
	int64_t now_ms;
	int limit;
	int count;
	struct lost_head heads[RECLAIM_MAX];
};

bool queue_owner_has_left(enum queue_owner life, int64_t lease_until_ms,
			  int64_t now_ms)
{
	return life == OWNER_DEAD || life == OWNER_SELF ||
	       (life == OWNER_UNKNOWN && lease_until_ms < now_ms);
}

static void look_at_owner(struct lost *lost, int64_t head_id, const char *owner,
			  int64_t lease_until_ms)
{
	enum queue_owner life = lost->life_of(owner, lost->context);

	if (queue_owner_has_left(life, lease_until_ms, lost->now_ms))
		lost->heads[lost->count++] = (struct lost_head){
			.id = head_id, .is_loss = life != OWNER_SELF};
}

/* Heads that nobody works on any more; their number. */
static int find_lost(struct db *db, const struct queue *queue,
		     struct lost *lost, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, queue->leased_heads);
	int rc;

	query_i64(q, 1, RECLAIM_MAX);
	while ((rc = query_next(q, e)) > 0 && lost->count < lost->limit)
		look_at_owner(lost, query_col_i64(q, 0), query_col_text(q, 1),
			      query_col_i64(q, 2));
	return rc < 0 ? rc : lost->count;
}

/* What waits for a time that a wrong clock has named. */
static int bring_near(struct db *db, const struct queue *queue, int64_t now_ms,
		      int limit, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, queue->near_heads);

	query_i64(q, 1, now_ms);
	query_i64(q, 2, now_ms + queue->due_max_ms);
	query_i64(q, 3, limit);
	return query_exec(q, e);
}

int queue_reclaim(struct db *db, const struct queue *queue, int64_t now_ms,
		  enum queue_owner (*life_of)(const char *owner, void *context),
		  void *context, int limit, struct err *e)
{
	struct lost lost = {.life_of = life_of,
			    .context = context,
			    .now_ms = now_ms,
			    .limit = MIN_OF(limit, (int)RECLAIM_MAX)};
	int found = bring_near(db, queue, now_ms, limit, e);

	if (found >= 0)
		found = find_lost(db, queue, &lost, e);

	for (int i = 0; i < found; i++) {
		int rc = give_back(db, queue, &lost.heads[i], now_ms, e);

		if (rc < 0)
			return rc;
	}
	return found;
}

int queue_types_of(struct query *q, int (*number_of)(const char *type),
		   unsigned *ret_types, struct err *e)
{
	unsigned types = 0;
	int rc;

	while ((rc = query_next(q, e)) > 0)
		types |= 1U << number_of(query_col_text(q, 0));
	if (rc < 0)
		return rc;
	*ret_types = types & ~1U;
	return 0;
}

/* 1 and the head of the message, 0 when its state does not allow it. */
static int operate_message(struct db *db, const struct stmt *step,
			   int64_t message_id, int64_t now_ms,
			   int64_t *ret_head_id, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, step);

	query_i64(q, 1, message_id);
	query_i64(q, 2, now_ms);
	return query_one_i64(q, ret_head_id, e);
}

int queue_operate(struct db *db, const struct queue *queue, int64_t message_id,
		  enum queue_operation operation, int64_t now_ms, struct err *e)
{
	int64_t head_id = 0;
	int rc = operate_message(db, queue->operator_steps[operation],
				 message_id, now_ms, &head_id, e);

	if (rc <= 0)
		return rc;
	CLEANUP_QUERY struct query *q = query_start(db, queue->resettle_head);

	query_i64(q, 1, head_id);
	query_i64(q, 2, now_ms);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 1;
}
