/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include "monitor_bench.h"

static void a_store_has_its_own_threshold_or_none(void **state)
{
	struct bench *b = *state;

	add_order(b, 7, "s1", "new", -10, 0, -60);
	add_order(b, 8, "s2", "new", -10, 0, -60);
	fixture_sql(b->f, "INSERT INTO rule_stores VALUES"
			  " ('order-late', 's1', 1, 11, 'ivan', 0),"
			  " ('order-late', 's2', 0, NULL, 'ivan', 0)");
	run_rule(b, "order-late", NOW);
	assert_int_equal(b->watch.fired, 0);
	run_rule(b, "order-late", NOW + MINUTES(1));
	assert_int_equal(b->watch.fired, 1);
	assert_string_equal(
		fixture_text(b->f, "SELECT subject || ' ' || store_id FROM"
				   " alerts"),
		"1-7 s1");
	fixture_sql(b->f, "DELETE FROM rule_stores");
	run_rule(b, "order-late", NOW + MINUTES(1));
	assert_int_equal(b->watch.fired, 1);
}

static void a_worse_alert_ends_a_lesser_one_without_a_word(void **state)
{
	struct bench *b = *state;
	static const char *const in_order[] = {"order-late", "order-not-ready",
					       "assembly-long",
					       "order-not-taken"};

	add_order(b, 7, "s1", "new", 10, 0, -300);
	for (size_t i = 0; i < COUNT_OF(in_order); i++)
		run_rule(b, in_order[i], NOW);
	assert_int_equal(alerts_in(b, "firing"), 1);
	assert_non_null(strstr(messages(b), "Order is about to be late"));
	assert_non_null(strstr(messages(b), ", 10 min left"));
	for (size_t i = 0; i < COUNT_OF(in_order); i++)
		run_rule(b, in_order[i], NOW + MINUTES(10));
	assert_int_equal(alerts_in(b, "firing"), 1);
	/* The lesser one had not even been sent. */
	assert_int_equal(
		fixture_i64(b->f, "SELECT count(*) FROM telegram_queue"), 1);
	assert_non_null(strstr(messages(b), "Order is late"));
}

static void a_marketplace_that_is_down_explains_the_rest(void **state)
{
	struct bench *b = *state;

	rule_config(b, "breaker-open")->for_ms = 0;
	add_order(b, 7, "s1", "ready", 0, 0, -300);
	set_orders(b, "ready_ms = " M(-60));
	fixture_sql(b->f, "INSERT INTO endpoints VALUES ('kuper', 'open', 3,"
			  " 'no answer', 1, 0)");
	run_rule(b, "breaker-open", NOW);
	run_rule(b, "order-not-picked-up", NOW);
	assert_int_equal(alerts_in(b, "firing"), 1);
	fixture_sql(b->f, "UPDATE endpoints SET state = 'closed'");
	run_rule(b, "breaker-open", NOW + MINUTES(1));
	run_rule(b, "order-not-picked-up", NOW + MINUTES(1));
	assert_int_equal(b->watch.fired, 1);

	/* What was told before it went down does not end by it. */
	fixture_sql(b->f, "UPDATE endpoints SET state = 'open'");
	set_orders(b, "state = 'received'");
	run_rule(b, "breaker-open", NOW + MINUTES(2));
	run_rule(b, "order-not-picked-up", NOW + MINUTES(2));
	assert_int_equal(b->watch.resolved, 0);
}

static void crossing_back_and_forth_is_one_alert(void **state)
{
	struct bench *b = *state;
	struct config_rule *config = rule_config(b, "self-probe");

	config->for_ms = 0;
	config->keep_ms = MINUTES(3);
	fixture_sql(b->f, MEASURE("self-probe", 1));
	run_rule(b, "self-probe", NOW);
	set_sent(b);
	for (int minute = 1; minute < 20; minute++) {
		fixture_sql(b->f, minute % 2 == 1
					  ? "UPDATE measures SET value = 0"
					  : "UPDATE measures SET value = 1");
		run_rule(b, "self-probe", NOW + MINUTES(minute));
		assert_int_equal(b->watch.fired + b->watch.resolved, 0);
	}
	fixture_sql(b->f, "UPDATE measures SET value = 0");
	run_rule(b, "self-probe", NOW + MINUTES(20));
	run_rule(b, "self-probe", NOW + MINUTES(21));
	assert_int_equal(b->watch.resolved, 0);
	run_rule(b, "self-probe", NOW + MINUTES(23));
	assert_int_equal(b->watch.resolved, 1);
	assert_int_equal(
		fixture_i64(b->f, "SELECT count(*) FROM telegram_queue"), 1);
}

