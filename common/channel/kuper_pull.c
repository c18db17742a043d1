/* SPDX-License-Identifier: MIT
 *
 * kuper_pull.c - orders read back from Kuper: GET /ofm/api/v1/shipments.
 *
 * The pull object has the fields of the webhooks and says in which state an
 * order is. So it is told as the webhooks that would have led there, and goes
 * the same way as they do.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "channel/kuper.h"
#include "codec/json/json_copy.h"
#include "codec/time/timestamp.h"

enum {
	MOSCOW_OFFSET_S = 3 * 3600, /* of times in filters, which carry none */
	FILTER_TIME_BYTES = 19,     /* yyyy-MM-ddTHH:mm:ss */
	PAGE_RECORDS_MAX = 1000,
	BODY_BYTES_MAX = 2 * 1024 * 1024
};

/* States of a shipment and what a webhook would have said of it. `paid` counts
 * only from ready_to_ship on: before, it says nothing about the final sum. */
static const struct {
	const char *state;
	enum order_event_type event;
	bool may_be_paid;
} state_rows[] = {
	{"ready_to_ship", EVENT_NONE, true},
	{"shipping", EVENT_DELIVERING, true},
	{"shipped", EVENT_DELIVERED, true},
	{"canceled", EVENT_CANCELED, false},
};

void kuper_put_list_query(int64_t updated_from_ms, int page_size,
			  const char *page_token, struct buf *out)
{
	char time[TIMESTAMP_TEXT_BYTES];

	if (page_token[0] != '\0') {
		buf_add_text(out, "?nextPageToken=");
		buf_add_url(out, page_token);
		return;
	}
	timestamp_format(updated_from_ms, MOSCOW_OFFSET_S, time);
	time[FILTER_TIME_BYTES] = '\0';
	buf_printf(out, "?maxPageSize=%d&filters[updatedFrom]=%s", page_size,
		   time);
}

/* The text of a member; false when it does not fit. */
static bool copy_member(const struct json *object, const char *key,
			char *target, size_t bytes)
{
	return text_copy(target, bytes, json_get_text(object, key));
}

static void read_states(const struct json *data, enum order_event_type *event,
			bool *paid)
{
	const char *state = json_get_text(data, "state");
	const char *payment = json_get_text(data, "paymentState");

	*event = EVENT_NONE;
	*paid = false;
	for (size_t i = 0; i < COUNT_OF(state_rows); i++) {
		if (strcmp(state_rows[i].state, state) != 0)
			continue;
		*event = state_rows[i].event;
		*paid = state_rows[i].may_be_paid &&
			strcmp(payment, "paid") == 0;
	}
}

/* Content that cannot be read counts as none: then the order itself is read,
 * and what is wrong with it is told by its inbox row. */
static void read_content(const struct json *data, struct channel_shipment *ret)
{
	CLEANUP(order_event_clear)
	struct order_event content = {.type = EVENT_UPDATED};

	if (kuper_read_content(data, &content, NULL) < 0)
		return;
	ret->content = content;
	content = (struct order_event){0};
}

static bool read_record(const struct json *data, struct channel_shipment *ret)
{
	const char *updated = json_get_text(data, "updatedAt");

	if (json_kind(data) != JSON_OBJECT ||
	    !copy_member(data, "originalOrderId", ret->external_id,
			 sizeof(ret->external_id)) ||
	    ret->external_id[0] == '\0')
		return false;
	(void)copy_member(data, "storeID", ret->store_id,
			  sizeof(ret->store_id));
	read_states(data, &ret->event, &ret->paid);
	if (timestamp_parse(updated, MOSCOW_OFFSET_S, &ret->updated_ms, NULL) <
	    0)
		ret->updated_ms = 0;
	read_content(data, ret);
	return true;
}

int kuper_read_page(const char *body, size_t bytes,
		    struct channel_page *ret_page, struct err *e)
{
	CLEANUP(channel_page_clear) struct channel_page page = {0};
	CLEANUP_JSON struct json *doc = NULL;
	const struct json *data;
	int rc = json_doc_parse(body, bytes, &doc, e);

