/* SPDX-License-Identifier: MIT
 *
 * oauth.c - client credentials for a token (RFC 6749 4.4). Tokens are kept in
 * memory only, and nothing of them is ever logged.
 */
#include <string.h>

#include "app/log.h"
#include "base/backoff.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/text.h"
#include "notifier.h"

enum {
	RETRY_BASE_MS = 1000,
	RETRY_CAP_MS = 30000
};

bool oauth_is_used(const struct endpoint *ep)
{
	return access_uses_oauth(&ep->config);
}

/* Used for four fifths of its life, so that no call begins with a token that
 * ends under way. */
static void use_token(struct endpoint *ep, const char *token, int64_t life_s)
{
	struct oauth *oauth = &ep->oauth;
	int64_t mono_ms = clock_mono_ms();

	access_bearer_header(token, ep->authorisation);
	oauth->refresh_at_ms = mono_ms + life_s * 800;
	oauth->valid_until_ms = mono_ms + life_s * 1000;
	if (oauth->failures > 0)
		log_event(LOG_LEVEL_INFO, "a token was obtained again",
			  LOG_TEXT("endpoint", ep->channel->name),
			  LOG_I64("failures", oauth->failures));
	oauth->failures = 0;
	oauth->error[0] = '\0';
	ep->token_version++;
	ep->look_at_ms = 0;
}

static int read_token(struct endpoint *ep, const struct http_answer *answer,
		      struct err *e)
{
	char token[ACCESS_TOKEN_BYTES];
	int64_t life_s;
	int rc = access_read_token(answer->body, answer->body_bytes, token,
				   &life_s, e);

	if (rc == 0)
		use_token(ep, token, life_s);
	explicit_bzero(token, sizeof(token));
	return rc;
}

static void failed(struct endpoint *ep, const char *text)
{
	struct oauth *oauth = &ep->oauth;

	oauth->failures++;
	oauth->retry_at_ms =
		clock_mono_ms() + backoff_ms(MIN_OF(oauth->failures, 16),
					     RETRY_BASE_MS, RETRY_CAP_MS, 0);
	(void)text_copy(oauth->error, sizeof(oauth->error), text);
	if (oauth->failures == 1 || oauth->refused)
		log_event(LOG_LEVEL_WARNING, "no token",
			  LOG_TEXT("endpoint", ep->channel->name),
			  LOG_TEXT("reason", oauth->error));
}

/* 400 and 401: the credentials are wrong (RFC 6749 5.2), which only a person
 * can mend. 403 is no answer of OAuth's: a wall in front of it says that, to
 * wrong and to right ones, and may think better of it. */
static void on_answer(const struct http_answer *answer, void *context)
{
	struct endpoint *ep = context;
	struct err e = {0};
	int rc = answer->rc;

	ep->oauth.under_way = false;
	if (ep->oauth.asked_version != ep->credentials_version)
		return; /* the credentials have changed meanwhile */
	if (rc < 0)
		(void)err_set(&e, ERR_REMOTE, "token: %s", answer->err.text);
	else if (answer->status / 100 == 2)
		rc = read_token(ep, answer, &e);
	else
		rc = err_set(&e, ERR_REMOTE, "token: HTTP %d", answer->status);
	if (rc == 0)
		return;
	ep->oauth.refused = answer->status == 400 || answer->status == 401;
	failed(ep, e.text);
}

static void request_token(struct endpoint *ep)
{
	static const char *const headers[] = {
		"Content-Type: application/x-www-form-urlencoded",
		"Accept: application/json", NULL};
	CLEANUP(access_wipe)
	struct buf body = BUF_MAX(ACCESS_BODY_BYTES_MAX);
	struct http_request request = {
		.method = "POST",
		.url = ep->config.token_url,
		.headers = headers,
		.timeout_ms = (int)ep->config.timeout_ms,
		.answer_max_bytes = ANSWER_BYTES_MAX,
	};
	struct err e = {0};
	int rc;

	access_put_token_request(&body, &ep->credentials);
	request.body = buf_text(&body);
	request.body_bytes = body.used_bytes;
	rc = buf_finish(&body, &e);
	if (rc == 0)
		rc = http_client_start(ep->notifier->client, &request,
				       on_answer, ep, &e);
	ep->oauth.under_way = rc == 0;
	ep->oauth.asked_version = ep->credentials_version;
	if (rc < 0)
		failed(ep, e.text);
}

void oauth_run(struct endpoint *ep, int64_t mono_ms)
{
	struct oauth *oauth = &ep->oauth;

	if (!oauth_is_used(ep) || ep->not_ready[0] != '\0')
		return;
	if (ep->authorisation[0] != '\0' && mono_ms >= oauth->valid_until_ms)
		ep->authorisation[0] = '\0';
	if (oauth->under_way || oauth->refused ||
	    mono_ms < oauth->retry_at_ms ||
	    (ep->authorisation[0] != '\0' && mono_ms < oauth->refresh_at_ms))
		return;
	request_token(ep);
}

bool oauth_renew(struct endpoint *ep)
{
	if (!oauth_is_used(ep) || ep->oauth.distrusted)
		return false;
	ep->oauth.distrusted = true;
	ep->authorisation[0] = '\0';
	ep->token_version++;
	return true;
}
