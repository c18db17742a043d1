/* SPDX-License-Identifier: MIT */
#include "work/replay.h"

#include <string.h>

#include "answer/answer.h"
#include "answer/order_json.h"
#include "assembly.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "codec/json/json_doc.h"
#include "store/engine/db.h"
#include "store/order/api_requests.h"
#include "store/order/history.h"
#include "store/order/orders.h"
#include "work/replay_private.h"

static struct entry *entry_of(struct api_call *call)
{
	return CONTAINER_OF(call, struct entry, call);
}

void replay_free(struct replay *replay)
{
	for (size_t i = 0; i < replay->count; i++)
		call_clear(&replay->entries[i].call);
	buf_clear(&replay->verdicts);
	free(replay->entries);
	free(replay);
}

static void end(struct replay *replay)
{
	struct api_call *owner = replay->owner;

	replay_free(replay);
	owner->finish(owner);
}

/* --- verdicts */

static void put_verdict(struct replay *replay, struct entry *entry,
			const char *verdict)
{
	struct api_call *call = &entry->call;
	struct json_out *out = &replay->out;

	json_object(out, NULL);
	json_put_text(out, "requestId", call->request_id);
	json_put_text(out, "method", entry->method);
	json_put_text(out, "verdict", verdict);
	if (call->outcome == CALL_REFUSED) {
		json_put_text(out, "reason", call->reason);
		json_put_raw(out, "error", buf_text(&call->answer));
	}
	if (call->version > 0)
		json_put_i64(out, "version", call->version);
	else
		json_put_null(out, "version");
	json_end(out);
}

static void note_order(struct replay *replay, int64_t order_id)
{
	for (size_t i = 0; i < replay->order_count; i++)
		if (replay->orders[i] == order_id)
			return;
	if (order_id != 0 && replay->order_count < REPLAY_ORDERS_MAX)
		replay->orders[replay->order_count++] = order_id;
}

static void judge(struct replay *replay, struct entry *entry)
{
	static const char *const verdicts[] = {
		[CALL_APPLIED] = "applied",
		[CALL_DUPLICATE] = "duplicate",
		[CALL_REFUSED] = "conflict",
	};
	struct api_call *call = &entry->call;

	if (call->outcome == CALL_FAILED) {
		replay->failed = true;
		return;
	}
	if (call->outcome == CALL_DUPLICATE)
		call->version = call->own_version;
	note_order(replay, call->order_id);
	put_verdict(replay, entry, verdicts[call->outcome]);
}

/* --- one after the other */

static void next(struct replay *replay);

void replay_entry_done(struct api_call *call)
{
	struct replay *replay = call->replay;
	bool was_waiting = replay->waiting;

	judge(replay, entry_of(call));
	call_clear(call);
	replay->at++;
	replay->waiting = false;
	/* Else next() is still on the stack and goes on by itself. */
	if (was_waiting)
		next(replay);
}

static int run_keep(struct unit *u, struct db *db, int64_t now_ms,
		    struct err *e)
{
	struct replay *replay = CONTAINER_OF(u, struct replay, unit);
	const struct api_call *owner = replay->owner;
	struct api_request request = {
		.token = "assembly",
		.picker_id = owner->args.picker_id,
		.method = owner->method->name,
		.request_id = owner->request_id,
		.body_hash = owner->body_hash,
	};

	return api_requests_add(db, &request, buf_text(&owner->answer), 0,
				now_ms, e);
}

static void kept(struct unit *u, int rc, const struct err *e)
{
	struct replay *replay = CONTAINER_OF(u, struct replay, unit);

	(void)e;
	if (rc < 0)
		answer_unavailable(replay->owner);
	end(replay);
}

static int put_order(struct replay *replay, struct json_out *out,
		     const char *key, int64_t order_id)
{
	CLEANUP(order_clear) struct order order = {0};
	struct api_call *owner = replay->owner;
	struct db *db = owner->assembly->second;
	int rc = orders_load(db, order_id, &order, NULL);

	if (rc > 0)
		rc = facts_changes(owner, db, order_id, NULL);
	if (rc == 0 && order.id != 0)
		order_json_whole(out, key, &order, buf_text(&owner->changes));
	return rc;
}

/* The verdicts, and the orders as they are now. */
static int answer(struct replay *replay)
{
	struct json_out out = answer_begin(replay->owner);
	int rc;

	json_end(&replay->out);
	rc = json_out_finish(&replay->out, NULL);
	if (rc == 0)
		json_put_raw(&out, "actions", buf_text(&replay->verdicts));
	if (rc == 0 && replay->order_count == 1)
		rc = put_order(replay, &out, "order", replay->orders[0]);
	json_array(&out, "orders");
	for (size_t i = 0; i < replay->order_count && rc >= 0; i++)
		rc = put_order(replay, &out, NULL, replay->orders[i]);
	json_end(&out);
	return rc < 0 ? rc : answer_end(&out, NULL);
}

static void conclude(struct replay *replay)
{
	struct service *service = replay->owner->assembly->service;
	int rc = replay->failed ? ERR_BUSY : answer(replay);

	replay->unit = (struct unit){.run = run_keep, .done = kept};
	if (rc == 0)
		rc = writer_submit(service->writer, &replay->unit, NULL);
	if (rc == 0)
		return;
	answer_unavailable(replay->owner);
	end(replay);
}

