/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <string.h>

#include "app/metrics/metrics.h"
#include "app/service/service.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/macros.h"
#include "store/engine/writer.h"
#include "store/queue/attempts.h"

enum {
	LEASE_MS = 30000,
	RECLAIM_EVERY_MS = 1000,
	RECLAIM_LIMIT = 200,
	RETRY_BASE_MS = 1000,
	RETRY_CAP_MS = 60000
};

struct claim {
	struct unit unit;
	const char *owner;
	struct flow_message *messages; /* PROCESS_BATCH of them */
	int count;
};

struct apply {
	struct unit unit;
	const struct flow_settings *settings;
	struct flow_message *message;
};

static void clear_messages(struct claim *claim)
{
	while (claim->count > 0)
		flow_message_clear(&claim->messages[--claim->count]);
}

static int run_claim(struct unit *u, struct db *db, int64_t now_ms,
		     struct err *e)
{
	struct claim *claim = CONTAINER_OF(u, struct claim, unit);
	struct queue_lease lease = {.owner = claim->owner,
				    .until_ms = now_ms + LEASE_MS};
	int rc = 1;

	/* The unit may run again: another one of its batch has failed. */
	clear_messages(claim);
	while (claim->count < PROCESS_BATCH && rc > 0) {
		int n = claim->count;

		rc = queue_claim_more(db, &queue_inbox, now_ms, &lease,
				      n > 0 ? &claim->messages[n - 1].message
					    : NULL,
				      &claim->messages[n].message, e);
		if (rc > 0)
			claim->count++;
	}
	return rc < 0 ? rc : 0;
}

static int run_apply(struct unit *u, struct db *db, int64_t now_ms,
		     struct err *e)
{
	struct apply *apply = CONTAINER_OF(u, struct apply, unit);

	return flow_apply(db, apply->settings, apply->message, now_ms,
			  &u->bells, e);
}

/* The message could not be applied: later again, and after flow_settings.
 * attempts_max times it is poisoned. */
static int run_retry(struct unit *u, struct db *db, int64_t now_ms,
		     struct err *e)
{
	struct apply *apply = CONTAINER_OF(u, struct apply, unit);
	const struct queue_message *m = &apply->message->message;
	struct attempt failed = {
		.kind = "apply",
		.started_ms = now_ms,
		.duration_ms = ATTEMPT_UNKNOWN_MS,
		.class = "retry",
		.answer = apply->message->read_err.text,
	};
	struct queue_retry retry = {
		.due_ms = now_ms + backoff_ms(m->attempts, RETRY_BASE_MS,
					      RETRY_CAP_MS, (uint64_t)m->id),
		.error = apply->message->read_err.text,
	};

	int rc = queue_retry(db, &queue_inbox, m, &retry, now_ms, e);

	return rc < 0 ? rc : attempts_add(db, &queue_inbox, m->id, &failed, e);
}

static void count_outcome(int rc)
{
	metric_add(
		metric_get(METRIC_COUNTER, "ordergate_processor_messages_total",
			   rc < 0 ? "result=\"failed\"" : "result=\"applied\""),
		1);
}

/* A unit that failed is put back in a second transaction; when that fails too,
 * the lease runs out. ERR_STATE: somebody else has applied it. */
static int put_back_failed(struct writer *writer, struct apply *applies,
			   int count, struct err *e)
{
	struct unit *again[PROCESS_BATCH];
	size_t failed = 0;
	int rc = 0;

	for (int i = 0; i < count; i++) {
		struct apply *a = &applies[i];

		count_outcome(a->unit.rc);
		if (a->unit.rc >= 0 || a->unit.rc == ERR_STATE)
			continue;
		rc = a->unit.rc;
		*e = a->message->read_err = a->unit.err;
		a->unit.run = run_retry;
		again[failed++] = &a->unit;
	}
	if (failed > 0)
		writer_call_all(writer, again, failed);
	return rc;
}

/* Apply what was claimed, and claim what comes next (NULL: nothing) in the same
 * transaction: so a batch costs one wait for the disk and not two. */
static int apply_all(struct service *s, struct claim *claim, struct claim *next,
		     struct err *e)
{
	const struct process *process = s->context;
	struct apply applies[PROCESS_BATCH];
	struct unit *units[PROCESS_BATCH + 1];
	int count = claim->count;
	int rc;

	for (int i = 0; i < count; i++) {
		flow_read(&claim->messages[i]);
		applies[i] = (struct apply){.unit.run = run_apply,
					    .settings = &process->settings,
					    .message = &claim->messages[i]};
		units[i] = &applies[i].unit;
	}
	if (next != NULL) {
		next->unit = (struct unit){.run = run_claim};
		units[count] = &next->unit;
	}
	writer_call_all(s->writer, units,
			(size_t)count + (next != NULL ? 1 : 0));
	rc = put_back_failed(s->writer, applies, count, e);
	if (next != NULL && next->unit.rc < 0) {
		clear_messages(next);
		rc = next->unit.rc;
		*e = next->unit.err;
	}
	return rc;
}

struct reclaim {
	struct unit unit;
	struct service *service;
};

/* What we hold ourselves between two batches is left over from one whose result
 * could not be written. */
static enum queue_owner life_of(const char *owner, void *context)
{
	static const enum queue_owner lives[] = {
		[INSTANCE_ALIVE] = OWNER_ALIVE,
		[INSTANCE_DEAD] = OWNER_DEAD,
		[INSTANCE_ELSEWHERE] = OWNER_UNKNOWN,
	};
	const struct service *s = context;

	return strcmp(owner, s->instance.owner) == 0
		       ? OWNER_DEAD
		       : lives[instance_life(s->dir.run, owner)];
}

static int run_reclaim(struct unit *u, struct db *db, int64_t now_ms,
		       struct err *e)
{
	struct reclaim *r = CONTAINER_OF(u, struct reclaim, unit);
	int rc = queue_reclaim(db, &queue_inbox, now_ms, life_of, r->service,
			       RECLAIM_LIMIT, e);

	return rc < 0 ? rc : 0;
}

static int reclaim_when_due(struct service *s, struct err *e)
{
	struct process *process = s->context;
	struct reclaim reclaim = {.unit.run = run_reclaim, .service = s};
	int64_t now_ms = clock_mono_ms();

	if (now_ms < process->reclaim_at_ms)
		return 0;
	process->reclaim_at_ms = now_ms + RECLAIM_EVERY_MS;
	return writer_call(s->writer, &reclaim.unit, e);
}

int process_batch(struct service *s, struct err *e)
{
	struct flow_message messages[2][PROCESS_BATCH] = {0};
	struct claim claims[2] = {
		{.owner = s->instance.owner, .messages = messages[0]},
		{.owner = s->instance.owner, .messages = messages[1]},
	};
	int rc = reclaim_when_due(s, e);
	int worked = 0;
	int now = 0;

	claims[0].unit.run = run_claim;
	if (rc == 0)
		rc = writer_call(s->writer, &claims[0].unit, e);
	if (rc < 0)
		clear_messages(&claims[0]);
	/* What was claimed is applied in any case, also after a failure. */
	for (int round = 1; claims[now].count > 0; round++, now = !now) {
		bool more = rc >= 0 && round < PROCESS_ROUNDS &&
			    !service_stopping(s);
		int applied = apply_all(s, &claims[now],
					more ? &claims[!now] : NULL, e);

		rc = applied < 0 ? applied : rc;
		worked += claims[now].count;
		clear_messages(&claims[now]);
	}
	return rc < 0 ? rc : worked;
}
