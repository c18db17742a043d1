/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "channel/kuper.h"

#define RECEIVED_MS INT64_C(1770109200000)

static void envelopes_follow_the_table(void **state)
{
	static const struct {
		const char *name, *body;
		const char *want_code; /* NULL: readable */
		const char *want_type, *want_id, *want_alias;
	} rows[] = {
		{"as usual",
		 "{\"event_type\":\"order.paid\",\"payload\":"
		 "{\"originalOrderId\":\"H1\",\"orderUUID\":\"u-1\"}}",
		 NULL, "order.paid", "H1", "u-1"},
		{"an id that is a number",
		 "{\"event_type\":\"order.paid\",\"payload\":"
		 "{\"originalOrderId\":123456789012345678}}",
		 NULL, "order.paid", "123456789012345678", ""},
		{"only the UUID",
		 "{\"event_type\":\"order.paid\",\"payload\":"
		 "{\"originalOrderId\":null,\"orderUUID\":\"u-1\"}}",
		 NULL, "order.paid", "", "u-1"},
		{"the other name of the id",
		 "{\"event_type\":\"order.paid\",\"payload\":"
		 "{\"order_id\":\"H1\"}}",
		 NULL, "order.paid", "H1", ""},
		{"an event that nobody knows",
		 "{\"event_type\":\"order.exploded\",\"payload\":"
		 "{\"originalOrderId\":\"H1\"}}",
		 NULL, "order.exploded", "H1", ""},
		{"not JSON", "order.created", "bad_json", "", "", ""},
		{"empty", "", "bad_json", "", "", ""},
		{"cut", "{\"event_type\":\"order.paid\"", "bad_json", "", "",
		 ""},
		{"a key twice",
		 "{\"event_type\":\"order.paid\",\"event_type\":\"x\"}",
		 "bad_json", "", "", ""},
		{"not UTF-8", "{\"event_type\":\"\xff\"}", "bad_json", "", "",
		 ""},
		{"a list", "[]", "bad_json", "", "", ""},
		{"a text", "\"order.paid\"", "bad_json", "", "", ""},
		{"no type", "{\"payload\":{\"originalOrderId\":\"H1\"}}",
		 "no_event_type", "", "", ""},
		{"an empty type",
		 "{\"event_type\":\"\",\"payload\":"
		 "{\"originalOrderId\":\"H1\"}}",
		 "no_event_type", "", "", ""},
		{"a type that is a number",
		 "{\"event_type\":5,\"payload\":{\"originalOrderId\":\"H1\"}}",
		 "no_event_type", "", "", ""},
		{"no order", "{\"event_type\":\"order.paid\",\"payload\":{}}",
		 "no_order_id", "", "", ""},
		{"no payload", "{\"event_type\":\"order.paid\"}", "no_order_id",
		 "", "", ""},
		{"an order that is a list",
		 "{\"event_type\":\"order.paid\",\"payload\":"
		 "{\"originalOrderId\":[]}}",
		 "no_order_id", "", "", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct channel_envelope envelope = {0};
		const char *code = NULL;
		int rc = kuper_read_envelope(rows[i].body, strlen(rows[i].body),
					     RECEIVED_MS, &envelope, &code,
					     NULL);

		if (rows[i].want_code != NULL) {
			if (rc != ERR_INVALID ||
			    strcmp(code, rows[i].want_code) != 0)
				fail_msg("%s: rc %d, %s", rows[i].name, rc,
					 code);
			continue;
		}
		if (rc != 0 ||
		    strcmp(envelope.event_type, rows[i].want_type) != 0 ||
		    strcmp(envelope.external_id, rows[i].want_id) != 0 ||
		    strcmp(envelope.alias, rows[i].want_alias) != 0)
			fail_msg("%s: rc %d", rows[i].name, rc);
	}
}

static void ids_that_would_have_to_be_cut_are_refused(void **state)
{
	static const struct {
		const char *format, *fill;
		int fits, want_rc_beyond;
	} rows[] = {
		{"{\"event_type\":\"order.paid\",\"payload\":"
		 "{\"originalOrderId\":\"%s\"}}",
		 "x", ORDER_ID_POINTS_MAX, ERR_INVALID},
		{"{\"event_type\":\"order.paid\",\"payload\":"
		 "{\"originalOrderId\":\"%s\"}}",
		 "\xF0\x9F\x8D\x8C", ORDER_ID_POINTS_MAX, ERR_INVALID},
		{"{\"event_type\":\"order.paid\",\"payload\":"
		 "{\"orderUUID\":\"%s\"}}",
		 "\xD0\x96", ORDER_ID_POINTS_MAX, ERR_INVALID},
		{"{\"event_type\":\"%s\",\"payload\":"
		 "{\"originalOrderId\":\"H1\"}}",
		 "x", ORDER_SHORT_BYTES - 1, ERR_INVALID},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (int more = 0; more < 2; more++) {
			struct channel_envelope envelope = {0};
			CLEANUP(buf_clear) struct buf body = BUF_MAX(4096);
			const char *mark = strstr(rows[i].format, "%s");
			const char *code;
			int rc;

			buf_add(&body, rows[i].format,
				(size_t)(mark - rows[i].format));
			for (int k = 0; k < rows[i].fits + more; k++)
				buf_add_text(&body, rows[i].fill);
			buf_add_text(&body, mark + 2);
			rc = kuper_read_envelope(buf_text(&body),
						 body.used_bytes, RECEIVED_MS,
						 &envelope, &code, NULL);
			if (rc != (more > 0 ? rows[i].want_rc_beyond : 0))
				fail_msg("row %zu, %d more: %d", i, more, rc);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(envelopes_follow_the_table),
		cmocka_unit_test(ids_that_would_have_to_be_cut_are_refused),
	};

	return cmocka_run_group_tests_name("kuper_envelope", tests, NULL, NULL);
}
