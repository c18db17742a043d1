/* SPDX-License-Identifier: MIT */
#include "press.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/locale.h"
#include "app/zones.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/html_out.h"
#include "codec/json/json_out.h"
#include "store/repair/audit.h"
#include "store/watch/alerts.h"

enum {
	ANSWER_POINTS = 180, /* of 200 */
	ANSWER_BYTES = ANSWER_POINTS * 4 + 8,
	EDIT_POINTS_MAX = 3800, /* of 4096, with the line that is added */
	NAME_POINTS = 60,
	TITLE_POINTS = 120,
	/* Telegram takes answers for some minutes only; an edit is worth
	 * trying for as long as the message may be edited. */
	ANSWER_UNTIL_MS = 10 * 60 * 1000,
	EDIT_UNTIL_MS = 6 * 3600 * 1000,
	ALERTS_AT_ONCE = 500 /* in one transaction */
};

#define SIGN_SEEN "\xE2\x9C\x85"

/* "telegram:5 Name" is shown as the name. */
static const char *shown(const char *who)
{
	const char *space = strchr(who, ' ');

	return strncmp(who, "telegram:", strlen("telegram:")) == 0 &&
			       space != NULL
		       ? space + 1
		       : who;
}

static int answer_press(struct db *db, const struct chat_update *update,
			const char *text, int64_t now_ms, struct err *e)
{
	CLEANUP(buf_clear) struct buf body = BUF_MAX(CHAT_BODY_BYTES_MAX);
	struct json_out out = json_out_to(&body);
	struct chat_reply reply = {
		.method = "answerCallbackQuery",
		.until_ms = now_ms + ANSWER_UNTIL_MS,
	};

	json_object(&out, NULL);
	json_put_text(&out, "callback_query_id", update->query);
	if (text[0] != '\0') {
		json_put_text(&out, "text", text);
		json_put_bool(&out, "show_alert", true);
	}
	json_end(&out);
	if (json_out_finish(&out, e) < 0)
		return ERR_NOMEM;
	reply.body = buf_text(&body);
	return chat_reply_add(db, &reply, now_ms, e);
}

/* The chat without its topic, and the message: what an edit names. */
static void put_target(struct json_out *out, const struct chat_update *update)
{
	char chat[CHAT_ADDRESS_BYTES];
	int64_t id = 0;

	(void)text_copy(chat, sizeof(chat), update->chat);
	chat[strcspn(chat, ":")] = '\0';
	(void)text_to_i64(chat, INT64_MIN, INT64_MAX, &id, NULL);
	json_put_i64(out, "chat_id", id);
	json_put_i64(out, "message_id", update->message);
}

/* line: what is added to the text; "": only the button goes. */
static int write_edit(const struct chat_update *update, const char *text,
		      const char *line, struct buf *body, struct err *e)
{
	CLEANUP(buf_clear) struct buf whole = BUF_MAX(CHAT_BODY_BYTES_MAX);
	struct json_out out = json_out_to(body);

	buf_printf(&whole, "%s\n%s", text, line);
	if (buf_finish(&whole, e) < 0)
		return ERR_NOMEM;
	json_object(&out, NULL);
	put_target(&out, update);
	if (line[0] != '\0') {
		json_put_text(&out, "text", buf_text(&whole));
		json_put_text(&out, "parse_mode", "HTML");
		json_object(&out, "link_preview_options");
		json_put_bool(&out, "is_disabled", true);
		json_end(&out);
	}
	json_object(&out, "reply_markup");
	json_array(&out, "inline_keyboard");
	json_end(&out);
	json_end(&out);
	json_end(&out);
	return json_out_finish(&out, e);
}

/* The title of an alert and who has seen it: for when its message cannot be
 * changed any more. */
