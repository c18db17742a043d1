/* SPDX-License-Identifier: MIT */
#include "telegram/telegram.h"

#include <stdio.h>
#include <string.h>

#include "app/locale.h"
#include "net/client/http_client.h"

int ctl_bot_open(struct ctl *ctl, struct ctl_bot *ret_bot)
{
	const struct http_client_options options = {
		.user_agent = "ordergate/" ORDERGATE_VERSION,
		.parallel_max = 1,
	};
	int rc;

	*ret_bot = (struct ctl_bot){.ctl = ctl};
	locale_open(ctl->config->log.locale);
	rc = bot_load(&ctl->dir, ctl->config, &ret_bot->bot, &ctl->err);
	return rc < 0 ? rc
		      : http_client_new(&options, &ret_bot->client, &ctl->err);
}

void ctl_bot_close(struct ctl_bot *bot)
{
	http_client_free(bot->client);
	json_doc_free(bot->answer);
	bot_wipe(&bot->bot);
}

bool ctl_bot_call(struct ctl_bot *bot, const char *method, const char *body)
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
		.timeout_ms = (int)bot->ctl->config->telegram.timeout_ms,
	};
	struct http_answer answer = {.retry_after_ms = -1};
	struct err e = {0};

	json_doc_free(bot->answer);
	bot->answer = NULL;
	bot_url(&bot->bot, bot->ctl->config, method, url);
	if (http_client_call(bot->client, &request, &answer, &e) == 0 &&
	    answer.body != NULL)
		(void)json_doc_parse(answer.body, answer.body_bytes,
				     &bot->answer, NULL);
	(void)snprintf(bot->why, sizeof(bot->why), "%d %.150s", answer.status,
		       bot->answer != NULL
			       ? json_get_text(bot->answer, "description")
			       : e.text);
	if (strstr(bot->why, bot->bot.token.first) != NULL)
		(void)snprintf(bot->why, sizeof(bot->why), "%d", answer.status);
	http_answer_clear(&answer);
	explicit_bzero(url, sizeof(url));
	return json_get_bool(bot->answer, "ok", false);
}
