/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include "monitor_bench.h"

static void orders_are_late_by_their_deadline_and_state(void **state)
{
	struct bench *b = *state;
	static const struct {
		const char *name, *state;
		int deadline, slot_to;
		bool want;
	} rows[] = {
		{"before its deadline", "assembling", 1, 0, false},
		{"past it", "assembling", -1, 0, true},
		{"without a deadline and a slot", "new", 0, 0, false},
		{"a day past it", "accepted", -1440, 0, true},
		{"assembled is not ready", "assembled", -1, 0, true},
		{"ready", "ready", -1, 0, false},
		{"received", "received", -1, 0, false},
		{"on its way", "delivering", -1, 0, false},
		{"delivered", "delivered", -1, 0, false},
		{"cancelled", "canceled", -1, 0, false},
		{"the slot counts without a deadline", "new", 0, -5, true},
		{"the deadline counts before the slot", "new", 5, -5, false},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		fixture_sql(b->f, "DELETE FROM orders; DELETE FROM alerts");
		add_order(b, 7, "s1", rows[i].state, rows[i].deadline,
			  rows[i].slot_to, -1);
		run_rule(b, "order-late", NOW);
		if ((alerts_in(b, "firing") == 1) != rows[i].want)
			fail_msg("%s", rows[i].name);
	}
	fixture_sql(b->f,
		    "UPDATE orders SET state = 'new'; DELETE FROM alerts");
	set_orders(b, "deadline_ms = " NOW_S "001");
	run_rule(b, "order-late", NOW);
	assert_int_equal(alerts_in(b, "firing"), 0);
	run_rule(b, "order-late", NOW + 1);
	assert_int_equal(alerts_in(b, "firing"), 1);
}

static void a_late_order_is_told_once_and_its_end_too(void **state)
{
	struct bench *b = *state;

	add_order(b, 7, "s1", "assembling", -3, 0, -60);
	run_rule(b, "order-late", NOW);
	assert_int_equal(b->watch.fired, 1);
	run_rule(b, "order-late", NOW + MINUTES(1));
	assert_int_equal(b->watch.fired + b->watch.repeated, 0);
	assert_string_equal(messages(b),
			    "-100|fire|" RED "<b>Order is late</b>\n"
			    "Order H7&amp;Co (no. 1-7)\n"
			    "Store: Market &lt;1&gt;\n"
			    "Deadline: 22.11.2026 14:57 (Europe/Moscow)\n"
			    "State: assembling, late by 3 min");
	set_orders(b, "state = 'ready'");
	fixture_sql(b->f, "DELETE FROM telegram_queue");
	run_rule(b, "order-late", NOW + MINUTES(2));
	assert_int_equal(b->watch.resolved, 1);
	run_rule(b, "order-late", NOW + MINUTES(3));
	assert_string_equal(messages(b),
			    "-100|resolve|" GREEN "<b>Over</b>: Order is late\n"
			    "Order H7&amp;Co (no. 1-7)\n"
			    "Store: Market &lt;1&gt;\n"
			    "Now: ready\n"
			    "It lasted: 2 min");
	assert_int_equal(alerts_in(b, "resolved"), 1);
}

static void a_moved_deadline_ends_it(void **state)
{
	struct bench *b = *state;

	add_order(b, 7, "s2", "new", -3, 0, -60);
	run_rule(b, "order-late", NOW);
	assert_non_null(strstr(messages(b), "-1|fire|"));
	assert_non_null(strstr(messages(b), "18:57 (Asia/Novosibirsk)"));
	set_orders(b, "deadline_ms = deadline_ms + 3600000");
	run_rule(b, "order-late", NOW);
	assert_int_equal(b->watch.resolved, 1);
}