static void write_instead(const char *text, const char *line, struct buf *out)
{
	char title[TITLE_POINTS * 4];
	CLEANUP(buf_clear) struct buf plain = BUF_MAX(CHAT_BODY_BYTES_MAX);

	html_put_plain(&plain, text, EDIT_POINTS_MAX);
	(void)text_copy(title, sizeof(title), buf_text(&plain));
	title[strcspn(title, "\n")] = '\0';
	html_put(out, title, TITLE_POINTS);
	buf_printf(out, "\n%s", line);
}

/* The message loses its button, and tells who has seen the alert. */
static int change_message(struct db *db, const struct press *press,
			  const char *line, int64_t now_ms, struct err *e)
{
	CLEANUP(buf_clear) struct buf body = BUF_MAX(CHAT_BODY_BYTES_MAX);
	CLEANUP(buf_clear) struct buf instead = BUF_MAX(CHAT_BODY_BYTES_MAX);
	const char *text = press->alert.text;
	bool fits = text[0] != '\0' && html_points(text) <= EDIT_POINTS_MAX;
	struct chat_reply reply = {
		.method = fits && line[0] != '\0' ? "editMessageText"
						  : "editMessageReplyMarkup",
		.chat = press->update->chat,
		.until_ms = now_ms + EDIT_UNTIL_MS,
	};
	int rc;

	if (press->update->chat[0] == '\0' || press->update->message == 0)
		return 0;
	rc = write_edit(press->update, text, fits ? line : "", &body, e);
	if (rc < 0)
		return rc;
	if (line[0] != '\0')
		write_instead(text, line, &instead);
	reply.body = buf_text(&body);
	reply.instead = buf_text(&instead);
	return chat_reply_add(db, &reply, now_ms, e);
}

/* "Acknowledged: Name, 22.11.2026 03:04 (Europe/Moscow)" */
static void write_line(const struct press *press, struct buf *out)
{
	const struct chat_alert *alert = &press->alert;
	char moment[ZONES_MOMENT_BYTES];

	zones_moment(alert->acked_ms,
		     alert->zone[0] != '\0' ? alert->zone : press->time_zone,
		     moment);
	buf_printf(out, SIGN_SEEN " %s: ", tr("Acknowledged"));
	html_put(out, shown(alert->acked_by), NAME_POINTS);
	buf_printf(out, ", %s", moment);
	if (alert->members > 1)
		buf_printf(out, tr(" (alerts: %d)"), (int)alert->acked);
}

/* The same for the answer to a press, which is no HTML. */
static void write_popup(const char *html, char text[ANSWER_BYTES])
{
	CLEANUP(buf_clear) struct buf plain = BUF_MAX((size_t)ANSWER_BYTES * 2);

	html_put_plain(&plain, html, ANSWER_POINTS);
	(void)text_copy(text, ANSWER_BYTES, buf_text(&plain));
}

static int keep_audit(struct db *db, const struct press *press, int changed,
		      int64_t now_ms, struct err *e)
{
	char filter[64];
	const struct audit_entry entry = {
		.actor = press->who,
		.action = "alert ack",
		.filter = filter,
		.reason = press->outcome,
	};
	int64_t id;
	int rc;

	(void)snprintf(filter, sizeof(filter), "{\"%s\":%" PRId64 "}",
		       press->button.kind == BOT_BUTTON_MESSAGE ? "message"
								: "alert",
		       press->button.id);
	rc = audit_begin(db, &entry, now_ms, &id, e);
	return rc < 0 ? rc
		      : audit_add(db, id, MAX_OF(press->alert.members, 1),
				  changed, e);
}

/* An alert that is acknowledged, now or before. */
static int tell_who(struct db *db, const struct press *press, int64_t now_ms,
		    struct err *e)
{
	CLEANUP(buf_clear) struct buf line = BUF_MAX(CHAT_BODY_BYTES_MAX);
	char popup[ANSWER_BYTES];
	int rc;

	write_line(press, &line);
	write_popup(buf_text(&line), popup);
	rc = answer_press(db, press->update, popup, now_ms, e);
	return rc < 0 ? rc
		      : change_message(db, press, buf_text(&line), now_ms, e);
}

