/* SPDX-License-Identifier: MIT */
#include "flow/order_flow.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "base/text.h"
#include "domain/blocking.h"
#include "domain/invoice/later_change.h"
#include "domain/order/order_moment.h"
#include "flow/goods.h"
#include "store/engine/db.h"
#include "store/engine/writer.h"
#include "store/exchange/feed.h"
#include "store/order/history.h"
#include "store/order/identity.h"
#include "store/order/later_changes.h"
#include "store/order/marking_codes.h"
#include "store/order/order_lines.h"
#include "store/order/orders.h"
#include "store/order/stores.h"
#include "store/queue/attempts.h"
#include "store/queue/inbox.h"
#include "store/queue/outbox.h"

enum {
	NOTICE_BYTES_MAX = 1024 * 1024,
	MOMENT_BYTES_MAX = 1024 * 1024,
	LATER_BYTES_MAX = 1024 * 1024
};

void flow_message_clear(struct flow_message *fm)
{
	queue_message_clear(&fm->message);
	order_event_clear(&fm->event);
}

void flow_read(struct flow_message *fm)
{
	const struct queue_message *m = &fm->message;
	struct channel_envelope envelope;
	const char *code = NULL;

	/* Reading it may be what takes its workers down: it is not read again
	 * to be given up. */
	fm->type = order_event_from_name(m->event_type);
	if (m->losses >= QUEUE_LOSSES_MAX)
		return;
	fm->channel = channel_find(m->channel);
	if (fm->channel == NULL) {
		fm->read_rc =
			err_set(&fm->read_err, ERR_INVALID, "unknown channel");
		return;
	}
	fm->read_rc = fm->channel->parse_event(m->body, strlen(m->body),
					       m->created_ms, &fm->event,
					       &fm->read_err);
	fm->type = fm->event.type;
	if (fm->read_rc < 0 &&
	    fm->channel->read_envelope(m->body, strlen(m->body), m->created_ms,
				       &envelope, &code, NULL) == 0)
		fm->type = envelope.type;
}

static int add_notice(struct db *db, const struct order *order,
		      enum notice notice, int64_t now_ms, unsigned *ret_bells,
		      struct err *e)
{
	CLEANUP(buf_clear) struct buf body = BUF_MAX(NOTICE_BYTES_MAX);
	const struct channel *channel = channel_find(order->channel);
	struct outbox_message message = {
		.order_id = order->id,
		.channel = order->channel,
		.external_id = order->external_id,
		.endpoint = order->channel,
		.event_type = notice_name(notice),
	};
	int rc;

	if (channel == NULL)
		return err_set(e, ERR_INVALID, "unknown channel");
	rc = channel->render_notice(notice, order, &body, e);
	if (rc == 0)
		rc = buf_finish(&body, e);
	if (rc < 0)
		return rc;
	message.body = buf_text(&body);
	*ret_bells |= BELL_NOTIFIER;
	return outbox_add(db, &message, now_ms, e);
}

/* The order row, and of its lines what has changed. */
static int save_order(struct db *db, struct order *order,
		      const struct order_change *change, int64_t now_ms,
		      struct err *e)
{
	bool one_line = change->lines_changed && change->only_line_no != 0;
	bool all_lines = change->lines_changed && !one_line;
	int rc = 0;

	if (change->row_part != ROW_ALL && !all_lines && !order->is_new) {
		rc = orders_save_part(db, order, change->row_part, e);
	} else {
		rc = stores_ensure(db, order->terms.store_id, now_ms, e);
		if (rc >= 0 && all_lines)
			rc = goods_look_up(db, order, now_ms, e);
		if (rc >= 0)
			rc = orders_save(db, order, all_lines, e);
		order->is_new = false;
	}
	if (rc >= 0 && one_line)
		rc = order_lines_save_picked(
			db, order->id,
			order_line_find(order, change->only_line_no), e);
	if (rc >= 0 && change->codes_changed)
		rc = marking_codes_save(db, order,
					one_line ? change->only_line_no : 0, e);
	return rc;
}

/* The last note of a change carries the order as it is then. */
static int add_notes(struct db *db, const struct order *order,
		     const struct order_change *change, int64_t now_ms,
		     struct err *e)
{
	CLEANUP(buf_clear) struct buf after = BUF_MAX(MOMENT_BYTES_MAX);
	bool all = change->lines_changed && change->only_line_no == 0;
	int rc = 0;

	if (change->changed)
		rc = order_moment_render(order, all, change->only_line_no,
					 &after, e);
	for (int i = 0; i < change->note_count && rc >= 0; i++) {
		bool last = i + 1 == change->note_count;
		struct history_entry entry = {
			.order_id = order->id,
			.at_ms = now_ms,
			.kind = change->notes[i].kind,
			.actor = change->notes[i].actor,
			.detail = change->notes[i].detail,
			.after = last ? buf_text(&after) : "",
		};

		rc = history_add_moment(db, &entry, e);
	}
	return rc;
}

