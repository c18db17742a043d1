/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <string.h>

#include "base/err.h"
#include "store/engine/db.h"
#include "store/watch/alerts.h"
#include "store_fixture.h"

enum {
	MINUTE = 60 * 1000
};

/* One call at one time, on the alert ("rule", "subject") to "chat". */
struct step {
	enum {
		FOUND,
		MARKED,
		NOTICE,
		OVER,
		OVER_QUIETLY,
		MARKED_OVER
	} call;
	int64_t now_ms;
	int want; /* alert_mark()'s answer; else 0 */
};

struct run {
	const struct step *step;
	const char *chat;
	int64_t for_ms, repeat_ms;
	int64_t alert_id;
};

static int run_step(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	const struct run *run = context;
	int64_t at = run->step->now_ms;
	struct alert_finding finding = {
		.rule = "rule",
		.subject = "subject",
		.severity = "warning",
		.chat = run->chat,
		.text = "it is bad",
		.for_ms = run->for_ms,
		.repeat_ms = run->repeat_ms,
	};

	(void)now_ms;
	switch (run->step->call) {
	case FOUND:
		return alert_found(db, &finding, at, e);
	case MARKED:
		return alert_mark(db, &finding, at, &(int64_t){0}, e);
	case NOTICE:
		return alert_notice(db, &finding, at, e);
	case OVER:
		return alert_over(db, run->alert_id, "it is good", at, e);
	case OVER_QUIETLY:
		return alert_over(db, run->alert_id, "", at, e);
	case MARKED_OVER:
		return alert_mark_over(db, run->alert_id, "", at, e);
	}
	return ERR_INVALID;
}

struct row {
	const char *name;
	struct step steps[6];
	const char *chat;
	int64_t for_ms, repeat_ms;
	const char *messages; /* kinds queued, in order */
	const char *alert;    /* state, fired, notified, resolved; newest */
	int64_t alerts;       /* rows */
};

static const struct row rows[] = {
	{"a condition without delay fires at once, and is told once",
	 {{FOUND, 1000, 0}, {FOUND, 2000, 0}, {FOUND, 3000, 0}},
	 "chat",
	 0,
	 0,
	 "fire",
	 "firing 1000 1000 -",
	 1},
	{"a delayed condition waits until it has held long enough",
	 {{FOUND, 1000, 0}, {FOUND, 1000 + MINUTE - 1, 0}},
	 "chat",
	 MINUTE,
	 0,
	 "",
	 "pending - - -",
	 1},
	{"and fires then",
	 {{FOUND, 1000, 0}, {FOUND, 1000 + MINUTE, 0}},
	 "chat",
	 MINUTE,
	 0,
	 "fire",
	 "firing 61000 61000 -",
	 1},
	{"a clock that was set back delays it by no more than its delay",
	 {{FOUND, 90 * MINUTE, 0}, {FOUND, MINUTE, 0}, {FOUND, 2 * MINUTE, 0}},
	 "chat",
	 MINUTE,
	 0,
	 "fire",
	 "firing 120000 120000 -",
	 1},
	{"a lasting one is repeated after its time, not before",
	 {{FOUND, 1000, 0},
	  {FOUND, 1000 + MINUTE - 1, 0},
	  {FOUND, 1000 + MINUTE, 0},
	  {FOUND, 1000 + MINUTE + 1, 0}},
	 "chat",
	 0,
	 MINUTE,
	 "fire repeat",
	 "firing 1000 61000 -",
	 1},
	{"its end is told",
	 {{FOUND, 1000, 0}, {OVER, 2000, 0}},
	 "chat",
	 0,
	 0,
	 "fire resolve",
	 "resolved 1000 1000 2000",
	 1},
	{"its end is told once",
	 {{FOUND, 1000, 0}, {OVER, 2000, 0}, {OVER, 3000, 0}},
	 "chat",
	 0,
	 0,
	 "fire resolve",
	 "resolved 1000 1000 2000",
	 1},
	{"the end of one that never fired is not told, and leaves nothing",
	 {{FOUND, 1000, 0}, {OVER, 2000, 0}},
	 "chat",
	 MINUTE,
	 0,
	 "",
	 "",
	 0},
	{"an end without a word is recorded only",
	 {{FOUND, 1000, 0}, {OVER_QUIETLY, 2000, 0}},
	 "chat",
	 0,
	 0,
	 "fire",
	 "resolved 1000 1000 2000",
	 1},
	{"after its end it may begin again",
	 {{FOUND, 1000, 0}, {OVER, 2000, 0}, {FOUND, 3000, 0}},
	 "chat",
	 0,
	 0,
	 "fire resolve fire",
	 "firing 3000 3000 -",
	 2},
	{"nobody is told when there is no chat",
	 {{FOUND, 1000, 0}, {OVER, 2000, 0}},
	 "",
	 0,
	 0,
	 "",
	 "resolved 1000 1000 2000",
	 1},
	{"a mark queues nothing and says what is due",
	 {{MARKED, 1000, ALERT_FIRE},
	  {MARKED, 2000, ALERT_NOTHING},
	  {MARKED, 1000 + MINUTE, ALERT_REPEAT},
	  {MARKED_OVER, 90000, ALERT_RESOLVE},
	  {MARKED_OVER, 90001, ALERT_NOTHING}},
	 "chat",
	 0,
	 MINUTE,
	 "",
	 "resolved 1000 61000 90000",
	 1},
	{"a notice is told once and is over",
	 {{NOTICE, 1000, 0}, {NOTICE, 2000, 0}},
	 "chat",
	 0,
	 0,
	 "notice",
	 "resolved 1000 1000 1000",
	 1},
	{"a notice is told again after its time",
	 {{NOTICE, 1000, 0}, {NOTICE, 2000, 0}, {NOTICE, 1000 + MINUTE, 0}},
	 "chat",
	 0,
	 MINUTE,
	 "notice notice",
	 "resolved 61000 61000 61000",
	 2},
};

