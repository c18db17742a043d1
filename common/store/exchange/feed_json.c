/* SPDX-License-Identifier: MIT */
#include "store/exchange/feed_json.h"

#include "codec/json/json_out.h"
#include "store/exchange/feed.h"

void feed_put_names(struct json_out *out, const char *number,
		    const char *channel, const char *external_id,
		    const char *store_id)
{
	json_put_text(out, "orderNumber", number);
	json_put_text(out, "channel", channel);
	json_put_text(out, "externalId", external_id);
	json_put_text(out, "storeId", store_id);
}

static void put_order_names(struct json_out *out,
			    const struct feed_entry *entry)
{
	feed_put_names(out, entry->number, entry->channel, entry->external_id,
		       entry->store_id);
}

void feed_put_document(struct json_out *out, const struct feed_entry *entry)
{
	json_put_i64(out, "id", entry->ref_id);
	json_put_text(out, "kind", entry->document_kind);
	json_put_text(out, "series", entry->series);
	json_put_i64(out, "number", entry->document_number);
	json_put_i64(out, "revision", entry->revision);
	put_order_names(out, entry);
	json_put_text(out, "businessDate", entry->business_date);
	json_put_money(out, "total", entry->total_minor);
	json_put_money(out, "vat", entry->vat_minor);
	json_put_time(out, "at", entry->at_ms);
	json_put_raw(out, "document", entry->body);
}

void feed_put_event(struct json_out *out, const struct feed_entry *entry)
{
	put_order_names(out, entry);
	json_put_text(out, "event", entry->event);
	json_put_text(out, "state", entry->state);
	json_put_i64(out, "version", entry->version);
	json_put_time(out, "at", entry->at_ms);
}