static void start(struct entry *entry)
{
	struct api_call *call = &entry->call;

	if (entry->unreadable != NULL) {
		call->outcome = CALL_REFUSED;
		answer_error(call, 422, "bad_entry", entry->unreadable);
	}
	if (call->outcome == CALL_REFUSED)
		replay_entry_done(call);
	else
		change_handle(call);
}

static void next(struct replay *replay)
{
	while (replay->at < replay->count && !replay->failed) {
		size_t at = replay->at;

		/* What is done stays done: sent again, it goes on from here. */
		if (clock_mono_ms() - replay->began_ms > REPLAY_MS_MAX) {
			replay->failed = true;
			break;
		}

		start(&replay->entries[at]);
		if (replay->at == at) {
			replay->waiting = true;
			return;
		}
	}
	conclude(replay);
}

/* On the writer's thread, where everything else happens. */
static int run_begin(struct unit *u, struct db *db, int64_t now_ms,
		     struct err *e)
{
	struct replay *replay = CONTAINER_OF(u, struct replay, unit);
	struct api_call *owner = replay->owner;
	struct api_request request = {
		.token = "assembly",
		.picker_id = owner->args.picker_id,
		.method = owner->method->name,
		.request_id = owner->request_id,
		.body_hash = owner->body_hash,
	};
	int64_t version = 0;
	int rc;

	owner->status = 200;
	owner->outcome = CALL_FAILED;
	buf_reset(&owner->answer);
	rc = api_requests_find(db, &request, now_ms, &owner->answer, &version,
			       e);
	if (rc > 0)
		owner->outcome = CALL_DUPLICATE;
	if (rc == ERR_DUPLICATE) {
		owner->outcome = CALL_REFUSED;
		answer_error(owner, 422, "request_id_reused",
			     "the requestId was used for another request");
		rc = 0;
	}
	return rc < 0 ? rc : 0;
}

static void begun(struct unit *u, int rc, const struct err *e)
{
	struct replay *replay = CONTAINER_OF(u, struct replay, unit);

	(void)e;
	if (rc < 0)
		answer_unavailable(replay->owner);
	if (rc < 0 || replay->owner->outcome != CALL_FAILED)
		end(replay);
	else
		next(replay);
}

void replay_handle(struct api_call *call)
{
	const struct json *actions = json_get(call->data, "actions");
	struct replay *replay;
	int rc = ERR_NOMEM;

	if (json_count(actions) > REPLAY_ACTIONS_MAX) {
		answer_error(call, 422, "too_many_actions",
			     "a journal has at most 200 actions: send the "
			     "first ones and then the others");
		call_reply(call);
		return;
	}
	replay = replay_read(call, actions);
	if (replay != NULL) {
		replay->unit = (struct unit){.run = run_begin, .done = begun};
		rc = writer_submit(call->assembly->service->writer,
				   &replay->unit, NULL);
	}
	if (rc == 0)
		return;
	if (replay != NULL)
		replay_free(replay);
	answer_unavailable(call);
	call_reply(call);
}

/* --- what an entry is held against */

/* Versions after `base` that the picker made, from the order's history: in this
 * journal, in one before it, or with a connection. A journal may come in
 * parts, and none of that is somebody else's work. */
struct own_search {
	struct replay *replay;
	const char *picker_id;
	int64_t base_version;
	int64_t version; /* of the row before, which came later */
	bool is_own;     /* by the earliest row that has it */
};

static void keep_own(struct own_search *search)
{
	struct replay *replay = search->replay;

	if (search->is_own && search->version > search->base_version &&
	    replay->version_count < REPLAY_VERSIONS_MAX)
		replay->versions[replay->version_count++] = search->version;
}

/* Rows go back in time; whoever made a version is the first that shows it. */
static int look_at(const char *actor, const char *after, void *context,
		   struct err *e)
{
	struct own_search *search = context;
	CLEANUP_JSON struct json *moment = NULL;
	int64_t version = 0;
	int rc = json_doc_parse(after, strlen(after), &moment, e);

	if (rc == 0)
		rc = json_get_decimal(moment, "version", 0, &version, e);
	if (rc < 0)
		return rc;
	if (version != search->version)
		keep_own(search);
	search->version = version;
	search->is_own = strcmp(actor, search->picker_id) == 0;
	return version <= search->base_version;
}

static int find_own_versions(struct replay *replay, struct db *db,
			     const struct order *order,
			     const struct order_action *action, struct err *e)
{
	struct own_search search = {.replay = replay,
				    .picker_id = action->picker_id,
				    .base_version = action->version};
	int rc;

	replay->version_count = 0;
	rc = history_moments_back(db, order->id, look_at, &search, e);
	keep_own(&search);
	return rc < 0 ? rc : 0;
}

int replay_gather(struct api_call *call, struct db *db,
		  const struct order *order, struct order_action *action,
		  struct err *e)
{
	struct replay *replay = call->replay;
	const struct entry *entry = entry_of(call);
	int rc;

	action->replayed = true;
	action->device_time = entry->device_time;
	action->version = entry->base_version;
	rc = find_own_versions(replay, db, order, action, e);
	action->own_version_count = replay->version_count;
	action->own_versions = replay->versions;
	/* The version that the order must have when nobody else has changed it
	 * since. */
	if (!order_action_is_about_line(action->type))
		action->version += (int64_t)replay->version_count;
	if (rc == 0 && strcmp(order->picker_id, action->picker_id) != 0)
		rc = history_has_held(db, order->id, action->picker_id, e);
	action->held_once = rc > 0;
	return rc < 0 ? rc : 0;
}
