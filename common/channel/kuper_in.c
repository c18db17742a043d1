/* SPDX-License-Identifier: MIT
 *
 * kuper_in.c - webhooks of Kuper, read leniently: numbers may be strings, keys
 * may be missing or null, and what nobody needs is not looked at.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "channel/kuper.h"
#include "codec/decimal.h"
#include "codec/json/json_doc.h"
#include "codec/time/timestamp.h"

const struct channel channel_kuper = {
	.name = "kuper",
	.hook_path = "/sbermarket/orders/hook/",
	.header = "Api-Version: 3.0",
	.read_envelope = kuper_read_envelope,
	.parse_event = kuper_parse_event,
	.render_notice = kuper_render_notice,
	.classify = kuper_classify,
	.reconcile = kuper_reconcile,
	.read_state = kuper_read_state,
	.arrival = kuper_arrival,
	.allows = kuper_allows,
	.put_list_query = kuper_put_list_query,
	.read_page = kuper_read_page,
	.read_shipment = kuper_read_shipment,
};

enum {
	MOSCOW_OFFSET_S = 3 * 3600, /* of a time without an offset */
	FUTURE_MAX_MS = 5 * 60 * 1000
};

/* Beyond these a number is a mistake. They keep every product and sum of an
 * order within 64 bits. */
#define QUANTITY_MAX_MILLI INT64_C(1000000000)    /* a million pieces */
#define PRICE_MAX_MINOR INT64_C(100000000000)     /* 1e9 roubles */
#define TOTAL_MAX_MINOR INT64_C(1000000000000000) /* 1e13 roubles */
#define WEIGHT_MAX_G INT64_C(1000000000)          /* 1000 tons */

/* Spellings of the documentation that differ from the wire. */
static const struct {
	const char *name;
	enum order_event_type type;
} spellings[] = {
	{"order.changed", EVENT_UPDATED},
	{"order.cancelled", EVENT_CANCELED},
};

static enum order_event_type event_type(const char *name)
{
	enum order_event_type type = order_event_from_name(name);

	for (size_t i = 0; i < COUNT_OF(spellings); i++)
		if (strcmp(spellings[i].name, name) == 0)
			return spellings[i].type;
	/* Names of our own events are nothing that a marketplace may send. */
	return type <= EVENT_CANCELED ? type : EVENT_NONE;
}

/* A clock that runs ahead over there must not make every later event look
 * old. */
static int64_t event_time(const char *text, int64_t received_ms,
			  bool *ret_is_own)
{
	int64_t event_ms = 0;

	*ret_is_own =
		timestamp_parse(text, MOSCOW_OFFSET_S, &event_ms, NULL) == 0 &&
		event_ms <= received_ms + FUTURE_MAX_MS;
	return *ret_is_own ? event_ms : received_ms;
}

static bool is_text(const struct json_pick *pick)
{
	return (pick->kind == JSON_STRING || pick->kind == JSON_NUMBER) &&
	       pick->text[0] != '\0';
}

/* "" when there is none; false when it is longer than the protocol allows. */
static bool copy_id(const struct json_pick *pick, char ret_id[ORDER_ID_BYTES])
{
	ret_id[0] = '\0';
	return !is_text(pick) ||
	       (text_utf8_points(pick->text) <= ORDER_ID_POINTS_MAX &&
		text_copy(ret_id, ORDER_ID_BYTES, pick->text));
}

