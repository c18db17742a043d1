/* SPDX-License-Identifier: MIT
 *
 * What Kuper answers to our reading: listings and orders, good and bad ones.
 */
#include "cmocka_all.h"

#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "channel/kuper.h"

#define SEEN_MS INT64_C(1770109199999)
#define ORDER(id, state, payment)                        \
	"{\"originalOrderId\":\"" id "\",\"storeID\":7," \
	"\"state\":\"" state "\",\"paymentState\":\"" payment "\"}"

static void the_query_names_a_moment_or_a_page(void **state)
{
	static const struct {
		int64_t from_ms;
		const char *token, *want;
	} rows[] = {
		{1770109200123, "",
		 "?maxPageSize=50&filters[updatedFrom]=2026-02-03T12:00:00"},
		{0, "",
		 "?maxPageSize=50&filters[updatedFrom]=1970-01-01T03:00:00"},
		{1, "a+b/c==&x=1", "?nextPageToken=a%2Bb%2Fc%3D%3D%26x%3D1"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_clear) struct buf out = BUF_MAX(256);

		kuper_put_list_query(rows[i].from_ms, 50, rows[i].token, &out);
		assert_string_equal(buf_text(&out), rows[i].want);
	}
}

static void records_say_where_an_order_is(void **state)
{
	static const struct {
		const char *state, *payment;
		enum order_event_type want_event;
		bool want_paid;
	} rows[] = {
		{"ready", "balance_due", EVENT_NONE, false},
		{"ready", "paid", EVENT_NONE, false},
		{"collecting", "paid", EVENT_NONE, false},
		{"ready_to_ship", "paid", EVENT_NONE, true},
		{"ready_to_ship", "balance_due", EVENT_NONE, false},
		{"shipping", "paid", EVENT_DELIVERING, true},
		{"shipped", "paid", EVENT_DELIVERED, true},
		{"canceled", "paid", EVENT_CANCELED, false},
		{"something new", "", EVENT_NONE, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(channel_page_clear) struct channel_page page = {0};
		CLEANUP(buf_clear) struct buf body = BUF_MAX(512);

		buf_printf(&body,
			   "{\"data\":[{\"originalOrderId\":\"H1\","
			   "\"state\":\"%s\",\"paymentState\":\"%s\"}]}",
			   rows[i].state, rows[i].payment);
		assert_int_equal(kuper_read_page(buf_text(&body),
						 body.used_bytes, &page, NULL),
				 0);
		assert_int_equal(page.count, 1);
		assert_int_equal(page.shipments[0].event, rows[i].want_event);
		assert_int_equal(page.shipments[0].paid, rows[i].want_paid);
	}
}

static void pages_follow_the_table(void **state)
{
	static const struct {
		const char *name, *body;
		int want_rc, want_count, want_unreadable;
		const char *want_next;
	} rows[] = {
		{"two orders and a next page",
		 "{\"status\":\"success\",\"data\":[" ORDER(
			 "H1", "ready",
			 "") "," ORDER("H2", "ready",
				       "") "],"
					   "\"nextPageToken\":\"t\"}",
		 0, 2, 0, "t"},
		{"the last page", "{\"data\":[],\"nextPageToken\":null}", 0, 0,
		 0, ""},
		{"records that are none",
		 "{\"data\":[5,{},{\"originalOrderId\":\"\"},[],null," ORDER(
			 "H1", "ready", "") "]}",
		 0, 1, 5, ""},
		{"lines that cannot be read",
		 "{\"data\":[{\"originalOrderId\":\"H1\",\"positions\":[5]}]}",
		 0, 1, 0, ""},
		{"no data", "{\"status\":\"success\"}", ERR_INVALID, 0, 0, ""},
		{"data that is no list", "{\"data\":{}}", ERR_INVALID, 0, 0,
		 ""},
		{"not JSON", "<html>", ERR_INVALID, 0, 0, ""},
		{"cut", "{\"data\":[", ERR_INVALID, 0, 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(channel_page_clear) struct channel_page page = {0};
		int rc = kuper_read_page(rows[i].body, strlen(rows[i].body),
					 &page, NULL);

		if (rc != rows[i].want_rc ||
		    (int)page.count != rows[i].want_count ||
		    page.unreadable != rows[i].want_unreadable ||
		    strcmp(page.next, rows[i].want_next) != 0)
			fail_msg("%s: rc %d, %zu orders, %d unreadable, "
				 "next \"%s\"",
				 rows[i].name, rc, page.count, page.unreadable,
				 page.next);
	}
}

/* Names of what it tells, joined by spaces; the failure's code when it fails.
 */
static const char *told(const char *body, bool known)
{
	CLEANUP(buf_clear) struct buf line = BUF_MAX(256);
	CLEANUP(channel_snapshot_clear) struct channel_snapshot snapshot = {0};
	static char names[256];
	int rc = kuper_read_shipment(body, strlen(body), "H1", known, SEEN_MS,
				     &snapshot, NULL);

	for (int i = 0; i < snapshot.count; i++) {
		CLEANUP(order_event_clear) struct order_event event = {0};
		const char *text = snapshot.told[i].body;

		/* It is read as a webhook afterwards. */
		assert_int_equal(kuper_parse_event(text, strlen(text),
						   SEEN_MS + 1000, &event,
						   NULL),
				 0);
		assert_int_equal(event.type, snapshot.told[i].type);
		assert_int_equal(event.event_ms, SEEN_MS);
		buf_add_text(&line, i > 0 ? " " : "");
		buf_add_text(&line, order_event_name(event.type));
	}
	(void)text_copy(names, sizeof(names), buf_text(&line));
	return rc < 0 ? err_name(rc) : names;
}

static void an_order_is_told_as_its_webhooks_would_have(void **state)
{
	static const struct {
		const char *body;
		bool known;
		const char *want;
	} rows[] = {
		{"{\"data\":" ORDER("H1", "ready", "") "}", false,
		 "order.created"},
		{"{\"data\":" ORDER("H1", "ready", "paid") "}", true,
		 "order.updated"},
		{"{\"data\":" ORDER("H1", "ready_to_ship", "paid") "}", true,
		 "order.updated order.paid"},
		{"{\"data\":" ORDER("H1", "shipping", "paid") "}", true,
		 "order.updated order.paid order.delivering"},
		{"{\"data\":" ORDER("H1", "shipped", "paid") "}", false,
		 "order.created order.paid order.delivered"},
		{"{\"data\":" ORDER("H1", "canceled", "paid") "}", false,
		 "order.created order.canceled"},
		{"{\"data\":" ORDER("H2", "ready", "") "}", true, "invalid"},
		{"{\"data\":[]}", true, "invalid"},
		{"{}", true, "invalid"},
		{"", true, "invalid"},
		{"{\"data\":{\"originalOrderId\":\"H1\",\"x\":"
		 "[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}}",
		 true, "invalid"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_string_equal(told(rows[i].body, rows[i].known),
				    rows[i].want);
}

static void nothing_of_the_content_is_lost_or_rounded(void **state)
{
	static const char body[] =
		"{\"data\":{\"originalOrderId\":\"H1\",\"n\":0.10,"
		"\"big\":12345678901234567890,\"t\":\"\\u0416\\\"\\n\","
		"\"l\":[true,null,{\"k\":-1e3}]}}";
	static const char want[] =
		"\"payload\":{\"originalOrderId\":\"H1\",\"n\":0.10,"
		"\"big\":12345678901234567890,\"t\":\"\xd0\x96\\\"\\n\","
		"\"l\":[true,null,{\"k\":-1e3}]}}";
	CLEANUP(channel_snapshot_clear) struct channel_snapshot snapshot = {0};

	(void)state;
	assert_int_equal(kuper_read_shipment(body, sizeof(body) - 1, "H1", true,
					     SEEN_MS, &snapshot, NULL),
			 0);
	assert_non_null(strstr(snapshot.told[0].body, want));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_query_names_a_moment_or_a_page),
		cmocka_unit_test(records_say_where_an_order_is),
		cmocka_unit_test(pages_follow_the_table),
		cmocka_unit_test(an_order_is_told_as_its_webhooks_would_have),
		cmocka_unit_test(nothing_of_the_content_is_lost_or_rounded),
	};

	return cmocka_run_group_tests_name("kuper pull", tests, NULL, NULL);
}
