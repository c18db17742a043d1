/* SPDX-License-Identifier: MIT */
#include "answer/answer.h"

#include <stdio.h>

#include "answer/order_json.h"
#include "assembly.h"
#include "base/cleanup.h"
#include "codec/time/timestamp.h"

enum {
	MESSAGE_BYTES = 256
};

/* Kept answers are written with these: only the end may grow, and nothing may
 * be taken away. */
const char *const answer_words[] = {
	"requestId",
	"result",
	"order",
	"number",
	"channel",
	"externalId",
	"storeId",
	"state",
	"version",
	"slotFrom",
	"slotTo",
	"deadline",
	"lineCount",
	"pickerId",
	"pickerUntil",
	"replacementPolicy",
	"cancelReason",
	"line",
	"sku",
	"name",
	"orderedQuantity",
	"quantity",
	"pickedQuantity",
	"weight",
	"pickedWeight",
	"price",
	"discountPrice",
	"replacedBy",
	"replaces",
	"reason",
	"markingCodes",
	NULL,
};

int answer_expand(struct api_call *call, struct err *e)
{
	CLEANUP(buf_clear) struct buf whole = BUF_MAX(API_ANSWER_BYTES_MAX);

	if (!call->method->changes)
		return buf_finish(&call->answer, e);
	if (call->answer.used_bytes > 0 && buf_finish(&call->answer, e) == 0)
		json_words_expand(&call->assembly->words,
				  buf_text(&call->answer),
				  call->answer.used_bytes, &whole);
	buf_clear(&call->answer);
	call->answer = whole;
	whole = (struct buf){0};
	return buf_finish(&call->answer, e);
}

static struct json_out begin(struct api_call *call, int status)
{
	struct json_out out = json_out_to(&call->answer);

	if (call->method->changes)
		out.words = &call->assembly->words;

	call->status = status;
	call->content_type = "application/json";
	buf_reset(&call->answer);
	json_object(&out, NULL);
	json_put_text_or_null(&out, "requestId",
			      call->request_id[0] != '\0' ? call->request_id
							  : NULL);
	return out;
}

/* {"code", "message", "details": and there it stops. */
static struct json_out begin_error(struct api_call *call, int status,
				   const char *code, const char *message)
{
	struct json_out out = json_out_to(&call->answer);

	call->status = status;
	call->reason = code;
	if (call->replay != NULL) {
		buf_reset(&call->answer);
		json_object(&out, NULL);
	} else {
		out = begin(call, status);
		json_object(&out, "error");
	}
	json_put_text(&out, "code", code);
	json_put_text(&out, "message", message);
	json_array(&out, "details");
	return out;
}

/* With the order as it is, which may be NULL. */
static void end_error(const struct api_call *call, struct json_out *out,
		      const struct order *order)
{
	json_end(out);
	json_end(out);
	if (call->replay != NULL)
		return;
	if (order != NULL) {
		json_object(out, "result");
		order_json_whole(out, "order", order, buf_text(&call->changes));
		json_end(out);
	}
	json_end(out);
}

struct json_out answer_begin(struct api_call *call)
{
	struct json_out out = begin(call, 200);

	json_object(&out, "result");
	return out;
}

int answer_end(struct json_out *out, struct err *e)
{
	json_end(out);
	json_end(out);
	return json_out_finish(out, e);
}

static void put_remark(struct json_out *out, const struct order_remark *remark)
{
	json_object(out, NULL);
	if (remark->line_no != 0)
		json_put_i64(out, "line", remark->line_no);
	if (remark->field != NULL)
		json_put_text(out, "field", remark->field);
	json_put_text(out, "code", remark->code);
	json_put_text(out, "message", remark->text);
	json_end(out);
}

static void put_remarks(struct json_out *out,
			const struct order_outcome *outcome)
{
	for (size_t i = 0; i < outcome->remark_count; i++)
		put_remark(out, &outcome->remarks[i]);
}

int answer_order(struct api_call *call, const struct order *order,
		 const struct order_outcome *outcome, struct err *e)
{
	struct json_out out = answer_begin(call);

	order_json_whole(&out, "order", order, buf_text(&call->changes));
	if (outcome != NULL && outcome->remark_count > 0) {
		json_array(&out, "warnings");
		put_remarks(&out, outcome);
		json_end(&out);
	}
	return answer_end(&out, e);
}

