/* SPDX-License-Identifier: MIT
 *
 * settle.c - what became of a message, and what that says about its endpoint,
 * in one transaction.
 */
#include "app/log.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/text.h"
#include "domain/blocking.h"
#include "flow/order_flow.h"
#include "notifier.h"
#include "store/order/orders.h"

enum {
	TRIES_MAX = 6, /* then the pause grows no more */
	TRY_BASE_MS = 200
};

/* The order learns that the marketplace has its final composition. */
static int tell_order(struct db *db, const struct slot *slot, int64_t now_ms,
		      struct err *e)
{
	int rc;

	if (!slot->plan.arrived || slot->notice != NOTICE_READY)
		return 0;
	rc = flow_apply_own_event(db, slot->message.order_id,
				  EVENT_READY_CONFIRMED,
				  slot->endpoint->channel->name, now_ms, e);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* A notification and a cancellation by the customer may cross: then the refusal
 * is nothing that a person has to look at. */
static int forgive_crossing(struct db *db, const struct slot *slot,
			    struct queue_result *result, struct err *e)
{
	CLEANUP(order_clear) struct order order = {0};
	int rc;

	if (result->outcome != OUTCOME_REJECTED || slot->notice == NOTICE_NONE)
		return 0;
	rc = orders_load(db, slot->message.order_id, &order, e);
	if (rc > 0 && gate_is_past(slot->notice, order.state)) {
		result->state = QUEUE_DONE;
		result->outcome = OUTCOME_OBSOLETE;
	}
	return rc < 0 ? rc : 0;
}

static int finish(struct db *db, struct slot *slot, int64_t now_ms,
		  struct err *e)
{
	const struct plan *plan = &slot->plan;
	struct queue_result result = {
		.state = plan->state,
		.outcome = plan->outcome,
		.error = slot->error[0] != '\0' ? slot->error : NULL,
		.http_status = plan->http_status,
		.keep_uncertain = plan->keep_uncertain,
	};
	int rc = tell_order(db, slot, now_ms, e);

	if (rc >= 0)
		rc = forgive_crossing(db, slot, &result, e);
	if (rc >= 0)
		rc = push_give_verdict(db, slot, &result, now_ms, e);
	if (rc >= 0)
		rc = queue_finish(db, &queue_outbox, &slot->message, &result,
				  now_ms, e);
	slot->failed = result.state == QUEUE_FAILED;
	if (rc >= 0 && slot->failed && blocking_notice_is_needed(slot->notice))
		rc = outbox_keep_back(db, &slot->message, e);
	return rc;
}

static int put_back(struct db *db, const struct slot *slot, int64_t now_ms,
		    struct err *e)
{
	const struct plan *plan = &slot->plan;
	struct queue_retry retry = {
		.due_ms = now_ms + plan->wait_ms,
		.hold = plan->hold,
		.error = slot->error[0] != '\0' ? slot->error : NULL,
		.http_status = plan->http_status,
		.keep_uncertain = plan->keep_uncertain,
		.refund = plan->refund,
	};

	return queue_retry(db, &queue_outbox, &slot->message, &retry, now_ms,
			   e);
}

static int news_none(struct db *db, struct slot *slot, int64_t now_ms,
		     struct err *e)
{
	(void)db;
	(void)slot;
	(void)now_ms;
	(void)e;
	return 0;
}

static int moved(struct slot *slot, int rc, enum endpoint_state to)
{
	slot->moved = rc > 0;
	slot->moved_to = to;
	return rc;
}

static int news_alive(struct db *db, struct slot *slot, int64_t now_ms,
		      struct err *e)
{
	if (!slot->breaker_was_open)
		return 0;
	return moved(
		slot,
		endpoints_close(db, slot->endpoint->channel->name, now_ms, e),
		ENDPOINT_CLOSED);
}

static int news_failed(struct db *db, struct slot *slot, int64_t now_ms,
		       struct err *e)
{
	(void)now_ms;
	if (!slot->probe)
		return 0;
	return endpoints_probe_failed(db, slot->endpoint->channel->name,
				      slot->reason, e);
}

static int news_open(struct db *db, struct slot *slot, int64_t now_ms,
		     struct err *e)
{
	return moved(slot,
		     endpoints_open(db, slot->endpoint->channel->name,
				    slot->reason, now_ms + slot->probe_every_ms,
				    now_ms, e),
		     ENDPOINT_OPEN);
}

static int news_auth(struct db *db, struct slot *slot, int64_t now_ms,
		     struct err *e)
{
	return moved(slot,
		     endpoints_hold(db, slot->endpoint->channel->name,
				    slot->reason, now_ms, e),
		     ENDPOINT_HELD);
}

static int (*const by_news[])(struct db *db, struct slot *slot, int64_t now_ms,
			      struct err *e) = {
	[NEWS_NONE] = news_none,     [NEWS_ALIVE] = news_alive,
	[NEWS_FAILED] = news_failed, [NEWS_OPEN] = news_open,
	[NEWS_AUTH] = news_auth,
};

static int keep_attempts(struct db *db, const struct slot *slot, struct err *e)
{
	const struct service *s = slot->endpoint->notifier->service;
	int rc = 0;

	for (int i = 0; i < slot->tried_count && rc == 0; i++) {
		const struct tried *t = &slot->tried[i];
		struct attempt attempt = {
			.kind = t->asked ? "ask" : "send",
			.started_ms = t->started_ms,
			.duration_ms = t->duration_ms,
			.http_status = t->http_status,
			.class = t->class,
			.answer = t->answer,
			.worker = s->instance.name,
		};

		rc = attempts_add(db, &queue_outbox, slot->message.id, &attempt,
				  e);
	}
	return rc;
}

static int run_settle(struct unit *u, struct db *db, int64_t now_ms,
		      struct err *e)
{
	struct slot *slot = CONTAINER_OF(u, struct slot, letter.unit);
	int rc;

