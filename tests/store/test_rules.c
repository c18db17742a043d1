/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include "monitor_bench.h"

#define H(hours) "(" NOW_S "000 + 3600 * 1000 * CAST(" #hours " AS BIGINT))"
#define DAYS(days) "(" NOW_S "000 + 86400000 * CAST(" #days " AS BIGINT))"

/* State of order 7 and what else is set; everything is minutes from now. */
#define ORDER(state, more)                   \
	"UPDATE orders SET created_ms = " M( \
		-300) "; UPDATE orders SET state = '" state "'" more
#define LINES(count, state, picked)                                           \
	"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"      \
	" WHERE i < " #count ") INSERT INTO order_lines (order_id, line_no,"  \
	" sku, qty_ordered_milli, qty_milli, qty_picked_milli, price_minor,"  \
	" discount_price_minor, total_minor, discount_total_minor, state)"    \
	" SELECT 7, (SELECT count(*) FROM order_lines) + i, 'x', 1000, 1000," \
	" " #picked ", 1, 1, 1, 1, '" state "' FROM n"
/* Messages of the inbox at this hour and the one before, weeks ago. */
#define LIVELY_WEEK(weeks)                              \
	"INSERT INTO intake_hours VALUES ('kuper', " H( \
		-168 * weeks) ", 9),"                   \
			      " ('kuper', " H(-168 * weeks - 1) ", 9)"
#define LAST_MESSAGE(minutes)                                       \
	"INSERT INTO measures VALUES ('last-message', 'kuper', " M( \
		minutes) ", '', " M(0) ")"

#define TROUBLE(kind, at)                                                      \
	"DELETE FROM telegram_troubles; INSERT INTO telegram_troubles VALUES " \
	"('updates', '" kind "', 'r',"                                         \
	" 'k', " at ", " at ")"
#define MAIL(state, minutes)                                                \
	"INSERT INTO mail_queue (message_id, head_id, address, event_type," \
	" order_seq, severity, state, due_ms, created_ms, updated_ms,"      \
	" subject, text) VALUES ('m', 1, 'a@b', 'telegram', 1, "            \
	"'critical', " #state ", 0, " M(minutes) ", 0, 's', 't')"
#define OPENED(minutes, now)                                                \
	"INSERT INTO endpoints VALUES ('kuper', '" now "', 0, '', 0, 0);"   \
	"INSERT INTO endpoint_changes (endpoint, state, reason, at_ms)"     \
	" VALUES ('kuper', 'open', '503', " M(minutes) "), ('kuper',"       \
						       " 'closed', '', " M( \
							       minutes) ")"

#define FEED(id, kind, at)                                                   \
	"INSERT INTO erp_feed (id, kind, ref_id, event, at_ms) VALUES (" #id \
	", '" kind "', 1, 'e', " at ");"

#define PROCESS(host, service, minutes)                                      \
	"INSERT INTO processes VALUES ('" host "', '" service "', 1, '" host \
	"', 'o', 1, 'v', " M(minutes) ", " M(minutes) ");"