int kuper_read_envelope(const char *body, size_t bytes, int64_t received_ms,
			struct channel_envelope *ret_envelope,
			const char **ret_code, struct err *e)
{
	enum {
		TYPE,
		TIME,
		ID,
		UUID,
		ORDER_ID,
		PICKS
	};
	struct json_pick picks[PICKS];
	enum json_kind root = JSON_NONE;
	bool is_own;
	int rc;

	picks[TYPE].path = "event_type";
	picks[TIME].path = "timestamp";
	picks[ID].path = "payload.originalOrderId";
	picks[UUID].path = "payload.orderUUID";
	picks[ORDER_ID].path = "payload.order_id";
	*ret_code = "bad_json";
	rc = json_scan(body, bytes, picks, PICKS, &root, e);
	if (rc < 0)
		return rc;
	if (root != JSON_OBJECT)
		return err_set(e, ERR_INVALID, "the body is not a JSON object");
	*ret_code = "no_event_type";
	if (picks[TYPE].kind != JSON_STRING || !is_text(&picks[TYPE]))
		return err_set(e, ERR_INVALID,
			       "event_type is missing or no text");
	*ret_code = "no_order_id";
	if (!is_text(&picks[ID]))
		picks[ID] = picks[ORDER_ID];
	if (!is_text(&picks[ID]) && !is_text(&picks[UUID]))
		return err_set(e, ERR_INVALID,
			       "payload.originalOrderId (or payload.orderUUID) "
			       "is missing");
	*ret_code = "too_long";
	if (!copy_id(&picks[ID], ret_envelope->external_id) ||
	    !copy_id(&picks[UUID], ret_envelope->alias) ||
	    !text_copy(ret_envelope->event_type,
		       sizeof(ret_envelope->event_type), picks[TYPE].text))
		return err_set(e, ERR_INVALID,
			       "an id or the event type is too long");
	ret_envelope->type = event_type(ret_envelope->event_type);
	ret_envelope->event_ms =
		event_time(is_text(&picks[TIME]) ? picks[TIME].text : "",
			   received_ms, &is_own);
	return 0;
}

/* Fields of the payload: where they go and how they are read. */
enum field_kind {
	FIELD_TEXT,
	FIELD_TIME,
	FIELD_MONEY,
	FIELD_WORDS /* a text, or an array of texts */
};

struct field {
	const char *path;
	enum field_kind kind;
	size_t offset, size;
};

#define TERM(path, kind, member)                                  \
	{                                                         \
		path, kind, offsetof(struct order_terms, member), \
			sizeof(((struct order_terms *)0)->member) \
	}

/* Rows that name the same member: the first one that is there counts. */
static const struct field terms_fields[] = {
	TERM("storeID", FIELD_TEXT, store_id),
	TERM("store_id", FIELD_TEXT, store_id),
	TERM("orderUUID", FIELD_TEXT, order_uuid),
	TERM("comment", FIELD_TEXT, comment),
	TERM("replacementPolicy", FIELD_TEXT, replacement_policy),
	TERM("shipmentMethod", FIELD_TEXT, shipment_method),
	TERM("delivery.expectedFrom", FIELD_TIME, slot_from_ms),
	TERM("delivery.expectedTo", FIELD_TIME, slot_to_ms),
	TERM("completeBefore", FIELD_TIME, deadline_ms),
	TERM("total.totalPrice", FIELD_MONEY, total_minor),
	TERM("total.discountTotalPrice", FIELD_MONEY, discount_total_minor),
	TERM("deliveryCost", FIELD_MONEY, delivery_cost_minor),
	TERM("clientType", FIELD_TEXT, client_type),
	TERM("paymentMethods", FIELD_WORDS, payment_methods),
	TERM("customer.name", FIELD_TEXT, customer_name),
	TERM("customer.phone", FIELD_TEXT, customer_phone),
	TERM("customer.email", FIELD_TEXT, customer_email),
	TERM("customer.inn", FIELD_TEXT, customer_inn),
	TERM("customer.kpp", FIELD_TEXT, customer_kpp),
	TERM("customer.legalAddress", FIELD_TEXT, customer_legal_address),
	TERM("address.full_address", FIELD_TEXT, customer_address),
};

/* Words of an array, as many as there is room for. */
static void read_words(const struct json *value, char *target, size_t bytes)
{
	char *next = target;

	if (json_kind(value) != JSON_ARRAY)
		return;
	for (const struct json *w = json_first(value); w != NULL;
	     w = json_next(w)) {
		const char *text = json_text(w);
		size_t left = bytes - (size_t)(next - target);

		if (text == NULL || strlen(text) + 2 > left)
			continue;
		if (next > target)
			*next++ = ' ';
		next += text_copy(next, left, text) ? strlen(text) : 0;
	}
}

static bool read_number(const struct field *field, const char *text,
			int64_t *ret_value)
{
	if (field->kind == FIELD_TIME)
		return timestamp_parse(text, MOSCOW_OFFSET_S, ret_value,
				       NULL) == 0;
	return decimal_parse_rounded(text, MONEY_DIGITS, ret_value, NULL) ==
		       0 &&
	       *ret_value >= 0 && *ret_value <= TOTAL_MAX_MINOR;
}

