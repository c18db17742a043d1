/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <string.h>

#include "app/bot/bot.h"
#include "app/locale.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "codec/html_out.h"
#include "codec/json/json_out.h"
#include "codec/time/timestamp.h"
#include "codec/time/zone.h"
#include "store/queue/queue.h"

enum {
	CHAT_BYTES = 64
};

static int minute_of_day(const char *text)
{
	return ((text[0] - '0') * 10 + text[1] - '0') * 60 +
	       (text[3] - '0') * 10 + text[4] - '0';
}

bool telegram_request_quiet(const char *hours, const struct zone *zone,
			    int64_t wall_ms)
{
	struct civil c = timestamp_civil(wall_ms, zone_offset_s(zone, wall_ms));
	int now = c.hour * 60 + c.minute;
	int from;
	int until;

	if (strlen(hours) != sizeof("22:00-08:00") - 1)
		return false;
	from = minute_of_day(hours);
	until = minute_of_day(hours + 6);
	return from <= until ? now >= from && now < until
			     : now >= from || now < until;
}

static void put_number(struct json_out *out, const char *name, const char *text)
{
	int64_t id;

	/* Ids of supergroups have more than 32 bits. */
	if (text_to_i64(text, INT64_MIN, INT64_MAX, &id, NULL) == 0)
		json_put_i64(out, name, id);
	else
		json_put_text(out, name, text);
}

static void put_chat(struct json_out *out, const char *chat)
{
	char base[CHAT_BYTES];
	const char *topic = strchr(chat, ':');

	(void)text_copy(base, sizeof(base), chat);
	base[strcspn(base, ":")] = '\0';
	put_number(out, "chat_id", base);
	if (topic != NULL)
		put_number(out, "message_thread_id", topic + 1);
}

/* The end of an alert answers the message that told of it; when that one is
 * gone it stands alone. */
static void put_reply(struct json_out *out, const struct queue_message *m)
{
	if (m->external_id == NULL || m->external_id[0] == '\0')
		return;
	json_object(out, "reply_parameters");
	put_number(out, "message_id", m->external_id);
	json_put_bool(out, "allow_sending_without_reply", true);
	json_end(out);
}

static int write_text(const struct queue_message *m, bool plain,
		      struct buf *text, struct err *e)
{
	if (plain)
		html_put_plain(text, m->body, REQUEST_POINTS_MAX);
	else
		buf_add_text(text, m->body);
	if (m->sending_since_ms != 0) {
		buf_add_char(text, '\n');
		/* TRANSLATORS: the number is the message's own. */
		buf_printf(text, tr("(possibly a repeat, #%lld)"),
			   (long long)m->id);
	}
	return buf_finish(text, e);
}

/* Only while there is something to acknowledge: not of ends. False: none. */
static bool choose_button(const struct queue_message *m, bool tells_many,
			  struct bot_button *button)
{
	bool goes_on = strcmp(m->event_type, "fire") == 0 ||
		       strcmp(m->event_type, "repeat") == 0;

	*button = (struct bot_button){BOT_BUTTON_ALERT, m->order_id};
	if (m->order_id == 0)
		*button = (struct bot_button){BOT_BUTTON_MESSAGE, m->id};
	return m->order_id != 0 ? goes_on : tells_many;
}

static void put_button(struct json_out *out, const struct queue_message *m,
		       const struct request_form *form)
{
	char data[BOT_BUTTON_BYTES];
	struct bot_button button;

	if (form->button_key == NULL ||
	    !choose_button(m, form->tells_many, &button))
		return;
	bot_button_write(form->button_key, &button, data);
	json_object(out, "reply_markup");
	json_array(out, "inline_keyboard");
	json_array(out, NULL);
	json_object(out, NULL);
	json_put_text(out, "text",
		      button.kind == BOT_BUTTON_MESSAGE ? tr("Acknowledge all")
							: tr("Acknowledge"));
	json_put_text(out, "callback_data", data);
	json_end(out);
	json_end(out);
	json_end(out);
	json_end(out);
}

int telegram_request_write(const struct queue_message *m,
			   const struct request_form *form, struct buf *out,
			   struct err *e)
{
	CLEANUP(buf_clear) struct buf text = BUF_MAX(REQUEST_BYTES_MAX);
	struct json_out json = json_out_to(out);
	int rc = write_text(m, form->plain, &text, e);

	if (rc < 0)
		return rc;
	json_object(&json, NULL);
	put_chat(&json, form->chat);
	json_put_text(&json, "text", buf_text(&text));
	if (!form->plain)
		json_put_text(&json, "parse_mode", "HTML");
	json_object(&json, "link_preview_options");
	json_put_bool(&json, "is_disabled", true);
	json_end(&json);
	put_reply(&json, m);
	if (!form->plain)
		put_button(&json, m, form);
	if (strcmp(m->channel, "info") == 0 ||
	    (form->quiet && strcmp(m->channel, "critical") != 0))
		json_put_bool(&json, "disable_notification", true);
	json_end(&json);
	return json_out_finish(&json, e);
}