static void an_order_that_is_late_is_not_also_not_taken(void **state)
{
	struct bench *b = *state;

	add_order(b, 7, "s1", "new", 10, 0, -20);
	run_rule(b, "order-late", NOW);
	run_rule(b, "order-not-taken", NOW);
	assert_string_equal(
		messages(b),
		"-100|fire|" YELLOW "<b>Order has not been taken</b>\n"
		"Order H7&amp;Co (no. 1-7)\n"
		"Store: Market &lt;1&gt;\n"
		"Received: 22.11.2026 14:40 (Europe/Moscow), waits for 20 min");
	fixture_sql(b->f, "DELETE FROM telegram_queue");

	/* Now it is late: that is worse, and the other ends without a word. */
	run_rule(b, "order-late", NOW + MINUTES(11));
	run_rule(b, "order-not-taken", NOW + MINUTES(11));
	run_rule(b, "order-not-taken", NOW + MINUTES(12));
	assert_int_equal(
		fixture_i64(b->f, "SELECT count(*) FROM telegram_queue"), 1);
	assert_non_null(strstr(messages(b), "Order is late"));
	assert_int_equal(alerts_in(b, "firing"), 1);
	assert_int_equal(alerts_in(b, "resolved"), 1);
}

static void many_at_once_are_one_message_with_the_worst(void **state)
{
	struct bench *b = *state;

	for (int i = 1; i <= 300; i++)
		add_order(b, i, "s1", "assembling", -i, 0, -400);
	add_order(b, 301, "s2", "assembling", -1, 0, -400);
	run_rule(b, "order-late", NOW);
	assert_int_equal(b->watch.fired, 301);
	assert_int_equal(
		fixture_i64(b->f, "SELECT count(*) FROM telegram_queue"), 2);
	assert_string_equal(
		fixture_text(b->f, "SELECT text FROM telegram_queue"
				   " WHERE chat = '-100'"),
		RED "<b>Order is late</b>: 300\n"
		    "H300&amp;Co: Market &lt;1&gt;, deadline 22.11.2026 10:00"
		    " (Europe/Moscow)\n"
		    "H299&amp;Co: Market &lt;1&gt;, deadline 22.11.2026 10:01"
		    " (Europe/Moscow)\n"
		    "H298&amp;Co: Market &lt;1&gt;, deadline 22.11.2026 10:02"
		    " (Europe/Moscow)\n"
		    "H297&amp;Co: Market &lt;1&gt;, deadline 22.11.2026 10:03"
		    " (Europe/Moscow)\n"
		    "H296&amp;Co: Market &lt;1&gt;, deadline 22.11.2026 10:04"
		    " (Europe/Moscow)\n"
		    "and 295 more");
	assert_int_equal(alerts_in(b, "firing"), 301);
	run_rule(b, "order-late", NOW + MINUTES(1));
	assert_int_equal(b->watch.fired, 0);

	fixture_sql(b->f, "DELETE FROM telegram_queue");
	set_orders(b, "state = 'canceled'");
	run_rule(b, "order-late", NOW + MINUTES(2));
	assert_int_equal(b->watch.resolved, 301);
	assert_int_equal(
		fixture_i64(b->f, "SELECT count(*) FROM telegram_queue"), 2);
	assert_string_equal(fixture_text(b->f, "SELECT text FROM telegram_queue"
					       " WHERE chat = '-100'"),
			    GREEN "<b>Over</b>: Order is late: 300\n"
				  "The longest lasted: 2 min\n"
				  "H300&amp;Co: canceled\n"
				  "H299&amp;Co: canceled\n"
				  "H298&amp;Co: canceled\n"
				  "H297&amp;Co: canceled\n"
				  "H296&amp;Co: canceled\n"
				  "and 295 more");
}

static void five_at_once_are_five_messages(void **state)
{
	struct bench *b = *state;

	for (int i = 1; i <= 5; i++)
		add_order(b, i, "s1", "assembling", -i, 0, -400);
	run_rule(b, "order-late", NOW);
	assert_int_equal(fixture_i64(b->f, "SELECT count(*) FROM telegram_queue"
					   " WHERE alert_id IS NOT NULL"),
			 5);
}

