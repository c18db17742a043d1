/* SPDX-License-Identifier: MIT */
#include "domain/order_apply.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/json_out.h"
#include "domain/order_lines.h"

enum {
	DETAIL_BYTES_MAX = 65536
};
static const char marketplace[] = "marketplace";

void order_change_clear(struct order_change *change)
{
	for (int i = 0; i < change->note_count; i++)
		free(change->notes[i].detail);
	*change = (struct order_change){0};
}

int order_change_note(struct order_change *change, const char *kind,
		      const char *actor, const char *detail, struct err *e)
{
	struct order_note *note = &change->notes[change->note_count];

	assert(change->note_count < CHANGE_NOTES_MAX);
	note->kind = kind;
	(void)text_copy(note->actor, sizeof(note->actor), actor);
	note->detail = strdup(detail != NULL ? detail : "{}");
	if (note->detail == NULL)
		return err_set(e, ERR_NOMEM, "history: out of memory");
	change->note_count++;
	return 0;
}

void order_change_notice(struct order_change *change, enum notice notice)
{
	assert(change->notice_count < CHANGE_NOTICES_MAX);
	change->notices[change->notice_count++] = notice;
}

/* The time that a state leaves in the order. */
static const size_t state_times[ORDER_STATE_MAX_] = {
	[ORDER_ASSEMBLING] = offsetof(struct order, taken_ms),
	[ORDER_ASSEMBLED] = offsetof(struct order, assembled_ms),
	[ORDER_READY] = offsetof(struct order, ready_ms),
	[ORDER_RECEIVED] = offsetof(struct order, received_ms),
	[ORDER_DELIVERED] = offsetof(struct order, delivered_ms),
	[ORDER_CANCELED] = offsetof(struct order, canceled_ms),
};

void order_change_state(struct order *order, struct order_change *change,
			enum order_state to, int64_t at_ms)
{
	if (state_times[to] != 0)
		memcpy((char *)order + state_times[to], &at_ms, sizeof(at_ms));
	order->state = to;
	change->changed = true;
}

/* Values that the event names replace those of the order. True when a picker
 * must see the difference. */
static bool merge_terms(struct order_terms *to, const struct order_terms *from)
{
	static const struct {
		size_t offset, size;
		bool seen; /* by a picker */
	} texts[] = {
#define TEXT(member, seen)                     \
	{offsetof(struct order_terms, member), \
	 sizeof(((struct order_terms *)0)->member), seen}
		TEXT(store_id, true),        TEXT(order_uuid, false),
		TEXT(comment, true),         TEXT(replacement_policy, true),
		TEXT(shipment_method, true), TEXT(customer_name, false),
		TEXT(customer_phone, false), TEXT(customer_address, false),
#undef TEXT
	};
	static const size_t times[] = {
		offsetof(struct order_terms, slot_from_ms),
		offsetof(struct order_terms, slot_to_ms),
		offsetof(struct order_terms, deadline_ms),
	};
	int64_t old_slot_to_ms = to->slot_to_ms;
	bool visible = false;

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		char *old = (char *)to + texts[i].offset;
		const char *new = (const char *)from + texts[i].offset;

		if (new[0] == '\0' || strcmp(old, new) == 0)
			continue;
		memcpy(old, new, texts[i].size);
		visible = visible || texts[i].seen;
	}
	for (size_t i = 0; i < COUNT_OF(times); i++) {
		char *old = (char *)to + times[i];
		const char *new = (const char *)from + times[i];
		int64_t value;

		memcpy(&value, new, sizeof(value));
		if (value == 0 || memcmp(old, new, sizeof(value)) == 0)
			continue;
		memcpy(old, new, sizeof(value));
		visible = true;
	}
	/* Without a deadline of its own an order is due at the slot's end. */
	if (from->deadline_ms == 0 && from->slot_to_ms != 0 &&
	    (to->deadline_ms == 0 || to->deadline_ms == old_slot_to_ms))
		to->deadline_ms = from->slot_to_ms;
	if (from->total_minor >= 0)
		to->total_minor = from->total_minor;
	if (from->discount_total_minor >= 0)
		to->discount_total_minor = from->discount_total_minor;
	return visible;
}

static int apply_created(struct order *order, const struct order_event *event,
			 const struct order_policy *policy, int64_t now_ms,
			 struct order_change *change, struct err *e)
{
	struct order_step accept;
	int rc;