/* What was refused because of the cancellation, and what waits behind it. */
static int forget_notices(struct db *db, const struct order *order,
			  int64_t now_ms, unsigned *ret_bells, struct err *e)
{
	int rc = outbox_forgive(db, order->id, notice_name(NOTICE_CANCELED),
				now_ms, e);

	if (rc >= 0)
		rc = outbox_wake(db, order->id, now_ms, e);
	*ret_bells |= rc > 0 ? BELL_NOTIFIER : 0;
	return rc;
}

/* What the ERP learns of: every step, and another composition; not each line
 * that is picked. */
static int feed_change(struct db *db, const struct order *order,
		       const struct order_change *change, int64_t now_ms,
		       struct err *e)
{
	if (change->state_changed)
		return feed_add_order(db, order, "state", now_ms, e);
	if (change->lines_changed && change->only_line_no == 0)
		return feed_add_order(db, order, "lines", now_ms, e);
	return 0;
}

static int save_change(struct db *db, struct order *order,
		       const struct order_change *change, int64_t now_ms,
		       unsigned *ret_bells, struct err *e)
{
	int rc = 0;

	if (change->changed)
		rc = save_order(db, order, change, now_ms, e);
	if (rc >= 0 && change->changed)
		rc = feed_change(db, order, change, now_ms, e);
	if (rc >= 0 && change->changed && order->state == ORDER_CANCELED)
		rc = forget_notices(db, order, now_ms, ret_bells, e);
	if (rc >= 0)
		rc = add_notes(db, order, change, now_ms, e);
	for (int i = 0; i < change->notice_count && rc >= 0; i++)
		rc = add_notice(db, order, change->notices[i], now_ms,
				ret_bells, e);
	return rc < 0 ? rc : 0;
}

/* The order of the message, or an empty one with its names set. */
static int load_or_name(struct db *db, const struct queue_message *m,
			struct order *order, struct err *e)
{
	struct identity identity;
	int rc = orders_load(db, m->order_id, order, e);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	order->id = m->order_id;
	order->is_new = true;
	(void)text_copy(order->channel, sizeof(order->channel), m->channel);
	(void)text_copy(order->external_id, sizeof(order->external_id),
			m->external_id);
	rc = identity_find(db, m->channel, m->external_id, &identity, e);
	if (rc <= 0)
		return rc < 0 ? rc
			      : err_set(e, ERR_IO, "order without identity");
	(void)text_copy(order->number, sizeof(order->number), identity.number);
	return 0;
}

/* What the marketplace says of goods that are packed already. */
static int keep_later_change(struct db *db, const struct order *order,
			     const struct order_event *event, int64_t now_ms,
			     struct err *e)
{
	CLEANUP(buf_clear) struct buf body = BUF_MAX(LATER_BYTES_MAX);
	int64_t total_minor = event->terms.discount_total_minor;
	int rc;

	if (!event->has_lines || order->state <= ORDER_ASSEMBLING ||
	    order->state == ORDER_CANCELED ||
	    (event->type != EVENT_UPDATED && event->type != EVENT_CREATED))
		return 0;
	rc = later_change_write(order, event, &body, e);
	return rc < 0 ? rc
		      : later_changes_add(db, order->id, event->event_ms,
					  total_minor > 0 ? total_minor : -1,
					  rc > 0 ? buf_text(&body) : "", now_ms,
					  e);
}

/* An end over there that contradicts the one here. A sale that was cancelled
 * later is given back whole; of anything else a person decides.
 */
static int keep_other_end(struct db *db, const struct order *order,
			  const struct order_event *event, int64_t now_ms,
			  struct err *e)
{
	CLEANUP(buf_clear) struct buf body = BUF_MAX(LATER_BYTES_MAX);
	int rc;

	if (order->state == ORDER_CANCELED && event->type == EVENT_DELIVERED)
		return later_changes_tell(db, order->id, event->event_ms,
					  "delivered over there, cancelled "
					  "here",
					  now_ms, e);
	if (order->state != ORDER_DELIVERED || event->type != EVENT_CANCELED)
		return 0;
	/* Overtaken by the delivery, which may have been the last word. */
	if (event->event_ms < order->delivered_ms)
		return later_changes_tell(db, order->id, event->event_ms,
					  "cancelled over there before it was "
					  "delivered",
					  now_ms, e);
	rc = later_change_write_nothing_kept(order, &body, e);
	/* Never off the sale itself: it has happened. */
	return rc < 0 ? rc
		      : later_changes_add(db, order->id,
					  MAX_OF(event->event_ms,
						 order->delivered_ms + 1),
					  0, buf_text(&body), now_ms, e);
}