static void a_rule_waits_repeats_and_can_be_off(void **state)
{
	struct bench *b = *state;
	struct config_rule *config = rule_config(b, "order-late");

	config->for_ms = MINUTES(2);
	config->repeat_ms = MINUTES(10);
	add_order(b, 7, "s1", "new", -3, 0, -5);
	run_rule(b, "order-late", NOW);
	assert_int_equal(alerts_in(b, "pending"), 1);
	assert_int_equal(b->watch.fired, 0);
	run_rule(b, "order-late", NOW + MINUTES(1));
	assert_int_equal(b->watch.fired, 0);
	run_rule(b, "order-late", NOW + MINUTES(2));
	assert_int_equal(b->watch.fired, 1);
	run_rule(b, "order-late", NOW + MINUTES(11));
	assert_int_equal(b->watch.repeated, 0);
	run_rule(b, "order-late", NOW + MINUTES(12));
	assert_int_equal(b->watch.repeated, 1);
	assert_int_equal(
		fixture_i64(b->f, "SELECT count(*) FROM telegram_queue"), 2);
	config->enabled = false;
	run_rule(b, "order-late", NOW + MINUTES(13));
	assert_int_equal(alerts_in(b, "firing"), 0);
	assert_int_equal(
		fixture_i64(b->f, "SELECT count(*) FROM telegram_queue"), 2);
}

static void what_crosses_back_before_its_time_is_never_told(void **state)
{
	struct bench *b = *state;

	rule_config(b, "order-late")->for_ms = MINUTES(2);
	add_order(b, 7, "s1", "new", -3, 0, -5);
	run_rule(b, "order-late", NOW);
	set_orders(b, "state = 'ready'");
	run_rule(b, "order-late", NOW + MINUTES(1));
	set_orders(b, "state = 'new'");
	run_rule(b, "order-late", NOW + MINUTES(2));
	run_rule(b, "order-late", NOW + MINUTES(3));
	assert_string_equal(messages(b), "");
	assert_int_equal(alerts_in(b, "pending"), 1);
}

static const char failed_outbox[] =
	"INSERT INTO outbox (message_id, head_id, endpoint, channel,"
	" external_id, event_type, order_id, order_seq, state, error, due_ms,"
	" created_ms, updated_ms, body) VALUES ('m', 1, 'kuper', 'kuper',"
	" 'H7&Co', 'order.ready_for_delivery', 7, 1, 4, '422 no', 0, 0,"
	" " NOW_S "000, '{}')";
static const char failed_runs[] =
	"INSERT INTO jobs (name, last_slot_ms) VALUES ('invoicing', 1),"
	" ('backup', 1);"
	"INSERT INTO job_runs (job, slot_ms, started_ms, ended_ms, outcome,"
	" detail, trigger, term) VALUES"
	" ('invoicing', 1, 1, 1, 'ok', '', 'schedule', 1),"
	" ('invoicing', 2, 1, 1, 'failed', '', 'schedule', 1),"
	" ('invoicing', 3, 1, 1, 'timeout', '', 'schedule', 1),"
	" ('invoicing', 4, 1, 1, 'skipped', '', 'schedule', 1),"
	" ('invoicing', 5, 1, " NOW_S "000, 'failed', 'exit code 1: disk',"
	" 'schedule', 1),"
	" ('invoicing', 6, 1, NULL, 'running', '', 'schedule', 1),"
	" ('backup', 1, 1, 1, 'ok', '', 'schedule', 1),"
	" ('backup', 2, 1, 1, 'failed', '', 'schedule', 1),"
	" ('backup', 3, 1, 1, 'skipped', '', 'schedule', 1),"
	" ('backup', 4, 1, 1, 'failed', '', 'schedule', 1)";
static const char backlog[] =
	"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
	" WHERE i < 100) INSERT INTO telegram_queue (message_id, head_id,"
	" chat, event_type, order_seq, severity, state, due_ms, created_ms,"
	" updated_ms, text) SELECT 'm', 99, 'x', 'fire', i, 'info', 1, 0,"
	" " NOW_S "000, 0, '' FROM n";

