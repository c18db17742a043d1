/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "store/engine/db.h"
#include "store/queue/queue.h"
#include "store/queue/telegram_queue.h"
#include "store/telegram/digest.h"
#include "store_fixture.h"

enum {
	NOW = 1000000,
	MINUTE = 60 * 1000
};

struct act {
	int64_t now_ms;
	const char *chat;
	int64_t chat_per_minute;
	struct queue_message *message;
	struct queue_retry retry;
};

static int add(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	const struct act *act = context;
	struct telegram_message message = {
		.chat = act->chat,
		.kind = "fire",
		.severity = "critical",
		.text = "<b>late</b>",
		.alert_id = 7,
	};

	(void)now_ms;
	return telegram_queue_add(db, &message, act->now_ms, e);
}

static int claim(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	const struct act *act = context;
	struct queue_lease lease = {.owner = "telegram-1",
				    .until_ms = act->now_ms + MINUTE,
				    .sending = true};

	(void)now_ms;
	return queue_claim(db, &queue_telegram, act->now_ms, &lease,
			   act->message, e);
}

static int sent(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	const struct act *act = context;
	struct telegram_sent done = {
		.chat = act->message->address,
		.telegram_message_id = 4711,
		.chat_per_minute = act->chat_per_minute,
	};

	(void)now_ms;
	return telegram_queue_sent(db, act->message, &done, act->now_ms, e);
}

static int retry(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	const struct act *act = context;

	(void)now_ms;
	return queue_retry(db, &queue_telegram, act->message, &act->retry,
			   act->now_ms, e);
}

static int move(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	const struct act *act = context;

	(void)now_ms;
	return telegram_queue_move_chat(db, act->message->head_id, act->chat,
					e);
}

static int expire(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	const struct act *act = context;

	(void)now_ms;
	return telegram_queue_expire(db, act->now_ms, 2, e);
}

static int do_it(struct fixture *f,
		 int (*run)(struct db *, int64_t, void *, struct err *),
		 struct act *act)
{
	struct err e = {0};
	int rc = fixture_write(f, run, act, &e);

	if (rc < 0 && rc != ERR_STATE)
		fail_msg("%s", e.text);
	return rc;
}

static void add_to(struct fixture *f, const char *chat, int64_t now_ms)
{
	struct act act = {.now_ms = now_ms, .chat = chat};

	assert_int_equal(do_it(f, add, &act), 0);
}

/* Claim; the message is the caller's. False when nothing is due. */
static bool claim_at(struct fixture *f, int64_t now_ms, struct queue_message *m)
{
	struct act act = {.now_ms = now_ms, .message = m};

	return do_it(f, claim, &act) == 1;
}

static int sent_at(struct fixture *f, int64_t now_ms, int64_t chat_per_minute,
		   struct queue_message *m)
{
	struct act act = {.now_ms = now_ms,
			  .chat_per_minute = chat_per_minute,
			  .message = m};

	return do_it(f, sent, &act);
}

/* Texts that wait in a chat, in the order in which they are taken. */
static void put_waiting(struct fixture *f, const char *chat, int count,
			const char *severity)
{
	for (int i = 0; i < count; i++) {
		char sql[160];

		add_to(f, chat, NOW);
		(void)snprintf(sql, sizeof(sql),
			       "UPDATE telegram_queue SET severity = '%s',"
			       " text = '%s ' || id"
			       " WHERE id = (SELECT max(id) FROM"
			       " telegram_queue)",
			       severity, severity);
		fixture_sql(f, sql);
	}
}

static void the_critical_ones_go_first(void **state)
{
	struct fixture *f = *state;
	static const char *const want[] = {"critical 3", "critical 4", "info 1",
					   "info 2"};

	put_waiting(f, "-100", 2, "info");
	put_waiting(f, "-100", 2, "critical");
	for (size_t i = 0; i < COUNT_OF(want); i++) {
		CLEANUP(queue_message_clear) struct queue_message m = {0};

		assert_true(claim_at(f, NOW, &m));
		assert_string_equal(m.body, want[i]);
		assert_int_equal(sent_at(f, NOW, 20, &m), 0);
	}
}

static int apply_digest(struct db *db, int64_t now_ms, void *context,
			struct err *e)
{
	return digest_apply(db, context, "all of them", now_ms, e);
}

