/* SPDX-License-Identifier: MIT
 *
 * What people read in alerts: how one ended, and nothing of what is empty.
 */
#include "cmocka_all.h"

#include "monitor_bench.h"

static const char *ending(struct bench *b)
{
	return fixture_text(b->f, "SELECT text FROM telegram_queue"
				  " WHERE event_type = 'resolve'");
}

/* Something is wrong, is told, and is over. */
struct course {
	const char *rule, *wrong, *over, *want;
};

static void run_course(struct bench *b, const struct course *course)
{
	fixture_sql(b->f, "DELETE FROM telegram_queue; DELETE FROM alerts;"
			  "DELETE FROM measures");
	rule_config(b, course->rule)->for_ms = 0;
	rule_config(b, course->rule)->keep_ms = 0;
	fixture_sql(b->f, course->wrong);
	run_rule(b, course->rule, NOW);
	if (b->watch.fired != 1)
		fail_msg("%s does not begin", course->rule);
	/* As if it had been sent. */
	fixture_sql(b->f, "DELETE FROM telegram_queue");
	fixture_sql(b->f, course->over);
	run_rule(b, course->rule, NOW + MINUTES(90));
	if (b->watch.resolved != 1)
		fail_msg("%s does not end", course->rule);
	if (strcmp(ending(b), course->want) != 0)
		fail_msg("%s: %s", course->rule, ending(b));
	if (strcmp(fixture_text(b->f, "SELECT text FROM alerts"),
		   course->want) != 0)
		fail_msg("%s is kept otherwise", course->rule);
}

static void an_end_says_how_things_are_now_and_how_long_it_lasted(void **state)
{
	struct bench *b = *state;
	static const struct course rows[] = {
		{"order-late", "UPDATE orders SET deadline_ms = " M(-5),
		 "UPDATE orders SET state = 'canceled'",
		 GREEN "<b>Over</b>: Order is late\n"
		       "Order H7&amp;Co (no. 1-7)\n"
		       "Store: Market &lt;1&gt;\n"
		       "Now: canceled\n"
		       "It lasted: 1 h 30 min"},
		{"invoice-blocked",
		 "UPDATE orders SET state = 'delivered',"
		 " invoice_state = 'blocked', invoice_reason = 'no price'",
		 "UPDATE orders SET invoice_state = 'done';"
		 "INSERT INTO documents (id, kind, series, number, order_id,"
		 " revision, store_id, business_date, total_minor, vat_minor,"
		 " state, body, created_ms) SELECT 4, 'sale', 'OG-', 17, id, 1,"
		 " store_id, '2026-01-02', 1, 1, 'made', '{}', 1 FROM orders",
		 GREEN "<b>Over</b>: Invoice is blocked\n"
		       "Order H7&amp;Co (no. 1-7)\n"
		       "Store: Market &lt;1&gt;\n"
		       "Now: delivered, document OG-17\n"
		       "It lasted: 1 h 30 min"},
		{"disk-low",
		 "INSERT INTO measures VALUES ('disk-low', '/v', 4, '40 MiB', "
		 "" M(0) ")",
		 "UPDATE measures SET value = 50, detail = '500 MiB'",
		 GREEN "<b>Over</b>: Disk space runs out\n"
		       "/v: 50 % free, 500 MiB\n"
		       "It lasted: 1 h 30 min"},
		{"job-failing",
		 "INSERT INTO jobs (name, last_slot_ms) VALUES ('backup', 0);"
		 "INSERT INTO job_runs (job, started_ms, ended_ms, outcome,"
		 " detail, \"trigger\", term) VALUES"
		 " ('backup', 1, 1, 'failed', '', 'slot', 1),"
		 " ('backup', 2, 2, 'failed', '', 'slot', 1),"
		 " ('backup', 3, 3, 'failed', '', 'slot', 1)",
		 "INSERT INTO job_runs (job, started_ms, ended_ms, outcome,"
		 " detail, \"trigger\", term) VALUES"
		 " ('backup', 4, 4, 'ok', '', 'slot', 1)",
		 GREEN "<b>Over</b>: Job keeps failing\n"
		       "Job: backup\n"
		       "Last run: ok\n"
		       "It lasted: 1 h 30 min"},
		{"product-unknown",
		 "INSERT INTO unknown_products (sku, order_id, seen_ms) VALUES"
		 " ('1-7', 7, 1)",
		 "DELETE FROM unknown_products",
		 GREEN "<b>Over</b>: Product is not in the catalogue\n"
		       "SKU: 1-7\n"
		       "It is in the catalogue\n"
		       "It lasted: 1 h 30 min"},
	};

	add_order(b, 7, "s1", "assembling", 0, 0, -60);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		run_course(b, &rows[i]);
}

