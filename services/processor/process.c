/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <string.h>

#include "app/metrics/metrics.h"
#include "app/service/service.h"
#include "app/service/service_owner.h"
#include "base/clock.h"
#include "base/macros.h"
#include "store/engine/writer.h"

enum {
	LEASE_MS = 30000,
	RECLAIM_EVERY_MS = 1000,
	RECLAIM_LIMIT = 200
};

struct claim {
	struct unit unit;
	const char *owner;
	int64_t ran_ms; /* of its transaction, as of struct apply */
	struct flow_message messages[PROCESS_BATCH_MAX];
	int count, max;
};

struct apply {
	struct unit unit;
	const struct flow_settings *settings;
	struct flow_message *message;
	int64_t ran_ms; /* the same for all of one transaction */
};

/* What is being written: a batch, and the claim of a later one. */
struct flight {
	struct apply applies[PROCESS_BATCH_MAX];
	struct unit *units[PROCESS_BATCH_MAX + 1];
	size_t count;
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
	struct queue_message *messages[PROCESS_BATCH_MAX];
	int rc;

	/* The unit may run again: another one of its batch has failed. */
	clear_messages(claim);
	claim->ran_ms = now_ms;
	for (int i = 0; i < claim->max; i++)
		messages[i] = &claim->messages[i].message;
	rc = queue_claim_batch(db, &queue_inbox, now_ms, &lease, messages,
			       claim->max, e);
	claim->count = MAX_OF(rc, 0);
	return MIN_OF(rc, 0);
}

static int run_apply(struct unit *u, struct db *db, int64_t now_ms,
		     struct err *e)
{
	struct apply *apply = CONTAINER_OF(u, struct apply, unit);

	apply->ran_ms = now_ms;
	return flow_apply(db, apply->settings, apply->message, now_ms,
			  &u->bells, e);
}

static void count_outcome(int rc)
{
	metric_add(
		metric_get(METRIC_COUNTER, "ordergate_processor_messages_total",
			   rc < 0 ? "result=\"failed\"" : "result=\"applied\""),
		1);
}

/* A transaction that did not begin has tried nothing. */
static enum return_why why_failed(const struct apply *a)
{
	if (a->ran_ms == 0)
		return RETURN_UNTRIED;
	return a->unit.lost ? RETURN_LOST : RETURN_FAILED;
}

/* A unit that failed is put back in a second transaction; when that fails, too,
 * before anything else. ERR_STATE: somebody else has applied it. */
static int put_back_failed(struct service *s, struct apply *applies, int count,
			   struct err *e)
{
	struct process *process = s->context;
	int rc = 0;

	for (int i = 0; i < count; i++) {
		struct apply *a = &applies[i];

		count_outcome(a->unit.rc);
		if (a->unit.rc >= 0 || a->unit.rc == ERR_STATE)
			continue;
		rc = a->unit.rc;
		*e = a->unit.err;
		returns_add(&process->returns, &a->message->message,
			    why_failed(a), a->unit.err.text);
	}
	if (rc < 0)
		(void)returns_write(&process->returns, s->writer, NULL);
	return rc;
}

/* Begin to apply what was claimed and read, and to claim what comes later
 * (NULL: nothing) in the same transaction: so a batch costs one wait for the
 * disk and not two. */
static void take_off(struct service *s, struct flight *flight,
		     struct claim *claim, struct claim *later)
{
	const struct process *process = s->context;

	flight->count = 0;
	for (int i = 0; i < claim->count; i++) {
		struct apply *a = &flight->applies[i];

		*a = (struct apply){.unit.run = run_apply,
				    .settings = &process->settings,
				    .message = &claim->messages[i]};
		flight->units[flight->count++] = &a->unit;
	}
	if (later != NULL) {
		later->unit = (struct unit){.run = run_claim};
		later->max = process->batch;
		later->ran_ms = 0;
		flight->units[flight->count++] = &later->unit;
	}
	writer_submit_all(s->writer, flight->units, flight->count);
}

/* A turn at the write lock is as long as the budget of a transaction allows,
 * and between two of ours all hooks have one each. So a batch is what fits into
 * a turn: what does not would wait for a turn of its own, and fill it badly. */