static const struct {
	const char *rule;
	const char *sql;  /* makes it true */
	const char *want; /* the message */
	const char *over; /* makes it false */
} rule_rows[] = {
	/* A cancellation that came a moment later explains the refusal. */
	{"notification-failed", failed_outbox,
	 "-1|fire|" RED "<b>Marketplace was not told</b>\n"
	 "Order H7&amp;Co (no. 1-7)\n"
	 "Notification: order.ready_for_delivery\n"
	 "Reason: 422 no",
	 "UPDATE orders SET state = 'canceled'"},
	{"notification-failed", "UPDATE orders SET state = 'ready'",
	 "-1|fire|" RED "<b>Marketplace was not told</b>\n"
	 "Order H7&amp;Co (no. 1-7)\n"
	 "Notification: order.ready_for_delivery\n"
	 "Reason: 422 no",
	 "UPDATE outbox SET state = 3"},
	{"breaker-open",
	 "INSERT INTO endpoints VALUES ('kuper', 'held', 3,"
	 " '401 <x>', " NOW_S "000, 0)",
	 "-1|fire|" RED "<b>Marketplace cannot be reached</b>\n"
	 "Address: kuper (held)\n"
	 "Since: 22.11.2026 15:00 (Europe/Moscow)\n"
	 "Reason: 401 &lt;x&gt;",
	 "UPDATE endpoints SET state = 'closed'"},
	{"inbox-quarantined",
	 "INSERT INTO inbox (message_id, channel, external_id,"
	 " event_type, order_id, order_seq, event_ms, state, outcome,"
	 " due_ms, created_ms, updated_ms, body, error) VALUES"
	 " ('m', 'kuper', 'H7', 'order.<odd>', 7, 1, 0, 4,"
	 " 'quarantined', 0, " NOW_S "000, 0, '{}', 'unknown event')",
	 "-1|fire|" YELLOW "<b>Messages were not understood</b>\n"
	 "From: kuper order.&lt;odd&gt; H7 (quarantined)\n"
	 "Messages: 1, the last one 22.11.2026 15:00 (Europe/Moscow)\n"
	 "Reason: unknown event",
	 "UPDATE inbox SET state = 3"},
	{"inbox-quarantined",
	 "INSERT INTO quarantine (received_ms, channel, reason, raw)"
	 " VALUES (" NOW_S
	 "000 - 1000, 'kuper', 'not JSON', CAST('0' AS BLOB))",
	 "-1|fire|" YELLOW "<b>Messages were not understood</b>\n"
	 "From: kuper (unreadable)\n"
	 "Messages: 1, the last one 22.11.2026 14:59 (Europe/Moscow)\n"
	 "Reason: not JSON",
	 "UPDATE quarantine SET closed_ms = 1"},
	{"store-unknown",
	 "INSERT INTO stores (id, name, time_zone, opening_hours,"
	 " telegram_chat, integration_type, imported, created_ms,"
	 " updated_ms) VALUES ('s9', 's9', 'Europe/Moscow', '', '', 3,"
	 " 0, " NOW_S "000, 0)",
	 "-1|fire|" BLUE "<b>Order of an unknown store</b>\n"
	 "Store: s9\n"
	 "First order: 22.11.2026 15:00 (Europe/Moscow)\n"
	 "It is worked on with the time zone Europe/Moscow until the"
	 " store is imported.",
	 "UPDATE stores SET imported = 1"},
	{"product-unknown",
	 "INSERT INTO unknown_products (sku, order_id, seen_ms)"
	 " VALUES ('100900', 7, " NOW_S "000)",
	 "-1|fire|" BLUE "<b>Product is not in the catalogue</b>\n"
	 "SKU: 100900\n"
	 "First seen: 22.11.2026 15:00 (Europe/Moscow), order H7&amp;Co"
	 " (no. 1-7)\n"
	 "The order is worked on; import the catalogue.",
	 "INSERT INTO products (generation, sku, name, unit, vat_rate,"
	 " barcodes) VALUES (1, '100900', '', '', '', '');"
	 "UPDATE catalogue_state SET generation = 1"},
	{"job-failing", failed_runs,
	 "-1|fire|" YELLOW "<b>Job keeps failing</b>\n"
	 "Job: invoicing\n"
	 "Failed runs in a row: 3, the last one 22.11.2026 15:00"
	 " (Europe/Moscow)\n"
	 "Result: failed, exit code 1: disk",
	 "UPDATE job_runs SET outcome = 'ok', ended_ms = 2"
	 " WHERE outcome = 'running'"},
	{"invoice-blocked",
	 "UPDATE orders SET state = 'delivered', invoice_state ="
	 " 'blocked', invoice_reason = 'no VAT for \"1\"'",
	 "-1|fire|" YELLOW "<b>Invoice is blocked</b>\n"
	 "Order H7&amp;Co (no. 1-7)\n"
	 "Store: Market &lt;1&gt;\n"
	 "Reason: no VAT for &quot;1&quot;",
	 "UPDATE orders SET invoice_state = 'done'"},
	{"invoice-blocked",
	 "INSERT INTO documents (id, kind, series, number, order_id, revision,"
	 " store_id, business_date, total_minor, vat_minor, state, body,"
	 " created_ms) VALUES (5, 'sale', 'OG', 5, 7, 1, 's', '2026-01-01', 1,"
	 " 0, 'exported', '{}', 0);"
	 "INSERT INTO document_files (batch_id, document_id, format, file_name,"
	 " bytes, hash, written_ms, error) VALUES (3, 5, 'pdf', '', 0, '', 0,"
	 " 'no font')",
	 "-1|fire|" YELLOW "<b>Invoice is blocked</b>\n"
	 "Order H7&amp;Co (no. 1-7)\n"
	 "Store: Market &lt;1&gt;\n"
	 "Reason: document 5 of batch 3 has no pdf: no font",
	 "DELETE FROM document_files; DELETE FROM documents"},
	{"order-changed",
	 "INSERT INTO order_later_changes (order_id, event_ms, total_minor,"
	 " body, state, reason, created_ms) VALUES (7, " NOW_S "000, -1, '[]',"
	 " 'told', 'a has another price', 0)",
	 "-1|fire|" YELLOW "<b>The marketplace changed an order that is sold"
	 "</b>\n"
	 "Order H7&amp;Co (no. 1-7)\n"
	 "Store: Market &lt;1&gt;\n"
	 "Changed: 22.11.2026 15:00 (Europe/Moscow)\n"
	 "Reason: a has another price\n"
	 "To do: ordergatectl document return, correct or leave",
	 "UPDATE order_later_changes SET state = 'settled'"},
	{"report-differs",
	 "INSERT INTO market_reports (channel, file_name, hash, revision,"
	 " outcome, name, missing, different, created_ms) VALUES ('kuper',"
	 " 'day.csv', 'h', 1, 'done', 'REP-000001', 2, 1, " NOW_S "000)",
	 "-1|fire|" YELLOW "<b>The marketplace's report differs from our"
	 " documents</b>\n"
	 "Report: REP-000001, 22.11.2026 15:00 (Europe/Moscow)\n"
	 "Differences: 3 (missing here: 2, different: 1)\n"
	 "Look: ordergatectl document reports",
	 "UPDATE market_reports SET superseded_ms = 1"},
	{"report-refused",
	 "INSERT INTO market_reports (channel, file_name, hash, revision,"
	 " outcome, name, reason, created_ms) VALUES ('kuper', 'bad.csv', 'g',"
	 " 1, 'failed', '', 'the row names no order', " NOW_S "000)",
	 "-1|fire|" YELLOW "<b>The marketplace's report was refused</b>\n"
	 "File: bad.csv, 22.11.2026 15:00 (Europe/Moscow)\n"
	 "It was not read: the row names no order\n"
	 "Look: ordergatectl document reports",
	 "UPDATE market_reports SET superseded_ms = 1"},
	{"erp-refused",
	 "INSERT INTO documents (id, kind, series, number, order_id, revision,"
	 " store_id, business_date, total_minor, vat_minor, state, body,"
	 " created_ms) SELECT 4, 'sale', 'OG-', 17, id, 1, store_id,"
	 " '2026-01-02', 1, 1, 'made', '{}', 1 FROM orders LIMIT 1;"
	 "INSERT INTO erp_verdicts VALUES (4, 'refused', 'no <contract>', 2)",
	 "-1|fire|" YELLOW
	 "<b>The ERP refuses a document or a step of an order</b>\n"
	 "What: OG-17\n"
	 "Order H7&amp;Co (no. 1-7)\n"
	 "Store: Market &lt;1&gt;\n"
	 "Reason: no &lt;contract&gt;",
	 "UPDATE erp_verdicts SET state = 'replaced'"},
	{"erp-refused",
	 "INSERT INTO outbox (id, message_id, head_id, endpoint, channel,"
	 " external_id, event_type, order_id, order_seq, state, outcome, "
	 "due_ms,"
	 " error, created_ms, updated_ms, body) VALUES (90, 'm', 9, 'erp',"
	 " 'kuper', 'H7&Co', 'order', 7, 1, 4, 'rejected', 0, 'HTTP 422', 0, 0,"
	 " '')",
	 "-1|fire|" YELLOW
	 "<b>The ERP refuses a document or a step of an order</b>\n"
	 "What: 1-7\n"
	 "Order H7&amp;Co (no. 1-7)\n"
	 "Store: Market &lt;1&gt;\n"
	 "Reason: HTTP 422",
	 "DELETE FROM outbox WHERE id = 90"},
	{"erp-away",
	 "INSERT INTO outbox_head (head_id, order_id, endpoint, last_seq, "
	 "state,"
	 " due_ms) VALUES (9, 7, 'erp', 1, 1, " NOW_S "000);"
	 "INSERT INTO endpoints VALUES ('erp', 'open', 0, 'HTTP 503', 0, 0)",
	 "-1|fire|" YELLOW "<b>The ERP does not take documents</b>\n"
	 "Waiting: 1, the oldest since 22.11.2026 15:00 (Europe/Moscow)\n"
	 "Reason: HTTP 503\n"
	 "Look: ordergatectl erp status",
	 "DELETE FROM endpoints; DELETE FROM outbox_head"},
};