/* Who asks is told what he could do instead. */
static struct json_out refuse_step(struct api_call *call,
				   const struct order *order,
				   const struct order_outcome *outcome)
{
	char message[MESSAGE_BYTES];
	struct json_out out;

	(void)outcome;
	(void)snprintf(message, sizeof(message), "%s is not possible in %s",
		       call->method->name, order_state_name(order->state));
	out = begin_error(call, 409, "illegal_step", message);
	json_object(&out, NULL);
	json_put_text(&out, "state", order_state_name(order->state));
	json_array(&out, "allowed");
	for (const struct api_method *m = api_methods; m->name != NULL; m++) {
		enum order_verdict verdict;

		if (m->handle != change_handle)
			continue;
		verdict =
			order_step(order->state, order_action_event(m->action))
				.verdict;
		if (verdict == VERDICT_MOVE || verdict == VERDICT_STAY)
			json_put_text(&out, NULL, m->name);
	}
	json_end(&out);
	json_end(&out);
	return out;
}

static struct json_out refuse_picker(struct api_call *call,
				     const struct order *order,
				     const struct order_outcome *outcome)
{
	char message[MESSAGE_BYTES] = "nobody has the order: take it first";
	char since[TIMESTAMP_TEXT_BYTES];
	struct json_out out;

	(void)outcome;
	if (order->picker_id[0] != '\0')
		(void)snprintf(message, sizeof(message),
			       "%s has the order since %s", order->picker_id,
			       timestamp_format(order->taken_ms, 0, since));
	out = begin_error(call, 409, "wrong_picker", message);
	if (order->picker_id[0] != '\0') {
		json_object(&out, NULL);
		json_put_text(&out, "pickerId", order->picker_id);
		json_put_time(&out, "since", order->taken_ms);
		json_put_time(&out, "until", order->picker_until_ms);
		json_end(&out);
	}
	return out;
}

static struct json_out refuse_version(struct api_call *call,
				      const struct order *order,
				      const struct order_outcome *outcome)
{
	struct json_out out =
		begin_error(call, 409, "stale_version",
			    "the order has changed: look at it again");

	(void)outcome;
	json_object(&out, NULL);
	json_put_i64(&out, "version", order->version);
	json_end(&out);
	return out;
}

static struct json_out refuse_values(struct api_call *call,
				     const struct order *order,
				     const struct order_outcome *outcome)
{
	struct json_out out = begin_error(
		call, 422,
		call->method->action == ACTION_FINISH ? "not_complete"
						      : "not_acceptable",
		call->method->action == ACTION_FINISH
			? "the order cannot be finished yet"
			: "the position cannot be picked so");

	(void)order;
	put_remarks(&out, outcome);
	return out;
}

static struct json_out refuse_line(struct api_call *call,
				   const struct order *order,
				   const struct order_outcome *outcome)
{
	struct json_out out =
		begin_error(call, 409, "line_changed",
			    "the line has changed since: look at it again");

	(void)outcome;
	json_object(&out, NULL);
	json_put_i64(&out, "version", order->version);
	json_end(&out);
	return out;
}

static struct json_out (*const refusals[])(struct api_call *call,
					   const struct order *order,
					   const struct order_outcome *o) = {
	[REFUSAL_STEP] = refuse_step,       [REFUSAL_PICKER] = refuse_picker,
	[REFUSAL_VERSION] = refuse_version, [REFUSAL_VALUES] = refuse_values,
	[REFUSAL_LINE] = refuse_line,
};

int answer_refusal(struct api_call *call, const struct order *order,
		   const struct order_outcome *outcome, struct err *e)
{
	struct json_out out = refusals[outcome->refusal](call, order, outcome);

	end_error(call, &out, order);
	return json_out_finish(&out, e);
}

void answer_bad_code(struct api_call *call, const char *reason,
		     const char *text)
{
	struct json_out out = begin_error(call, 422, "not_acceptable",
					  "the code cannot be used");

	json_object(&out, NULL);
	json_put_text(&out, "field", "code");
	json_put_text(&out, "code", reason);
	json_put_text(&out, "message", text);
	json_end(&out);
	end_error(call, &out, NULL);
}

void answer_arg_faults(struct api_call *call, const struct arg_faults *faults)
{
	struct json_out out =
		begin_error(call, 422, "bad_fields",
			    "requestData has missing or bad fields");

	for (int i = 0; i < faults->count; i++) {
		json_object(&out, NULL);
		json_put_text(&out, "field", faults->all[i].field);
		json_put_text(&out, "code", faults->all[i].code);
		json_put_text(&out, "message", faults->all[i].text);
		json_end(&out);
	}
	end_error(call, &out, NULL);
}

void answer_error(struct api_call *call, int status, const char *code,
		  const char *message)
{
	struct json_out out = begin_error(call, status, code, message);

	end_error(call, &out, NULL);
}

void answer_unknown_order(struct api_call *call)
{
	call->outcome = CALL_REFUSED;
	answer_error(call, 404, "unknown_order",
		     "there is no order with that number");
}

void answer_unavailable(struct api_call *call)
{
	answer_error(call, 503, "unavailable",
		     "not done: please send it again with the same requestId");
}