/* An order is worked on without a slot or a sum that nobody can read. */
static void note_unread(struct order_event *event, const char *path)
{
	size_t used = strlen(event->unread);

	if (used + strlen(path) + 2 > sizeof(event->unread))
		return;
	if (used > 0)
		event->unread[used++] = ' ';
	(void)text_copy(event->unread + used, sizeof(event->unread) - used,
			path);
}

/* " 1207 " is store 1207. */
static void copy_trimmed(char *target, size_t bytes, const char *text)
{
	const char *trimmed;

	(void)text_copy(target, bytes, text);
	trimmed = text_trim(target);
	memmove(target, trimmed, strlen(trimmed) + 1);
}

static void read_field(const struct json *payload, const struct field *field,
		       struct order_event *event)
{
	const struct json *there = json_get_path(payload, field->path);
	const char *text = json_text(there);
	char *target = (char *)&event->terms + field->offset;
	int64_t value = 0;

	if (field->kind == FIELD_WORDS)
		read_words(there, target, field->size);
	if (text == NULL || text[0] == '\0')
		return;
	if (field->kind == FIELD_TEXT || field->kind == FIELD_WORDS) {
		if (json_kind(there) != JSON_BOOL && target[0] == '\0')
			copy_trimmed(target, field->size, text);
	} else if (read_number(field, text, &value)) {
		memcpy(target, &value, sizeof(value));
	} else {
		note_unread(event, field->path);
	}
}

/* An address that is told in parts only. */
static void read_address(const struct json *payload, struct order_terms *terms)
{
	static const char *const parts[] = {"address.city", "address.street",
					    "address.building",
					    "address.apartment"};
	size_t used = 0;

	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		const char *text = json_text(json_get_path(payload, parts[i]));
		size_t left = sizeof(terms->customer_address) - used;

		if (text == NULL || text[0] == '\0' || strlen(text) + 3 > left)
			continue;
		used += (size_t)snprintf(terms->customer_address + used, left,
					 "%s%s", used > 0 ? ", " : "", text);
	}
}

static void read_terms(const struct json *payload, struct order_event *event)
{
	event->terms.total_minor = -1;
	event->terms.discount_total_minor = -1;
	event->terms.delivery_cost_minor = -1;
	for (size_t i = 0; i < COUNT_OF(terms_fields); i++)
		read_field(payload, &terms_fields[i], event);
	if (event->terms.customer_address[0] == '\0')
		read_address(payload, &event->terms);
}

struct line_field {
	const char *key;
	int digits;
	int64_t max;
	size_t offset;
};

#define LINE(key, digits, max, member)                                \
	{                                                             \
		key, digits, max, offsetof(struct order_line, member) \
	}

static const struct line_field line_fields[] = {
	LINE("quantity", QUANTITY_DIGITS, QUANTITY_MAX_MILLI, qty_milli),
	LINE("originalQuantity", QUANTITY_DIGITS, QUANTITY_MAX_MILLI,
	     qty_ordered_milli),
	LINE("price", MONEY_DIGITS, PRICE_MAX_MINOR, price_minor),
	LINE("discountPrice", MONEY_DIGITS, PRICE_MAX_MINOR,
	     discount_price_minor),
	LINE("totalPrice", MONEY_DIGITS, TOTAL_MAX_MINOR, total_minor),
	LINE("totalDiscountPrice", MONEY_DIGITS, TOTAL_MAX_MINOR,
	     discount_total_minor),
	LINE("weight", WEIGHT_DIGITS, WEIGHT_MAX_G, weight_g),
};

/* What a line does not say follows from what it says. */
static void complete_line(struct order_line *line)
{
	if (line->qty_milli < 0)
		line->qty_milli = line->qty_ordered_milli;
	if (line->qty_ordered_milli < 0)
		line->qty_ordered_milli = line->qty_milli;
	if (line->discount_price_minor < 0)
		line->discount_price_minor = line->price_minor;
	if (line->price_minor < 0)
		line->price_minor = line->discount_price_minor;
	if (line->total_minor < 0)
		(void)decimal_mul_div(line->price_minor, line->qty_milli, 1000,
				      &line->total_minor, NULL);
	if (line->discount_total_minor < 0)
		(void)decimal_mul_div(line->discount_price_minor,
				      line->qty_milli, 1000,
				      &line->discount_total_minor, NULL);
	/* Piece goods have an empty weight; some senders write 0 for that. */
	if (line->weight_g == 0)
		line->weight_g = -1;
}