	order->terms = (struct order_terms){0};
	(void)merge_terms(&order->terms, &event->terms);
	if (order->terms.store_id[0] == '\0')
		(void)text_copy(order->terms.store_id,
				sizeof(order->terms.store_id), "unknown");
	order->created_ms = now_ms;
	order->version = 1;
	order->snapshot_ms = event->event_ms;
	rc = order_lines_set(order, event, e);
	if (rc == 0)
		rc = order_change_note(change, "order.created", marketplace,
				       NULL, e);
	if (rc < 0)
		return rc;
	change->lines_changed = true;
	accept = order_step(order->state, EVENT_ACCEPT);
	if (policy->send_accepted && accept.verdict == VERDICT_MOVE) {
		order_change_state(order, change, accept.to, now_ms);
		order_change_notice(change, NOTICE_ACCEPTED);
		rc = order_change_note(change, "accept", "ordergate", NULL, e);
	}
	return rc;
}

/* A composition that is older than ours changes nothing; after assembly has
 * finished it is only recorded. */
static int apply_snapshot(struct order *order, const struct order_event *event,
			  struct order_change *change, struct err *e)
{
	CLEANUP(buf_clear) struct buf detail = BUF_MAX(DETAIL_BYTES_MAX);
	bool old = event->event_ms < order->snapshot_ms;
	bool open = order->state <= ORDER_ASSEMBLING;
	bool visible = false;
	int rc;

	if (old) {
		change->verdict = VERDICT_LATE;
		return order_change_note(change, "late", marketplace,
					 "{\"event\":\"order.updated\"}", e);
	}
	if (open) {
		visible = merge_terms(&order->terms, &event->terms);
		if (event->has_lines) {
			rc = order_lines_update(order, event, &detail, e);
			if (rc < 0)
				return rc;
			change->lines_changed = rc > 0;
		}
		order->snapshot_ms = event->event_ms;
		order->version += visible || change->lines_changed ? 1 : 0;
	}
	change->changed = true;
	return order_change_note(
		change, "order.updated", marketplace,
		detail.used_bytes > 0 ? buf_text(&detail) : NULL, e);
}

static int apply_canceled(struct order *order, const struct order_event *event,
			  struct order_change *change, struct err *e)
{
	CLEANUP(buf_clear) struct buf detail = BUF_MAX(DETAIL_BYTES_MAX);
	struct json_out out = json_out_to(&detail);

	(void)text_copy(order->cancel_source, sizeof(order->cancel_source),
			marketplace);
	(void)text_copy(order->cancel_reason, sizeof(order->cancel_reason),
			event->cancel_reason);
	order->version++;
	json_object(&out, NULL);
	json_put_text(&out, "reason", event->cancel_reason);
	json_end(&out);
	return order_change_note(change, "order.canceled", marketplace,
				 buf_text(&detail), e);
}

/* The event is allowed here: the state has been moved, do the rest. */
static int apply_allowed(struct order *order, const struct order_event *event,
			 const struct order_policy *policy, int64_t now_ms,
			 struct order_change *change, struct err *e)
{
	if (event->type == EVENT_CREATED)
		return apply_created(order, event, policy, now_ms, change, e);
	if (event->type == EVENT_UPDATED)
		return apply_snapshot(order, event, change, e);
	if (event->type == EVENT_CANCELED)
		return apply_canceled(order, event, change, e);
	if (event->type == EVENT_PAID && order->paid_ms == 0)
		order->paid_ms = event->event_ms;
	change->changed = true;
	return order_change_note(change, order_event_name(event->type),
				 marketplace, NULL, e);
}

/* A second `created` with a newer composition is an update. */
static bool is_newer_snapshot(const struct order *order,
			      const struct order_event *event)
{
	return event->type == EVENT_CREATED && event->has_lines &&
	       event->event_ms > order->snapshot_ms &&
	       order_step(order->state, EVENT_UPDATED).verdict == VERDICT_STAY;
}

int order_apply(struct order *order, const struct order_event *event,
		const struct order_policy *policy, int64_t now_ms,
		struct order_change *ret_change, struct err *e)
{
	struct order_step step = order_step(order->state, event->type);
	struct order_change *change = ret_change;
	int rc = 0;

	*change = (struct order_change){.verdict = step.verdict};
	switch (step.verdict) {
	case VERDICT_MOVE:
		order_change_state(order, change, step.to, event->event_ms);
		rc = apply_allowed(order, event, policy, now_ms, change, e);
		break;
	case VERDICT_STAY:
		rc = apply_allowed(order, event, policy, now_ms, change, e);
		break;
	case VERDICT_REPEAT:
		if (is_newer_snapshot(order, event)) {
			change->verdict = VERDICT_STAY;
			rc = apply_snapshot(order, event, change, e);
		}
		break;
	case VERDICT_LATE:
		rc = order_change_note(change, "late", marketplace, NULL, e);
		break;
	case VERDICT_PARK:
	case VERDICT_REFUSE:
		break;
	}
	if (change->changed) {
		order->event_ms = MAX_OF(order->event_ms, event->event_ms);
		order->updated_ms = now_ms;
	}
	return rc;
}
