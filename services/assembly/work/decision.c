/* SPDX-License-Identifier: MIT */
#include "work/decision.h"

#include <stdlib.h>

#include "answer/answer.h"
#include "assembly.h"
#include "base/err.h"
#include "base/macros.h"
#include "call.h"
#include "store/catalogue/labels.h"
#include "store/engine/db.h"
#include "store/order/parked.h"

static struct order_action action_of(const struct api_call *call)
{
	const struct api_args *args = &call->args;

	return (struct order_action){
		.type = call->method->action,
		.picker_id = args->picker_id,
		.version = args->version,
		.take_over = args->take_over,
		.line_no = (int)args->line,
		.quantity_milli = args->quantity_milli,
		.weight_g = args->weight_g,
		.reason = args->reason,
		.bags = args->bags,
		.code = args->code,
		.codes = args->codes,
		.code_count = args->code_count,
		.has_codes = args->has_codes,
		.goods = &call->goods,
		.price_minor = args->price_minor,
		.consent = args->consent,
		.dearer_percent = call->assembly->service->config->assembly
					  .replacement_dearer_percent,
	};
}

static void empty(struct decision *decision)
{
	order_clear(&decision->order);
	order_outcome_clear(&decision->outcome);
	buf_clear(&decision->answer);
	decision->is_ahead = false;
}

void decision_free(struct decision *decision)
{
	if (decision != NULL)
		empty(decision);
	free(decision);
}

/* An empty one, or NULL. */
static struct decision *begin(struct api_call *call)
{
	if (call->decision == NULL)
		call->decision = calloc(1, sizeof(*call->decision));
	if (call->decision != NULL)
		empty(call->decision);
	return call->decision;
}

/* A code is short, and how it is read depends on the order's store. 0; 1: what
 * was scanned is no code, and the answer says so; < 0. */
static int read_barcode(struct api_call *call, struct db *db,
			const char *store_id, struct err *e)
{
	struct barcode_rule rules[LABEL_RULES_MAX];
	const char *reason = NULL;
	struct err why = {0};
	int count = labels_load(db, store_id, rules, e);

	if (count < 0)
		return count;
	if (barcode_read(call->args.code, rules, (size_t)count, &call->barcode,
			 &reason, &why) == 0)
		return 0;
	call->outcome = CALL_REFUSED;
	answer_bad_code(call, reason, why.text);
	return 1;
}

/* 1 done, 0 refused and answered, < 0. */
static int judge(struct api_call *call, struct db *db, struct decision *d,
		 int64_t now_ms, struct err *e)
{
	struct order_action action = action_of(call);
	int rc = 0;

	if (action.type == ACTION_SCAN)
		rc = read_barcode(call, db, d->order.terms.store_id, e);
	if (rc != 0)
		return MIN_OF(rc, 0);
	rc = facts_gather(call, db, &d->order, &action, e);
	if (rc < 0)
		return rc;
	rc = order_act(&d->order, &action, &call->settings.policy, now_ms,
		       &d->outcome, e);
	if (rc != 0)
		return rc;
	call->outcome = CALL_REFUSED;
	return answer_refusal(call, &d->order, &d->outcome, e);
}

int decision_make(struct api_call *call, struct db *db, int64_t now_ms,
		  struct err *e)
{
	struct decision *d = begin(call);
	int rc = d == NULL ? err_set(e, ERR_NOMEM, "decision: out of memory")
			   : orders_load_number(db, call->args.number,
						&d->order, e);

	call->order_id = rc > 0 ? d->order.id : 0;
	call->version = rc > 0 ? d->order.version : 0;
	if (rc == 0)
		answer_unknown_order(call);
	if (rc <= 0)
		return rc;
	d->seen = order_mark_of(&d->order);
	return judge(call, db, d, now_ms, e);
}

/* Whether a unit's code is free is known under the lock only, and goods that
 * take another's place are looked up there. */
static bool can_be_ahead(const struct order_change *change)
{
	return !change->codes_changed &&
	       (!change->lines_changed || change->only_line_no != 0);
}

/* What never can be is not tried: it would be decided twice. */
static bool is_worth_trying(const struct api_call *call)
{
	return call->method->action != ACTION_REPLACE && !call->args.has_codes;
}

void decision_make_ahead(struct api_call *call, struct db *reader)
{
	struct decision *d;
	int rc;

	if (!is_worth_trying(call))
		return;
	rc = decision_make(call, reader, db_now_ms(reader), NULL);
	d = call->decision;
	if (rc <= 0 || !can_be_ahead(&d->outcome.change) ||
	    answer_order(call, &d->order, &d->outcome, NULL) < 0)
		return;
	d->answer = call->answer;
	call->answer = BUF_MAX(API_ANSWER_BYTES_MAX);
	d->is_ahead = true;
}

/* A step lets parked events in, which change the order and its answer. */
int decision_holds(struct api_call *call, struct db *db, struct err *e)
{
	struct decision *d = call->decision;
	int parked = 0;
	int rc;

	if (d == NULL || !d->is_ahead)
		return 0;
	d->is_ahead = false;
	rc = orders_is_still(db, &d->seen, e);
	if (rc > 0 && d->outcome.change.state_changed)
		parked = parked_waits(db, d->order.id, e);
	if (parked < 0)
		return parked;
	return parked > 0 ? 0 : rc;
}

void decision_take_answer(struct api_call *call)
{
	struct decision *d = call->decision;

	buf_clear(&call->answer);
	call->answer = d->answer;
	d->answer = (struct buf){0};
}
