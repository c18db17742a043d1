/* SPDX-License-Identifier: MIT
 *
 * upkeep.c - once a second: what has changed outside of this process.
 */
#include <stdio.h>
#include <string.h>

#include "app/log.h"
#include "app/metrics/metrics.h"
#include "app/service/service_owner.h"
#include "base/clock.h"
#include "base/macros.h"
#include "notifier.h"
#include "store/repair/restore.h"

enum {
	UPKEEP_MS = 1000,
	CREDENTIALS_MS = 3000,
	RECLAIM_MAX = 200,
	RECLAIM_EVERY_MS = 10000
};

static void show(const struct endpoint *ep, int64_t waited_ms)
{
	char label[64];

	(void)snprintf(label, sizeof(label), "endpoint=\"%s\"",
		       ep->channel->name);
	metric_set(metric_get(METRIC_GAUGE, "ordergate_endpoint_state", label),
		   (int64_t)ep->row.state);
	metric_set(metric_get(METRIC_GAUGE,
			      "ordergate_outbox_oldest_waiting_ms", label),
		   waited_ms);
	metric_set(metric_get(METRIC_GAUGE, "ordergate_notifier_calls", label),
		   ep->calls);
}

static int look_at_endpoint(struct endpoint *ep, struct err *e)
{
	struct db *db = ep->notifier->service->db;
	const char *name = ep->channel->name;
	int64_t now_ms = clock_wall_ms();
	struct endpoint_row row;
	int64_t due_ms = 0;
	int rc = endpoints_get(db, name, &row, e);

	if (rc == 0)
		rc = outbox_oldest_due(db, name, &due_ms, e);
	if (rc < 0)
		return rc;
	/* What we are just changing ourselves we know better. */
	if (!ep->change.under_way && !ep->claim.under_way)
		endpoint_saw_row(ep, &row);
	ep->something_waits = rc > 0 && due_ms <= now_ms;
	show(ep, ep->something_waits ? now_ms - due_ms : 0);
	endpoint_change_when_due(ep);
	return 0;
}

/* Said once on either side: nothing is sent since a restore. */
static int look_at_hold(struct notifier *n, struct err *e)
{
	int held = restore_is_held(n->service->db, e);

	if (held < 0)
		return held;
	metric_set(metric_get(METRIC_GAUGE, "ordergate_store_held", ""), held);
	if (held != 0 && !n->held)
		log_event(LOG_LEVEL_WARNING,
			  "held since a restore: nothing is sent until "
			  "ordergatectl restore release",
			  LOG_NO_FIELDS);
	if (held == 0 && n->held)
		log_event(LOG_LEVEL_INFO, "released: notifications go again",
			  LOG_NO_FIELDS);
	n->held = held != 0;
	return 0;
}

/* Owners that have come since are left alone: there is a next time. */
static enum queue_owner life_of(const char *owner, void *context)
{
	const struct reclaim *reclaim = context;

	for (int i = 0; i < reclaim->holder_count; i++)
		if (strcmp(reclaim->holders[i].owner, owner) == 0)
			return reclaim->lives[i];
	return OWNER_ALIVE;
}

static int run_reclaim(struct unit *u, struct db *db, int64_t now_ms,
		       struct err *e)
{
	struct reclaim *reclaim = CONTAINER_OF(u, struct reclaim, letter.unit);
	int rc = queue_reclaim(db, &queue_outbox, now_ms, life_of, reclaim,
			       RECLAIM_MAX, e);

	reclaim->given_back = MAX_OF(rc, 0);
	return rc < 0 ? rc : 0;
}

static void on_letter(struct letter *letter)
{
	struct reclaim *reclaim = CONTAINER_OF(letter, struct reclaim, letter);
	struct notifier *n = letter->notifier;

	reclaim->under_way = false;
	if (letter->rc < 0) {
		notifier_store_failed(n, &letter->err);
		return;
	}
	if (reclaim->given_back == 0)
		return;
	log_event(LOG_LEVEL_WARNING, "leases of dead owners were given back",
		  LOG_I64("count", reclaim->given_back));
	for (int i = 0; i < n->endpoint_count; i++)
		n->endpoints[i].look_at_ms = 0;
}

/* What we hold while no message is in our hands is left over from a claim whose
 * commit was uncertain. */
static enum queue_owner own_life(const struct notifier *n)
{
	return n->free_count == SLOTS_MAX && n->reserved == 0 ? OWNER_SELF
							      : OWNER_ALIVE;
}

/* 1 when one of the holders has something to give back. Whether an owner lives
 * is found out here, where it may take its time, and not inside the
 * transaction. */
static int look_at_holders(struct notifier *n, struct err *e)
{
	struct reclaim *reclaim = &n->reclaim;
	struct service *s = n->service;
	int64_t now_ms = clock_wall_ms();
	int needed = 0;

	reclaim->holder_count =
		outbox_holders(s->db, reclaim->holders, OUTBOX_HOLDERS_MAX, e);
	for (int i = 0; i < reclaim->holder_count; i++) {
		const struct outbox_holder *holder = &reclaim->holders[i];
		enum queue_owner life =
			strcmp(holder->owner, s->instance.owner) == 0
				? own_life(n)
				: service_owner_life(holder->owner, s);

		reclaim->lives[i] = life;
		needed |= queue_owner_has_left(life, holder->lease_until_ms,
					       now_ms);
	}
	return reclaim->holder_count < 0 ? reclaim->holder_count : needed;
}

/* Now and then also without need: for what waits by a clock that was wrong. */
static int reclaim_when_needed(struct notifier *n, int64_t mono_ms,
			       struct err *e)
{
	struct reclaim *reclaim = &n->reclaim;
	int rc;

	if (reclaim->under_way)
		return 0;
	rc = look_at_holders(n, e);
	if (rc < 0 || (rc == 0 && mono_ms < reclaim->next_ms))
		return MIN_OF(rc, 0);
	reclaim->next_ms = mono_ms + RECLAIM_EVERY_MS;
	reclaim->under_way = true;
	reclaim->letter.unit.run = run_reclaim;
	reclaim->letter.open = on_letter;
	mailbox_submit(n, &reclaim->letter);
	return 0;
}

void upkeep_when_due(struct notifier *n, int64_t mono_ms)
{
	struct err e = {0};
	bool credentials = mono_ms >= n->credentials_at_ms;
	int rc = 0;

	if (mono_ms < n->upkeep_at_ms)
		return;
	n->upkeep_at_ms = mono_ms + UPKEEP_MS;
	if (credentials)
		n->credentials_at_ms = mono_ms + CREDENTIALS_MS;
	for (int i = 0; i < n->endpoint_count && rc >= 0; i++) {
		if (credentials)
			endpoint_load_credentials(&n->endpoints[i]);
		rc = look_at_endpoint(&n->endpoints[i], &e);
	}
	if (rc >= 0)
		rc = push_when_due(n, &e);
	if (rc >= 0)
		rc = look_at_hold(n, &e);
	if (rc >= 0)
		rc = reclaim_when_needed(n, mono_ms, &e);
	if (rc < 0)
		notifier_store_failed(n, &e);
	else
		notifier_store_works(n);
}