static void play(struct fixture *f, const struct row *row)
{
	struct run run = {.chat = row->chat,
			  .for_ms = row->for_ms,
			  .repeat_ms = row->repeat_ms};

	for (size_t i = 0; i < COUNT_OF(row->steps); i++) {
		struct err e = {0};
		int rc;

		if (row->steps[i].now_ms == 0)
			break;
		run.step = &row->steps[i];
		run.alert_id = fixture_i64(f, "SELECT max(id) FROM alerts");
		rc = fixture_write(f, run_step, &run, &e);
		if (rc != row->steps[i].want)
			fail_msg("%s: step %zu gives %d (%s)", row->name, i, rc,
				 e.text);
	}
}

static void an_alert_lives_by_its_table(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *got;

		fixture_sql(f, "DELETE FROM alerts; DELETE FROM telegram_queue;"
			       "DELETE FROM telegram_head");
		play(f, &rows[i]);
		got = fixture_text(
			f, "SELECT group_concat(event_type, ' ') FROM "
			   "(SELECT event_type FROM telegram_queue"
			   " WHERE chat = 'chat' AND alert_id IS NOT NULL"
			   " ORDER BY order_seq) q");
		if (strcmp(got, rows[i].messages) != 0)
			fail_msg("%s: told '%s'", rows[i].name, got);
		got = fixture_text(
			f,
			"SELECT state || ' ' || coalesce(CAST(fired_ms AS "
			"TEXT), '-')"
			" || ' ' || coalesce(CAST(notified_ms AS TEXT), '-') "
			"|| ' ' ||"
			" coalesce(CAST(resolved_ms AS TEXT), '-') FROM alerts"
			" ORDER BY id DESC LIMIT 1");
		if (strcmp(got, rows[i].alert) != 0)
			fail_msg("%s: is '%s'", rows[i].name, got);
		if (fixture_i64(f, "SELECT count(*) FROM alerts") !=
		    rows[i].alerts)
			fail_msg("%s: number of rows", rows[i].name);
	}
}

