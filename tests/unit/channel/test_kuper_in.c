/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "channel/kuper.h"

/* 2026-02-03T12:00:00+03:00 */
#define RECEIVED_MS INT64_C(1770109200000)
#define MINUTE_MS INT64_C(60000)

enum {
	BODY_BYTES_MAX = 1024 * 1024
};

static void read_sample(const char *name, struct buf *out)
{
	char path[512];
	char block[4096];
	size_t got;
	FILE *file;

	(void)snprintf(path, sizeof(path), SOURCE_DIR "/tests/data/kuper/%s",
		       name);
	file = fopen(path, "re");
	if (file == NULL)
		fail_msg("%s is missing", path);
	while ((got = fread(block, 1, sizeof(block), file)) > 0)
		buf_add(out, block, got);
	(void)fclose(file);
}

static int parse(const char *body, struct order_event *event, struct err *e)
{
	return kuper_parse_event(body, strlen(body), RECEIVED_MS, event, e);
}

static void an_order_with_weighed_goods_is_read_whole(void **state)
{
	CLEANUP(buf_clear) struct buf body = BUF_MAX(BODY_BYTES_MAX);
	CLEANUP(order_event_clear) struct order_event event = {0};
	const struct order_terms *t = &event.terms;
	const struct order_line *tomato;
	struct err e = {0};

	(void)state;
	read_sample("created_weighed.json", &body);
	if (parse(buf_text(&body), &event, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(event.type, EVENT_CREATED);
	assert_int_equal(event.event_ms, INT64_C(1770095727000));
	assert_string_equal(t->store_id, "2031");
	assert_string_equal(t->order_uuid,
			    "0e6a5b1c-55d2-4c1e-8a37-92f0c4a7d310");
	assert_string_equal(t->comment, "Помидоры покрепче");
	assert_string_equal(t->replacement_policy, "call_or_replace");
	assert_string_equal(t->shipment_method, "by_courier");
	assert_string_equal(t->customer_name, "Пётр С.");
	assert_string_equal(t->customer_phone, "+79990000101");
	assert_string_equal(t->customer_address,
			    "г. Рязань, ул. Вымышленная, 7, кв. 15");
	assert_int_equal(t->slot_from_ms, INT64_C(1770102000000));
	assert_int_equal(t->slot_to_ms, INT64_C(1770109200000));
	assert_int_equal(t->deadline_ms, 0);
	assert_int_equal(t->total_minor, 62920);
	assert_int_equal(t->discount_total_minor, 59420);
	assert_true(event.has_lines);
	assert_int_equal(event.line_count, 3);
	tomato = &event.lines[1];
	assert_string_equal(tomato->sku, "200204418");
	assert_int_equal(tomato->qty_milli, 1000);
	assert_int_equal(tomato->qty_ordered_milli, 1000);
	assert_int_equal(tomato->weight_g, 1500);
	assert_int_equal(tomato->weight_picked_g, -1);
	assert_int_equal(tomato->price_minor, 21950);
	assert_int_equal(tomato->discount_price_minor, 19950);
	assert_int_equal(tomato->total_minor, 21950);
	assert_int_equal(tomato->discount_total_minor, 19950);
	assert_int_equal(event.lines[0].weight_g, -1);
	assert_int_equal(event.lines[2].qty_milli, 4000);
}

static void an_order_of_a_business_is_read(void **state)
{
	CLEANUP(buf_clear) struct buf body = BUF_MAX(BODY_BYTES_MAX);
	CLEANUP(order_event_clear) struct order_event event = {0};

	(void)state;
	read_sample("created_business.json", &body);
	assert_int_equal(parse(buf_text(&body), &event, NULL), 0);
	assert_string_equal(event.terms.comment, "");
	assert_string_equal(event.terms.customer_name, "ООО Василёк");
	assert_string_equal(event.terms.shipment_method,
			    "by_courier_for_companies");
	assert_int_equal(event.terms.discount_total_minor, 197318);
	assert_int_equal(event.line_count, 2);
	assert_int_equal(event.lines[1].discount_total_minor, 159998);
}

static void changed_orders_are_read(void **state)
{
	CLEANUP(buf_clear) struct buf quantity = BUF_MAX(BODY_BYTES_MAX);
	CLEANUP(buf_clear) struct buf slot = BUF_MAX(BODY_BYTES_MAX);
	CLEANUP(order_event_clear) struct order_event more = {0};
	CLEANUP(order_event_clear) struct order_event later = {0};

	(void)state;
	read_sample("updated_quantity.json", &quantity);
	read_sample("updated_slot.json", &slot);
	assert_int_equal(parse(buf_text(&quantity), &more, NULL), 0);
	assert_int_equal(more.type, EVENT_UPDATED);
	assert_int_equal(more.lines[0].qty_milli, 5000);
	assert_int_equal(more.terms.total_minor, 73900);
	assert_string_equal(more.terms.customer_address, "");
	assert_int_equal(parse(buf_text(&slot), &later, NULL), 0);
	assert_int_equal(later.terms.slot_to_ms, INT64_C(1770134400000));
}

static void short_events_follow_the_table(void **state)
{
	static const struct {
		const char *name;
		enum order_event_type want;
	} rows[] = {
		{"order.created", EVENT_CREATED},
		{"order.updated", EVENT_UPDATED},
		{"order.changed", EVENT_UPDATED},
		{"order.paid", EVENT_PAID},
		{"order.received", EVENT_RECEIVED},
		{"order.delivering", EVENT_DELIVERING},
		{"order.delivered", EVENT_DELIVERED},
		{"order.canceled", EVENT_CANCELED},
		{"order.cancelled", EVENT_CANCELED},
		{"courier.assigned", EVENT_COURIER_ASSIGNED},
		{"courier.arrived", EVENT_COURIER_ARRIVED},
		{"order.unknown", EVENT_NONE},
		{"ORDER.PAID", EVENT_NONE},
		/* Ours, and nothing that a marketplace may send. */
		{"take", EVENT_NONE},
		{"accept", EVENT_NONE},
		{"ready.confirmed", EVENT_NONE},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(order_event_clear) struct order_event event = {0};
		char body[512];
		int rc;

		(void)snprintf(body, sizeof(body),
			       "{\"event_type\": \"%s\", \"timestamp\": "
			       "\"2026-02-03T11:40:02+03:00\", \"payload\": "
			       "{\"originalOrderId\": \"H73000000101\", "
			       "\"storeID\": \"2031\"}}",
			       rows[i].name);
		rc = parse(body, &event, NULL);
		if (rc != (rows[i].want == EVENT_NONE ? ERR_INVALID : 0) ||
		    event.type != rows[i].want)
			fail_msg("%s: rc %d, type %d", rows[i].name, rc,
				 event.type);
		if (rc < 0)
			continue;
		assert_int_equal(event.event_ms, INT64_C(1770108002000));
		assert_false(event.has_lines);
		assert_int_equal(event.terms.total_minor, -1);
		assert_int_equal(event.terms.slot_to_ms, 0);
		assert_string_equal(event.cancel_reason, "");
	}
}

static void reasons_of_a_cancellation_follow_the_table(void **state)
{
	static const struct {
		const char *payload, *want;
	} rows[] = {
		{"\"cancellation\":{\"slug\":\"late\",\"description\":"
		 "\"Долго\"}",
		 "Долго"},
		{"\"cancellation\":{\"slug\":\"late\"}", "late"},
		{"\"cancellation\":{\"slug\":\"late\",\"description\":\"\"}",
		 "late"},
		{"\"cancellation\":{\"slug\":\"late\",\"description\":null}",
		 "late"},
		{"\"cancellationReason\":\"by phone\"", "by phone"},
		{"\"cancellation\":null,\"cancellationReason\":\"by phone\"",
		 "by phone"},
		{"\"cancellation\":\"just a text\"", ""},
		{"\"cancellation\":[]", ""},
		{"\"x\":1", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(order_event_clear) struct order_event event = {0};
		char body[512];

		(void)snprintf(body, sizeof(body),
			       "{\"event_type\":\"order.canceled\","
			       "\"payload\":{%s}}",
			       rows[i].payload);
		if (parse(body, &event, NULL) < 0 ||
		    strcmp(event.cancel_reason, rows[i].want) != 0)
			fail_msg("row %zu: '%s'", i, event.cancel_reason);
	}
}

static void event_times_follow_the_table(void **state)
{
	static const struct {
		const char *name, *timestamp;
		int64_t want_ms;
	} rows[] = {
		{"missing", "", RECEIVED_MS},
		{"null", "\"timestamp\":null,", RECEIVED_MS},
		{"empty", "\"timestamp\":\"\",", RECEIVED_MS},
		{"not a time", "\"timestamp\":\"yesterday\",", RECEIVED_MS},
		{"a number", "\"timestamp\":1770108002,", RECEIVED_MS},
		{"an object", "\"timestamp\":{},", RECEIVED_MS},
		{"with an offset",
		 "\"timestamp\":\"2026-02-03T08:00:00+00:00\",",
		 RECEIVED_MS - 60 * MINUTE_MS},
		{"without an offset it is Moscow's",
		 "\"timestamp\":\"2026-02-03T11:00:00\",",
		 RECEIVED_MS - 60 * MINUTE_MS},
		{"a clock that is a little fast",
		 "\"timestamp\":\"2026-02-03T12:05:00+03:00\",",
		 RECEIVED_MS + 5 * MINUTE_MS},
		{"a time in the future",
		 "\"timestamp\":\"2026-02-03T12:05:01+03:00\",", RECEIVED_MS},
		{"far in the future", "\"timestamp\":\"9999-12-31T23:59:59Z\",",
		 RECEIVED_MS},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(order_event_clear) struct order_event event = {0};
		struct channel_envelope envelope;
		const char *code;
		char body[512];

		(void)snprintf(body, sizeof(body),
			       "{\"event_type\":\"order.paid\",%s\"payload\":"
			       "{\"originalOrderId\":\"H1\"}}",
			       rows[i].timestamp);
		if (parse(body, &event, NULL) < 0 ||
		    event.event_ms != rows[i].want_ms ||
		    event.has_own_time != (rows[i].want_ms != RECEIVED_MS))
			fail_msg("%s: event %lld", rows[i].name,
				 (long long)(event.event_ms - RECEIVED_MS));
		if (kuper_read_envelope(body, strlen(body), RECEIVED_MS,
					&envelope, &code, NULL) < 0 ||
		    envelope.event_ms != rows[i].want_ms)
			fail_msg("%s: envelope", rows[i].name);
	}
}

struct terms_row {
	const char *name, *payload;
	const char *want_unread;
	const char *want_store;
	int64_t want_slot_to_ms, want_deadline_ms, want_total_minor;
};

static void lenient_forms_of_an_order_follow_the_table(void **state)
{
	static const struct terms_row rows[] = {
		{"nothing at all", "", "", "", 0, 0, -1},
		{"texts",
		 "\"storeID\":\"77\",\"total\":{\"totalPrice\":\"1.5\"}", "",
		 "77", 0, 0, 150},
		{"numbers", "\"storeID\":77,\"total\":{\"totalPrice\":1.5}", "",
		 "77", 0, 0, 150},
		{"the old spelling", "\"store_id\":77", "", "77", 0, 0, -1},
		{"both spellings: the new one counts",
		 "\"store_id\":\"76\",\"storeID\":\"77\"", "", "77", 0, 0, -1},
		{"blanks around an id", "\"storeID\":\" 1207 \"", "", "1207", 0,
		 0, -1},
		{"blanks alone: the old spelling counts",
		 "\"storeID\":\" \",\"store_id\":76", "", "76", 0, 0, -1},
		{"a truth is no id", "\"storeID\":true", "", "", 0, 0, -1},
		{"nulls",
		 "\"storeID\":null,\"delivery\":null,\"total\":null,"
		 "\"customer\":null,\"address\":null,\"positions\":null",
		 "", "", 0, 0, -1},
		{"wrong kinds",
		 "\"storeID\":[],\"delivery\":5,\"total\":\"x\","
		 "\"customer\":[1],\"positions\":{}",
		 "", "", 0, 0, -1},
		{"empty texts",
		 "\"storeID\":\"\",\"total\":{\"totalPrice\":\"\"},"
		 "\"delivery\":{\"expectedTo\":\"\"}",
		 "", "", 0, 0, -1},
		{"unknown fields",
		 "\"storeID\":\"77\",\"moon\":{\"phase\":[1,{\"a\":null}]}", "",
		 "77", 0, 0, -1},
		{"a deadline of its own",
		 "\"completeBefore\":\"2026-02-03T12:00:00+03:00\","
		 "\"delivery\":{\"expectedTo\":\"2026-02-03T10:00:00Z\"}",
		 "", "", RECEIVED_MS + 60 * MINUTE_MS, RECEIVED_MS, -1},
		{"a total with more digits than money has",
		 "\"total\":{\"totalPrice\":\"10.005\"}", "", "", 0, 0, 1001},
		{"a total out of a float", "\"total\":{\"totalPrice\":1.1e2}",
		 "", "", 0, 0, 11000},
		{"a slot that is no time",
		 "\"delivery\":{\"expectedTo\":\"noon\"}",
		 "delivery.expectedTo", "", 0, 0, -1},
		{"a total that is no number",
		 "\"total\":{\"totalPrice\":\"dear\"}", "total.totalPrice", "",
		 0, 0, -1},
		{"a negative total", "\"total\":{\"totalPrice\":\"-0.01\"}",
		 "total.totalPrice", "", 0, 0, -1},
		{"a total beyond all money",
		 "\"total\":{\"totalPrice\":99999999999999.99}",
		 "total.totalPrice", "", 0, 0, -1},
		{"two that cannot be read",
		 "\"completeBefore\":\"soon\",\"deliveryCost\":\"-\"",
		 "completeBefore deliveryCost", "", 0, 0, -1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(order_event_clear) struct order_event event = {0};
		char body[1024];
		struct err e = {0};
		int rc;

		(void)snprintf(body, sizeof(body),
			       "{\"event_type\":\"order.created\","
			       "\"payload\":{%s}}",
			       rows[i].payload);
		rc = parse(body, &event, &e);
		if (rc != 0 || strcmp(event.unread, rows[i].want_unread) != 0 ||
		    strcmp(event.terms.store_id, rows[i].want_store) != 0 ||
		    event.terms.slot_to_ms != rows[i].want_slot_to_ms ||
		    event.terms.deadline_ms != rows[i].want_deadline_ms ||
		    event.terms.total_minor != rows[i].want_total_minor ||
		    event.has_lines)
			fail_msg("%s: rc %d (%s) unread '%s', total %lld",
				 rows[i].name, rc, e.text, event.unread,
				 (long long)event.terms.total_minor);
	}
}

static void what_a_business_orders_is_read_too(void **state)
{
	CLEANUP(order_event_clear) struct order_event event = {0};

	(void)state;
	assert_int_equal(
		parse("{\"event_type\":\"order.created\",\"payload\":{"
		      "\"clientType\":\"b2b\",\"deliveryCost\":\"99.50\","
		      "\"paymentMethods\":[\"card\",null,\"bonus\",7],"
		      "\"customer\":{\"inn\":7700000001,\"kpp\":\"770001001\","
		      "\"email\":\"a@b.ru\",\"legalAddress\":\"Tver\"},"
		      "\"address\":{\"city\":\"Tver\",\"street\":null,"
		      "\"building\":5,\"apartment\":\"12\"}}}",
		      &event, NULL),
		0);
	assert_string_equal(event.terms.client_type, "b2b");
	assert_int_equal(event.terms.delivery_cost_minor, 9950);
	assert_string_equal(event.terms.payment_methods, "card bonus 7");
	assert_string_equal(event.terms.customer_inn, "7700000001");
	assert_string_equal(event.terms.customer_kpp, "770001001");
	assert_string_equal(event.terms.customer_email, "a@b.ru");
	assert_string_equal(event.terms.customer_legal_address, "Tver");
	assert_string_equal(event.terms.customer_address, "Tver, 5, 12");
}

struct line_row {
	const char *name, *position;
	int want_rc;
	int64_t qty_milli, ordered_milli, price_minor, total_minor, weight_g;
};

static const struct line_row position_rows[] = {
	{"texts",
	 "\"id\":\"5\",\"quantity\":\"2\",\"price\":\"10.50\","
	 "\"totalPrice\":\"21.00\",\"weight\":\"500\"",
	 0, 2000, 2000, 1050, 2100, 500},
	{"numbers",
	 "\"id\":5,\"quantity\":2,\"price\":10.5,\"totalPrice\":21,"
	 "\"weight\":500",
	 0, 2000, 2000, 1050, 2100, 500},
	{"numbers of a float",
	 "\"id\":5,\"quantity\":2.0,\"price\":10.50000001,"
	 "\"weight\":5e2",
	 0, 2000, 2000, 1050, 2100, 500},
	{"a fraction of a pack",
	 "\"id\":5,\"quantity\":\"0.355\",\"price\":100", 0, 355, 355, 10000,
	 3550, -1},
	{"only what was ordered", "\"id\":5,\"originalQuantity\":3,\"price\":1",
	 0, 3000, 3000, 100, 300, -1},
	{"ordered and wanted differ",
	 "\"id\":5,\"originalQuantity\":3,\"quantity\":0,\"price\":1", 0, 0,
	 3000, 100, 0, -1},
	{"only a price with discount",
	 "\"id\":5,\"quantity\":2,\"discountPrice\":\"7\"", 0, 2000, 2000, 700,
	 1400, -1},
	{"no price", "\"id\":5,\"quantity\":2", 0, 2000, 2000, 0, 0, -1},
	{"null and empty",
	 "\"id\":5,\"quantity\":2,\"price\":null,\"weight\":\"\","
	 "\"name\":null,\"replacedByID\":null",
	 0, 2000, 2000, 0, 0, -1},
	{"a weight of zero is none", "\"id\":5,\"quantity\":2,\"weight\":\"0\"",
	 0, 2000, 2000, 0, 0, -1},
	{"extra fields",
	 "\"id\":5,\"quantity\":2,\"modifiers\":[{\"id\":1}],"
	 "\"isCombo\":false,\"extensions\":{\"meta\":\"x\"}",
	 0, 2000, 2000, 0, 0, -1},
	{"the largest that is allowed",
	 "\"id\":5,\"quantity\":1000000,\"price\":1000000000", 0, 1000000000,
	 1000000000, 100000000000, 100000000000000000, -1},
	{"no id", "\"quantity\":2", ERR_INVALID, 0, 0, 0, 0, 0},
	{"an empty id", "\"id\":\"\",\"quantity\":2", ERR_INVALID, 0, 0, 0, 0,
	 0},
	{"an id that would have to be cut",
	 "\"id\":\"123456789012345678901234567890123456789012345678901"
	 "2345678901234\",\"quantity\":2",
	 ERR_INVALID, 0, 0, 0, 0, 0},
	{"no quantity", "\"id\":5,\"price\":1", ERR_INVALID, 0, 0, 0, 0, 0},
	{"a negative quantity", "\"id\":5,\"quantity\":-1", ERR_INVALID, 0, 0,
	 0, 0, 0},
	{"a hair below zero", "\"id\":5,\"quantity\":\"-0.001\"", ERR_INVALID,
	 0, 0, 0, 0, 0},
	{"a quantity that is no number", "\"id\":5,\"quantity\":\"two\"",
	 ERR_INVALID, 0, 0, 0, 0, 0},
	{"a quantity that is a list", "\"id\":5,\"quantity\":[2]", ERR_INVALID,
	 0, 0, 0, 0, 0},
	{"a quantity beyond a million", "\"id\":5,\"quantity\":1000000.001",
	 ERR_INVALID, 0, 0, 0, 0, 0},
	{"a quantity beyond everything", "\"id\":5,\"quantity\":1e300",
	 ERR_INVALID, 0, 0, 0, 0, 0},
	{"a negative price", "\"id\":5,\"quantity\":2,\"price\":-1",
	 ERR_INVALID, 0, 0, 0, 0, 0},
	{"a price beyond a milliard",
	 "\"id\":5,\"quantity\":2,\"price\":1000000000.01", ERR_INVALID, 0, 0,
	 0, 0, 0},
	{"a weight that is a word",
	 "\"id\":5,\"quantity\":2,\"weight\":\"abc\"", ERR_INVALID, 0, 0, 0, 0,
	 0},
	{"a negative weight", "\"id\":5,\"quantity\":2,\"weight\":-5",
	 ERR_INVALID, 0, 0, 0, 0, 0},
};

static void lenient_and_hostile_positions_follow_the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(position_rows); i++) {
		CLEANUP(order_event_clear) struct order_event event = {0};
		const struct order_line *line;
		char body[1024];
		struct err e = {0};
		int rc;

		(void)snprintf(body, sizeof(body),
			       "{\"event_type\":\"order.created\","
			       "\"payload\":{\"positions\":[{%s}]}}",
			       position_rows[i].position);
		rc = parse(body, &event, &e);
		line = event.lines;
		if (rc != position_rows[i].want_rc ||
		    (rc == 0 &&
		     (event.line_count != 1 || strcmp(line->sku, "5") != 0 ||
		      line->qty_milli != position_rows[i].qty_milli ||
		      line->qty_ordered_milli !=
			      position_rows[i].ordered_milli ||
		      line->price_minor != position_rows[i].price_minor ||
		      line->total_minor != position_rows[i].total_minor ||
		      line->weight_g != position_rows[i].weight_g)))
			fail_msg("%s: rc %d (%s)", position_rows[i].name, rc,
				 e.text);
		if (rc < 0 && strstr(e.text, "position") == NULL)
			fail_msg("%s: %s", position_rows[i].name, e.text);
	}
}

static void positions_of_other_kinds_follow_the_table(void **state)
{
	static const struct {
		const char *positions;
		int want_rc;
		bool want_lines;
	} rows[] = {
		{"[]", 0, false},
		{"null", 0, false},
		{"{}", 0, false},
		{"\"none\"", ERR_INVALID, false},
		{"5", ERR_INVALID, false},
		{"{\"id\":\"1\"}", ERR_INVALID, false},
		{"[null]", ERR_INVALID, false},
		{"[[]]", ERR_INVALID, false},
		{"[5]", ERR_INVALID, false},
		{"[{}]", ERR_INVALID, false},
		{"[{\"id\":1,\"quantity\":1}]", 0, true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(order_event_clear) struct order_event event = {0};
		char body[256];

		(void)snprintf(body, sizeof(body),
			       "{\"event_type\":\"order.updated\","
			       "\"payload\":{\"positions\":%s}}",
			       rows[i].positions);
		if (parse(body, &event, NULL) != rows[i].want_rc ||
		    event.has_lines != rows[i].want_lines)
			fail_msg("%s", rows[i].positions);
	}
}

static void an_order_has_at_most_a_thousand_positions(void **state)
{
	static const struct {
		int count, want_rc;
	} rows[] = {{1000, 0}, {1001, ERR_INVALID}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_clear) struct buf body = BUF_MAX(BODY_BYTES_MAX);
		CLEANUP(order_event_clear) struct order_event event = {0};

		buf_add_text(&body, "{\"event_type\":\"order.created\","
				    "\"payload\":{\"positions\":[");
		for (int k = 0; k < rows[i].count; k++)
			buf_printf(&body, "%s{\"id\":%d,\"quantity\":1}",
				   k > 0 ? "," : "", k);
		buf_add_text(&body, "]}}");
		if (parse(buf_text(&body), &event, NULL) != rows[i].want_rc)
			fail_msg("%d positions", rows[i].count);
		assert_int_equal(event.line_count,
				 rows[i].want_rc == 0 ? 1000 : 0);
	}
}

static void long_texts_are_cut_between_characters(void **state)
{
	CLEANUP(buf_clear) struct buf body = BUF_MAX(BODY_BYTES_MAX);
	CLEANUP(order_event_clear) struct order_event event = {0};
	size_t bytes;

	(void)state;
	buf_add_text(&body, "{\"event_type\":\"order.created\",\"payload\":"
			    "{\"comment\":\"");
	for (int i = 0; i < 1000; i++)
		buf_add_text(&body, "ж");
	buf_add_text(&body, "\"}}");
	assert_int_equal(parse(buf_text(&body), &event, NULL), 0);
	bytes = strlen(event.terms.comment);
	assert_int_equal(bytes, ORDER_TEXT_BYTES - 2);
	assert_string_equal(event.terms.comment + bytes - 2, "ж");
}

static void a_failed_event_owns_nothing(void **state)
{
	struct order_event event = {0};

	(void)state;
	assert_int_equal(parse("{\"event_type\":\"order.created\",\"payload\":"
			       "{\"positions\":[{\"id\":1,\"quantity\":1},"
			       "{\"id\":2}]}}",
			       &event, NULL),
			 ERR_INVALID);
	assert_null(event.lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_order_with_weighed_goods_is_read_whole),
		cmocka_unit_test(an_order_of_a_business_is_read),
		cmocka_unit_test(changed_orders_are_read),
		cmocka_unit_test(short_events_follow_the_table),
		cmocka_unit_test(reasons_of_a_cancellation_follow_the_table),
		cmocka_unit_test(event_times_follow_the_table),
		cmocka_unit_test(lenient_forms_of_an_order_follow_the_table),
		cmocka_unit_test(what_a_business_orders_is_read_too),
		cmocka_unit_test(
			lenient_and_hostile_positions_follow_the_table),
		cmocka_unit_test(positions_of_other_kinds_follow_the_table),
		cmocka_unit_test(an_order_has_at_most_a_thousand_positions),
		cmocka_unit_test(long_texts_are_cut_between_characters),
		cmocka_unit_test(a_failed_event_owns_nothing),
	};

	return cmocka_run_group_tests_name("kuper_in", tests, NULL, NULL);
}
