/* SPDX-License-Identifier: MIT */
#include "returns.h"

#include <assert.h>

#include "base/backoff.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "store/queue/attempts.h"

enum {
	RETRY_BASE_MS = 1000,
	RETRY_CAP_MS = 60000
};

void returns_add(struct returns *returns, const struct queue_message *m,
		 enum return_why why, const char *error)
{
	struct returned *row = &returns->rows[returns->count++];

	assert(returns->count <= RETURNS_MAX);
	*row = (struct returned){
		.message = {.id = m->id,
			    .head_id = m->head_id,
			    .order_id = m->order_id,
			    .created_ms = m->created_ms,
			    .lease_epoch = m->lease_epoch,
			    .attempts = m->attempts,
			    .losses = m->losses},
		.why = why,
	};
	(void)text_copy(row->error, sizeof(row->error), error);
}

static int put_back(struct db *db, const struct returned *row, int64_t now_ms,
		    struct err *e)
{
	return queue_put_back(db, &queue_inbox, &row->message, now_ms, e);
}

static int try_later(struct db *db, const struct returned *row, int64_t now_ms,
		     struct err *e)
{
	const struct queue_message *m = &row->message;
	bool lost = row->why == RETURN_LOST;
	struct attempt failed = {
		.kind = "apply",
		.started_ms = now_ms,
		.duration_ms = ATTEMPT_UNKNOWN_MS,
		.class = lost ? "lost" : "retry",
		.answer = row->error,
	};
	struct queue_retry retry = {
		.due_ms = now_ms,
		.error = row->error,
		.lost = lost,
	};
	int rc;

	/* After flow_settings.attempts_max times it is poisoned. */
	if (!lost)
		retry.due_ms += backoff_ms(m->attempts, RETRY_BASE_MS,
					   RETRY_CAP_MS, (uint64_t)m->id);
	rc = queue_retry(db, &queue_inbox, m, &retry, now_ms, e);
	return rc < 0 ? rc : attempts_add(db, &queue_inbox, m->id, &failed, e);
}

static int run(struct unit *u, struct db *db, int64_t now_ms, struct err *e)
{
	static int (*const ways[])(struct db * db, const struct returned *row,
				   int64_t now_ms, struct err *e) = {
		[RETURN_UNTRIED] = put_back,
		[RETURN_LOST] = try_later,
		[RETURN_FAILED] = try_later,
	};
	const struct returned *row = CONTAINER_OF(u, struct returned, unit);

	return ways[row->why](db, row, now_ms, e);
}

/* What cannot be written at all is left to queue_reclaim(). */
static bool may_go_again(int rc)
{
	return rc == ERR_BUSY || rc == ERR_UNCERTAIN || rc == ERR_NOMEM;
}

int returns_write(struct returns *returns, struct writer *writer, struct err *e)
{
	struct unit *units[RETURNS_MAX] = {NULL};
	size_t count = returns->count;
	int rc = 0;

	if (count == 0)
		return 0;
	for (size_t i = 0; i < count; i++) {
		returns->rows[i].unit = (struct unit){.run = run};
		units[i] = &returns->rows[i].unit;
	}
	writer_call_all(writer, units, count);
	returns->count = 0;
	for (size_t i = 0; i < count; i++) {
		if (!may_go_again(returns->rows[i].unit.rc))
			continue;
		rc = returns->rows[i].unit.rc;
		if (e != NULL)
			*e = returns->rows[i].unit.err;
		returns->rows[returns->count++] = returns->rows[i];
	}
	return rc;
}