static const struct {
	const char *rule, *name, *sql;
	bool want;
} rows[] = {
	{"order-not-taken", "an order for now, old enough",
	 "UPDATE orders SET state = 'new', created_ms = " M(-15), true},
	{"order-not-taken", "one that has just come",
	 "UPDATE orders SET state = 'new', created_ms = " M(-14), false},
	{"order-not-taken", "an old order for a later slot",
	 ORDER("new", ", deadline_ms = " M(46)), false},
	{"order-not-taken", "it counts from an hour before its deadline",
	 ORDER("new", ", deadline_ms = " M(45)), true},
	{"order-not-taken", "an order for tomorrow that came at night",
	 ORDER("new", ", slot_from_ms = " H(20) ", slot_to_ms = " H(22)),
	 false},
	{"order-not-taken", "one that is taken",
	 "UPDATE orders SET state = 'assembling', created_ms = " M(-90), false},

	{"order-not-ready", "its deadline is near",
	 ORDER("assembling", ", deadline_ms = " M(15)), true},
	{"order-not-ready", "its deadline is not near",
	 ORDER("assembling", ", deadline_ms = " M(16)), false},
	{"order-not-ready", "its deadline has passed",
	 ORDER("assembling", ", deadline_ms = " M(0)), false},
	{"order-not-ready", "it is ready",
	 ORDER("ready", ", deadline_ms = " M(5)), false},
	{"order-not-ready", "it came later than the warning is due",
	 "UPDATE orders SET state = 'new', created_ms = " M(
		 -1) ", deadline_ms = " M(5),
	 false},

	{"assembly-long", "half an hour without lines",
	 ORDER("assembling", ", taken_ms = " M(-30)), true},
	{"assembly-long", "each line gives it two minutes more",
	 LINES(10, "pending", 0) ";" ORDER("assembling",
					   ", taken_ms = " M(-49)),
	 false},
	{"assembly-long", "and no more",
	 LINES(10, "pending", 0) ";" ORDER("assembling",
					   ", taken_ms = " M(-50)),
	 true},
	{"assembly-long", "it is assembled",
	 ORDER("assembled", ", taken_ms = " M(-300)), false},

	{"order-not-picked-up", "ready since long",
	 ORDER("ready", ", ready_ms = " M(-30)), true},
	{"order-not-picked-up", "ready long before its slot ends",
	 ORDER("ready", ", ready_ms = " M(-90) ", slot_to_ms = " M(-29)),
	 false},
	{"order-not-picked-up", "received",
	 ORDER("received", ", ready_ms = " M(-90)), false},

	{"order-not-delivered", "with the courier for three hours",
	 ORDER("received", ", received_ms = " M(-180)), true},
	{"order-not-delivered", "on its way, from an event we did not see",
	 ORDER("delivering", ", updated_ms = " M(-180)), true},
	{"order-not-delivered", "for less",
	 ORDER("received", ", received_ms = " M(-179)), false},

	{"order-not-paid", "delivered a day ago",
	 ORDER("delivered", ", delivered_ms = " H(-24)), true},
	{"order-not-paid", "and paid",
	 ORDER("delivered", ", delivered_ms = " H(-24) ", paid_ms = 1"), false},
	{"order-not-paid", "long ago: nobody can do anything",
	 ORDER("delivered", ", delivered_ms = " DAYS(-8)), false},

	{"cancel-share", "a fifth",
	 CLOSED(16, "delivered") ";" CLOSED(4, "canceled"), true},
	{"cancel-share", "less",
	 CLOSED(17, "delivered") ";" CLOSED(4, "canceled"), false},
	{"cancel-share", "all of too few", CLOSED(19, "canceled"), false},

	{"short-share", "15 of 100 lines",
	 LINES(85, "picked", 1000) ";" LINES(15, "short", 500) ";" ORDER(
		 "delivered", ", delivered_ms = " M(-60)),
	 true},
	{"short-share", "14 of 100 lines",
	 LINES(86, "picked", 1000) ";" LINES(14, "short", 500) ";" ORDER(
		 "delivered", ", delivered_ms = " M(-60)),
	 false},
	{"short-share", "what the customer gave up does not count",
	 LINES(86, "picked", 1000) ";" LINES(14, "short", 0) ";" LINES(
		 9, "removed", 0) ";" ORDER("delivered",
					    ", delivered_ms = " M(-60)),
	 false},
	{"found-rate", "85 of 100 lines",
	 LINES(85, "picked", 1000) ";" LINES(15, "short", 0) ";" ORDER(
		 "delivered", ", delivered_ms = " M(-60)),
	 true},
	{"found-rate", "86 of 100 lines",
	 LINES(86, "picked", 1000) ";" LINES(14, "short", 0) ";" ORDER(
		 "delivered", ", delivered_ms = " M(-60)),
	 false},
	{"found-rate", "the day before yesterday",
	 LINES(99, "short", 0) ";" LINES(9, "short", 0) ";" ORDER(
		 "delivered", ", delivered_ms = " H(-48)),
	 false},

	{"notification-uncertain", "for ten minutes",
	 "INSERT INTO outbox (message_id, head_id, endpoint, channel,"
	 " external_id, event_type, order_id, order_seq, state, hold, due_ms,"
	 " created_ms, updated_ms, body) VALUES ('m', 1, 'kuper', 'kuper',"
	 " 'H7', 'order.accepted', 7, 1, 1, 'uncertain', 0, " M(-10) ", 0, '')",
	 true},
	{"notification-uncertain", "for less",
	 "INSERT INTO outbox (message_id, head_id, endpoint, channel,"
	 " external_id, event_type, order_id, order_seq, state, hold, due_ms,"
	 " created_ms, updated_ms, body) VALUES ('m', 1, 'kuper', 'kuper',"
	 " 'H7', 'order.accepted', 7, 1, 1, 'uncertain', 0, " M(-9) ", 0, '')",
	 false},

	{"queue-backlog", "a head that has been due for five minutes",
	 "INSERT INTO inbox_head (order_id, last_seq, state, due_ms)"
	 " VALUES (7, 1, 1, " M(-5) "), (8, 1, 1, " M(-1) ")",
	 true},
	{"queue-backlog", "one that waits for its time",
	 "INSERT INTO outbox_head (order_id, endpoint, last_seq, state,"
	 " due_ms) VALUES (7, 'kuper', 1, 1, " M(9) ")",
	 false},
	{"queue-backlog", "one that is worked on",
	 "INSERT INTO inbox_head (order_id, last_seq, state, due_ms)"
	 " VALUES (7, 1, 2, " M(-9) ")",
	 false},

	{"queue-backlog", "one for the ERP, which has a rule of its own",
	 "INSERT INTO outbox_head (order_id, endpoint, last_seq, state,"
	 " due_ms) VALUES (7, 'erp', 1, 1, " M(-90) ")",
	 false},
	{"breaker-open", "the ERP's",
	 "INSERT INTO endpoints VALUES ('erp', 'open', 0, '', 0, 0)", false},

	{"erp-away", "it does not answer",
	 "INSERT INTO endpoints VALUES ('erp', 'open', 0, '', 0, 0)", true},
	{"erp-away", "a message that has been due for an hour",
	 "INSERT INTO outbox_head (order_id, endpoint, last_seq, state,"
	 " due_ms) VALUES (7, 'erp', 1, 1, " M(-60) ")",
	 true},
	{"erp-away", "for less, and one for the marketplace",
	 "INSERT INTO outbox_head (order_id, endpoint, last_seq, state,"
	 " due_ms) VALUES (7, 'erp', 1, 1, " M(-59) "), (8, 'kuper', 1, 1, " M(
		 -90) ")",
	 false},
	{"erp-away", "a document that it has not asked for",
	 FEED(7, "document", M(-60)) "INSERT INTO erp_readers VALUES"
				     " ('documents', 6, 0)",
	 true},
	{"erp-away", "one that it has, and a step of an order",
	 FEED(7, "document", M(-60)) FEED(
		 8, "order",
		 M(-60)) "INSERT INTO erp_readers VALUES ('documents', 7, 0)",
	 false},
	{"erp-away", "nobody has ever asked",
	 FEED(7, "document", M(-60)) "SELECT 1", false},
	{"erp-away", "it is pushed since",
	 FEED(7, "document", M(-60)) "INSERT INTO erp_readers VALUES"
				     " ('documents', 6, 0), ('push', 7, 0)",
	 false},

	{"hook-silent", "silence where three weeks were lively",
	 LAST_MESSAGE(-60) ";" LIVELY_WEEK(1) ";" LIVELY_WEEK(
		 2) ";" LIVELY_WEEK(4),
	 true},
	{"hook-silent", "all stores are closed",
	 LAST_MESSAGE(-600) ";" LIVELY_WEEK(1) ";" LIVELY_WEEK(
		 2) ";" LIVELY_WEEK(4) ";" MEASURE("stores-open", 0),
	 false},
	{"hook-silent", "the first store opened less than an hour ago",
	 LAST_MESSAGE(-600) ";" LIVELY_WEEK(1) ";" LIVELY_WEEK(
		 2) ";" LIVELY_WEEK(4) ";" MEASURE("stores-open",
						   (1795348800000 -
						    59 * 60000)),
	 false},
	{"hook-silent", "it opened an hour ago",
	 LAST_MESSAGE(-600) ";" LIVELY_WEEK(1) ";" LIVELY_WEEK(
		 2) ";" LIVELY_WEEK(4) ";" MEASURE("stores-open",
						   (1795348800000 -
						    60 * 60000)),
	 true},
	{"hook-silent", "not for long enough",
	 LAST_MESSAGE(-59) ";" LIVELY_WEEK(1) ";" LIVELY_WEEK(
		 2) ";" LIVELY_WEEK(4),
	 false},
	{"hook-silent", "two weeks prove nothing",
	 LAST_MESSAGE(-90) ";" LIVELY_WEEK(1) ";" LIVELY_WEEK(2), false},
	{"hook-silent", "other weekdays prove nothing",
	 LAST_MESSAGE(-90) ";INSERT INTO intake_hours VALUES ('kuper', " H(-24) ", 9), ('kuper', " H(
		 -48) ", 9), ('kuper', " H(-72) ", 9), ('kuper', " H(-25) ", "
									  "9), "
									  "('"
									  "kupe"
									  "r',"
									  " " H(-49) ", "
										     "9), "
										     "('"
										     "kupe"
										     "r',"
										     " " H(-73) ", 9)",
	 false},
	{"hook-silent", "nothing ever came", LIVELY_WEEK(1), false},

	{"invoice-missing", "delivered two hours ago",
	 ORDER("delivered", ", delivered_ms = " M(-120)), true},
	{"invoice-missing", "it is made",
	 ORDER("delivered",
	       ", delivered_ms = " M(-120) ", invoice_state = 'done'"),
	 false},
	{"invoice-missing", "delivered now",
	 ORDER("delivered", ", delivered_ms = " M(-119)), false},

	{"chat-blocked", "since now",
	 "INSERT INTO telegram_head (chat, last_seq, state, due_ms,"
	 " blocked_ms, block_reason) VALUES ('-9', 1, 0, 0, " M(
		 0) ", 'kicked')",
	 true},
	{"chat-blocked", "no more",
	 "INSERT INTO telegram_head (chat, last_seq, state, due_ms) VALUES"
	 " ('-9', 1, 0, 0)",
	 false},
	{"telegram-refused", "a token that was refused long ago",
	 TROUBLE("denied", H(-300)), true},
	{"telegram-refused", "a second receiver, seen now",
	 TROUBLE("conflict", M(-9)), true},
	{"telegram-refused", "seen no more", TROUBLE("conflict", M(-11)),
	 false},
	{"mail-failing", "one that was refused", MAIL(4, -1), true},
	{"mail-failing", "one that has waited for a quarter of an hour",
	 MAIL(1, -15), true},
	{"mail-failing", "one that waits for less", MAIL(1, -14), false},
	{"breaker-opened", "open for a moment, nobody saw it",
	 OPENED(-3, "closed"), true},
	{"breaker-opened", "it is open still: that is another rule",
	 OPENED(-3, "open"), false},
	{"breaker-opened", "a while ago", OPENED(-10, "closed"), false},
	{"breaker-opened", "it was told while it lasted",
	 OPENED(-3,
		"closed") ";INSERT INTO alerts (rule, subject, severity,"
			  " state, chat, text, since_ms, fired_ms, "
			  "resolved_ms) VALUES"
			  " ('breaker-open', 'kuper', 'critical', 'resolved', "
			  "'-1', '', " M(-3) ", " M(-2) ", " M(-1) ")",
	 false},
	{"job-late", "no good run five minutes after it was due",
	 "INSERT INTO jobs (name, last_slot_ms, expected_ms) VALUES"
	 " ('backup', 1, " M(-5) ")",
	 true},
	{"job-late", "a paused one",
	 "INSERT INTO jobs (name, last_slot_ms, expected_ms, paused) VALUES"
	 " ('backup', 1, " M(-5) ", 1)",
	 false},
	{"job-late", "one of which nothing is expected",
	 "INSERT INTO jobs (name, last_slot_ms) VALUES ('backup', 1)", false},

	{"machine-silent", "one of two machines",
	 PROCESS("a", "hook", -2) PROCESS("a", "console", -3)
		 PROCESS("b", "hook", 9) "SELECT 1",
	 true},
	{"machine-silent", "one of its processes",
	 PROCESS("a", "hook", -9) PROCESS("a", "console", -1)
		 PROCESS("b", "hook", 0) "SELECT 1",
	 false},
	{"machine-silent", "there never was another one",
	 PROCESS("a", "hook", -9) "SELECT 1", false},

	{"self-probe", "no answer", MEASURE("self-probe", 1), true},
	{"self-probe", "an answer", MEASURE("self-probe", 0), false},
	{"disk-low", "a tenth is left", MEASURE("disk-low", 10), true},
	{"disk-low", "more is left", MEASURE("disk-low", 11), false},
	{"wal-large", "256 MiB", MEASURE("wal-large", 256), true},
	{"wal-large", "less", MEASURE("wal-large", 255), false},
	{"backup-old", "26 hours", MEASURE("backup-old", 26), true},
	{"backup-old", "yesterday's", MEASURE("backup-old", 25), false},
	{"certificate-expiry", "two weeks left",
	 MEASURE("certificate-expiry", 14), true},
	{"certificate-expiry", "more left", MEASURE("certificate-expiry", 15),
	 false},
	{"clock-unset", "nobody sets it", MEASURE("clock-unset", 1), true},
	{"clock-unset", "it is set", MEASURE("clock-unset", 0), false},
	{"clock-offset", "two seconds", MEASURE("clock-offset", 2000), true},
	{"clock-offset", "less", MEASURE("clock-offset", 1999), false},
	{"measure-missing", "no data for a quarter of an hour",
	 "INSERT INTO measures VALUES ('disk-low', 'x', 50, '', " M(-15) ")",
	 true},
	{"measure-missing", "what comes only when somebody is heard",
	 "INSERT INTO measures VALUES ('clock-seen', 'x', 5, '', " M(-15) ")",
	 false},
	{"measure-missing", "data of a minute ago",
	 "INSERT INTO measures VALUES ('disk-low', 'x', 50, '', " M(-1) ")",
	 false},
};

