/* SPDX-License-Identifier: MIT */
#include "app/bot/bot_call.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "codec/json/json_out.h"
#include "net/client/http_client.h"

enum {
	CHAT_BYTES = 64,
	BODY_BYTES_MAX = 8192
};

int bot_caller_open(const struct state_dir *dir, const struct config *config,
		    struct bot_caller *ret_caller, struct err *e)
{
	int rc;

	*ret_caller = (struct bot_caller){.config = config};
	rc = bot_load(dir, config, &ret_caller->bot, e);
	return rc < 0 ? rc : bot_client_new(1, &ret_caller->client, e);
}

void bot_caller_close(struct bot_caller *caller)
{
	http_client_free(caller->client);
	json_doc_free(caller->answer);
	bot_wipe(&caller->bot);
}

bool bot_call(struct bot_caller *caller, const char *method, const char *body)
{
	static const char *const headers[] = {"Content-Type: application/json",
					      NULL};
	char url[BOT_URL_BYTES];
	struct http_request request = {
		.method = "POST",
		.url = url,
		.headers = headers,
		.body = body,
		.body_bytes = strlen(body),
		.timeout_ms = (int)caller->config->telegram.timeout_ms,
	};
	struct http_answer answer = {.retry_after_ms = -1};
	struct err e = {0};

	json_doc_free(caller->answer);
	caller->answer = NULL;
	bot_url(&caller->bot, caller->config, method, url);
	if (http_client_call(caller->client, &request, &answer, &e) == 0 &&
	    answer.body != NULL)
		(void)json_doc_parse(answer.body, answer.body_bytes,
				     &caller->answer, NULL);
	(void)snprintf(caller->why, sizeof(caller->why), "%d %.150s",
		       answer.status,
		       caller->answer != NULL
			       ? json_get_text(caller->answer, "description")
			       : e.text);
	if (strstr(caller->why, caller->bot.token.first) != NULL)
		(void)snprintf(caller->why, sizeof(caller->why), "%d",
			       answer.status);
	http_answer_clear(&answer);
	explicit_bzero(url, sizeof(url));
	return json_get_bool(caller->answer, "ok", false);
}

bool bot_say(struct bot_caller *caller, const char *chat, const char *text,
	     bool quiet)
{
	CLEANUP(buf_clear) struct buf body = BUF_MAX(BODY_BYTES_MAX);
	struct json_out out = json_out_to(&body);
	const char *topic = strchr(chat, ':');
	char base[CHAT_BYTES];

	(void)text_copy(base, sizeof(base), chat);
	base[strcspn(base, ":")] = '\0';
	json_object(&out, NULL);
	json_put_text(&out, "chat_id", base);
	if (topic != NULL)
		json_put_text(&out, "message_thread_id", topic + 1);
	json_put_text(&out, "text", text);
	json_put_bool(&out, "disable_notification", quiet);
	json_end(&out);
	return json_out_finish(&out, NULL) == 0 &&
	       bot_call(caller, "sendMessage", buf_text(&body));
}
