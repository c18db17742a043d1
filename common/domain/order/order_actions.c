/* SPDX-License-Identifier: MIT */
#include "domain/order/order_actions.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "codec/json/json_out.h"
#include "domain/picking/picking.h"

enum {
	DETAIL_BYTES_MAX = 4096
};

struct action_context {
	const struct order_action *action;
	const struct order_policy *policy;
	int64_t now_ms;
	struct order_step step;
};

typedef int action_function(struct order *order, const struct action_context *c,
			    struct order_outcome *out, struct err *e);

void order_outcome_clear(struct order_outcome *outcome)
{
	free(outcome->remarks);
	order_change_clear(&outcome->change);
	*outcome = (struct order_outcome){0};
}

static void extend_lease(struct order *order, const struct action_context *c,
			 struct order_outcome *out)
{
	order->picker_until_ms = c->now_ms + ORDER_LEASE_MS;
	out->change.changed = true;
}

/* A history row with at most two texts; a NULL value leaves one out. */
static int note(struct order_outcome *out, const char *kind,
		const struct action_context *c, const char *key,
		const char *value, struct err *e)
{
	CLEANUP(buf_clear) struct buf detail = BUF_MAX(DETAIL_BYTES_MAX);
	struct json_out json = json_out_to(&detail);
	const char *who = c->action->picker_id;
	int rc;

	json_object(&json, NULL);
	if (value != NULL && value[0] != '\0')
		json_put_text(&json, key, value);
	json_end(&json);
	rc = json_out_finish(&json, e);
	return rc < 0 ? rc
		      : order_change_note(&out->change, kind,
					  who[0] != '\0' ? who : "store",
					  buf_text(&detail), e);
}

/* The order changes hands. taken_ms is when its present picker took it. */
static int take(struct order *order, const struct action_context *c,
		struct order_outcome *out, struct err *e)
{
	char former[ORDER_SHORT_BYTES];
	bool held = order->picker_id[0] != '\0';
	bool ours = strcmp(order->picker_id, c->action->picker_id) == 0;
	bool runs = held && order->picker_until_ms > c->now_ms;

	if (runs && !ours && !c->action->take_over) {
		out->refusal = REFUSAL_PICKER;
		return 0;
	}
	extend_lease(order, c, out);
	if (held && ours)
		return 0;
	(void)text_copy(former, sizeof(former), order->picker_id);
	(void)text_copy(order->picker_id, sizeof(order->picker_id),
			c->action->picker_id);
	order->taken_ms = c->now_ms;
	order->version++;
	if (c->step.verdict == VERDICT_MOVE) {
		order_change_state(order, &out->change, c->step.to, c->now_ms);
		order_change_notice(&out->change, NOTICE_IN_WORK);
	}
	return note(out, runs ? "takeOver" : "take", c, "from", former, e);
}

static int release(struct order *order, const struct action_context *c,
		   struct order_outcome *out, struct err *e)
{
	order->picker_id[0] = '\0';
	order->picker_until_ms = 0;
	order->version++;
	out->change.changed = true;
	return note(out, "release", c, "", NULL, e);
}

static int keep_alive(struct order *order, const struct action_context *c,
		      struct order_outcome *out, struct err *e)
{
	(void)e;
	extend_lease(order, c, out);
	return 0;
}

typedef int goods_function(struct order *order,
			   const struct order_action *action,
			   struct order_outcome *out, struct err *e);

/* Whoever lost the order to another picker and brings his journal later does
 * not extend the other one's lease. */
static int act_on_goods(struct order *order, const struct action_context *c,
			goods_function *act, struct order_outcome *out,
			struct err *e)
{
	int rc = act(order, c->action, out, e);

	if (rc == 0 && out->refusal == REFUSAL_NONE &&
	    strcmp(order->picker_id, c->action->picker_id) == 0)
		extend_lease(order, c, out);
	return rc;
}

static int pick(struct order *order, const struct action_context *c,
		struct order_outcome *out, struct err *e)
{
	return act_on_goods(order, c, picking_pick, out, e);
}

static int reset(struct order *order, const struct action_context *c,
		 struct order_outcome *out, struct err *e)
{
	return act_on_goods(order, c, picking_reset, out, e);
}

static int scan(struct order *order, const struct action_context *c,
		struct order_outcome *out, struct err *e)
{
	return act_on_goods(order, c, picking_scan, out, e);
}

static int replace(struct order *order, const struct action_context *c,
		   struct order_outcome *out, struct err *e)
{
	return act_on_goods(order, c, picking_replace, out, e);
}

static int end_as_canceled(struct order *order, const struct action_context *c,
			   const char *reason, struct order_outcome *out,
			   struct err *e)
{
	struct order_step step = order_step(order->state, EVENT_STORE_CANCEL);