static void a_threshold_is_left_by_more_than_it_is_reached(void **state)
{
	struct bench *b = *state;
	static const struct {
		int value;
		int64_t firing;
	} steps[] = {{10, 1}, {11, 1}, {12, 1}, {13, 0},
		     {12, 0}, {11, 0}, {10, 1}};

	fixture_sql(b->f, MEASURE("disk-low", 50));
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		char sql[80];

		(void)snprintf(sql, sizeof(sql),
			       "UPDATE measures SET value = %d",
			       steps[i].value);
		fixture_sql(b->f, sql);
		run_rule(b, "disk-low", NOW + MINUTES((int64_t)i));
		assert_int_equal(alerts_in(b, "firing"), steps[i].firing);
	}
}

static void too_little_data_ends_nothing(void **state)
{
	struct bench *b = *state;

	fixture_sql(b->f, CLOSED(16, "delivered") ";" CLOSED(4, "canceled"));
	run_rule(b, "cancel-share", NOW);
	assert_string_equal(messages(b), "-100|fire|" YELLOW
					 "<b>Many orders are cancelled</b>\n"
					 "Store: Market &lt;1&gt;\n"
					 "Cancelled: 20 %");
	fixture_sql(b->f, "DELETE FROM orders WHERE id > (SELECT min(id) + 9"
			  " FROM orders)");
	run_rule(b, "cancel-share", NOW + MINUTES(1));
	assert_int_equal(b->watch.resolved, 0);
	assert_int_equal(alerts_in(b, "firing"), 1);
}

static void what_is_silenced_is_noted_and_told_afterwards(void **state)
{
	struct bench *b = *state;
	static const struct {
		const char *rule, *subject, *store;
		bool silent;
	} kinds[] = {
		{"", "", "", true},          {"order-late", "", "", true},
		{"", "1-7", "", true},       {"", "", "s1", true},
		{"job-late", "", "", false}, {"order-late", "1-8", "", false},
		{"", "", "s2", false},
	};

	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		char sql[256];

		empty(b);
		add_order(b, 9, "s1", "delivered", 0, 0, 0);
		set_orders(b, "deadline_ms = " M(-5));
		(void)snprintf(
			sql, sizeof(sql),
			"INSERT INTO silences (rule, subject, store_id,"
			" from_ms, until_ms, made_by, reason, created_ms)"
			" VALUES ('%s', '%s', '%s', %s, %s, 'i', '', 0)",
			kinds[i].rule, kinds[i].subject, kinds[i].store, M(-1),
			M(10));
		fixture_sql(b->f, sql);
		run_rule(b, "order-late", NOW);
		run_rule(b, "order-late", NOW + MINUTES(9));
		if ((alerts_in(b, "pending") == 1) != kinds[i].silent)
			fail_msg("row %zu", i);
		run_rule(b, "order-late", NOW + MINUTES(10));
		assert_int_equal(alerts_in(b, "firing"), 1);
	}
}

static void a_silence_takes_the_end_too(void **state)
{
	struct bench *b = *state;

	add_order(b, 7, "s1", "new", -5, 0, -60);
	run_rule(b, "order-late", NOW);
	set_sent(b);
	fixture_sql(b->f, "INSERT INTO silences (rule, subject, store_id,"
			  " from_ms, until_ms, made_by, reason, created_ms)"
			  " VALUES ('', '', '', 0, " M(60) ", 'i', '', 0)");
	set_orders(b, "state = 'ready'");
	run_rule(b, "order-late", NOW + MINUTES(2));
	assert_int_equal(alerts_in(b, "resolved"), 1);
	assert_string_equal(messages(b), "");
}