static void each_rule_fires_at_its_edge_and_not_before(void **state)
{
	struct bench *b = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct config_rule *config = rule_config(b, rows[i].rule);

		empty(b);
		config->for_ms = 0;
		config->enabled = true;
		fixture_sql(b->f, rows[i].sql);
		run_rule(b, rows[i].rule, NOW);
		if ((alerts_in(b, "firing") == 1) != rows[i].want)
			fail_msg("%s: %s: %d alerts", rows[i].rule,
				 rows[i].name, (int)alerts_in(b, "firing"));
	}
}

/* What the pass so many minutes later tells of the row. */
static const char *told(struct bench *b, size_t row, int minutes)
{
	static char kinds[64];

	run_rule(b, rows[row].rule, NOW + MINUTES(minutes));
	(void)snprintf(kinds, sizeof(kinds), "%s",
		       fixture_text(b->f, "SELECT coalesce(group_concat("
					  "event_type), '') FROM"
					  " telegram_queue"));
	set_sent(b);
	return kinds;
}

static void is_told(struct bench *b, size_t row, const char *kind, int minutes)
{
	const char *got = told(b, row, minutes);

	if (strcmp(got, kind) != 0)
		fail_msg("%s: %s: after %d min '%s' instead of '%s'",
			 rows[row].rule, rows[row].name, minutes, got, kind);
}

