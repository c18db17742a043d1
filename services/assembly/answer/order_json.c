/* SPDX-License-Identifier: MIT */
#include "answer/order_json.h"

#include "domain/order/line_json.h"

static const char *text_or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

static void put_head(struct json_out *out, const struct order_row *row)
{
	json_put_text(out, "number", row->number);
	json_put_text(out, "channel", row->channel);
	json_put_text(out, "externalId", row->external_id);
	json_put_text(out, "storeId", row->store_id);
	json_put_text(out, "state", row->state);
	json_put_i64(out, "version", row->version);
	json_put_time(out, "slotFrom", row->slot_from_ms);
	json_put_time(out, "slotTo", row->slot_to_ms);
	json_put_time(out, "deadline", row->deadline_ms);
	json_put_i64(out, "lineCount", row->line_count);
	json_put_text_or_null(out, "pickerId", text_or_null(row->picker_id));
}

void order_json_row(struct json_out *out, const char *key,
		    const struct order_row *row)
{
	json_object(out, key);
	put_head(out, row);
	json_end(out);
}

static struct order_row row_of(const struct order *order)
{
	return (struct order_row){
		.number = order->number,
		.channel = order->channel,
		.external_id = order->external_id,
		.store_id = order->terms.store_id,
		.state = order_state_name(order->state),
		.version = order->version,
		.slot_from_ms = order->terms.slot_from_ms,
		.slot_to_ms = order->terms.slot_to_ms,
		.deadline_ms = order->terms.deadline_ms,
		.line_count = (int64_t)order->line_count,
		.picker_id = order->picker_id,
	};
}

void order_json_whole(struct json_out *out, const char *key,
		      const struct order *order, const char *changes)
{
	struct order_row row = row_of(order);

	json_object(out, key);
	put_head(out, &row);
	json_put_time(out, "pickerUntil", order->picker_until_ms);
	json_put_text_or_null(out, "comment",
			      text_or_null(order->terms.comment));
	json_put_text_or_null(out, "replacementPolicy",
			      text_or_null(order->terms.replacement_policy));
	json_put_i64(out, "bags", order->bags);
	json_put_text_or_null(out, "canceledBy",
			      text_or_null(order->cancel_source));
	json_put_text_or_null(out, "cancelReason",
			      text_or_null(order->cancel_reason));
	json_array(out, "lines");
	for (size_t i = 0; i < order->line_count; i++) {
		json_object(out, NULL);
		line_json_put(out, order, &order->lines[i]);
		json_end(out);
	}
	json_end(out);
	json_put_raw(out, "changes", changes[0] != '\0' ? changes : "[]");
	json_end(out);
}