static void an_acknowledged_alert_is_not_repeated(void **state)
{
	struct bench *b = *state;

	rule_config(b, "order-late")->repeat_ms = MINUTES(10);
	add_order(b, 7, "s1", "new", -5, 0, -60);
	run_rule(b, "order-late", NOW);
	run_rule(b, "order-late", NOW + MINUTES(10));
	assert_int_equal(b->watch.repeated, 1);
	fixture_sql(b->f, "UPDATE alerts SET acked_ms = 1, acked_by = 'ivan'");
	run_rule(b, "order-late", NOW + MINUTES(30));
	assert_int_equal(b->watch.repeated, 0);
	set_orders(b, "state = 'ready'");
	run_rule(b, "order-late", NOW + MINUTES(31));
	assert_int_equal(b->watch.resolved, 1);
}

static void a_storm_over_many_passes_stays_one_message_a_pass(void **state)
{
	struct bench *b = *state;

	for (int minute = 0; minute < 10; minute++) {
		for (int i = 0; i < 3; i++)
			add_order(b, 10 + minute * 3 + i, "s1", "new",
				  minute - 30, 0, -60);
		run_rule(b, "order-late", NOW + MINUTES(minute));
		assert_int_equal(b->watch.fired, 3);
	}
	/* Three alone in the first pass, then one message per pass. */
	assert_int_equal(
		fixture_i64(b->f, "SELECT count(*) FROM telegram_queue"), 12);
	assert_non_null(
		strstr(fixture_text(b->f, "SELECT text FROM telegram_queue"
					  " ORDER BY id DESC LIMIT 1"),
		       "<b>Order is late</b>: 3 (30 in all)\n"));
	assert_int_equal(
		fixture_i64(b->f, "SELECT count(*) FROM alerts WHERE told_id IN"
				  " (SELECT id FROM telegram_queue)"),
		30);
}

static void alerts_go_where_they_belong(void **state)
{
	struct bench *b = *state;
	struct config_telegram *t = &b->config->telegram;
	static const struct {
		const char *store, *severity, *rule_chat, *want;
	} cases[] = {
		{"s1", "critical", "", "-100"},
		{"s1", "critical", "-7:3", "-7:3"},
		{"s2", "critical", "", "-2"},
		{"s2", "warning", "", "-1"},
	};

	(void)text_copy(t->critical_chat, sizeof(t->critical_chat), "-2");
	(void)text_copy(t->order_link, sizeof(t->order_link),
			"https://og/o?a=1&n={number}");
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct config_rule *rule = rule_config(b, "order-late");

		empty(b);
		(void)text_copy(rule->severity, sizeof(rule->severity),
				cases[i].severity);
		(void)text_copy(rule->chat, sizeof(rule->chat),
				cases[i].rule_chat);
		add_order(b, 8, cases[i].store, "new", -5, 0, -60);
		run_rule(b, "order-late", NOW);
		assert_string_equal(
			fixture_text(b->f, "SELECT chat FROM telegram_queue"),
			cases[i].want);
	}
	assert_non_null(strstr(messages(b),
			       "\n<a href=\"https://og/o?a=1&amp;n=1-8\">"
			       "Open the order</a>"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MONITOR_TEST(a_store_has_its_own_threshold_or_none),
		MONITOR_TEST(a_worse_alert_ends_a_lesser_one_without_a_word),
		MONITOR_TEST(a_marketplace_that_is_down_explains_the_rest),
		MONITOR_TEST(crossing_back_and_forth_is_one_alert),
		MONITOR_TEST(a_threshold_is_left_by_more_than_it_is_reached),
		MONITOR_TEST(too_little_data_ends_nothing),
		MONITOR_TEST(what_is_silenced_is_noted_and_told_afterwards),
		MONITOR_TEST(a_silence_takes_the_end_too),
		MONITOR_TEST(an_acknowledged_alert_is_not_repeated),
		MONITOR_TEST(a_storm_over_many_passes_stays_one_message_a_pass),
		MONITOR_TEST(alerts_go_where_they_belong),
	};
	return cmocka_run_group_tests_name("alerting", tests, NULL, NULL);
}