/* Of a share, no data is no end: too_little_data_ends_nothing(). */
static bool is_share(const char *rule)
{
	return strcmp(rule, "cancel-share") == 0 ||
	       strcmp(rule, "short-share") == 0 ||
	       strcmp(rule, "found-rate") == 0;
}

static void each_rule_repeats_until_it_is_seen_and_tells_its_end(void **state)
{
	struct bench *b = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct config_rule *config = rule_config(b, rows[i].rule);

		if (!rows[i].want)
			continue;
		empty(b);
		config->for_ms = config->keep_ms = 0;
		config->repeat_ms = MINUTES(1);
		config->enabled = true;
		fixture_sql(b->f, rows[i].sql);
		is_told(b, i, "fire", 0);
		/* Some edges are crossed by time alone. */
		if (strcmp(told(b, i, 1), "resolve") == 0)
			continue;
		fixture_sql(b->f, "UPDATE alerts SET notified_ms = 1");
		is_told(b, i, "repeat", 1);
		fixture_sql(b->f, "UPDATE alerts SET acked_ms = 1");
		is_told(b, i, "", 2);
		mend(b);
		is_told(b, i, is_share(rows[i].rule) ? "" : "resolve", 2);
		is_told(b, i, "", 3);
	}
}

static void every_new_rule_has_both_of_its_edges_here(void **state)
{
	(void)state;
	static const char *const elsewhere[] = {
		"order-late",        "notification-failed", "breaker-open",
		"inbox-quarantined", "invoice-blocked",     "telegram-backlog",
		"report-differs",    "order-changed",       "job-failing",
		"store-unknown",     "product-unknown",     "erp-refused",
		"report-refused"};

	for (size_t i = 0; i < rule_count; i++) {
		int fires = 0;
		int keeps_still = 0;

		for (size_t k = 0; k < COUNT_OF(elsewhere); k++)
			fires += strcmp(rules[i].name, elsewhere[k]) == 0;
		for (size_t k = 0; k < COUNT_OF(rows) && fires == 0; k++)
			if (strcmp(rules[i].name, rows[k].rule) == 0)
				keeps_still += !rows[k].want;
		if (fires == 0 && keeps_still == 0)
			fail_msg("%s has no rows", rules[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MONITOR_TEST(each_rule_fires_at_its_edge_and_not_before),
		MONITOR_TEST(
			each_rule_repeats_until_it_is_seen_and_tells_its_end),
		MONITOR_TEST(every_new_rule_has_both_of_its_edges_here),
	};
	return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
