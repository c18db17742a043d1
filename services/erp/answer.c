/* SPDX-License-Identifier: MIT */
#include "answer.h"

#include <string.h>

#include "domain/order/line_json.h"
#include "domain/order/order.h"
#include "erp.h"
#include "store/exchange/feed_json.h"
#include "store/exchange/uploads.h"
#include "store/exchange/verdicts.h"

static void put_line(struct json_out *out, const struct order *order,
		     const struct order_line *line)
{
	json_object(out, NULL);
	line_json_put(out, order, line);
	json_put_money(out, "total", line->total_minor);
	json_put_money(out, "discountTotal", line->discount_total_minor);
	json_end(out);
}

static void put_times(struct json_out *out, const struct order *order)
{
	json_put_time(out, "slotFrom", order->terms.slot_from_ms);
	json_put_time(out, "slotTo", order->terms.slot_to_ms);
	json_put_time(out, "deadline", order->terms.deadline_ms);
	json_put_time(out, "created", order->created_ms);
	json_put_time(out, "updated", order->updated_ms);
	json_put_time(out, "taken", order->taken_ms);
	json_put_time(out, "assembled", order->assembled_ms);
	json_put_time(out, "ready", order->ready_ms);
	json_put_time(out, "paid", order->paid_ms);
	json_put_time(out, "received", order->received_ms);
	json_put_time(out, "delivered", order->delivered_ms);
	json_put_time(out, "canceled", order->canceled_ms);
}

/* Nothing of the customer: an ERP keeps books of goods. */
void answer_put_order(struct json_out *out, const struct order *order)
{
	json_object(out, NULL);
	feed_put_names(out, order->number, order->channel, order->external_id,
		       order->terms.store_id);
	json_put_text(out, "state", order_state_name(order->state));
	json_put_i64(out, "version", order->version);
	json_put_text(out, "pickerId", order->picker_id);
	json_put_i64(out, "bags", order->bags);
	json_put_money(out, "total", order->terms.total_minor);
	json_put_money(out, "discountTotal", order->terms.discount_total_minor);
	json_put_text(out, "cancelSource", order->cancel_source);
	put_times(out, order);
	json_array(out, "lines");
	for (size_t i = 0; i < order->line_count; i++)
		put_line(out, order, &order->lines[i]);
	json_end(out);
	json_end(out);
}

void answer_put_verdict(struct json_out *out, const char *key,
			const struct verdict *verdict)
{
	json_object(out, key);
	json_put_i64(out, "id", verdict->document_id);
	json_put_text(out, "state", verdict->state);
	json_put_text(out, "reason", verdict->reason);
	json_put_time(out, "at", verdict->at_ms);
	json_end(out);
}

void answer_put_upload(struct json_out *out, const char *key,
		       const struct upload *upload, bool with_faults)
{
	json_object(out, key);
	json_put_text(out, "id", upload->name);
	json_put_text(out, "kind", upload->kind);
	json_put_text(out, "state", upload->state);
	json_put_i64(out, "bytes", upload->bytes);
	json_put_i64(out, "rows", upload->rows);
	json_put_i64(out, "changed", upload->changed);
	json_put_i64(out, "faultCount", upload->fault_count);
	if (with_faults)
		json_put_raw(out, "faults", upload->faults);
	json_put_text(out, "message", upload->message);
	json_put_time(out, "received", upload->created_ms);
	json_put_time(out, "ended", upload->ended_ms);
	json_end(out);
}

void answer_one(struct http_exchange *x, int rc, struct json_out *out,
		const char *code, const char *message)
{
	if (rc > 0)
		answer_send(x, 200, out);
	else if (rc == 0)
		http_reply_error(x, 404, code, message);
	else
		erp_unavailable(x);
}

void answer_send(struct http_exchange *x, int status, struct json_out *out)
{
	if (json_out_finish(out, NULL) < 0) {
		erp_unavailable(x);
		return;
	}
	http_reply_header(x, "Cache-Control", "no-store");
	http_reply(x, status, "application/json", buf_text(out->buf),
		   out->buf->used_bytes);
}
