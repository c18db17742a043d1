/* SPDX-License-Identifier: MIT */
#include "domain/order/order_apply.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/json/json_out.h"
#include "domain/order/order_lines.h"

enum {
	/* Each line once, with a SKU of escapes only */
	DETAIL_BYTES_MAX = ORDER_LINES_MAX * 640,
	CLOCKS_DIFFER_MS = 5 * 60 * 1000
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
	change->state_changed = true;
}

/* Who must learn of a difference; bits. */
enum terms_audience {
	TERMS_PICKER = 1 << 0,
	TERMS_CUSTOMER = 1 << 1 /* stands apart in the store */
};

static void put_term(struct json_out *out, const char *name, const char *from,
		     const char *to)
{
	if (out == NULL)
		return;
	json_object(out, name);
	json_put_text(out, "from", from);
	json_put_text(out, "to", to);
	json_end(out);
}

static void put_time_term(struct json_out *out, const char *name,
			  int64_t from_ms, int64_t to_ms)
{
	if (out == NULL)
		return;
	json_object(out, name);
	json_put_time(out, "from", from_ms);
	json_put_time(out, "to", to_ms);
	json_end(out);
}

static unsigned merge_texts(struct order_terms *to,
			    const struct order_terms *from,
			    struct json_out *out)
{
	static const struct {
		const char *name;
		size_t offset, size;
		unsigned audience;
	} texts[] = {
#define TEXT(name, member, audience)                 \
	{name, offsetof(struct order_terms, member), \
	 sizeof(((struct order_terms *)0)->member), audience}
		TEXT("storeId", store_id, TERMS_PICKER),
		TEXT("", order_uuid, 0),
		TEXT("comment", comment, TERMS_PICKER),
		TEXT("replacementPolicy", replacement_policy, TERMS_PICKER),
		TEXT("shipmentMethod", shipment_method, TERMS_PICKER),
		TEXT("", customer_name, TERMS_CUSTOMER),
		TEXT("", customer_phone, TERMS_CUSTOMER),
		TEXT("", customer_address, TERMS_CUSTOMER),
		TEXT("", client_type, 0),
		TEXT("", payment_methods, 0),
		TEXT("", customer_email, TERMS_CUSTOMER),
		TEXT("", customer_inn, TERMS_CUSTOMER),
		TEXT("", customer_kpp, TERMS_CUSTOMER),
		TEXT("", customer_legal_address, TERMS_CUSTOMER),
#undef TEXT
	};
	unsigned different = 0;

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		char *old = (char *)to + texts[i].offset;
		const char *new = (const char *)from + texts[i].offset;

		if (new[0] == '\0' || strcmp(old, new) == 0)
			continue;
		if (texts[i].audience == TERMS_PICKER)
			put_term(out, texts[i].name, old, new);
		memcpy(old, new, texts[i].size);
		different |= texts[i].audience;
	}
	return different;
}

static unsigned merge_times(struct order_terms *to,
			    const struct order_terms *from,
			    struct json_out *out)
{
	static const struct {
		const char *name;
		size_t offset;
	} times[] = {
		{"slotFrom", offsetof(struct order_terms, slot_from_ms)},
		{"slotTo", offsetof(struct order_terms, slot_to_ms)},
		{"deadline", offsetof(struct order_terms, deadline_ms)},
	};
	unsigned different = 0;

	for (size_t i = 0; i < COUNT_OF(times); i++) {
		int64_t value;
		int64_t old_value;

		memcpy(&value, (const char *)from + times[i].offset,
		       sizeof(value));
		memcpy(&old_value, (char *)to + times[i].offset,
		       sizeof(old_value));
		if (value == 0 || value == old_value)
			continue;
		put_time_term(out, times[i].name, old_value, value);
		memcpy((char *)to + times[i].offset, &value, sizeof(value));
		different |= TERMS_PICKER;
	}
	return different;
}

/* Values that the event names replace those of the order. Bits of enum
 * terms_audience for what is different now; what a picker must see is written
 * to the open object of *out, and nothing that is personal. */
static unsigned merge_terms(struct order_terms *to,
			    const struct order_terms *from,
			    struct json_out *out)
{
	int64_t old_slot_to_ms = to->slot_to_ms;
	unsigned different = merge_texts(to, from, out);

	different |= merge_times(to, from, out);
	/* Without a deadline of its own an order is due at the slot's end. */
	if (from->deadline_ms == 0 && from->slot_to_ms != 0 &&
	    (to->deadline_ms == 0 || to->deadline_ms == old_slot_to_ms))
		to->deadline_ms = from->slot_to_ms;
	return different;
}

static void merge_totals(struct order_terms *to, const struct order_terms *from)
{
	if (from->total_minor >= 0)
		to->total_minor = from->total_minor;
	if (from->discount_total_minor >= 0)
		to->discount_total_minor = from->discount_total_minor;
	if (from->delivery_cost_minor >= 0)
		to->delivery_cost_minor = from->delivery_cost_minor;
}