static void a_crowd_becomes_one_message_with_a_true_count(void **state)
{
	struct fixture *f = *state;
	struct digest digest = {0};

	put_waiting(f, "-100", 3, "critical");
	put_waiting(f, "-100", 20, "warning");
	put_waiting(f, "-200", 5, "warning");
	fixture_sql(f, "INSERT INTO alerts (rule, subject, severity, state,"
		       " chat, text, since_ms, told_id) SELECT 'r', id,"
		       " severity, 'firing', chat, '', 0, id FROM"
		       " telegram_queue");
	assert_int_equal(digest_find(f->db, 4, &digest, NULL), 1);
	assert_string_equal(digest.chat, "-100");
	assert_string_equal(digest.severity, "warning");
	assert_int_equal(digest.count, 16);
	assert_int_equal(fixture_write(f, apply_digest, &digest, NULL), 0);
	/* Three critical ones, four warnings as they were, one for the rest. */
	assert_string_equal(
		fixture_text(f,
			     "SELECT group_concat(severity || event_type,"
			     " ' ') FROM (SELECT * FROM telegram_queue WHERE"
			     " chat = '-100' ORDER BY severity, order_seq) q"),
		"criticalfire criticalfire criticalfire warningfire"
		" warningfire warningfire warningfire warningdigest");
	assert_int_equal(
		fixture_i64(f, "SELECT count(*) FROM telegram_archive WHERE"
			       " outcome = 'obsolete' AND error LIKE 'told in"
			       " message %'"),
		16);
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM alerts WHERE"
					" told_id = (SELECT max(id) FROM"
					" telegram_queue)"),
			 16);
	assert_int_equal(digest_find(f->db, 4, &digest, NULL), 0);
}

static void a_crowd_that_has_changed_is_left_alone(void **state)
{
	struct fixture *f = *state;
	struct digest digest = {0};

	put_waiting(f, "-100", 20, "warning");
	assert_int_equal(digest_find(f->db, 4, &digest, NULL), 1);
	fixture_sql(f, "DELETE FROM telegram_queue WHERE id = 19");
	assert_int_equal(fixture_write(f, apply_digest, &digest, NULL),
			 ERR_STATE);
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM telegram_queue"),
			 19);
}

static void a_sent_message_moves_to_the_archive(void **state)
{
	struct fixture *f = *state;
	CLEANUP(queue_message_clear) struct queue_message m = {0};

	add_to(f, "-100", NOW);
	assert_true(claim_at(f, NOW, &m));
	assert_string_equal(m.address, "-100");
	assert_string_equal(m.body, "<b>late</b>");
	assert_string_equal(m.event_type, "fire");
	assert_string_equal(m.channel, "critical");
	assert_int_equal(m.order_id, 7);
	assert_int_equal(m.attempts, 1);
	assert_int_equal(m.sending_since_ms, 0);
	assert_int_equal(sent_at(f, NOW + 5, 20, &m), 0);
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM telegram_queue"),
			 0);
	assert_string_equal(
		fixture_text(f, "SELECT chat || ' ' || text || ' ' || state"
				" || ' ' || outcome || ' ' || attempts || ' '"
				" || sent_ms || ' ' || telegram_message_id ||"
				" ' ' || alert_id FROM telegram_archive"),
		"-100 <b>late</b> 3 ok 1 1000005 4711 7");
}

static void who_lost_the_lease_archives_nothing(void **state)
{
	struct fixture *f = *state;
	CLEANUP(queue_message_clear) struct queue_message m = {0};

	add_to(f, "-100", NOW);
	assert_true(claim_at(f, NOW, &m));
	fixture_sql(f, "UPDATE telegram_queue SET lease_epoch = 99");
	assert_int_equal(sent_at(f, NOW, 20, &m), ERR_STATE);
	assert_int_equal(
		fixture_i64(f, "SELECT count(*) FROM telegram_archive"), 0);
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM telegram_queue"),
			 1);
}

static void one_chat_is_worked_in_order_and_apart_from_others(void **state)
{
	struct fixture *f = *state;
	CLEANUP(queue_message_clear) struct queue_message a = {0};
	CLEANUP(queue_message_clear) struct queue_message b = {0};
	CLEANUP(queue_message_clear) struct queue_message none = {0};
	struct act later = {.now_ms = NOW, .message = &a};

	add_to(f, "-100", NOW);
	add_to(f, "-100", NOW);
	add_to(f, "-200", NOW);
	assert_true(claim_at(f, NOW, &a));
	assert_string_equal(a.address, "-100");
	assert_true(claim_at(f, NOW, &b));
	assert_string_equal(b.address, "-200");
	assert_false(claim_at(f, NOW, &none));

	/* The chat's second message waits behind its first. */
	later.retry =
		(struct queue_retry){.due_ms = NOW + 3000, .refund = true};
	assert_int_equal(do_it(f, retry, &later), 0);
	assert_false(claim_at(f, NOW + 2999, &none));
	queue_message_clear(&a);
	assert_true(claim_at(f, NOW + 3000, &a));
	assert_int_equal(a.order_seq, 1);
	assert_int_equal(a.attempts, 1);
}

