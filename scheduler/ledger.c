/* SPDX-License-Identifier: MIT */
#include "ledger.h"

#include "app/service/service.h"
#include "base/err.h"
#include "base/macros.h"
#include "store/engine/writer.h"
#include "store/watch/leases.h"

/* A unit with everything that one of the calls needs. */
struct entry {
	struct unit unit;
	struct service *service;
	int64_t term, run_id;
	const struct job_skip *skip;
	const struct job_start *start;
	const struct job_end *end;
	const struct job_plan *plan;
};

static bool is_dead(const char *owner, void *context)
{
	const struct service *s = context;

	return instance_life(s->dir.run, owner) == INSTANCE_DEAD;
}

static int run_take(struct unit *u, struct db *db, int64_t now_ms,
		    struct err *e)
{
	struct entry *entry = CONTAINER_OF(u, struct entry, unit);
	struct lease_claim claim = {
		.name = JOBS_LEASE,
		.owner = entry->service->instance.owner,
		.hold_ms = entry->service->config->scheduler.lease_ms,
		.is_dead = is_dead,
		.context = entry->service,
	};

	return leases_take(db, &claim, now_ms, &entry->term, e);
}

static int run_release(struct unit *u, struct db *db, int64_t now_ms,
		       struct err *e)
{
	const struct entry *entry = CONTAINER_OF(u, struct entry, unit);

	(void)now_ms;
	return leases_release(db, JOBS_LEASE, entry->term, e);
}

static int run_decide(struct unit *u, struct db *db, int64_t now_ms,
		      struct err *e)
{
	const struct entry *entry = CONTAINER_OF(u, struct entry, unit);

	return jobs_decide(db, entry->skip, now_ms, e);
}

static int run_start(struct unit *u, struct db *db, int64_t now_ms,
		     struct err *e)
{
	struct entry *entry = CONTAINER_OF(u, struct entry, unit);

	return jobs_run_start(db, entry->start, now_ms, &entry->run_id, e);
}

static int run_end(struct unit *u, struct db *db, int64_t now_ms, struct err *e)
{
	const struct entry *entry = CONTAINER_OF(u, struct entry, unit);

	return jobs_run_end(db, entry->end, now_ms, e);
}

static int run_plan(struct unit *u, struct db *db, int64_t now_ms,
		    struct err *e)
{
	const struct entry *entry = CONTAINER_OF(u, struct entry, unit);

	(void)now_ms;
	return jobs_plan(db, entry->plan, e);
}

static int run_lost(struct unit *u, struct db *db, int64_t now_ms,
		    struct err *e)
{
	const struct entry *entry = CONTAINER_OF(u, struct entry, unit);

	return jobs_run_lost(db, entry->run_id, entry->term, now_ms, e);
}

int ledger_take(struct service *s, int64_t *ret_term, struct err *e)
{
	struct entry entry = {.unit.run = run_take, .service = s};
	int rc = writer_call(s->writer, &entry.unit, e);

	*ret_term = entry.term;
	return rc;
}

int ledger_release(struct service *s, int64_t term, struct err *e)
{
	struct entry entry = {.unit.run = run_release, .term = term};

	return writer_call(s->writer, &entry.unit, e);
}

int ledger_decide(struct service *s, const struct job_skip *skip, struct err *e)
{
	struct entry entry = {.unit.run = run_decide, .skip = skip};

	return writer_call(s->writer, &entry.unit, e);
}

int ledger_start(struct service *s, const struct job_start *start,
		 int64_t *ret_run_id, struct err *e)
{
	struct entry entry = {.unit.run = run_start, .start = start};
	int rc = writer_call(s->writer, &entry.unit, e);

	*ret_run_id = entry.run_id;
	return rc;
}

int ledger_end(struct service *s, const struct job_end *end, struct err *e)
{
	struct entry entry = {.unit.run = run_end, .end = end};

	return writer_call(s->writer, &entry.unit, e);
}

int ledger_plan(struct service *s, const struct job_plan *plan, struct err *e)
{
	struct entry entry = {.unit.run = run_plan, .plan = plan};

	return writer_call(s->writer, &entry.unit, e);
}

int ledger_lost(struct service *s, int64_t run_id, int64_t term, struct err *e)
{
	struct entry entry = {
		.unit.run = run_lost, .run_id = run_id, .term = term};

	return writer_call(s->writer, &entry.unit, e);
}