static int note_late(const struct order_event *event, const char *why,
		     struct order_change *change, struct err *e)
{
	CLEANUP(buf_clear) struct buf detail = BUF_MAX(DETAIL_BYTES_MAX);
	struct json_out out = json_out_to(&detail);
	int rc;

	json_object(&out, NULL);
	json_put_text(&out, "event", order_event_name(event->type));
	json_put_text_or_null(&out, "why", why);
	json_end(&out);
	rc = json_out_finish(&out, e);
	return rc < 0 ? rc
		      : order_change_note(change, "late", marketplace,
					  buf_text(&detail), e);
}

/* What the order goes without. */
static void put_unread(struct json_out *out, const struct order_event *event)
{
	if (event->unread[0] != '\0')
		json_put_text(out, "unread", event->unread);
}

/* A time that could not be. */
static void put_said(struct json_out *out, const struct order_event *event)
{
	if (event->said_ms == 0)
		return;
	json_put_time(out, "said", event->said_ms);
	json_put_text(out, "why",
		      "older than its order: it counts at its receipt");
}

static int note_step(const struct order_event *event,
		     struct order_change *change, struct err *e)
{
	CLEANUP(buf_clear) struct buf detail = BUF_MAX(DETAIL_BYTES_MAX);
	struct json_out out = json_out_to(&detail);
	int rc;

	json_object(&out, NULL);
	put_said(&out, event);
	json_end(&out);
	rc = json_out_finish(&out, e);
	return rc < 0 ? rc
		      : order_change_note(change, order_event_name(event->type),
					  marketplace, buf_text(&detail), e);
}

static int note_created(const struct order_event *event,
			struct order_change *change, struct err *e)
{
	CLEANUP(buf_clear) struct buf detail = BUF_MAX(DETAIL_BYTES_MAX);
	struct json_out out = json_out_to(&detail);
	int rc;

	json_object(&out, NULL);
	put_unread(&out, event);
	json_end(&out);
	rc = json_out_finish(&out, e);
	return rc < 0 ? rc
		      : order_change_note(change, "order.created", marketplace,
					  buf_text(&detail), e);
}

/* Of what time its description is. The first one that does not say it is older
 * than any other: it may have come long after a change, and times of the
 * marketplace are of whole seconds, ours are not. */
static int64_t described_ms(const struct order_event *event)
{
	return event->type == EVENT_CREATED && !event->has_own_time
		       ? 0
		       : event->event_ms;
}

static int apply_created(struct order *order, const struct order_event *event,
			 const struct order_policy *policy, int64_t now_ms,
			 struct order_change *change, struct err *e)
{
	struct order_step accept;
	int rc;

	order->terms = (struct order_terms){0};
	(void)merge_terms(&order->terms, &event->terms, NULL);
	merge_totals(&order->terms, &event->terms);
	if (order->terms.store_id[0] == '\0')
		(void)text_copy(order->terms.store_id,
				sizeof(order->terms.store_id), "unknown");
	order->created_ms = now_ms;
	order->version = 1;
	order->snapshot_ms = event->has_lines ? described_ms(event) : 0;
	rc = order_lines_set(order, event, e);
	if (rc == 0)
		rc = note_created(event, change, e);
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

/* What the customer wants now, while the goods are still being picked. An event
 * that tells no positions must not make a later one look old that does, so
 * positions and the rest have each their own time. */
static int take_over(struct order *order, const struct order_event *event,
		     struct json_out *out, struct order_change *change,
		     struct err *e)
{
	unsigned different = 0;
	int lines = 0;

	if (event->event_ms >= order->event_ms)
		different = merge_terms(&order->terms, &event->terms, out);
	if (event->has_lines) {
		lines = order_lines_update(order, event, out, e);
		order->snapshot_ms = event->event_ms;
		merge_totals(&order->terms, &event->terms);
	}
	if (lines < 0)
		return lines;
	change->lines_changed = lines > 0 || (different & TERMS_CUSTOMER) != 0;
	if (lines > 0 || (different & TERMS_PICKER) != 0)
		json_put_i64(out, "version", ++order->version);
	return 0;
}

/* What is older than what we know changes nothing; after assembly has finished
 * it is only recorded. */
static int apply_snapshot(struct order *order, const struct order_event *event,
			  struct order_change *change, struct err *e)
{
	CLEANUP(buf_clear) struct buf detail = BUF_MAX(DETAIL_BYTES_MAX);
	bool is_old =
		event->event_ms < order->event_ms &&
		(!event->has_lines || event->event_ms < order->snapshot_ms);
	struct json_out out = json_out_to(&detail);
	int rc = 0;