static int read_line(const struct json *position, struct order_line *line,
		     struct err *e)
{
	if (json_kind(position) != JSON_OBJECT)
		return err_set(e, ERR_INVALID, "a position is not an object");
	/* A cut id would come back to the marketplace as another article. */
	if (!text_copy(line->sku, sizeof(line->sku),
		       json_get_text(position, "id")))
		return err_set(e, ERR_INVALID,
			       "the id of a position is longer "
			       "than %d bytes",
			       ORDER_SKU_BYTES - 1);
	if (line->sku[0] == '\0')
		return err_set(e, ERR_INVALID, "a position has no id");
	(void)text_copy(line->name, sizeof(line->name),
			json_get_text(position, "name"));
	for (size_t i = 0; i < COUNT_OF(line_fields); i++) {
		const struct line_field *f = &line_fields[i];
		int64_t value = -1;
		int rc = json_get_decimal(position, f->key, f->digits, &value,
					  e);

		if (rc > 0 && (value < 0 || value > f->max))
			rc = err_set(e, ERR_INVALID, "%s: out of range",
				     f->key);
		if (rc < 0)
			return err_wrap(e, rc, "position %s", line->sku);
		memcpy((char *)line + f->offset, &value, sizeof(value));
	}
	if (line->qty_milli < 0 && line->qty_ordered_milli < 0)
		return err_set(e, ERR_INVALID, "position %s: no quantity",
			       line->sku);
	if (line->price_minor < 0 && line->discount_price_minor < 0)
		line->price_minor = 0;
	complete_line(line);
	return 0;
}

static int read_lines(const struct json *positions, struct order_event *event,
		      struct err *e)
{
	enum json_kind kind = json_kind(positions);

	/* No order consists of nothing: an empty list says as much as none, and
	 * some write an empty object for an empty list. */
	if (kind == JSON_NONE || kind == JSON_NULL ||
	    (kind == JSON_OBJECT && json_first(positions) == NULL))
		return 0;
	if (kind != JSON_ARRAY)
		return err_set(e, ERR_INVALID, "positions is not a list");
	if (json_first(positions) == NULL)
		return 0;
	event->has_lines = true;
	if (json_count(positions) > ORDER_LINES_MAX)
		return err_set(e, ERR_INVALID, "more than %d positions",
			       ORDER_LINES_MAX);
	for (const struct json *p = json_first(positions); p != NULL;
	     p = json_next(p)) {
		struct order_line *line =
			order_line_add(&event->lines, &event->line_count);
		int rc;

		if (line == NULL)
			return err_set(e, ERR_NOMEM, "position: out of memory");
		rc = read_line(p, line, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The reason as an object, or as a plain text of the pull model. */
static void read_cancellation(const struct json *payload,
			      struct order_event *event)
{
	const char *text =
		json_text(json_get_path(payload, "cancellation.description"));

	if (text == NULL || text[0] == '\0')
		text = json_text(json_get_path(payload, "cancellation.slug"));
	if (text == NULL || text[0] == '\0')
		text = json_get_text(payload, "cancellationReason");
	(void)text_copy(event->cancel_reason, sizeof(event->cancel_reason),
			text);
	text = json_text(json_get_path(payload, "cancellation.slug"));
	(void)text_copy(event->cancel_code, sizeof(event->cancel_code),
			text != NULL ? text : "");
}

int kuper_read_content(const struct json *payload, struct order_event *event,
		       struct err *e)
{
	read_terms(payload, event);
	return read_lines(json_get(payload, "positions"), event, e);
}

int kuper_parse_event(const char *body, size_t bytes, int64_t received_ms,
		      struct order_event *ret_event, struct err *e)
{
	CLEANUP(order_event_clear) struct order_event event = {0};
	CLEANUP_JSON struct json *doc = NULL;
	const struct json *payload;
	int rc = json_doc_parse(body, bytes, &doc, e);

	if (rc < 0)
		return rc;
	event.type = event_type(json_get_text(doc, "event_type"));
	if (event.type == EVENT_NONE)
		return err_set(e, ERR_INVALID, "unknown event type");
	event.event_ms = event_time(json_get_text(doc, "timestamp"),
				    received_ms, &event.has_own_time);
	event.received_ms = received_ms;
	payload = json_get(doc, "payload");
	rc = kuper_read_content(payload, &event, e);
	if (rc < 0)
		return rc;
	read_cancellation(payload, &event);
	*ret_event = event;
	event = (struct order_event){0};
	return 0;
}