	if (rc < 0)
		return rc;
	data = json_get(doc, "data");
	if (json_kind(data) != JSON_ARRAY)
		return err_set(e, ERR_INVALID, "a listing without data");
	if (json_count(data) > PAGE_RECORDS_MAX)
		return err_set(e, ERR_INVALID, "a page of more than %d orders",
			       PAGE_RECORDS_MAX);
	if (!copy_member(doc, "nextPageToken", page.next, sizeof(page.next)))
		return err_set(e, ERR_INVALID, "nextPageToken is too long");
	page.shipments = calloc(json_count(data) + 1, sizeof(*page.shipments));
	if (page.shipments == NULL)
		return err_set(e, ERR_NOMEM, "listing: out of memory");
	for (const struct json *v = json_first(data); v != NULL;
	     v = json_next(v))
		if (read_record(v, &page.shipments[page.count]))
			page.count++;
		else
			page.unreadable++;
	*ret_page = page;
	page = (struct channel_page){0};
	return 0;
}

/* What the later events of an order carry. */
static int put_reference(struct json_out *out, const struct json *data,
			 struct err *e)
{
	static const char *const keys[] = {"originalOrderId", "orderUUID",
					   "storeID", "cancellation",
					   "cancellationReason"};
	int rc = 0;

	json_object(out, "payload");
	for (size_t i = 0; i < COUNT_OF(keys) && rc == 0; i++)
		if (json_get(data, keys[i]) != NULL)
			rc = json_copy(out, keys[i], json_get(data, keys[i]),
				       e);
	json_end(out);
	return rc;
}

static int tell(const struct json *data, enum order_event_type type,
		int64_t seen_ms, struct channel_snapshot *snapshot,
		struct err *e)
{
	CLEANUP(buf_clear) struct buf body = BUF_MAX(BODY_BYTES_MAX);
	struct channel_told *told = &snapshot->told[snapshot->count];
	struct json_out out = json_out_to(&body);
	int rc;

	json_object(&out, NULL);
	json_put_text(&out, "event_type", order_event_name(type));
	json_put_time(&out, "timestamp", seen_ms);
	json_put_text(&out, "source", "pull");
	if (type == EVENT_CREATED || type == EVENT_UPDATED)
		rc = json_copy(&out, "payload", data, e);
	else
		rc = put_reference(&out, data, e);
	json_end(&out);
	if (rc == 0)
		rc = json_out_finish(&out, e);
	if (rc < 0)
		return rc;
	told->type = type;
	told->body = buf_take(&body);
	snapshot->count++;
	return 0;
}

int kuper_read_shipment(const char *body, size_t bytes, const char *external_id,
			bool known, int64_t seen_ms,
			struct channel_snapshot *ret_snapshot, struct err *e)
{
	CLEANUP(channel_snapshot_clear) struct channel_snapshot snapshot = {0};
	CLEANUP_JSON struct json *doc = NULL;
	enum order_event_type event;
	const struct json *data;
	bool paid;
	int rc = json_doc_parse(body, bytes, &doc, e);

	if (rc < 0)
		return rc;
	data = json_get(doc, "data");
	if (json_kind(data) != JSON_OBJECT)
		return err_set(e, ERR_INVALID, "a shipment without data");
	if (strcmp(json_get_text(data, "originalOrderId"), external_id) != 0)
		return err_set(e, ERR_INVALID, "it is another order's");
	read_states(data, &event, &paid);
	rc = tell(data, known ? EVENT_UPDATED : EVENT_CREATED, seen_ms,
		  &snapshot, e);
	if (rc == 0 && paid)
		rc = tell(data, EVENT_PAID, seen_ms, &snapshot, e);
	if (rc == 0 && event != EVENT_NONE)
		rc = tell(data, event, seen_ms, &snapshot, e);
	if (rc < 0)
		return rc;
	*ret_snapshot = snapshot;
	snapshot = (struct channel_snapshot){0};
	return 0;
}