static void a_chat_that_had_its_share_waits(void **state)
{
	struct fixture *f = *state;
	CLEANUP(queue_message_clear) struct queue_message m = {0};

	for (int i = 0; i < 4; i++)
		add_to(f, "-100", NOW);
	for (int i = 0; i < 3; i++) {
		assert_true(claim_at(f, NOW + i * 1000, &m));
		assert_int_equal(sent_at(f, NOW + i * 1000, 3, &m), 0);
		queue_message_clear(&m);
	}
	assert_false(claim_at(f, NOW + MINUTE - 1, &m));
	assert_true(claim_at(f, NOW + MINUTE, &m));
}

static void an_idle_chat_remembers_its_share(void **state)
{
	struct fixture *f = *state;
	CLEANUP(queue_message_clear) struct queue_message m = {0};

	add_to(f, "-100", NOW);
	assert_true(claim_at(f, NOW, &m));
	assert_int_equal(sent_at(f, NOW, 1, &m), 0);
	queue_message_clear(&m);
	add_to(f, "-100", NOW + 1);
	assert_false(claim_at(f, NOW + MINUTE - 1, &m));
	assert_true(claim_at(f, NOW + MINUTE, &m));
}

static void old_messages_become_obsolete(void **state)
{
	struct fixture *f = *state;
	CLEANUP(queue_message_clear) struct queue_message m = {0};
	struct act act = {.now_ms = NOW};

	for (int i = 0; i < 3; i++)
		add_to(f, "-100", NOW - 1000);
	add_to(f, "-200", NOW - 1000);
	add_to(f, "-100", NOW);
	assert_int_equal(do_it(f, expire, &act), 2);
	assert_int_equal(do_it(f, expire, &act), 2);
	assert_int_equal(do_it(f, expire, &act), 0);
	assert_int_equal(
		fixture_i64(f, "SELECT count(*) FROM telegram_archive WHERE"
			       " outcome = 'obsolete' AND state = 3 AND"
			       " sent_ms IS NULL"),
		4);
	/* What is left comes at once; a chat without messages is at rest. */
	assert_int_equal(fixture_i64(f, "SELECT state FROM telegram_head"
					" WHERE chat = '-200'"),
			 HEAD_IDLE);
	assert_true(claim_at(f, NOW, &m));
	assert_int_equal(m.order_seq, 4);
	assert_false(claim_at(f, NOW, &m));
}

static void a_message_under_way_does_not_expire(void **state)
{
	struct fixture *f = *state;
	CLEANUP(queue_message_clear) struct queue_message m = {0};
	struct act act = {.now_ms = NOW + MINUTE};

	add_to(f, "-100", NOW);
	assert_true(claim_at(f, NOW, &m));
	assert_int_equal(do_it(f, expire, &act), 0);
	assert_int_equal(sent_at(f, NOW, 20, &m), 0);
}

static void a_moved_chat_keeps_its_messages_and_later_ones(void **state)
{
	struct fixture *f = *state;
	CLEANUP(queue_message_clear) struct queue_message m = {0};
	struct act act = {.now_ms = NOW,
			  .chat = "-1001234567890123",
			  .message = &m,
			  .retry = {.due_ms = NOW, .refund = true}};

	add_to(f, "-100", NOW);
	assert_true(claim_at(f, NOW, &m));
	assert_int_equal(do_it(f, move, &act), 0);
	assert_int_equal(do_it(f, retry, &act), 0);
	add_to(f, "-100", NOW);
	for (int i = 0; i < 2; i++) {
		queue_message_clear(&m);
		assert_true(claim_at(f, NOW, &m));
		assert_string_equal(m.address, "-1001234567890123");
		assert_int_equal(sent_at(f, NOW, 20, &m), 0);
	}
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM telegram_archive"
					" WHERE chat = '-1001234567890123'"),
			 2);
}

