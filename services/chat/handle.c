/* SPDX-License-Identifier: MIT
 *
 * handle.c - from a kept update to its effects, once: the transaction that has
 * them also says that the update is handled.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/config/config.h"
#include "app/locale.h"
#include "app/log.h"
#include "app/metrics/metrics.h"
#include "app/service/service.h"
#include "app/zones.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "command.h"
#include "press.h"
#include "store/engine/writer.h"
#include "store/monitor/silences.h"
#include "store/queue/telegram_queue.h"
#include "store/repair/audit.h"
#include "store/watch/jobs.h"

enum {
	ROUND_MAX = 50, /* updates before others have their turn */
	/* Of one person in a minute; more are counted and not answered. */
	COMMANDS_PER_MINUTE = 20,
	MINUTE_MS = 60 * 1000,
	/* A command that took longer to come is not what is wanted now. */
	COMMAND_AGE_MAX_MS = 15 * MINUTE_MS,
	STRANGERS_PER_HOUR = 20
};

/* One update's effects. */
struct deed {
	struct unit unit;
	const struct chat_update *update;
	const char *outcome;
	const char *text; /* the answer, HTML; "": none */
	char who[PRESS_WHO_BYTES];
	bool silences;
	struct silence silence;
	struct press press;
	int acked; /* of a part of it */
	bool has_more;
};

struct keeping {
	struct unit unit;
	const struct chat_update *updates;
	int count;
};

static int run_keep(struct unit *u, struct db *db, int64_t now_ms,
		    struct err *e)
{
	const struct keeping *k = CONTAINER_OF(u, struct keeping, unit);
	int rc = 0;

	for (int i = 0; i < k->count && rc >= 0; i++)
		rc = chat_update_add(db, &k->updates[i], now_ms, e);
	return MIN_OF(rc, 0);
}

int handle_keep(struct chat *chat, const struct chat_update *updates, int count,
		struct err *e)
{
	struct keeping keeping = {
		.unit.run = run_keep, .updates = updates, .count = count};

	chat->has_news = true;
	return writer_call(chat->service->writer, &keeping.unit, e);
}

static enum chat_role role_of(const struct config *config, int64_t user_id)
{
	if (config_has_user(config->telegram.operators, user_id))
		return ROLE_OPERATOR;
	return config_has_user(config->telegram.viewers, user_id)
		       ? ROLE_VIEWER
		       : ROLE_STRANGER;
}

/* Through the queue, so that all limits hold; the sender is asked to come now.
 */
static int put_answer(struct db *db, struct deed *deed, int64_t now_ms,
		      struct err *e)
{
	const struct chat_update *u = deed->update;
	struct telegram_message message = {
		.chat = u->chat,
		.kind = "answer",
		.severity = "warning",
		.text = deed->text,
		.reply_to = u->message,
	};
	int rc;

	if (deed->text[0] == '\0')
		return 0;
	rc = telegram_queue_add(db, &message, now_ms, e);
	if (rc >= 0)
		rc = jobs_request(db, "telegram", "chat", e);
	deed->unit.bells |= BELL_SCHEDULER;
	return MIN_OF(rc, 0);
}

static int finish(struct db *db, const struct deed *deed, int64_t now_ms,
		  struct err *e)
{
	return chat_update_done(db, deed->update, deed->outcome, now_ms, e);
}

static int keep_silence(struct db *db, struct deed *deed, int64_t now_ms,
			struct err *e)
{
	char filter[COMMAND_WORD_BYTES * 2];
	const struct audit_entry entry = {
		.actor = deed->who,
		.action = "alert silence",
		.filter = filter,
		.reason = "telegram",
	};
	int64_t id;
	int rc = silences_add(db, &deed->silence, now_ms, &id, e);

	/* A rule's name needs no escaping (config.h). */
	(void)snprintf(filter, sizeof(filter),
		       "{\"silence\":%" PRId64 ",\"rule\":\"%s\"}", id,
		       deed->silence.rule);
	if (rc >= 0)
		rc = audit_begin(db, &entry, now_ms, &id, e);
	return rc < 0 ? rc : audit_add(db, id, 1, 1, e);
}

static int run_command(struct unit *u, struct db *db, int64_t now_ms,
		       struct err *e)
{
	struct deed *deed = CONTAINER_OF(u, struct deed, unit);
	int rc = finish(db, deed, now_ms, e);