	assert(step.verdict == VERDICT_MOVE);
	order_change_state(order, &out->change, step.to, c->now_ms);
	order_change_notice(&out->change, NOTICE_CANCELED);
	(void)text_copy(order->cancel_source, sizeof(order->cancel_source),
			"store");
	(void)text_copy(order->cancel_reason, sizeof(order->cancel_reason),
			reason);
	order->picker_until_ms = 0;
	order->version++;
	return note(out, "cancel", c, "reason", reason, e);
}

static int finish(struct order *order, const struct action_context *c,
		  struct order_outcome *out, struct err *e)
{
	int rc = picking_check_complete(order, out, e);

	if (rc < 0 || out->refusal != REFUSAL_NONE)
		return rc;
	/* An empty bag is never ready: the sale does not take place. */
	if (!picking_has_goods(order))
		return end_as_canceled(order, c, "nothing_picked", out, e);
	order_change_state(order, &out->change, c->step.to, c->now_ms);
	if (c->policy->send_assembled)
		order_change_notice(&out->change, NOTICE_ASSEMBLED);
	order_change_notice(&out->change, NOTICE_READY);
	if (c->action->bags >= 0)
		order->bags = c->action->bags;
	order->picker_until_ms = 0;
	order->version++;
	return note(out, "finish", c, "", NULL, e);
}

static int hand_over(struct order *order, const struct action_context *c,
		     struct order_outcome *out, struct err *e)
{
	order_change_state(order, &out->change, c->step.to, c->now_ms);
	order->version++;
	return note(out, "handOver", c, "code", c->action->code, e);
}

static int cancel(struct order *order, const struct action_context *c,
		  struct order_outcome *out, struct err *e)
{
	return end_as_canceled(order, c, c->action->reason, out, e);
}

/* Goods are handed over, and an order is cancelled, by whoever stands at the
 * desk; everything else is the picker's who holds the order. */
static const struct {
	enum order_event_type event;
	bool holder_only;
	bool versioned;
	bool about_line;
	action_function *act;
} rows[ACTION_MAX_] = {
	[ACTION_TAKE] = {EVENT_TAKE, false, false, false, take},
	[ACTION_RELEASE] = {EVENT_RELEASE, true, false, false, release},
	[ACTION_KEEP_ALIVE] = {EVENT_PICK, true, false, false, keep_alive},
	[ACTION_PICK] = {EVENT_PICK, true, true, true, pick},
	[ACTION_RESET] = {EVENT_PICK, true, true, true, reset},
	[ACTION_SCAN] = {EVENT_PICK, true, true, true, scan},
	[ACTION_REPLACE] = {EVENT_PICK, true, true, true, replace},
	[ACTION_FINISH] = {EVENT_FINISH, true, true, false, finish},
	[ACTION_HAND_OVER] = {EVENT_HAND_OVER, false, true, false, hand_over},
	[ACTION_CANCEL] = {EVENT_STORE_CANCEL, false, true, false, cancel},
};

bool order_action_is_about_line(enum order_action_type type)
{
	return rows[type].about_line;
}

enum order_event_type order_action_event(enum order_action_type type)
{
	return rows[type].event;
}

/* In this sequence: a step that is impossible stays so whoever asks, and whose
 * order was taken over is told that before anything about versions. */
static enum order_refusal refusal_of(const struct order *order,
				     const struct action_context *c)
{
	const struct order_action *action = c->action;
	bool by_line = action->replayed && rows[action->type].about_line;

	if (c->step.verdict != VERDICT_MOVE && c->step.verdict != VERDICT_STAY)
		return REFUSAL_STEP;
	if (rows[action->type].holder_only &&
	    strcmp(order->picker_id, action->picker_id) != 0 &&
	    !(by_line && action->held_once))
		return REFUSAL_PICKER;
	if (rows[action->type].versioned && !by_line &&
	    action->version != order->version)
		return REFUSAL_VERSION;
	return REFUSAL_NONE;
}

int order_act(struct order *order, const struct order_action *action,
	      const struct order_policy *policy, int64_t now_ms,
	      struct order_outcome *ret_outcome, struct err *e)
{
	struct order_outcome *out = ret_outcome;
	struct action_context c = {
		.action = action,
		.policy = policy,
		.now_ms = now_ms,
		.step = order_step(order->state, rows[action->type].event),
	};
	int rc = 0;

	*out = (struct order_outcome){.refusal = refusal_of(order, &c)};
	if (out->refusal == REFUSAL_NONE)
		rc = rows[action->type].act(order, &c, out, e);
	if (rc < 0)
		return rc;
	if (out->change.changed)
		order->updated_ms = now_ms;
	if (c.step.verdict == VERDICT_MOVE)
		out->change.row_part = ROW_STEP;
	else
		out->change.row_part =
			action->type == ACTION_TAKE ? ROW_TAKING : ROW_PICKING;
	return out->refusal == REFUSAL_NONE ? 1 : 0;
}
