/* SPDX-License-Identifier: MIT
 *
 * monitor_bench.h - the monitor on a store of its own, for the suites about its
 * rules: two stores, a configuration that a test may change, messages as text.
 */
#ifndef MONITOR_BENCH_H
#define MONITOR_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The monitor's own files: a program is no library. */
#include "../../services/monitor/items.c" /* NOLINT */
#include "../../services/monitor/rules.c" /* NOLINT */
#include "../../services/monitor/text.c"  /* NOLINT */
#include "../../services/monitor/watch.c" /* NOLINT */

#include "base/text.h"
#include "store_fixture.h"

/* 2026-11-22T12:00:00Z, 15:00 in Moscow, 19:00 in Novosibirsk */
#define NOW_S "1795348800"
#define NOW 1795348800000LL
#define MINUTES(n) ((n)*60000LL)
/* In SQL: a moment, so many minutes from then. */
#define M(minutes) "(" NOW_S "000 + 60000 * (" #minutes "))"
/* Orders 100.. of store s1 that ended an hour ago. */
#define CLOSED(count, state)                                                   \
	"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"       \
	" WHERE i < " #count ") INSERT INTO orders (id, channel, external_id," \
	" number, store_id, state, version, event_ms, snapshot_ms,"            \
	" delivered_ms, canceled_ms, created_ms, updated_ms) SELECT"           \
	" (SELECT coalesce(max(id), 0) FROM orders) + i + 100, 'kuper', "      \
	"hex(randomblob(8)),"                                                  \
	" hex(randomblob(8)), 's1', '" state                                   \
	"', 1, 0, 0, " M(-60) "," M(-60) ", 1, 1 FROM n"
#define MEASURE(name, value)                                    \
	"INSERT INTO measures VALUES ('" name "', 'x', " #value \
	", 'd', " M(0) ")"

struct bench {
	struct fixture *f;
	struct config *config;
	struct watch watch;
};

static inline const struct rule *find_rule(const char *name)
{
	for (size_t i = 0; i < rule_count; i++)
		if (strcmp(rules[i].name, name) == 0)
			return &rules[i];
	fail_msg("no rule %s", name);
	abort();
}

static inline struct config_rule *rule_config(struct bench *b, const char *name)
{
	for (int i = 0; i < b->config->rule_count; i++)
		if (strcmp(b->config->rules[i].name, name) == 0)
			return &b->config->rules[i];
	fail_msg("no rule %s in the configuration", name);
	abort();
}

static inline void run_rule(struct bench *b, const char *name, int64_t now_ms)
{
	struct err e = {0};

	b->watch = (struct watch){
		.db = b->f->db,
		.writer = b->f->writer,
		.config = b->config,
		.now_ms = now_ms,
	};
	if (watch_rule(&b->watch, find_rule(name), &e) < 0)
		fail_msg("%s: %s", name, e.text);
}

static inline int setup(void **state)
{
	static struct bench bench;
	void *fixture = NULL;

	if (fixture_setup(&fixture) < 0)
		return -1;
	bench = (struct bench){.f = fixture};
	if (config_load(NULL, false, &bench.config, NULL) < 0)
		return -1;
	(void)text_copy(bench.config->telegram.admin_chat,
			sizeof(bench.config->telegram.admin_chat), "-1");
	fixture_sql(bench.f,
		    "INSERT INTO stores VALUES"
		    " ('s1', 'Market <1>', 'Europe/Moscow', '', '-100', 3, 1,"
		    "  0, 0),"
		    " ('s2', 'Ob', 'Asia/Novosibirsk', '', '', 3, 1, 0, 0)");
	*state = &bench;
	return 0;
}

static inline int teardown(void **state)
{
	struct bench *b = *state;
	void *fixture = b->f;

	config_free(b->config);
	return fixture_teardown(&fixture);
}

/* deadline in minutes from now; 0: none */
static inline void add_order(struct bench *b, int id, const char *store,
			     const char *state, int deadline, int slot_to,
			     int created)
{
	char sql[512];

	(void)snprintf(
		sql, sizeof(sql),
		"INSERT INTO orders (id, channel, external_id, number,"
		" store_id, state, version, event_ms, snapshot_ms,"
		" deadline_ms, slot_to_ms, created_ms, updated_ms) VALUES"
		" (%d, 'kuper', 'H%d&Co', '1-%d', '%s', '%s', 1, 0, 0,"
		" CASE WHEN %d = 0 THEN 0 ELSE " NOW_S "000 + 60000 * %d END,"
		" CASE WHEN %d = 0 THEN 0 ELSE " NOW_S "000 + 60000 * %d END,"
		" " NOW_S "000 + 60000 * %d, 0)",
		id, id, id, store, state, deadline, deadline, slot_to, slot_to,
		created);
	fixture_sql(b->f, sql);
}

/* Only order 7 is left, and it is all right. */
/* As if the sender had done its work. */
static inline void set_sent(struct bench *b)
{
	fixture_sql(b->f,
		    "INSERT INTO telegram_archive (id, message_id, chat,"
		    " event_type, order_seq, severity, text, state, outcome,"
		    " attempts, created_ms, telegram_message_id) SELECT id,"
		    " 'm', chat, event_type, 1, severity, text, 3, 'ok', 1, 1,"
		    " id FROM telegram_queue; DELETE FROM telegram_queue");
}

/* Nothing is wrong any more; what was told stays. */
static inline void mend(struct bench *b)
{
	fixture_sql(b->f,
		    "DELETE FROM order_lines; DELETE FROM orders;"
		    "DELETE FROM outbox; DELETE FROM inbox_head;"
		    "DELETE FROM outbox_head; DELETE FROM intake_hours;"
		    "DELETE FROM measures; DELETE FROM jobs;"
		    "DELETE FROM silences; DELETE FROM rule_stores;"
		    "DELETE FROM mail_queue; DELETE FROM endpoints;"
		    "DELETE FROM erp_feed; DELETE FROM erp_readers;"
		    "DELETE FROM endpoint_changes;"
		    "DELETE FROM telegram_troubles; DELETE FROM processes;"
		    "UPDATE telegram_head SET blocked_ms = 0");
	add_order(b, 7, "s1", "new", 0, 0, 0);
}

static inline void empty(struct bench *b)
{
	mend(b);
	fixture_sql(b->f, "DELETE FROM alerts; DELETE FROM telegram_queue;"
			  "DELETE FROM telegram_head;"
			  "DELETE FROM telegram_archive");
}

static inline void set_orders(struct bench *b, const char *what)
{
	char sql[160];

	(void)snprintf(sql, sizeof(sql), "UPDATE orders SET %s", what);
	fixture_sql(b->f, sql);
}

/* chat|kind|text of every message, in order. */
static inline const char *messages(struct bench *b)
{
	return fixture_text(b->f,
			    "SELECT group_concat(chat || '|' || event_type ||"
			    " '|' || text, '\n\n') FROM"
			    " (SELECT * FROM telegram_queue ORDER BY id) q");
}

static inline int64_t alerts_in(struct bench *b, const char *state)
{
	char sql[128];

	(void)snprintf(sql, sizeof(sql),
		       "SELECT count(*) FROM alerts WHERE state = '%s'", state);
	return fixture_i64(b->f, sql);
}

#define RED "\xF0\x9F\x94\xB4 "
#define YELLOW "\xF0\x9F\x9F\xA1 "
#define BLUE "\xF0\x9F\x94\xB5 "
#define GREEN "\xE2\x9C\x85 "

#define MONITOR_TEST(function) \
	cmocka_unit_test_setup_teardown(function, setup, teardown)

#endif
