/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <string.h>

#include "app/locale.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "codec/html_out.h"
#include "codec/json/json_out.h"
#include "store/queue/queue.h"

static void put_chat(struct json_out *out, const char *chat)
{
	int64_t id;

	/* Ids of supergroups have more than 32 bits. */
	if (text_to_i64(chat, INT64_MIN, INT64_MAX, &id, NULL) == 0)
		json_put_i64(out, "chat_id", id);
	else
		json_put_text(out, "chat_id", chat);
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

int telegram_request_write(const struct queue_message *m, const char *chat,
			   bool plain, struct buf *out, struct err *e)
{
	CLEANUP(buf_clear) struct buf text = BUF_MAX(REQUEST_BYTES_MAX);
	struct json_out json = json_out_to(out);
	int rc = write_text(m, plain, &text, e);

	if (rc < 0)
		return rc;
	json_object(&json, NULL);
	put_chat(&json, chat);
	json_put_text(&json, "text", buf_text(&text));
	if (!plain)
		json_put_text(&json, "parse_mode", "HTML");
	json_object(&json, "link_preview_options");
	json_put_bool(&json, "is_disabled", true);
	json_end(&json);
	if (strcmp(m->channel, "info") == 0)
		json_put_bool(&json, "disable_notification", true);
	json_end(&json);
	return json_out_finish(&json, e);
}
