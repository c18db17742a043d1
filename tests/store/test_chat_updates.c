/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "store/engine/db.h"
#include "store/queue/telegram_queue.h"
#include "store/telegram/bot_trouble.h"
#include "store/telegram/chat_facts.h"
#include "store/telegram/chat_replies.h"
#include "store/telegram/chat_updates.h"
#include "store/watch/alerts.h"
#include "store_fixture.h"

enum {
	NOW = 1700000000,
	HOUR = 3600 * 1000,
	BOT = 42
};

struct step {
	enum {
		ADD,
		DONE,
		FORGET,
		STRANGER,
		ACK,
		ACK_THEN_FAIL
	} call;
	int64_t id;     /* of the update, or of the user */
	int64_t now_ms; /* after NOW */
	int want;
};

static const struct chat_update press_of_5 = {
	.bot = BOT,
	.kind = CHAT_BUTTON,
	.chat = "-100",
	.message = 9,
	.user_id = 5,
	.user_name = "Name",
	.query = "q",
	.text = "ack:1:0",
};

static int run_step(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	const struct step *step = context;
	int64_t at_ms = NOW + step->now_ms;
	struct chat_update u = press_of_5;
	int rc;

	(void)now_ms;
	u.id = step->id;
	switch (step->call) {
	case ADD:
		return chat_update_add(db, &u, at_ms, e);
	case DONE:
		return chat_update_done(db, &u, "acknowledged", at_ms, e);
	case FORGET:
		return chat_updates_forget(db, at_ms, 2, e);
	case STRANGER:
		return chat_stranger(db, step->id, 2, at_ms, e);
	case ACK:
	case ACK_THEN_FAIL:
	default:
		rc = alert_ack(db, 1, "telegram:5 Name", at_ms, e);
		if (rc >= 0)
			rc = chat_update_done(db, &u, "acknowledged", at_ms, e);
		return rc == 0 && step->call == ACK_THEN_FAIL
			       ? err_set(e, ERR_INVALID, "the test says no")
			       : rc;
	}
}

static void take(struct fixture *f, const struct step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct step step = steps[i];
		struct err e = {0};
		int rc = fixture_write(f, run_step, &step, &e);

		if (rc != steps[i].want)
			fail_msg("step %zu: %d %s", i, rc, e.text);
	}
}

static int64_t offset(struct fixture *f, int64_t now_ms)
{
	int64_t found = -1;

	assert_int_equal(
		chat_updates_offset(f->db, BOT, NOW + now_ms, &found, NULL), 0);
	return found;
}

/* Whatever comes again, in whatever order, is known. */
static void an_update_is_kept_once_and_handled_once(void **state)
{
	static const struct step steps[] = {
		{ADD, 8, 0, 1},           {ADD, 7, 0, 1},
		{ADD, 7, 0, 0},           {DONE, 7, 5, 0},
		{ADD, 7, 9, 0},           {DONE, 7, 9, ERR_STATE},
		{DONE, 99, 9, ERR_STATE},
	};
	struct fixture *f = *state;
	struct chat_update u;

	assert_int_equal(offset(f, 0), 0);
	take(f, steps, COUNT_OF(steps));
	assert_int_equal(offset(f, 0), 9);
	assert_int_equal(chat_update_next(f->db, BOT, &u, NULL), 1);
	assert_int_equal(u.id, 8);
	assert_string_equal(u.text, "ack:1:0");
	assert_string_equal(u.query, "q");
	assert_int_equal(u.user_id, 5);
	assert_int_equal(chat_update_next(f->db, BOT + 1, &u, NULL), 0);
	/* What was said is gone with the handling, whoever said it. */
	assert_string_equal(fixture_text(f, "SELECT user_name || query || text"
					    " || outcome FROM telegram_updates"
					    " WHERE update_id = 7"),
			    "acknowledged");
}

/* The effect and "handled" are one transaction. */
static void an_effect_that_fails_leaves_its_update(void **state)
{
	static const struct step steps[] = {
		{ADD, 7, 0, 1},
		{ACK_THEN_FAIL, 7, 1, ERR_INVALID},
		{ACK, 7, 2, 0},
		{ACK, 7, 3, ERR_STATE},
	};
	struct fixture *f = *state;

	fixture_sql(f, "INSERT INTO alerts (rule, subject, severity, state,"
		       " chat, text, since_ms, fired_ms) VALUES ('r', 's',"
		       " 'critical', 'firing', '-100', 't', 1, 1)");
	take(f, steps, COUNT_OF(steps));
	assert_int_equal(fixture_i64(f, "SELECT acked_ms FROM alerts"),
			 NOW + 2);
}

