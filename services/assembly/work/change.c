/* SPDX-License-Identifier: MIT
 *
 * change.c - methods that are an action of order_actions.h: one unit of the
 * writer each, answered after COMMIT.
 *
 * What the marketplace has sent about the order comes first, so that a
 * cancellation that was acknowledged cannot be overtaken. The answer is kept
 * with the change, and whoever asks again gets it again.
 */
#include "answer/answer.h"
#include "app/log.h"
#include "assembly.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "call.h"
#include "store/catalogue/labels.h"
#include "store/catalogue/products.h"
#include "store/engine/db.h"
#include "store/order/api_requests.h"
#include "store/order/orders.h"
#include "store/queue/inbox.h"

enum {
	TRIES_MAX = 4 /* each time something new has come for the order */
};

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

static struct api_request request_of(const struct api_call *call)
{
	return (struct api_request){
		.token = "assembly",
		.picker_id = call->args.picker_id,
		.method = call->method->name,
		.request_id = call->request_id,
		.body_hash = call->body_hash,
	};
}

static int refuse(struct api_call *call, const struct order *order,
		  const struct order_outcome *outcome, struct err *e)
{
	call->outcome = CALL_REFUSED;
	return answer_refusal(call, order, outcome, e);
}

/* The order, its history, what the marketplace is told, and the answer: all of
 * it or nothing. */
static int keep(struct api_call *call, struct db *db, struct order *order,
		const struct order_outcome *outcome, int64_t now_ms,
		struct err *e)
{
	struct api_request request = request_of(call);
	/* 0: the order's version is somebody else's work. */
	int64_t own_version =
		order->version > call->version ? order->version : 0;
	int rc = flow_save(db, order, &outcome->change, now_ms,
			   &call->unit.bells, e);

	request.is_new = call->is_new_request;
	/* So that the operator is told (rule product-unknown). */
	if (rc == 0 && call->method->action == ACTION_REPLACE &&
	    call->goods.is_unlisted)
		rc = MIN_OF(products_note_unknown(db, call->goods.sku,
						  order->id, now_ms, e),
			    0);
	if (rc == 0)
		rc = answer_order(call, order, outcome, e);
	if (rc == 0)
		rc = api_requests_add(db, &request, buf_text(&call->answer),
				      own_version, now_ms, e);
	call->own_version = own_version;
	call->outcome = CALL_APPLIED;
	call->version = order->version;
	return rc;
}

/* 1 and the order, 0, < 0. */
static int load(struct api_call *call, struct db *db, struct order *order,
		struct err *e)
{
	int rc = orders_load_number(db, call->args.number, order, e);

	if (rc > 0) {
		call->order_id = order->id;
		call->version = order->version;
	}
	return rc;
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

/* A refusal is a good end of the unit: what was caught up with stays. So is
 * CALL_AGAIN, which has changed nothing. */
static int act(struct api_call *call, struct db *db, int64_t now_ms,
	       struct err *e)
{
	CLEANUP(order_clear) struct order order = {0};
	CLEANUP(order_outcome_clear) struct order_outcome outcome = {0};
	struct order_action action = action_of(call);
	int rc = load(call, db, &order, e);

	if (rc == 0) {
		answer_unknown_order(call);
		return 0;
	}
	if (rc > 0 && call->tries == 0)
		rc = inbox_waits(db, order.id, e);
	else if (rc > 0)
		rc = 0;
	if (rc > 0)
		call->outcome = CALL_AGAIN;
	if (rc == 0 && action.type == ACTION_SCAN)
		rc = read_barcode(call, db, order.terms.store_id, e);
	if (rc == 0)
		rc = facts_gather(call, db, &order, &action, e);
	if (rc != 0)
		return MIN_OF(rc, 0);
	rc = order_act(&order, &action, &call->settings.policy, now_ms,
		       &outcome, e);
	if (rc < 0)
		return rc;
	return rc == 0 ? refuse(call, &order, &outcome, e)
		       : keep(call, db, &order, &outcome, now_ms, e);
}

static int run(struct unit *u, struct db *db, int64_t now_ms, struct err *e)
{
	struct api_call *call = CONTAINER_OF(u, struct api_call, unit);
	struct api_request request = request_of(call);
	int rc;

	call->status = 200;
	call->outcome = CALL_FAILED;
	buf_reset(&call->answer);
	rc = api_requests_find(db, &request, now_ms, &call->answer,
			       &call->own_version, e);
	call->is_new_request = request.is_new;
	if (rc > 0) {
		call->outcome = CALL_DUPLICATE;
		/* A journal asks which order it was. */
		rc = call->replay == NULL
			     ? 0
			     : orders_find_number(db, call->args.number,
						  &call->order_id, e);
		return MIN_OF(rc, 0);
	}
	if (rc == ERR_DUPLICATE) {
		call->outcome = CALL_REFUSED;
		answer_error(call, 422, "request_id_reused",
			     "the requestId was used for another request");
		return 0;
	}
	if (rc == 0 && call->tries > 0)
		rc = flow_catch_up(db, &call->settings, &call->pending,
				   call->assembly->service->instance.owner,
				   now_ms, &u->bells, e);
	return rc < 0 ? rc : act(call, db, now_ms, e);
}

/* On the writer's thread, outside of any transaction: read what has come
 * meanwhile and queue up again. 0 when the call is under way. */
static int try_again(struct api_call *call)
{
	const struct assembly *assembly = call->assembly;
	int rc;

	if (++call->tries >= TRIES_MAX)
		return ERR_BUSY;
	flow_pending_clear(&call->pending);
	rc = flow_pending_read(assembly->second, call->order_id, &call->pending,
			       NULL);
	return rc < 0 ? rc
		      : writer_submit(assembly->service->writer, &call->unit,
				      NULL);
}

/* Failures that nobody else reports. */
static void log_failure(const struct api_call *call, int rc,
			const struct err *e)
{
	if (rc != ERR_BUSY && rc != ERR_UNCERTAIN && rc != ERR_IO)
		log_error(e, "an action failed",
			  LOG_TEXT("method", call->method->name),
			  LOG_TEXT("number", call->args.number));
}

static void done(struct unit *u, int rc, const struct err *e)
{
	struct api_call *call = CONTAINER_OF(u, struct api_call, unit);

	if (rc == 0 && call->outcome == CALL_AGAIN)
		rc = ERR_BUSY;
	if (rc == ERR_BUSY && try_again(call) == 0)
		return;
	if (rc < 0) {
		log_failure(call, rc, e);
		call->outcome = CALL_FAILED;
		answer_unavailable(call);
	}
	call->finish(call);
}

static struct flow_settings settings_of(const struct assembly *assembly)
{
	const struct config *config = assembly->service->config;

	return (struct flow_settings){
		.policy = {.send_accepted = config->kuper.send_accepted,
			   .send_assembled = config->kuper.send_assembled},
		.parked_keep_ms = FLOW_PARKED_KEEP_MS,
		.attempts_max = FLOW_ATTEMPTS_MAX,
	};
}

/* Most orders have nothing waiting for them: that is looked at inside the unit,
 * and what waits is read and parsed only when there is something. */
void change_handle(struct api_call *call)
{
	struct assembly *assembly = call->assembly;

	call->outcome = CALL_FAILED;
	call->settings = settings_of(assembly);
	call->unit.run = run;
	call->unit.done = done;
	if (writer_submit(assembly->service->writer, &call->unit, NULL) == 0)
		return;
	answer_unavailable(call);
	call->finish(call);
}