static void fit_batch(struct process *process, const struct flight *flight,
		      int count, const struct claim *later)
{
	int fit = 0;

	while (fit < count &&
	       flight->applies[fit].ran_ms == flight->applies[0].ran_ms)
		fit++;
	if (fit < count)
		process->batch = MAX_OF(fit, (int)PROCESS_BATCH_MIN);
	else if (later == NULL || count < process->batch)
		return;
	else if (later->ran_ms != flight->applies[0].ran_ms)
		process->batch =
			MAX_OF(fit - PROCESS_BATCH_STEP, PROCESS_BATCH_MIN);
	else
		process->batch =
			MIN_OF(fit + PROCESS_BATCH_STEP, PROCESS_BATCH_MAX);
}

/* Wait until it is written. 0 or < 0; the claim is empty afterwards. */
static int land(struct service *s, struct flight *flight, struct claim *claim,
		struct claim *later, struct err *e)
{
	int rc;

	writer_wait_all(s->writer, flight->units, flight->count);
	fit_batch(s->context, flight, claim->count, later);
	rc = put_back_failed(s, flight->applies, claim->count, e);
	clear_messages(claim);
	if (later != NULL && later->unit.rc < 0) {
		clear_messages(later);
		rc = later->unit.rc;
		*e = later->unit.err;
	}
	return rc;
}

static void read_all(struct claim *claim)
{
	for (int i = 0; i < claim->count; i++)
		flow_read(&claim->messages[i]);
}

struct reclaim {
	struct unit unit;
	struct service *service;
};

/* What we hold ourselves between two batches, when all that failed was given
 * back, is left over from a claim whose commit was uncertain. */
static enum queue_owner life_of(const char *owner, void *context)
{
	const struct service *s = context;

	return strcmp(owner, s->instance.owner) == 0
		       ? OWNER_SELF
		       : service_owner_life(owner, context);
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

static int claim_first(struct service *s, struct claim *claim, struct err *e)
{
	struct process *process = s->context;
	int rc = returns_write(&process->returns, s->writer, e);

	if (rc == 0)
		rc = reclaim_when_due(s, e);
	claim->unit = (struct unit){.run = run_claim};
	claim->max = process->batch;
	if (rc == 0)
		rc = writer_call(s->writer, &claim->unit, e);
	if (rc < 0)
		clear_messages(claim);
	else
		read_all(claim);
	return rc;
}

/* Has it brought down its worker before? Then nothing else is under way beside
 * it, or the others would share the blame for the next time. */
static bool is_alone(const struct claim *claim)
{
	return claim->count > 0 &&
	       claim->messages[0].message.losses >= QUEUE_LOSSES_ALONE;
}

/* Three batches take turns: one is being written, the next one has been claimed
 * and is read meanwhile, and the last is claimed. */
int process_batch(struct service *s, struct err *e)
{
	enum {
		TURNS = 3
	};
	static struct claim claims[TURNS]; /* one thread calls this */
	static struct flight flight;
	int rc;
	int worked = 0;

	for (int i = 0; i < TURNS; i++)
		claims[i].owner = s->instance.owner;
	rc = claim_first(s, &claims[0], e);
	/* What was claimed is applied in any case, also after a failure. */
	for (int round = 0;; round++) {
		struct claim *claim = &claims[round % TURNS];
		struct claim *next = &claims[(round + 1) % TURNS];
		struct claim *later = &claims[(round + 2) % TURNS];
		bool alone = is_alone(claim) || is_alone(next);
		bool more = rc >= 0 && round < PROCESS_ROUNDS && !alone &&
			    !service_stopping(s);
		int landed;

		if (claim->count == 0 && next->count == 0)
			break;
		worked += claim->count;
		take_off(s, &flight, claim, more ? later : NULL);
		if (!alone)
			read_all(next);
		landed = land(s, &flight, claim, more ? later : NULL, e);
		if (alone)
			read_all(next);
		rc = landed < 0 ? landed : rc;
	}
	return rc < 0 ? rc : worked;
}