/* What the event meant (enum order_verdict), or < 0. */
static int apply_event(struct db *db, const struct order_policy *policy,
		       struct order *order, const struct order_event *event,
		       int64_t now_ms, unsigned *ret_bells, struct err *e)
{
	CLEANUP(order_change_clear) struct order_change change = {0};
	int rc = order_apply(order, event, policy, now_ms, &change, e);

	if (rc == 0)
		rc = save_change(db, order, &change, now_ms, ret_bells, e);
	if (rc == 0 && change.changed)
		rc = keep_later_change(db, order, event, now_ms, e);
	if (rc == 0 && change.verdict == VERDICT_LATE)
		rc = keep_other_end(db, order, event, now_ms, e);
	return rc < 0 ? rc : (int)change.verdict;
}

/* One parked event: 1 when it could be applied now, 0 when it still waits. An
 * event that cannot be read any more stays, and expires with an alert. */
static int try_parked(struct db *db, const struct channel *channel,
		      struct order *order, const struct parked_event *parked,
		      int64_t now_ms, unsigned *ret_bells, struct err *e)
{
	/* It is about `created`, which is never parked. */
	static const struct order_policy no_policy = {0};
	CLEANUP(order_event_clear) struct order_event event = {0};
	int rc;

	if (channel->parse_event(parked->body, strlen(parked->body),
				 parked->event_ms, &event, NULL) < 0 ||
	    order_step(order->state, event.type).verdict == VERDICT_PARK)
		return 0;
	rc = parked_remove(db, parked->inbox_id, e);
	if (rc >= 0)
		rc = apply_event(db, &no_policy, order, &event, now_ms,
				 ret_bells, e);
	return rc < 0 ? rc : 1;
}

/* Try the parked events until a whole pass moves none of them. */
static int apply_parked(struct db *db, struct order *order, int64_t now_ms,
			unsigned *ret_bells, struct err *e)
{
	const struct channel *channel = channel_find(order->channel);
	struct parked_event parked[PARKED_PER_ORDER_MAX];
	bool gone[PARKED_PER_ORDER_MAX] = {false};
	int count = channel == NULL ? 0 : parked_list(db, order->id, parked, e);
	bool moved = count > 0;
	int rc = MIN_OF(count, 0);

	if (moved)
		rc = orders_add_customer(db, order, e);

	while (moved && rc >= 0) {
		moved = false;
		for (int i = 0; i < count && rc >= 0; i++) {
			if (gone[i])
				continue;
			rc = try_parked(db, channel, order, &parked[i], now_ms,
					ret_bells, e);
			gone[i] = rc > 0;
			moved = moved || gone[i];
		}
	}
	if (count > 0)
		parked_events_clear(parked, (size_t)count);
	return rc < 0 ? rc : 0;
}

/* How the inbox row of an applied event ends. */
static const enum queue_outcome outcomes[] = {
	[VERDICT_REFUSE] = OUTCOME_REJECTED,  [VERDICT_MOVE] = OUTCOME_OK,
	[VERDICT_STAY] = OUTCOME_OK,          [VERDICT_PARK] = OUTCOME_PARKED,
	[VERDICT_REPEAT] = OUTCOME_DUPLICATE, [VERDICT_LATE] = OUTCOME_OBSOLETE,
};

static int park(struct db *db, const struct flow_settings *settings,
		const struct flow_message *fm, int64_t now_ms, struct err *e)
{
	const struct queue_message *m = &fm->message;
	struct parked_arrival arrival = {
		.inbox_id = m->id,
		.order_id = m->order_id,
		.event_ms = fm->event.event_ms,
		.expires_ms = now_ms + settings->parked_keep_ms,
		.channel = m->channel,
		.event_type = m->event_type,
		.body = m->body,
	};

	return parked_add(db, &arrival, e);
}

static int apply_readable(struct db *db, const struct flow_settings *settings,
			  const struct flow_message *fm, int64_t now_ms,
			  struct queue_result *result, unsigned *ret_bells,
			  struct err *e)
{
	CLEANUP(order_clear) struct order order = {0};
	const struct queue_message *m = &fm->message;
	int rc = load_or_name(db, m, &order, e);

	if (rc == 0)
		rc = apply_event(db, &settings->policy, &order, &fm->event,
				 now_ms, ret_bells, e);
	if (rc < 0)
		return rc;
	result->outcome = outcomes[rc];
	if (rc == VERDICT_PARK)
		rc = park(db, settings, fm, now_ms, e);
	if (rc >= 0 && order.state != ORDER_NONE)
		rc = apply_parked(db, &order, now_ms, ret_bells, e);
	return rc < 0 ? rc : 0;
}