static void each_rule_finds_its_own(void **state)
{
	struct bench *b = *state;

	add_order(b, 7, "s1", "ready", 0, 0, -400);
	for (size_t i = 0; i < COUNT_OF(rule_rows); i++) {
		fixture_sql(b->f, "DELETE FROM telegram_queue;"
				  "DELETE FROM alerts");
		rule_config(b, rule_rows[i].rule)->for_ms = 0;
		run_rule(b, rule_rows[i].rule, NOW);
		if (b->watch.fired != 0)
			fail_msg("%s fires at nothing", rule_rows[i].rule);
		fixture_sql(b->f, rule_rows[i].sql);
		run_rule(b, rule_rows[i].rule, NOW);
		run_rule(b, rule_rows[i].rule, NOW + 1000);
		if (strcmp(messages(b), rule_rows[i].want) != 0)
			fail_msg("%s: %s", rule_rows[i].rule, messages(b));
		fixture_sql(b->f, rule_rows[i].over);
		run_rule(b, rule_rows[i].rule, NOW + 2000);
		if (b->watch.resolved != 1 || alerts_in(b, "firing") != 0)
			fail_msg("%s does not end", rule_rows[i].rule);
	}
}

static void a_threshold_is_how_many_there_must_be(void **state)
{
	struct bench *b = *state;

	rule_config(b, "telegram-backlog")->for_ms = 0;
	fixture_sql(b->f, backlog);
	fixture_sql(b->f, "DELETE FROM telegram_queue WHERE id = 1");
	run_rule(b, "telegram-backlog", NOW);
	assert_int_equal(b->watch.fired, 0);
	fixture_sql(b->f, "DELETE FROM telegram_queue");
	fixture_sql(b->f, backlog);
	run_rule(b, "telegram-backlog", NOW);
	assert_int_equal(b->watch.fired, 1);
	fixture_sql(b->f, "DELETE FROM telegram_queue WHERE chat = 'x'");
	assert_string_equal(messages(b),
			    "-1|fire|" YELLOW
			    "<b>Telegram messages pile up</b>\n"
			    "Waiting: 100, the oldest since 22.11.2026 15:00"
			    " (Europe/Moscow)");
}