/* Telegram numbers updates anew after a week without any: after two days the
 * old numbers say nothing. */
static void an_offset_is_not_kept_for_ever(void **state)
{
	static const struct step steps[] = {
		{ADD, 1000, 0, 1}, {DONE, 1000, 0, 0}, {ADD, 5, 50 * HOUR, 1}};
	static const struct step late[] = {{FORGET, 0, 1, 1},
					   {FORGET, 0, 1, 0}};
	struct fixture *f = *state;

	take(f, steps, 2);
	assert_int_equal(offset(f, 47 * HOUR), 1001);
	assert_int_equal(offset(f, 49 * HOUR), 0);
	take(f, steps + 2, 1);
	assert_int_equal(offset(f, 50 * HOUR), 6);
	take(f, late, COUNT_OF(late));
	assert_int_equal(fixture_i64(f, "SELECT count(*)"
					" FROM telegram_updates"),
			 1);
}

static void a_stranger_is_told_once_and_a_crowd_not_at_all(void **state)
{
	static const struct step steps[] = {
		{STRANGER, 1, 0, 1},        {STRANGER, 1, 1, 0},
		{STRANGER, 2, 2, 1},        {STRANGER, 3, 3, 0},
		{STRANGER, 3, HOUR + 4, 1}, {STRANGER, 3, HOUR + 5, 0},
		{STRANGER, 1, 9 * HOUR, 0},
	};
	struct fixture *f = *state;

	take(f, steps, COUNT_OF(steps));
	assert_int_equal(fixture_i64(f, "SELECT sum(updates)"
					" FROM telegram_strangers"),
			 7);
}

struct reply_act {
	int64_t id, due_ms;
	int counted;
};

static int add_reply(struct db *db, int64_t now_ms, void *context,
		     struct err *e)
{
	const struct chat_reply reply = {
		.method = context, .body = "{}", .until_ms = NOW + HOUR};

	(void)now_ms;
	return chat_reply_add(db, &reply, NOW, e);
}

static int put_off(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	const struct reply_act *act = context;

	(void)now_ms;
	return act->due_ms != 0 ? chat_reply_later(db, act->id, act->due_ms,
						   act->counted, e)
				: chat_reply_done(db, act->id, e);
}

static void replies_wait_for_their_turn(void **state)
{
	char first[] = "answerCallbackQuery";
	char second[] = "editMessageText";
	struct reply_act later = {.id = 1, .due_ms = NOW + 5, .counted = 1};
	struct reply_act done = {.id = 2};
	struct fixture *f = *state;
	struct chat_reply reply;

	assert_int_equal(fixture_write(f, add_reply, first, NULL), 0);
	assert_int_equal(fixture_write(f, add_reply, second, NULL), 0);
	assert_int_equal(fixture_write(f, put_off, &later, NULL), 0);
	assert_int_equal(chat_reply_next(f->db, NOW, &reply, NULL), 1);
	assert_string_equal(reply.method, second);
	assert_string_equal(reply.instead, "");
	chat_reply_clear(&reply);
	assert_int_equal(fixture_write(f, put_off, &done, NULL), 0);
	assert_int_equal(chat_reply_next(f->db, NOW, &reply, NULL), 0);
	assert_int_equal(chat_reply_next(f->db, NOW + 5, &reply, NULL), 1);
	assert_int_equal(reply.attempts, 1);
	chat_reply_clear(&reply);
}

static int set_trouble(struct db *db, int64_t now_ms, void *context,
		       struct err *e)
{
	struct bot_trouble trouble = {.kind = BOT_DENIED, .reason = "401"};
	const int64_t *at_ms = context;

	(void)now_ms;
	(void)snprintf(trouble.key, sizeof(trouble.key), "key");
	return bot_trouble_set(db, BOT_SENDING, &trouble, *at_ms, e);
}