	slot->moved = slot->failed = false;
	rc = slot->plan.kind == PLAN_FINISH ? finish(db, slot, now_ms, e)
					    : put_back(db, slot, now_ms, e);
	if (rc >= 0)
		rc = by_news[slot->plan.news](db, slot, now_ms, e);
	if (rc >= 0)
		rc = keep_attempts(db, slot, e);
	return rc < 0 ? rc : 0;
}

static void log_failed(const struct slot *slot)
{
	if (slot->failed)
		log_event(LOG_LEVEL_WARNING, "notification failed",
			  LOG_TEXT("endpoint", slot->endpoint->channel->name),
			  LOG_TEXT("order", slot->message.external_id),
			  LOG_TEXT("event", slot->message.event_type),
			  LOG_I64("message", slot->message.id),
			  LOG_TEXT("reason", slot->reason));
}

static void on_settled(struct slot *slot)
{
	struct endpoint *ep = slot->endpoint;
	int64_t look_at_ms = clock_mono_ms();

	log_failed(slot);
	if (slot->moved)
		endpoint_moved(ep, slot->moved_to, slot->reason);
	/* The head's next message may be due now, or this one later. */
	if (slot->plan.kind == PLAN_LATER)
		look_at_ms += slot->plan.wait_ms;
	ep->look_at_ms = MIN_OF(ep->look_at_ms, look_at_ms);
	slot_move(slot, SLOT_FREE);
}

/* ERR_STATE: the lease is lost, or the transaction of an earlier try was
 * committed after all. Whoever has the lease decides. */
static void on_letter(struct letter *letter)
{
	struct slot *slot = CONTAINER_OF(letter, struct slot, letter);

	if (letter->rc >= 0) {
		on_settled(slot);
		return;
	}
	if (letter->rc == ERR_STATE && slot->settle_tries > 0) {
		slot_move(slot, SLOT_FREE);
		return;
	}
	/* Until then the lease is ours: nobody else would ever take it. */
	slot->settle_tries = MIN_OF(slot->settle_tries + 1, (int)TRIES_MAX);
	if (letter->rc == ERR_STATE) {
		log_error(&letter->err, "result not written",
			  LOG_TEXT("order", slot->message.external_id),
			  LOG_I64("message", slot->message.id));
		slot_move(slot, SLOT_FREE);
		return;
	}
	notifier_store_failed(letter->notifier, &letter->err);
	slot->rest_until_ms =
		clock_mono_ms() + ((int64_t)TRY_BASE_MS << slot->settle_tries);
	slot_move(slot, SLOT_RESTING);
}

void settle(struct slot *slot)
{
	const struct endpoint *ep = slot->endpoint;

	slot->settled = true;
	/* Copies: the writer's thread must not look at what may change. */
	slot->breaker_was_open = ep->row.state == ENDPOINT_OPEN;
	slot->probe_every_ms = ep->config.probe_ms;
	slot_move(slot, SLOT_SETTLING);
	slot->letter.unit.run = run_settle;
	slot->letter.open = on_letter;
	mailbox_submit(ep->notifier, &slot->letter);
}