/* 1 when the message was blocked, 0 when nothing that it needs has failed. */
static int block(struct db *db, const struct flow_message *fm, int64_t now_ms,
		 struct err *e)
{
	unsigned needs = blocking_event_needs(fm->type);
	unsigned failed = 0;
	int first = EVENT_NONE + 1;
	char why[96];
	int rc;

	if (needs == 0)
		return 0;
	rc = inbox_blockers(db, fm->message.order_id, &failed, e);
	if (rc < 0 || (failed & needs) == 0)
		return rc;
	while ((failed & needs & 1U << first) == 0)
		first++;
	(void)snprintf(why, sizeof(why), "waits for %s, which failed",
		       order_event_name((enum order_event_type)first));
	rc = inbox_block(db, &fm->message, why, now_ms, e);
	return rc < 0 ? rc : 1;
}

/* A failed one waits for a person, and what needs it waits for it. */
static int finish(struct db *db, const struct flow_message *fm,
		  const struct queue_result *result, int64_t now_ms,
		  struct err *e)
{
	struct attempt attempt = {
		.kind = "apply",
		.started_ms = now_ms,
		.class = queue_outcome_name(result->outcome),
		.answer = result->error,
	};
	int rc =
		queue_finish(db, &queue_inbox, &fm->message, result, now_ms, e);

	/* One that was applied at once is told by its row. */
	if (rc >= 0 &&
	    (result->state == QUEUE_FAILED || fm->message.attempts > 1))
		rc = attempts_add(db, &queue_inbox, fm->message.id, &attempt,
				  e);
	if (rc >= 0 && result->state == QUEUE_FAILED &&
	    blocking_event_is_needed(fm->type))
		rc = inbox_keep_back(db, fm->message.id, fm->type, e);
	return rc;
}

/* Whoever applied it died or failed each time. */
static bool is_poisoned(const struct flow_message *fm,
			const struct flow_settings *settings)
{
	return fm->message.attempts > settings->attempts_max ||
	       fm->message.losses >= QUEUE_LOSSES_MAX;
}

int flow_apply(struct db *db, const struct flow_settings *settings,
	       const struct flow_message *fm, int64_t now_ms,
	       unsigned *ret_bells, struct err *e)
{
	struct queue_result result = {.state = QUEUE_DONE};
	char given_up[64];
	int rc = block(db, fm, now_ms, e);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (is_poisoned(fm, settings)) {
		(void)snprintf(given_up, sizeof(given_up),
			       "given up after %d attempts",
			       fm->message.attempts - 1);
		result.state = QUEUE_FAILED;
		result.outcome = OUTCOME_POISONED;
		result.error = given_up;
	} else if (fm->read_rc == ERR_NOMEM) {
		rc = err_set(e, ERR_NOMEM, "%s", fm->read_err.text);
	} else if (fm->read_rc < 0) {
		result.state = QUEUE_FAILED;
		result.outcome = OUTCOME_QUARANTINED;
		result.error = fm->read_err.text;
	} else {
		rc = apply_readable(db, settings, fm, now_ms, &result,
				    ret_bells, e);
	}
	if (rc < 0)
		return rc;
	return finish(db, fm, &result, now_ms, e);
}

int flow_save(struct db *db, struct order *order,
	      const struct order_change *change, int64_t now_ms,
	      unsigned *ret_bells, struct err *e)
{
	int rc = save_change(db, order, change, now_ms, ret_bells, e);

	/* Whether an event waits on depends on the state alone. */
	if (rc == 0 && change->state_changed)
		rc = apply_parked(db, order, now_ms, ret_bells, e);
	return rc;
}

int flow_apply_own_event(struct db *db, int64_t order_id,
			 enum order_event_type type, const char *actor,
			 int64_t now_ms, struct err *e)
{
	CLEANUP(order_change_clear) struct order_change change = {0};
	CLEANUP(order_clear) struct order order = {0};
	struct order_step step;
	unsigned bells = 0;
	int rc = orders_load(db, order_id, &order, e);

	if (rc <= 0)
		return rc < 0 ? rc : err_set(e, ERR_NOTFOUND, "no such order");
	step = order_step(order.state, type);
	if (step.verdict != VERDICT_MOVE)
		return 0;
	order_change_state(&order, &change, step.to, now_ms);
	order.updated_ms = now_ms;
	rc = order_change_note(&change, order_event_name(type), actor, NULL, e);
	return rc < 0 ? rc : flow_save(db, &order, &change, now_ms, &bells, e);
}