	if (is_old) {
		change->verdict = VERDICT_LATE;
		return note_late(event, "something newer is known already",
				 change, e);
	}
	json_object(&out, NULL);
	if (order->state <= ORDER_ASSEMBLING)
		rc = take_over(order, event, &out, change, e);
	if (rc < 0)
		return rc;
	put_unread(&out, event);
	json_end(&out);
	rc = json_out_finish(&out, e);
	if (rc < 0)
		return rc;
	change->changed = true;
	return order_change_note(change, "order.updated", marketplace,
				 buf_text(&detail), e);
}

static int apply_canceled(struct order *order, const struct order_event *event,
			  struct order_change *change, struct err *e)
{
	CLEANUP(buf_clear) struct buf detail = BUF_MAX(DETAIL_BYTES_MAX);
	struct json_out out = json_out_to(&detail);
	int rc;

	(void)text_copy(order->cancel_source, sizeof(order->cancel_source),
			marketplace);
	(void)text_copy(order->cancel_reason, sizeof(order->cancel_reason),
			event->cancel_reason);
	(void)text_copy(order->cancel_code, sizeof(order->cancel_code),
			event->cancel_code);
	order->version++;
	json_object(&out, NULL);
	json_put_text(&out, "reason", event->cancel_reason);
	if (event->cancel_code[0] != '\0')
		json_put_text(&out, "code", event->cancel_code);
	json_put_i64(&out, "version", order->version);
	put_said(&out, event);
	json_end(&out);
	rc = json_out_finish(&out, e);
	return rc < 0 ? rc
		      : order_change_note(change, "order.canceled", marketplace,
					  buf_text(&detail), e);
}

/* Events that change no state leave their time: paid the first, the courier the
 * latest, since another one may be sent. False: it was told already. */
static bool keep_time(struct order *order, const struct order_event *event)
{
	int64_t *courier_ms = event->type == EVENT_COURIER_ASSIGNED
				      ? &order->courier_assigned_ms
				      : &order->courier_arrived_ms;

	if (event->type == EVENT_PAID) {
		if (order->paid_ms != 0)
			return false;
		order->paid_ms = event->event_ms;
	} else if (event->type == EVENT_COURIER_ASSIGNED ||
		   event->type == EVENT_COURIER_ARRIVED) {
		if (event->event_ms <= *courier_ms)
			return false;
		*courier_ms = event->event_ms;
	}
	return true;
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
	if (!keep_time(order, event)) {
		change->verdict = VERDICT_REPEAT;
		return 0;
	}
	change->changed = true;
	return note_step(event, change, e);
}

static bool describes(const struct order_event *event)
{
	return event->type == EVENT_CREATED || event->type == EVENT_UPDATED;
}

/* A second `created` with a newer composition is an update. One that does not
 * say its time may be the first one, delivered again long after a change. */
static bool is_newer_snapshot(const struct order *order,
			      const struct order_event *event)
{
	return event->type == EVENT_CREATED && event->has_lines &&
	       event->has_own_time && event->event_ms > order->snapshot_ms &&
	       order_step(order->state, EVENT_UPDATED).verdict == VERDICT_STAY;
}

int64_t order_oldest_ms(const struct order *order)
{
	int64_t known_ms = order->event_ms > 0
				   ? MIN_OF(order->created_ms, order->event_ms)
				   : order->created_ms;

	return known_ms - CLOCKS_DIFFER_MS;
}

/* A step before its order cannot be, and its day would be that of a document.
 * Descriptions are left as they are: an old one changes nothing. */
static const struct order_event *believable(const struct order *order,
					    const struct order_event *event,
					    int64_t now_ms,
					    struct order_event *room)
{
	int64_t oldest_ms = order_oldest_ms(order);

	if (describes(event) || event->event_ms >= oldest_ms)
		return event;
	*room = *event;
	room->said_ms = event->event_ms;
	room->event_ms =
		event->received_ms >= oldest_ms ? event->received_ms : now_ms;
	return room;
}

int order_apply(struct order *order, const struct order_event *said,
		const struct order_policy *policy, int64_t now_ms,
		struct order_change *ret_change, struct err *e)
{
	struct order_event room;
	const struct order_event *event =
		believable(order, said, now_ms, &room);
	struct order_step step = order_step(order->state, event->type);
	struct order_change *change = ret_change;
	const char *why = NULL;
	int rc = 0;

	*change = (struct order_change){
		.verdict = step.verdict,
		.row_part = describes(event) ? ROW_ALL : ROW_STEP,
	};
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
		(void)order_step_reason(order->state, event->type, &why);
		rc = note_late(event, why, change, e);
		break;
	case VERDICT_PARK:
	case VERDICT_REFUSE:
		break;
	}
	if (change->changed) {
		if (step.verdict == VERDICT_MOVE || describes(event))
			order->event_ms =
				MAX_OF(order->event_ms, described_ms(event));
		order->updated_ms = now_ms;
	}
	return rc;
}
