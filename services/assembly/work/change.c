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
#include "store/catalogue/products.h"
#include "store/engine/db.h"
#include "store/order/api_requests.h"
#include "store/order/orders.h"
#include "store/queue/inbox.h"
#include "work/decision.h"

enum {
	TRIES_MAX = 4 /* each time something new has come for the order */
};

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

/* The version that the change gives to the order; 0: it is somebody else's
 * work. */
static int64_t own_version(const struct api_call *call)
{
	int64_t version = call->decision->order.version;

	return version > call->version ? version : 0;
}

/* The order, its history, what the marketplace is told. The answer is kept with
 * them: all of it or nothing. */
static int save(struct api_call *call, struct db *db, int64_t now_ms,
		struct err *e)
{
	struct decision *d = call->decision;
	int rc;

	call->own_version = own_version(call);
	rc = flow_save(db, &d->order, &d->outcome.change, now_ms,
		       &call->unit.bells, e);
	/* So that the operator is told (rule product-unknown). */
	if (rc == 0 && call->method->action == ACTION_REPLACE &&
	    call->goods.is_unlisted)
		rc = MIN_OF(products_note_unknown(db, call->goods.sku,
						  d->order.id, now_ms, e),
			    0);
	call->outcome = CALL_APPLIED;
	call->version = d->order.version;
	return rc;
}

static int keep(struct api_call *call, struct db *db, int64_t now_ms,
		struct err *e)
{
	const struct decision *d = call->decision;
	struct api_request request = request_of(call);
	int rc = save(call, db, now_ms, e);

	request.is_new = call->is_new_request;
	if (rc == 0)
		rc = answer_order(call, &d->order, &d->outcome, e);
	return rc < 0 ? rc
		      : api_requests_add(db, &request, buf_text(&call->answer),
					 call->own_version, now_ms, e);
}

/* What was decided ahead, if it still holds. Its row among the requests says
 * that the request is no repeat. 1 when it is done, 0, < 0. */
static int run_ahead(struct api_call *call, struct db *db, int64_t now_ms,
		     struct err *e)
{
	struct api_request request = request_of(call);
	int rc = decision_holds(call, db, e);

	if (rc <= 0)
		return rc;
	rc = api_requests_claim(db, &request, buf_text(&call->decision->answer),
				own_version(call), now_ms, e);
	if (rc <= 0)
		return rc;
	rc = save(call, db, now_ms, e);
	if (rc < 0)
		return rc;
	decision_take_answer(call);
	return 1;
}

/* A refusal is a good end of the unit: what was caught up with stays. So is
 * CALL_AGAIN, which has changed nothing. */
static int act(struct api_call *call, struct db *db, int64_t now_ms,
	       struct err *e)
{
	int waits = 0;
	int rc = decision_make(call, db, now_ms, e);

	if (rc >= 0 && call->tries == 0 && call->order_id != 0)
		waits = inbox_waits(db, call->order_id, e);
	if (rc < 0 || waits < 0)
		return MIN_OF(rc, waits);
	if (waits > 0)
		call->outcome = CALL_AGAIN;
	return rc > 0 && waits == 0 ? keep(call, db, now_ms, e) : 0;
}

/* 1 when the request is answered: it is a repeat; 0, < 0. */
static int find_repeat(struct api_call *call, struct db *db, int64_t now_ms,
		       struct err *e)
{
	struct api_request request = request_of(call);
	int rc = api_requests_find(db, &request, now_ms, &call->answer,
				   &call->own_version, e);

	call->is_new_request = request.is_new;
	if (rc == ERR_DUPLICATE) {
		call->outcome = CALL_REFUSED;
		answer_error(call, 422, "request_id_reused",
			     "the requestId was used for another request");
		return 1;
	}
	if (rc <= 0)
		return rc;
	call->outcome = CALL_DUPLICATE;
	/* A journal asks which order it was. */
	rc = call->replay == NULL ? 0
				  : orders_find_number(db, call->args.number,
						       &call->order_id, e);
	return rc < 0 ? rc : 1;
}

static int run(struct unit *u, struct db *db, int64_t now_ms, struct err *e)
{
	struct api_call *call = CONTAINER_OF(u, struct api_call, unit);
	int rc;

	call->status = 200;
	call->outcome = CALL_FAILED;
	buf_reset(&call->answer);
	rc = run_ahead(call, db, now_ms, e);
	if (rc == 0)
		rc = find_repeat(call, db, now_ms, e);
	if (rc != 0)
		return MIN_OF(rc, 0);
	if (call->tries > 0)
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

static void submit(struct api_call *call)
{
	if (writer_submit(call->assembly->service->writer, &call->unit, NULL) ==
	    0)
		return;
	call->outcome = CALL_FAILED;
	answer_unavailable(call);
	call->finish(call);
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
	/* A journal's next entry comes on the writer's thread. */
	if (call->replay != NULL) {
		submit(call);
		return;
	}
	*assembly->last = call;
	assembly->last = &call->next;
}

/* What has come together is decided in the sight of one moment, and goes to the
 * writer together. */
void change_round(void *service)
{
	struct assembly *assembly = ((struct service *)service)->context;
	struct api_call *first = assembly->first;

	if (first == NULL)
		return;
	assembly->first = NULL;
	assembly->last = &assembly->first;
	if (db_begin_read(assembly->reader, NULL) == 0) {
		for (struct api_call *c = first; c != NULL; c = c->next)
			decision_make_ahead(c, assembly->reader);
		db_rollback(assembly->reader);
	}
	while (first != NULL) {
		struct api_call *call = first;

		first = call->next;
		submit(call);
	}
}
