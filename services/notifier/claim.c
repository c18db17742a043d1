/* SPDX-License-Identifier: MIT
 *
 * claim.c - take messages, and let only those through that still make sense.
 *
 * A message is looked at together with its order in the transaction that takes
 * it: what was right when it was queued may be wrong after an hour behind a
 * breaker.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/macros.h"
#include "domain/blocking.h"
#include "notifier.h"
#include "store/engine/db.h"
#include "store/repair/restore.h"

enum {
	PASSED_MAX = 256, /* messages let fall in one transaction */
	FRESH_EVERY = 4,  /* every fourth claim is for a fresh message */
	FRESH_MS = 60000,
	POLL_MS = 1000,
	CROWDED_MS = 10,
	PAUSE_MS = 500 /* after a failure */
};

/* How a message ends that is not sent. */
static const struct {
	enum queue_state state;
	enum queue_outcome outcome;
	const char *why;
} endings[] = {
	[GATE_ARRIVED] = {QUEUE_DONE, OUTCOME_OK, NULL},
	[GATE_OBSOLETE] = {QUEUE_DONE, OUTCOME_OBSOLETE,
			   "the order has gone past it"},
	[GATE_SKIP] = {QUEUE_DONE, OUTCOME_SKIPPED,
		       "the store's integration type has no notifications"},
	[GATE_POISONED] = {QUEUE_FAILED, OUTCOME_POISONED,
			   "given up: tried too often, or of an unknown type"},
};

static int block(struct db *db, const struct claimed *item, unsigned blockers,
		 int64_t now_ms, struct err *e)
{
	char why[96];

	(void)snprintf(why, sizeof(why), "waits for %s, which failed",
		       notice_name(gate_blocker(item->notice, blockers)));
	return outbox_block(db, &item->message, why, now_ms, e);
}

/* Not to be sent: 0 or < 0. */
static int let_fall(struct db *db, const struct claimed *item,
		    unsigned blockers, int64_t now_ms, struct err *e)
{
	struct queue_result result = {
		.state = endings[item->gate].state,
		.outcome = endings[item->gate].outcome,
		.error = endings[item->gate].why,
		.http_status = item->context.http_status,
	};
	int rc;

	if (item->gate == GATE_BLOCKED)
		return block(db, item, blockers, now_ms, e);
	rc = queue_finish(db, &queue_outbox, &item->message, &result, now_ms,
			  e);
	if (rc >= 0 && result.state == QUEUE_FAILED &&
	    blocking_notice_is_needed(item->notice))
		rc = outbox_keep_back(db, &item->message, e);
	return rc;
}

static int look_at_gate(struct db *db, const struct channel *channel,
			struct claimed *item, unsigned *ret_blockers,
			struct err *e)
{
	const struct queue_message *m = &item->message;
	struct gate_facts facts = {
		.notice = notice_from_name(m->event_type),
		.context = &item->context,
		.marked = m->sending_since_ms != 0,
		.attempts = m->attempts,
		.losses = m->losses,
	};
	int rc = 0;

	facts.known = facts.notice != NOTICE_NONE || channel->independent;
	facts.allowed =
		channel->allows(facts.notice, item->context.integration_type);
	if (item->context.held_back)
		rc = outbox_blockers(db, m->head_id, &facts.blockers, e);
	item->notice = facts.notice;
	item->gate = gate_decide(&facts);
	*ret_blockers = facts.blockers;
	return rc;
}

static int pick(struct db *db, struct claim *claim, int64_t now_ms,
		struct claimed *item, struct err *e)
{
	struct queue_lease lease = {
		.owner = claim->endpoint->notifier->service->instance.owner,
		.until_ms = now_ms + LEASE_MS,
		.sending = true,
	};
	struct outbox_pick all = {.endpoint = claim->endpoint->channel->name};
	struct outbox_pick fresh = {.endpoint = all.endpoint,
				    .due_from_ms = now_ms - FRESH_MS};
	int rc = 0;

	if (!claim->probe && ++claim->turn % FRESH_EVERY == 0)
		rc = outbox_claim(db, &fresh, now_ms, &lease, &item->message,
				  &item->context, e);
	if (rc == 0)
		rc = outbox_claim(db, &all, now_ms, &lease, &item->message,
				  &item->context, e);
	return rc;
}