static void every_rule_of_the_configuration_is_known(void **state)
{
	struct bench *b = *state;

	for (size_t i = 0; i < rule_count; i++)
		(void)rule_config(b, rules[i].name);
	/* Told by the processor when it happens. */
	for (int i = 0; i < b->config->rule_count; i++)
		if (strcmp(b->config->rules[i].name, "store-unknown") != 0)
			(void)find_rule(b->config->rules[i].name);
}

static void no_text_has_a_field_that_nobody_fills(void **state)
{
	(void)state;
	const struct monitor_finding finding = {.subject = "s",
						.chat = "",
						.alert_state = "",
						.number = "n",
						.external_id = "e",
						.store = "t",
						.zone = "",
						.detail = "d",
						.reason = "r",
						.at_ms = NOW};

	for (size_t i = 0; i < rule_count; i++) {
		CLEANUP(buf_clear) struct buf out = BUF_MAX(TEXT_BYTES_MAX);

		text_finding(&out, &rules[i], "info", &finding, NOW, "");
		text_line(&out, &rules[i], &finding, NOW);
		if (strpbrk(buf_text(&out), "{}") != NULL)
			fail_msg("%s: %s", rules[i].name, buf_text(&out));
	}
}

static void the_longest_message_fits(void **state)
{
	(void)state;
	CLEANUP(buf_clear) struct buf one = BUF_MAX(TEXT_BYTES_MAX);
	CLEANUP(buf_clear) struct buf many = BUF_MAX(TEXT_BYTES_MAX);
	CLEANUP(buf_clear) struct buf line = BUF_MAX(TEXT_BYTES_MAX);
	char data[2000];
	const char *lines[LINES_MAX];
	struct monitor_finding finding;

	memset(data, '"', sizeof(data) - 1);
	data[sizeof(data) - 1] = '\0';
	finding = (struct monitor_finding){.subject = data,
					   .chat = "",
					   .alert_state = "",
					   .number = data,
					   .external_id = data,
					   .store = data,
					   .zone = "",
					   .detail = data,
					   .reason = data,
					   .at_ms = 0};
	for (size_t i = 0; i < rule_count; i++) {
		buf_reset(&one);
		buf_reset(&many);
		buf_reset(&line);
		text_finding(&one, &rules[i], "info", &finding, NOW, "");
		text_line(&line, &rules[i], &finding, NOW);
		for (int k = 0; k < LINES_MAX; k++)
			lines[k] = buf_text(&line);
		text_many(&many, &rules[i], "info", 99, 999, lines, LINES_MAX);
		assert_int_equal(buf_finish(&one, NULL), 0);
		assert_int_equal(buf_finish(&many, NULL), 0);
		assert_true(html_points(buf_text(&one)) < 4096);
		assert_true(html_points(buf_text(&many)) < 4096);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MONITOR_TEST(orders_are_late_by_their_deadline_and_state),
		MONITOR_TEST(a_late_order_is_told_once_and_its_end_too),
		MONITOR_TEST(a_moved_deadline_ends_it),
		MONITOR_TEST(an_order_that_is_late_is_not_also_not_taken),
		MONITOR_TEST(many_at_once_are_one_message_with_the_worst),
		MONITOR_TEST(five_at_once_are_five_messages),
		MONITOR_TEST(a_rule_waits_repeats_and_can_be_off),
		MONITOR_TEST(what_crosses_back_before_its_time_is_never_told),
		MONITOR_TEST(each_rule_finds_its_own),
		MONITOR_TEST(a_threshold_is_how_many_there_must_be),
		MONITOR_TEST(every_rule_of_the_configuration_is_known),
		cmocka_unit_test(no_text_has_a_field_that_nobody_fills),
		cmocka_unit_test(the_longest_message_fits),
	};
	return cmocka_run_group_tests_name("monitor", tests, NULL, NULL);
}
