/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "domain/order/order_apply.h"
#include "reconcile.h"
#include "store/order/identity.h"
#include "store/order/orders.h"
#include "store/order/parked.h"
#include "store/queue/inbox.h"

/* 1 and the order, 0 (then *ret_order_id is 0 when nobody ever named it). */
static int load(struct db *db, const struct channel *channel,
		const char *external_id, int64_t *ret_order_id,
		struct order *ret_order, struct err *e)
{
	struct identity identity = {0};
	int rc = identity_find(db, channel->name, external_id, &identity, e);

	*ret_order_id = identity.order_id;
	return rc <= 0 ? rc : orders_load(db, identity.order_id, ret_order, e);
}

int weigh_known(struct db *db, const struct channel *channel,
		const char *external_id, struct err *e)
{
	CLEANUP(order_clear) struct order order = {0};
	int64_t order_id;

	return load(db, channel, external_id, &order_id, &order, e);
}

/* Something of it is still being worked: then nothing is missing yet. */
static int has_pending(struct db *db, int64_t order_id, struct err *e)
{
	struct queue_message waiting = {0};
	int count = queue_peek(db, &queue_inbox, order_id, &waiting, 1, e);

	if (count > 0)
		queue_message_clear(&waiting);
	return count;
}

/* 1 when such an event waits for the order already. */
static int is_parked(struct db *db, int64_t order_id,
		     enum order_event_type type, struct err *e)
{
	struct parked_event parked[PARKED_PER_ORDER_MAX];
	int count = parked_list(db, order_id, parked, e);
	bool found = false;

	if (count <= 0)
		return count;
	for (int i = 0; i < count; i++)
		found = found || strcmp(parked[i].event_type,
					order_event_name(type)) == 0;
	parked_events_clear(parked, (size_t)count);
	return found;
}

/* Apply the event to a copy that nobody keeps. 1 when that changes it in a way
 * that somebody could see. */
static int would_change(struct db *db, struct order *order,
			const struct order_event *event, int64_t now_ms,
			struct err *e)
{
	static const struct order_policy no_policy = {0};
	CLEANUP(order_change_clear) struct order_change change = {0};
	int64_t version = order->version;
	int rc = order_apply(order, event, &no_policy, now_ms, &change, e);

	if (rc < 0)
		return rc;
	if (change.verdict == VERDICT_PARK) {
		rc = is_parked(db, order->id, event->type, e);
		return rc < 0 ? rc : rc == 0;
	}
	if (change.verdict == VERDICT_MOVE)
		return 1;
	return change.changed &&
	       (order->version != version || change.lines_changed ||
		event->type == EVENT_PAID);
}

/* Of an order whose goods are being picked: does the customer want something
 * else? A brief listing leaves that open. */
static int content_differs(struct db *db, struct order *order,
			   const struct channel_shipment *shipment,
			   int64_t now_ms, struct err *e)
{
	struct order_event content = shipment->content; /* borrowed */

	if (!content.has_lines)
		return shipment->updated_ms == 0 ||
		       shipment->updated_ms > (order->event_ms != 0
						       ? order->event_ms
						       : order->created_ms);
	content.event_ms = MAX_OF(now_ms, order->event_ms);
	return would_change(db, order, &content, now_ms, e);
}

static int differs(struct db *db, struct order *order,
		   const struct channel_shipment *shipment, int64_t now_ms,
		   struct err *e)
{
	enum order_verdict verdict =
		order_step(order->state, shipment->event).verdict;

	if (verdict == VERDICT_MOVE || verdict == VERDICT_PARK)
		return 1;
	if (shipment->paid && order->paid_ms == 0 &&
	    order_step(order->state, EVENT_PAID).verdict == VERDICT_STAY)
		return 1;
	return order->state <= ORDER_ASSEMBLING
		       ? content_differs(db, order, shipment, now_ms, e)
		       : 0;
}

int weigh_listed(struct db *db, const struct channel *channel,
		 const struct channel_shipment *shipment, int64_t now_ms,
		 struct err *e)
{
	CLEANUP(order_clear) struct order order = {0};
	int64_t order_id;
	int rc = load(db, channel, shipment->external_id, &order_id, &order, e);

	if (rc < 0)
		return rc;
	if (rc > 0)
		rc = differs(db, &order, shipment, now_ms, e);
	else
		rc = 1;
	if (rc <= 0 || order_id == 0)
		return rc;
	rc = has_pending(db, order_id, e);
	return rc < 0 ? rc : rc == 0;
}

int weigh_told(struct db *db, const struct channel *channel,
	       const char *external_id, const struct channel_snapshot *snapshot,
	       int64_t now_ms, bool ret_news[CHANNEL_TOLD_MAX], struct err *e)
{
	CLEANUP(order_clear) struct order order = {0};
	int64_t order_id;
	int news = 0;
	int rc = load(db, channel, external_id, &order_id, &order, e);

	order.id = order_id;
	for (int i = 0; i < snapshot->count && rc >= 0; i++) {
		CLEANUP(order_event_clear) struct order_event event = {0};
		const char *body = snapshot->told[i].body;

		rc = channel->parse_event(body, strlen(body), now_ms, &event,
					  e);
		if (rc == 0)
			rc = would_change(db, &order, &event, now_ms, e);
		ret_news[i] = rc > 0;
		news += rc > 0;
	}
	return rc < 0 ? rc : news;
}