	if (rc == 0 && deed->silences)
		rc = keep_silence(db, deed, now_ms, e);
	return rc < 0 ? rc : put_answer(db, deed, now_ms, e);
}

static int run_press(struct unit *u, struct db *db, int64_t now_ms,
		     struct err *e)
{
	struct deed *deed = CONTAINER_OF(u, struct deed, unit);
	int rc = press_apply(db, &deed->press, now_ms, e);

	deed->outcome = deed->press.outcome;
	return rc < 0 ? rc : finish(db, deed, now_ms, e);
}

static int run_part(struct unit *u, struct db *db, int64_t now_ms,
		    struct err *e)
{
	struct deed *deed = CONTAINER_OF(u, struct deed, unit);
	int rc = press_part(db, &deed->press, now_ms, &deed->acked, e);

	deed->has_more = rc > 0;
	return MIN_OF(rc, 0);
}

/* Told once; a button's wheel is stopped each time. */
static int run_stranger(struct unit *u, struct db *db, int64_t now_ms,
			struct err *e)
{
	struct deed *deed = CONTAINER_OF(u, struct deed, unit);
	const char *text = deed->text;
	int rc = finish(db, deed, now_ms, e);
	int news = rc < 0 ? rc
			  : chat_stranger(db, deed->update->user_id,
					  STRANGERS_PER_HOUR, now_ms, e);

	if (news < 0)
		return news;
	if (deed->update->kind == CHAT_BUTTON)
		return press_turn_away(db, &deed->press, news > 0 ? text : "",
				       now_ms, e);
	return news > 0 ? put_answer(db, deed, now_ms, e) : 0;
}

static int turn_away(struct chat *chat, struct deed *deed, struct err *e)
{
	char text[512];

	(void)snprintf(text, sizeof(text),
		       tr("I only talk with the staff of this installation. "
			  "If you are one of them, tell the administrator your "
			  "Telegram id: %lld"),
		       (long long)deed->update->user_id);
	deed->text = text;
	deed->outcome = "stranger";
	deed->press = (struct press){.update = deed->update,
				     .who = deed->who,
				     .outcome = "stranger"};
	deed->unit.run = run_stranger;
	return writer_call(chat->service->writer, &deed->unit, e);
}

/* Files of time zones are read here, not inside the transaction. */
static void look_ahead(struct chat *chat, struct press *press)
{
	const struct zone *zone;

	(void)zones_get(press->time_zone, &zone, NULL);
	if (press_look_ahead(chat->service->db, press) > 0 &&
	    press->alert.zone[0] != '\0')
		(void)zones_get(press->alert.zone, &zone, NULL);
}

/* A message may tell of thousands. What is done of them when we die is done;
 * the update comes again. */
static int press_in_parts(struct chat *chat, struct deed *deed, struct err *e)
{
	int rc = 0;

	deed->unit.run = run_part;
	do {
		rc = writer_call(chat->service->writer, &deed->unit, e);
		deed->press.acked_before += rc < 0 ? 0 : deed->acked;
	} while (rc == 0 && deed->has_more);
	return rc;
}

static int press(struct chat *chat, struct deed *deed, enum chat_role role,
		 struct err *e)
{
	const struct secret *key = &chat->callback;
	const char *data = deed->update->text;
	struct press *p = &deed->press;
	int rc;

	*p = (struct press){
		.update = deed->update,
		.role = role,
		.who = deed->who,
		.time_zone = chat->service->config->telegram.time_zone,
	};
	if (key->first[0] != '\0' &&
	    (bot_button_read(key->first, data, &p->button) ||
	     (key->second[0] != '\0' &&
	      bot_button_read(key->second, data, &p->button))))
		look_ahead(chat, p);
	rc = press_in_parts(chat, deed, e);
	deed->unit.run = run_press;
	return rc < 0 ? rc : writer_call(chat->service->writer, &deed->unit, e);
}

/* 1: it is answered; 0: nothing is said. */
static int answer(struct chat *chat, struct deed *deed, enum chat_role role,
		  struct command *command, struct err *e)
{
	const struct chat_update *u = deed->update;
	char name[COMMAND_WORD_BYTES];
	int64_t count = 0;
	int rc = chat_updates_of_user(chat->service->db, u->user_id,
				      command->now_ms - MINUTE_MS, &count, e);