static void a_duration_is_told_in_two_units(void **state)
{
	(void)state;
	static const struct {
		int64_t ms;
		const char *want;
	} rows[] = {
		{-1, "less than a minute"},
		{59999, "less than a minute"},
		{60000, "1 min"},
		{MINUTES(59), "59 min"},
		{MINUTES(60), "1 h 0 min"},
		{MINUTES(24 * 60) - 1, "23 h 59 min"},
		{MINUTES(50 * 60), "2 d 2 h"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_clear) struct buf out = BUF_MAX(100);

		put_duration(&out, rows[i].ms);
		assert_string_equal(buf_text(&out), rows[i].want);
	}
}

/* What is left of a text where nothing stands between its words. */
static const char *trace_of_nothing(const char *text)
{
	static const char *const traces[] = {"()",  ": \n", ": ,", ", ,", "  ",
					     " \n", "\n\n", ", )", "( ",  " ,"};

	for (size_t i = 0; i < COUNT_OF(traces); i++)
		if (strstr(text, traces[i]) != NULL)
			return traces[i];
	if (text[0] == '\0' || text[0] == ':' || text[0] == ' ')
		return "beginning";
	return strchr(" :,\n", text[strlen(text) - 1]) != NULL ? "end" : NULL;
}

static void check_traces(const struct rule *rule, const struct buf *out)
{
	const char *trace = trace_of_nothing(buf_text(out));

	if (trace != NULL)
		fail_msg("%s leaves '%s' in: %s", rule->name, trace,
			 buf_text(out));
}

/* Every mixture of what a rule's subject may lack. */
static void what_is_empty_leaves_no_trace(void **state)
{
	(void)state;

	for (size_t i = 0; i < rule_count * 16; i++) {
		const struct rule *rule = &rules[i / 16];
		bool has_picker = strcmp(rule->name, "assembly-long") != 0 ||
				  (i & 1) != 0;
		struct monitor_finding finding = {
			.subject = "s",
			.chat = "",
			.alert_state = "",
			.number = (i & 2) != 0 ? "n" : "",
			.external_id = (i & 6) != 0 ? "e" : "",
			.store = "",
			.store_id = (i & 4) != 0 ? "t" : "",
			.zone = "",
			.detail = has_picker ? "missing=1" : "",
			.reason = (i & 8) != 0 ? "r" : "",
			.at_ms = NOW};
		CLEANUP(buf_clear) struct buf one = BUF_MAX(TEXT_BYTES_MAX);
		CLEANUP(buf_clear) struct buf over = BUF_MAX(TEXT_BYTES_MAX);
		CLEANUP(buf_clear) struct buf line = BUF_MAX(TEXT_BYTES_MAX);

		text_finding(&one, rule, "info", &finding, NOW, "");
		check_traces(rule, &one);
		text_over(&over, rule, &finding, 1, "");
		check_traces(rule, &over);
		/* A line begins with what is told of. */
		if (is_about_order(rule))
			finding.external_id = "e";
		if (strncmp(rule->line, "{store}", 7) == 0)
			finding.store_id = "t";
		text_line(&line, rule, &finding, NOW);
		check_traces(rule, &line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MONITOR_TEST(
			an_end_says_how_things_are_now_and_how_long_it_lasted),
		cmocka_unit_test(a_duration_is_told_in_two_units),
		cmocka_unit_test(what_is_empty_leaves_no_trace),
	};

	return cmocka_run_group_tests_name("alert_texts", tests, NULL, NULL);
}