static bool is_suspect(const struct queue_message *m)
{
	return m->losses >= QUEUE_LOSSES_ALONE;
}

/* A message that has taken senders down begins only when nothing else is under
 * way. */
static bool must_wait(const struct claim *claim, const struct claimed *item)
{
	return (item->gate == GATE_SEND || item->gate == GATE_ASK) &&
	       is_suspect(&item->message) &&
	       !(claim->alone && claim->count == 0);
}

/* 1 when one message more is to be sent or was let fall, 0 when none is due. */
static int claim_one(struct db *db, struct claim *claim, int64_t now_ms,
		     struct err *e)
{
	struct claimed *item = &claim->items[claim->count];
	unsigned blockers = 0;
	int rc;

	*item = (struct claimed){0};
	rc = pick(db, claim, now_ms, item, e);
	if (rc <= 0)
		return rc;
	rc = look_at_gate(db, claim->endpoint->channel, item, &blockers, e);
	if (rc == 0 && must_wait(claim, item)) {
		claim->suspect = true;
		rc = queue_put_back(db, &queue_outbox, &item->message, now_ms,
				    e);
		queue_message_clear(&item->message);
		return rc;
	}
	if (rc == 0 && (item->gate == GATE_SEND || item->gate == GATE_ASK)) {
		claim->count++;
		return 1;
	}
	if (rc == 0)
		rc = let_fall(db, item, blockers, now_ms, e);
	claim->passed++;
	queue_message_clear(&item->message);
	return rc < 0 ? rc : 1;
}

static void forget_items(struct claim *claim)
{
	while (claim->count > 0)
		queue_message_clear(&claim->items[--claim->count].message);
	claim->passed = 0;
}

/* 1 when messages may be taken: not after a restore, until it is released. The
 * breaker is looked at here once more: its
 * row is every sender's, and an open one lets one message by at a time. */
static int may_take(struct db *db, struct claim *claim, int64_t now_ms,
		    struct err *e)
{
	const char *name = claim->endpoint->channel->name;
	int64_t due_ms = 0;
	int rc = restore_is_held(db, e);

	if (rc != 0)
		return MIN_OF(rc, 0);
	rc = endpoints_get(db, name, &claim->row, e);
	if (rc < 0 || claim->row.state == ENDPOINT_HELD)
		return rc;
	claim->probe = claim->row.state == ENDPOINT_OPEN;
	if (!claim->probe)
		return 1;
	claim->wanted = 1;
	rc = outbox_oldest_due(db, name, &due_ms, e);
	if (rc <= 0 || due_ms > now_ms)
		return rc < 0 ? rc : 0;
	return endpoints_take_probe(db, name, now_ms + claim->probe_every_ms,
				    now_ms, e);
}

static int run_claim(struct unit *u, struct db *db, int64_t now_ms,
		     struct err *e)
{
	struct claim *claim = CONTAINER_OF(u, struct claim, letter.unit);
	int rc;

	forget_items(claim); /* it may run again */
	claim->suspect = false;
	rc = may_take(db, claim, now_ms, e);
	while (rc > 0 && claim->count < claim->wanted &&
	       claim->passed < PASSED_MAX && !claim->suspect)
		rc = claim_one(db, claim, now_ms, e);
	return rc < 0 ? rc : 0;
}

static void begin(struct claim *claim, struct claimed *item)
{
	struct slot *slot = slot_take(claim->endpoint);

	/* Slots were reserved when the claim was sent. */
	slot->message = item->message;
	item->message = (struct queue_message){0};
	slot->context = item->context;
	slot->notice = item->notice;
	slot->deadline_ms = claim->deadline_ms;
	slot->probe = claim->probe;
	slot->earlier_unknown = slot->message.sending_since_ms != 0;
	slot->alone = is_suspect(&slot->message);
	push_read_numbers(slot);
	if (slot->alone)
		claim->endpoint->notifier->alone_busy = true;
	send_begin(slot, item->gate);
}