static void a_trouble_goes_on_since_it_began(void **state)
{
	struct fixture *f = *state;
	struct bot_trouble trouble;
	int64_t at_ms[] = {NOW, NOW + 9};

	assert_int_equal(bot_trouble_get(f->db, BOT_SENDING, &trouble, NULL),
			 0);
	assert_string_equal(trouble.kind, "");
	for (size_t i = 0; i < COUNT_OF(at_ms); i++)
		assert_int_equal(fixture_write(f, set_trouble, &at_ms[i], NULL),
				 0);
	assert_int_equal(bot_trouble_get(f->db, BOT_SENDING, &trouble, NULL),
			 0);
	assert_string_equal(trouble.key, "key");
	assert_int_equal(trouble.at_ms, NOW + 9);
	assert_int_equal(fixture_i64(f, "SELECT since_ms"
					" FROM telegram_troubles"),
			 NOW);
	trouble.kind[0] = '\0';
	assert_int_equal(
		bot_trouble_keep(f->writer, BOT_SENDING, &trouble, NULL), 0);
	assert_int_equal(fixture_i64(f, "SELECT count(*)"
					" FROM telegram_troubles"),
			 0);
}

static int put_long(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	struct telegram_message message = {
		.chat = "-100",
		.kind = "notice",
		.severity = "info",
		.text = context,
		.alert_id = 7,
		.reply_to = 9,
	};
	int64_t id = 0;
	int rc = telegram_queue_put(db, &message, now_ms, &id, e);

	return rc < 0 ? rc : (int)id;
}

/* 300 lines of 40 characters: 12 000, in three parts of whole lines. */
static void a_long_message_becomes_several(void **state)
{
	static char text[300 * 60];
	struct fixture *f = *state;
	size_t used = 0;

	for (int i = 0; i < 300; i++)
		used += (size_t)snprintf(
			text + used, sizeof(text) - used,
			"%s<b>%03d</b> &lt;aaaaaaaaaabbbbbbbbbbccccccccccdddd",
			i > 0 ? "\n" : "", i);
	assert_int_equal(fixture_write(f, put_long, text, NULL), 1);
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM telegram_queue"),
			 3);
	assert_string_equal(fixture_text(f, "SELECT group_concat(substr(text, "
					    "length(text) - 2), ' ')"
					    " FROM telegram_queue"),
			    "1/3 2/3 3/3");
	/* Only the first one is about the alert. */
	assert_int_equal(fixture_i64(f, "SELECT count(alert_id) * 10"
					" + count(reply_to)"
					" FROM telegram_queue"),
			 11);
	/* Nothing is lost, and every line is whole. */
	assert_int_equal(fixture_i64(f, "SELECT sum(length(text)"
					" - length(replace(text, 'dddd', '')))"
					" / 4 FROM telegram_queue"),
			 300);
	assert_int_equal(fixture_i64(f, "SELECT count(*) FROM telegram_queue"
					" WHERE substr(text, 1, 3) = '<b>'"
					" AND length(text) < 6000"),
			 3);
}

static void an_alert_is_read_with_its_store(void **state)
{
	struct fixture *f = *state;
	static struct chat_alert alert;
	struct chat_status status = {0};
	struct chat_order order;

	fixture_sql(f, "INSERT INTO stores (id, name, time_zone, opening_hours,"
		       " telegram_chat, integration_type, imported,"
		       " created_ms, updated_ms) VALUES ('s1', 'M',"
		       " 'Asia/Omsk', '', '', 3, 1, 0, 0)");
	fixture_sql(f, "INSERT INTO alerts (rule, subject, severity, state,"
		       " chat, text, since_ms, store_id) VALUES ('r', 's',"
		       " 'critical', 'firing', '', 'text', 1, 's1')");
	assert_int_equal(chat_alert(f->db, 1, &alert, NULL), 1);
	assert_string_equal(alert.zone, "Asia/Omsk");
	assert_string_equal(alert.text, "text");
	assert_int_equal(chat_alert(f->db, 2, &alert, NULL), 0);
	assert_int_equal(chat_status(f->db, NOW, &status, NULL), 0);
	assert_int_equal(status.firing, 1);
	assert_int_equal(status.unseen, 1);
	assert_int_equal(chat_order(f->db, "H1", &order, NULL), 0);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_update_is_kept_once_and_handled_once),
		TEST(an_effect_that_fails_leaves_its_update),
		TEST(an_offset_is_not_kept_for_ever),
		TEST(a_stranger_is_told_once_and_a_crowd_not_at_all),
		TEST(replies_wait_for_their_turn),
		TEST(a_trouble_goes_on_since_it_began),
		TEST(a_long_message_becomes_several),
		TEST(an_alert_is_read_with_its_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