static void a_message_to_nobody_is_dropped(void **state)
{
	struct fixture *f = *state;
	int64_t waiting = -1;

	add_to(f, "", NOW);
	assert_int_equal(telegram_queue_waiting(f->db, &waiting, NULL), 0);
	assert_int_equal(waiting, 0);
	add_to(f, "@shift", NOW);
	assert_int_equal(telegram_queue_waiting(f->db, &waiting, NULL), 0);
	assert_int_equal(waiting, 1);
}

static enum queue_owner life_of(const char *owner, void *context)
{
	return strcmp(owner, context) == 0 ? OWNER_DEAD : OWNER_UNKNOWN;
}

static int reclaim(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	const struct act *act = context;
	char dead[] = "telegram-1";

	(void)now_ms;
	return queue_reclaim(db, &queue_telegram, act->now_ms, life_of, dead, 9,
			     e);
}

static void a_message_whose_sender_died_is_known_to_be_uncertain(void **state)
{
	struct fixture *f = *state;
	CLEANUP(queue_message_clear) struct queue_message m = {0};
	struct act act = {.now_ms = NOW + 10};

	add_to(f, "-100", NOW);
	assert_true(claim_at(f, NOW, &m));
	assert_int_equal(do_it(f, reclaim, &act), 1);
	queue_message_clear(&m);
	assert_true(claim_at(f, NOW + 20, &m));
	assert_int_equal(m.sending_since_ms, NOW);
	assert_int_equal(m.attempts, 2);
}

#define STORE_TEST(function)                                     \
	cmocka_unit_test_setup_teardown(function, fixture_setup, \
					fixture_teardown)

static int wake(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	(void)now_ms;
	return telegram_queue_wake(db, *(int64_t *)context, e);
}

/* By two hours: what was put off in the future was not put off by Telegram. */
static void a_clock_that_was_set_back_holds_no_chat_up(void **state)
{
	enum {
		HOUR_MS = 3600 * 1000,
		NOW_MS = 100 * HOUR_MS
	};
	static const struct {
		const char *what;
		int head, due, updated; /* minutes from now */
		bool waits;
	} rows[] = {
		{"the share per minute, in the future", 121, 0, 0, false},
		{"a message of the future", 120, 120, 120, false},
		{"put off in the future", 180, 180, 120, false},
		{"Telegram wants two hours", 120, 120, 0, true},
		{"a little later", 9, 9, 0, true},
	};
	struct fixture *f = *state;
	int64_t now_ms = NOW_MS;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char sql[512];

		(void)snprintf(
			sql, sizeof(sql),
			"DELETE FROM telegram_queue; DELETE FROM telegram_head;"
			"INSERT INTO telegram_head (head_id, chat, last_seq,"
			" state, due_ms) VALUES (1, 'c', 1, 1, %lld);"
			"INSERT INTO telegram_queue (message_id, head_id, chat,"
			" event_type, order_seq, severity, state, due_ms,"
			" created_ms, updated_ms, text) VALUES ('m', 1, 'c',"
			" 'fire', 1, 'info', 1, %lld, 0, %lld, 'x')",
			(long long)now_ms + rows[i].head * 60000LL,
			(long long)now_ms + rows[i].due * 60000LL,
			(long long)now_ms + rows[i].updated * 60000LL);
		fixture_sql(f, sql);
		assert_int_equal(fixture_write(f, wake, &now_ms, NULL), 0);
		if ((fixture_i64(f, "SELECT due_ms FROM telegram_head") >
		     now_ms) != rows[i].waits)
			fail_msg("%s", rows[i].what);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(the_critical_ones_go_first),
		STORE_TEST(a_crowd_becomes_one_message_with_a_true_count),
		STORE_TEST(a_crowd_that_has_changed_is_left_alone),
		STORE_TEST(a_sent_message_moves_to_the_archive),
		STORE_TEST(who_lost_the_lease_archives_nothing),
		STORE_TEST(one_chat_is_worked_in_order_and_apart_from_others),
		STORE_TEST(a_chat_that_had_its_share_waits),
		STORE_TEST(an_idle_chat_remembers_its_share),
		STORE_TEST(old_messages_become_obsolete),
		STORE_TEST(a_message_under_way_does_not_expire),
		STORE_TEST(a_moved_chat_keeps_its_messages_and_later_ones),
		STORE_TEST(a_message_to_nobody_is_dropped),
		STORE_TEST(
			a_message_whose_sender_died_is_known_to_be_uncertain),
		STORE_TEST(a_clock_that_was_set_back_holds_no_chat_up),
	};
	return cmocka_run_group_tests_name("telegram_queue", tests, NULL, NULL);
}