static void on_letter(struct letter *letter)
{
	struct claim *claim = CONTAINER_OF(letter, struct claim, letter);
	struct endpoint *ep = claim->endpoint;
	int64_t mono_ms = clock_mono_ms();

	claim->under_way = false;
	ep->notifier->reserved -= claim->reserved;
	if (letter->rc < 0) {
		forget_items(claim);
		ep->look_at_ms = mono_ms + PAUSE_MS;
		notifier_store_failed(ep->notifier, &letter->err);
		return;
	}
	endpoint_saw_row(ep, &claim->row);
	if (claim->suspect) {
		ep->notifier->alone_wanted = true;
		ep->look_at_ms = mono_ms;
	}
	if (claim->probe && claim->count > 0)
		ep->row.next_probe_ms = clock_wall_ms() + claim->probe_every_ms;
	if (claim->count + claim->passed >= claim->wanted)
		ep->look_at_ms = mono_ms; /* there may be more */
	for (int i = 0; i < claim->count; i++)
		begin(claim, &claim->items[i]);
	claim->count = 0;
}

/* Slots for more messages: enough to keep all calls busy while the next claim
 * is written. */
static int room(const struct endpoint *ep)
{
	const struct notifier *n = ep->notifier;
	int calls = 2 * (int)ep->config.parallel - ep->busy;

	return MIN_OF(calls, n->free_count - n->reserved);
}

/* No more than the limiter lets go: a claimed message should not lie about. */
static int wanted(struct endpoint *ep)
{
	int tokens = limiter_available(&ep->limiter, clock_mono_us()) -
		     (ep->busy - ep->calls);

	return MIN_OF(MIN_OF(room(ep), tokens), (int)CLAIM_MAX);
}

/* Something is under way, or is going to be. */
static bool is_busy(const struct notifier *n)
{
	return n->free_count < SLOTS_MAX || n->reserved > 0;
}

static bool waits_for_others(const struct notifier *n)
{
	return n->alone_busy || (n->alone_wanted && is_busy(n));
}

/* A probe is one message. Without this one that has taken senders down would be
 * put back by a probe and not be due when it is asked for alone, for ever. */
static bool is_lone_probe(const struct endpoint *ep)
{
	return ep->row.state == ENDPOINT_OPEN && !is_busy(ep->notifier);
}

int64_t claim_due_ms(struct endpoint *ep, int64_t mono_ms)
{
	int64_t due_ms = ep->look_at_ms;

	if (ep->claim.under_way || !endpoint_may_call(ep, mono_ms) ||
	    ep->row.state == ENDPOINT_HELD || room(ep) <= 0 ||
	    waits_for_others(ep->notifier))
		return INT64_MAX;
	if (ep->row.state == ENDPOINT_OPEN &&
	    !endpoint_probe_is_due(&ep->row, clock_wall_ms()))
		due_ms = MAX_OF(due_ms, mono_ms + ep->row.next_probe_ms -
						clock_wall_ms());
	if (wanted(ep) <= 0) /* those that are ready come first */
		due_ms = MAX_OF(due_ms, mono_ms + CROWDED_MS);
	return MAX_OF(due_ms,
		      mono_ms + limiter_wait_ms(&ep->limiter, clock_mono_us()));
}

void claim_when_due(struct endpoint *ep, int64_t mono_ms)
{
	struct claim *claim = &ep->claim;
	int count;

	if (claim->under_way || mono_ms < ep->look_at_ms ||
	    !endpoint_is_usable(ep, mono_ms) || waits_for_others(ep->notifier))
		return;
	count = wanted(ep);
	if (count <= 0)
		return;
	claim->alone = ep->notifier->alone_wanted || is_lone_probe(ep);
	if (claim->alone)
		count = 1;
	ep->notifier->alone_wanted = false;
	ep->look_at_ms = mono_ms + POLL_MS;
	claim->endpoint = ep;
	claim->under_way = true;
	claim->wanted = claim->reserved = count;
	claim->probe_every_ms = ep->config.probe_ms;
	claim->deadline_ms = mono_ms + LEASE_MS;
	ep->notifier->reserved += count;
	claim->letter.unit.run = run_claim;
	claim->letter.open = on_letter;
	mailbox_submit(ep->notifier, &claim->letter);
}