/* What happens to the message of a firing alert decides what its end says. */
static void an_end_is_told_only_when_the_beginning_was(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *name, *sql; /* between FOUND and OVER */
		int64_t over_ms;
		const char *want; /* kind, reply_to of what waits then */
		const char *archived;
	} cases[] = {
		{"the message is on its way", "SELECT 1", 2000,
		 "fire -, resolve -", ""},
		{"it has waited too long to be of use", "SELECT 1",
		 1000 + 2 * MINUTE, "", "fire obsolete"},
		{"its answer was lost: it may be there",
		 "UPDATE telegram_queue SET attempts = 1, sending_since_ms = 1",
		 1000 + 2 * MINUTE, "fire -, resolve -", ""},
		{"it failed", "UPDATE telegram_queue SET state = 4",
		 1000 + 2 * MINUTE, "fire -", ""},
		{"it arrived",
		 "INSERT INTO telegram_archive (id, message_id, chat,"
		 " event_type, order_seq, severity, text, state, outcome,"
		 " attempts, created_ms, telegram_message_id) SELECT id, 'm',"
		 " chat, event_type, 1, 'info', 't', 3, 'ok', 1, 1, 4711"
		 " FROM telegram_queue; DELETE FROM telegram_queue",
		 1000 + 2 * MINUTE, "resolve 4711", "fire ok"},
		{"it expired",
		 "INSERT INTO telegram_archive (id, message_id, chat,"
		 " event_type, order_seq, severity, text, state, outcome,"
		 " attempts, created_ms) SELECT id, 'm', chat, event_type, 1,"
		 " 'info', 't', 3, 'obsolete', 0, 1 FROM telegram_queue;"
		 "DELETE FROM telegram_queue",
		 1000 + 2 * MINUTE, "", "fire obsolete"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct row row = {.name = cases[i].name,
				  .chat = "chat",
				  .steps = {{FOUND, 1000, 0}}};
		const char *got;

		fixture_sql(f, "DELETE FROM alerts; DELETE FROM telegram_queue;"
			       "DELETE FROM telegram_archive;"
			       "DELETE FROM telegram_head");
		play(f, &row);
		fixture_sql(f, cases[i].sql);
		row.steps[0] = (struct step){OVER, cases[i].over_ms, 0};
		play(f, &row);
		got = fixture_text(
			f, "SELECT group_concat(event_type || ' ' ||"
			   " coalesce(CAST(reply_to AS TEXT), '-'), ', ') FROM"
			   " telegram_queue");
		if (strcmp(got, cases[i].want) != 0)
			fail_msg("%s: '%s' waits", cases[i].name, got);
		got = fixture_text(f, "SELECT group_concat(event_type || ' ' ||"
				      " outcome) FROM telegram_archive");
		if (strcmp(got, cases[i].archived) != 0)
			fail_msg("%s: '%s' archived", cases[i].name, got);
	}
}

static int ack_it(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	return alert_ack(db, *(int64_t *)context, "ivan", now_ms, e);
}

static void an_alert_is_acknowledged_once(void **state)
{
	struct fixture *f = *state;
	struct row row = {.chat = "chat", .steps = {{FOUND, 1000, 0}}};
	int64_t id;

	play(f, &row);
	id = fixture_i64(f, "SELECT id FROM alerts");
	assert_int_equal(fixture_write(f, ack_it, &id, NULL), 1);
	assert_int_equal(fixture_write(f, ack_it, &id, NULL), 0);
	assert_string_equal(fixture_text(f, "SELECT acked_by FROM alerts"
					    " WHERE acked_ms > 0"),
			    "ivan");
}

static int found_and_fail(struct db *db, int64_t now_ms, void *context,
			  struct err *e)
{
	int rc = run_step(db, now_ms, context, e);

	return rc < 0 ? rc : err_set(e, ERR_BUSY, "the unit failed later");
}

static void a_failed_unit_leaves_neither_alert_nor_message(void **state)
{
	struct fixture *f = *state;
	struct step step = {FOUND, 1000, 0};
	struct run run = {.step = &step, .chat = "chat"};

	assert_int_equal(fixture_write(f, found_and_fail, &run, NULL),
			 ERR_BUSY);
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM alerts"), 0);
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM telegram_queue"),
			 0);
}

static void firing_alerts_are_counted(void **state)
{
	struct fixture *f = *state;
	int64_t count = -1;

	fixture_sql(f, "INSERT INTO alerts (rule, subject, severity, state,"
		       " chat, text, since_ms) VALUES"
		       " ('a', '1', 'info', 'firing', '', '', 1),"
		       " ('a', '2', 'info', 'pending', '', '', 1),"
		       " ('a', '3', 'info', 'resolved', '', '', 1),"
		       " ('a', '4', 'info', 'firing', '', '', 1)");
	assert_int_equal(alerts_firing(f->db, &count, NULL), 0);
	assert_int_equal(count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_alert_lives_by_its_table,
						fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(
			a_failed_unit_leaves_neither_alert_nor_message,
			fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			an_end_is_told_only_when_the_beginning_was,
			fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(an_alert_is_acknowledged_once,
						fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(firing_alerts_are_counted,
						fixture_setup,
						fixture_teardown),
	};
	return cmocka_run_group_tests_name("alerts", tests, NULL, NULL);
}
