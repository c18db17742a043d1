/* SPDX-License-Identifier: MIT */
#include "app/bot/answer.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/macros.h"
#include "base/text.h"
#include "codec/json/json_doc.h"

enum {
	WAIT_MIN_MS = 1000
};

/* The first row that fits decides. code 0 is any; text NULL is any. */
static const struct {
	int from, to;
	const char *text;
	enum answer_class class;
} classes[] = {
	{400, 400, "can't parse entities", ANSWER_MARKUP},
	{400, 400, "is too long", ANSWER_MARKUP},
	/* The button goes with the markup. */
	{400, 400, "BUTTON_", ANSWER_MARKUP},
	{400, 400, "reply markup", ANSWER_MARKUP},
	{400, 400, "thread not found", ANSWER_TOPIC},
	{400, 400, "TOPIC_", ANSWER_TOPIC},
	{400, 400, "chat not found", ANSWER_BLOCKED},
	{400, 400, "not enough rights", ANSWER_BLOCKED},
	{400, 400, "have no rights", ANSWER_BLOCKED},
	{401, 401, NULL, ANSWER_AUTH},
	{403, 403, NULL, ANSWER_BLOCKED},
	{404, 404, NULL, ANSWER_AUTH},
	{408, 408, NULL, ANSWER_SERVER},
	{409, 409, NULL, ANSWER_CONFLICT},
	{413, 413, NULL, ANSWER_MARKUP},
	{421, 421, NULL, ANSWER_AUTH},
	{425, 425, NULL, ANSWER_SERVER},
	{429, 429, NULL, ANSWER_THROTTLE},
	{400, 499, NULL, ANSWER_REJECTED},
	{500, 599, NULL, ANSWER_SERVER},
};

static enum answer_class classify(int code, const char *description)
{
	for (size_t i = 0; i < COUNT_OF(classes); i++)
		if (code >= classes[i].from && code <= classes[i].to &&
		    (classes[i].text == NULL ||
		     strcasestr(description, classes[i].text) != NULL))
			return classes[i].class;
	/* 1xx, 3xx: whoever answers there is not the Bot API. */
	return ANSWER_AUTH;
}

/* Answers that are not Telegram's JSON come from something in between: it says
 * nothing about the message. 200 too: a portal that wants a login. */
static enum answer_class classify_foreign(int status)
{
	if (status == 429)
		return ANSWER_THROTTLE;
	if (status == 413)
		return ANSWER_MARKUP;
	if (status == 200 || status >= 500)
		return ANSWER_SERVER;
	return ANSWER_AUTH;
}

/* Error texts may repeat the address, and with it the token. */
static void set_error(struct telegram_answer *answer, const char *token,
		      int code, const char *text)
{
	const char *found = token[0] != '\0' ? strstr(text, token) : NULL;
	char prefix[16] = "";
	const char *end;
	size_t n;

	if (code != 0)
		(void)snprintf(prefix, sizeof(prefix), "%d ", code);
	if (found != NULL)
		(void)snprintf(answer->error, sizeof(answer->error),
			       "%s%.*s<TOKEN>", prefix,
			       (int)MIN_OF(found - text, 100), text);
	else
		(void)snprintf(answer->error, sizeof(answer->error), "%s%.160s",
			       prefix, text);
	/* A text that was cut may end inside of a character. */
	end = answer->error + strlen(answer->error);
	for (char *p = answer->error; p < end; p += n) {
		n = text_utf8_sequence(p, end);
		if (n > 0 && !iscntrl((unsigned char)*p))
			continue;
		*p = '?';
		n = 1;
	}
}

/* The larger of the header's and the body's: both are promises. */
static int64_t wait_of(const struct http_answer *http,
		       const struct json *parameters)
{
	int64_t wait_ms = http->retry_after_ms;
	int64_t body_s = 0;

	if (json_get_decimal(parameters, "retry_after", 0, &body_s, NULL) ==
		    1 &&
	    body_s > 0)
		wait_ms = MAX_OF(wait_ms,
				 MIN_OF(body_s, (int64_t)ANSWER_WAIT_MAX_MS) *
					 1000);
	if (wait_ms <= 0)
		return ANSWER_WAIT_DEFAULT_MS;
	return MIN_OF(MAX_OF(wait_ms, (int64_t)WAIT_MIN_MS),
		      (int64_t)ANSWER_WAIT_MAX_MS);
}

/* True when the answer names the chat that this one has become. */
static bool read_moved(const struct json *parameters,
		       struct telegram_answer *answer)
{
	const char *chat =
		json_text(json_get(parameters, "migrate_to_chat_id"));
	int64_t id;

	return chat != NULL &&
	       text_to_i64(chat, INT64_MIN, INT64_MAX, &id, NULL) == 0 &&
	       text_copy(answer->chat, sizeof(answer->chat), chat);
}

static void read_json(const struct http_answer *http, const struct json *doc,
		      const char *token, struct telegram_answer *answer)
{
	const struct json *parameters = json_get(doc, "parameters");
	const char *description = json_get_text(doc, "description");
	bool is_ok = json_get_bool(doc, "ok", false);
	int64_t code = http->status;

	answer->is_ok = is_ok && http->status == 200;
	if (answer->is_ok &&
	    json_get_decimal(json_get(doc, "result"), "message_id", 0,
			     &answer->message_id, NULL) == 1) {
		answer->class = ANSWER_DONE;
		return;
	}
	/* Some servers send every error with status 200. */
	if (json_get_decimal(doc, "error_code", 0, &code, NULL) < 0 ||
	    code < 100 || code > 599)
		code = http->status;
	set_error(answer, token, (int)code,
		  description[0] != '\0' ? description : "not understood");
	if (code == 400 && read_moved(parameters, answer))
		answer->class = ANSWER_MOVED;
	else if (code == 200)
		answer->class = ANSWER_SERVER;
	else
		answer->class = classify((int)code, description);
	if (answer->class == ANSWER_THROTTLE)
		answer->wait_ms = wait_of(http, parameters);
}

/* No answer came: by what may have happened to the request. */
static enum answer_class classify_failure(int rc)
{
	if (rc == ERR_UNCERTAIN)
		return ANSWER_UNCERTAIN;
	/* Refused before it was tried: the address is wrong. */
	return rc == ERR_INVALID ? ANSWER_AUTH : ANSWER_UNSENT;
}

void telegram_answer_read(const struct http_answer *http, const char *token,
			  struct telegram_answer *ret_answer)
{
	CLEANUP_JSON struct json *doc = NULL;

	*ret_answer = (struct telegram_answer){0};
	if (http->rc < 0) {
		ret_answer->class = classify_failure(http->rc);
		set_error(ret_answer, token, 0, http->err.text);
		return;
	}
	if (!http->body_cut &&
	    json_doc_parse(http->body, http->body_bytes, &doc, NULL) == 0 &&
	    json_get(doc, "ok") != NULL) {
		read_json(http, doc, token, ret_answer);
		return;
	}
	ret_answer->is_foreign = true;
	ret_answer->class = classify_foreign(http->status);
	set_error(ret_answer, token, http->status,
		  "the answer is not Telegram's");
	if (ret_answer->class == ANSWER_THROTTLE)
		ret_answer->wait_ms = wait_of(http, NULL);
}