	if (rc < 0)
		return rc;
	deed->outcome = "flood";
	if (count >= COMMANDS_PER_MINUTE)
		return 0;
	deed->outcome = "ignored";
	command_split(u->text, chat->username, name, command->words);
	if (name[0] == '\0' && !u->is_private)
		return 0;
	deed->outcome = "late";
	if (u->said_ms != 0 &&
	    command->now_ms - u->said_ms > COMMAND_AGE_MAX_MS)
		buf_add_text(command->out,
			     tr("This has come too late, and was not done."));
	else
		rc = command_run(command, name, e);
	if (rc < 0)
		return rc;
	if (rc > 0)
		deed->outcome = "answered";
	/* Other bots of a group have commands of their own. */
	if (rc == 0 && command->out->used_bytes == 0 && u->is_private) {
		deed->outcome = "unknown";
		command_help(command->out, role);
	} else if (rc == 0 && command->out->used_bytes == 0) {
		deed->outcome = "ignored";
	}
	return buf_finish(command->out, e);
}

static int obey(struct chat *chat, struct deed *deed, enum chat_role role,
		struct err *e)
{
	CLEANUP(buf_clear) struct buf out = BUF_MAX(COMMAND_ANSWER_BYTES_MAX);
	struct command command = {
		.db = chat->service->db,
		.config = chat->service->config,
		.role = role,
		.now_ms = clock_wall_ms(),
		.out = &out,
	};
	int rc = answer(chat, deed, role, &command, e);

	if (rc < 0)
		return rc;
	deed->text = buf_text(&out);
	deed->silences = command.silences;
	deed->silence = (struct silence){
		.rule = strcmp(command.words[0], "all") == 0 ? ""
							     : command.words[0],
		.subject = "",
		.store_id = "",
		.made_by = deed->who,
		.reason = "telegram",
		.from_ms = command.now_ms,
		.until_ms = command.until_ms,
	};
	deed->unit.run = run_command;
	return writer_call(chat->service->writer, &deed->unit, e);
}

static void count_outcome(const struct deed *deed)
{
	static const char *const labels[] = {
		[CHAT_OTHER] = "kind=\"other\"",
		[CHAT_BUTTON] = "kind=\"button\"",
		[CHAT_COMMAND] = "kind=\"command\"",
	};
	bool is_stranger = strcmp(deed->outcome, "stranger") == 0;

	metric_add(metric_get(METRIC_COUNTER, "ordergate_chat_updates_total",
			      is_stranger ? "kind=\"stranger\""
					  : labels[deed->update->kind]),
		   1);
	log_event(LOG_LEVEL_INFO, "update handled",
		  LOG_I64("update", deed->update->id),
		  LOG_I64("user", deed->update->user_id),
		  LOG_TEXT("outcome", deed->outcome));
}

static int run_give_up(struct unit *u, struct db *db, int64_t now_ms,
		       struct err *e)
{
	return finish(db, CONTAINER_OF(u, struct deed, unit), now_ms, e);
}

static int give_up(struct chat *chat, struct deed *deed, struct err *e)
{
	log_error(e, "an update cannot be handled",
		  LOG_I64("update", deed->update->id));
	deed->outcome = "failed";
	deed->unit.run = run_give_up;
	return writer_call(chat->service->writer, &deed->unit, e);
}

static int handle(struct chat *chat, const struct chat_update *update,
		  struct err *e)
{
	static struct deed deed; /* too large for a stack */
	enum chat_role role = role_of(chat->service->config, update->user_id);
	int rc;

	deed = (struct deed){.update = update, .outcome = "", .text = ""};
	(void)snprintf(deed.who, sizeof(deed.who), "telegram:%" PRId64 " %s",
		       update->user_id, update->user_name);
	if (role == ROLE_STRANGER)
		rc = turn_away(chat, &deed, e);
	else if (update->kind == CHAT_BUTTON)
		rc = press(chat, &deed, role, e);
	else
		rc = obey(chat, &deed, role, e);
	/* What can never be handled stops nothing else. */
	if (rc == ERR_INVALID || rc == ERR_NOTFOUND)
		rc = give_up(chat, &deed, e);
	if (rc == 0)
		count_outcome(&deed);
	chat->replies.at_ms = 0;
	return rc;
}

int handle_all(struct chat *chat, struct err *e)
{
	struct chat_update update;

	for (int i = 0; i < ROUND_MAX && chat->has_news; i++) {
		int rc = chat_update_next(chat->service->db, chat->bot.id,
					  &update, e);

		chat->has_news = rc > 0;
		if (rc > 0)
			rc = handle(chat, &update, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}