/* Nothing to acknowledge any more. */
static int tell_over(struct db *db, const struct press *press, const char *text,
		     int64_t now_ms, struct err *e)
{
	int rc = answer_press(db, press->update, text, now_ms, e);

	return rc < 0 ? rc : change_message(db, press, "", now_ms, e);
}

int press_turn_away(struct db *db, const struct press *press, const char *text,
		    int64_t now_ms, struct err *e)
{
	int rc = text[0] != '\0' ? keep_audit(db, press, 0, now_ms, e) : 0;

	return rc < 0 ? rc : answer_press(db, press->update, text, now_ms, e);
}

static int refuse(struct db *db, struct press *press, int64_t now_ms,
		  struct err *e)
{
	bool is_ours = press->button.id != 0;

	press->outcome = is_ours ? "denied" : "forged";
	return press_turn_away(db, press,
			       is_ours ? tr("You may look, but not do this.")
				       : tr("This button is not one of mine."),
			       now_ms, e);
}

int press_part(struct db *db, const struct press *press, int64_t now_ms,
	       int *ret_acked, struct err *e)
{
	*ret_acked = 0;
	if (press->button.kind != BOT_BUTTON_MESSAGE || press->button.id == 0 ||
	    press->role < ROLE_OPERATOR)
		return 0;
	*ret_acked = alerts_ack_told(db, press->button.id, press->who,
				     ALERTS_AT_ONCE, now_ms, e);
	return *ret_acked < 0 ? *ret_acked : *ret_acked == ALERTS_AT_ONCE;
}

/* What the button is about, as it is. 1; 0: there is nothing (any more). */
static int read_subject(struct db *db, struct press *press, struct err *e)
{
	return press->button.kind == BOT_BUTTON_MESSAGE
		       ? chat_alerts_told(db, press->button.id, &press->alert,
					  e)
		       : chat_alert(db, press->button.id, &press->alert, e);
}

int press_look_ahead(struct db *db, struct press *press)
{
	return read_subject(db, press, NULL);
}

/* How many alerts are acknowledged by this press. */
static int acknowledge_rest(struct db *db, const struct press *press,
			    int64_t now_ms, struct err *e)
{
	int acked = press->button.kind == BOT_BUTTON_MESSAGE
			    ? alerts_ack_told(db, press->button.id, press->who,
					      ALERTS_AT_ONCE, now_ms, e)
			    : alert_ack(db, press->button.id, press->who,
					now_ms, e);

	return acked < 0 ? acked : press->acked_before + acked;
}

/* Alerts that a message told of may have been told again since. */
static const char *nothing_left(const struct press *press, bool found)
{
	if (found)
		return tr("It is over already.");
	return press->button.kind == BOT_BUTTON_MESSAGE
		       ? tr("It is over already, or a newer message tells it "
			    "again: press there.")
		       : tr("There is no such alert any more.");
}

static int acknowledge(struct db *db, struct press *press, int64_t now_ms,
		       struct err *e)
{
	int acked = acknowledge_rest(db, press, now_ms, e);
	int found = acked < 0 ? acked : read_subject(db, press, e);
	int rc;

	if (found < 0)
		return found;
	press->outcome = acked > 0                    ? "acknowledged"
			 : found == 0                 ? "gone"
			 : press->alert.acked_ms != 0 ? "again"
						      : "over";
	rc = keep_audit(db, press, acked, now_ms, e);
	if (rc < 0)
		return rc;
	if (found > 0 && press->alert.acked_ms != 0)
		return tell_who(db, press, now_ms, e);
	return tell_over(db, press, nothing_left(press, found > 0), now_ms, e);
}

int press_apply(struct db *db, struct press *press, int64_t now_ms,
		struct err *e)
{
	press->alert = (struct chat_alert){0};
	return press->button.id == 0 || press->role < ROLE_OPERATOR
		       ? refuse(db, press, now_ms, e)
		       : acknowledge(db, press, now_ms, e);
}
