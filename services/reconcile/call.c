/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "app/service/service.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/text.h"
#include "reconcile.h"

enum {
	TOKEN_BYTES_MAX = 16384, /* of the answer that brings one */
	TOKENS_MAX = 4,          /* in one run */
	THROTTLE_MS = 5000,      /* a 429 without Retry-After */
	THROTTLE_MAX_MS = 60000,
	RETRY_MS = 1000, /* times the tries so far */
	STEP_MS = 200    /* the longest wait, for signals */
};

static int read_token(struct reconcile *r, const struct http_answer *answer,
		      struct err *e)
{
	char token[ACCESS_TOKEN_BYTES];
	int64_t life_s; /* longer than a run, or renewed when refused */
	int rc;

	if (answer->status == 400 || answer->status == 401 ||
	    answer->status == 403)
		return err_set(e, ERR_DENIED, "token: HTTP %d", answer->status);
	if (answer->status / 100 != 2)
		return err_set(e, ERR_REMOTE, "token: HTTP %d", answer->status);
	rc = access_read_token(answer->body != NULL ? answer->body : "",
			       answer->body_bytes, token, &life_s, e);
	if (rc < 0)
		return ERR_REMOTE;
	access_bearer_header(token, r->authorisation);
	explicit_bzero(token, sizeof(token));
	return 0;
}

static int get_token(struct reconcile *r,
		     const struct channel_credentials *credentials,
		     struct err *e)
{
	static const char *const headers[] = {
		"Content-Type: application/x-www-form-urlencoded",
		"Accept: application/json", NULL};
	CLEANUP(access_wipe)
	struct buf body = BUF_MAX(ACCESS_BODY_BYTES_MAX);
	CLEANUP(http_answer_clear) struct http_answer answer = {0};
	struct http_request request = {
		.method = "POST",
		.url = r->config->token_url,
		.headers = headers,
		.timeout_ms = (int)r->config->timeout_ms,
		.answer_max_bytes = TOKEN_BYTES_MAX,
	};
	int rc;

	access_put_token_request(&body, credentials);
	rc = buf_finish(&body, e);
	request.body = buf_text(&body);
	request.body_bytes = body.used_bytes;
	if (rc == 0)
		rc = http_client_call(r->client, &request, &answer, e);
	if (rc < 0)
		return err_wrap(e, ERR_REMOTE, "token");
	return read_token(r, &answer, e);
}

int call_prepare(struct reconcile *r, struct err *e)
{
	struct channel_credentials credentials = {0};
	int rc = access_load(&r->service->dir, r->channel->name, r->config,
			     &credentials, e);

	r->token_wanted = false;
	r->tokens++;
	if (rc == 0 && access_uses_oauth(r->config))
		rc = get_token(r, &credentials, e);
	else if (rc == 0)
		access_header(r->config, &credentials, r->authorisation);
	explicit_bzero(&credentials, sizeof(credentials));
	return rc;
}

bool call_may_go_on(const struct reconcile *r)
{
	return !r->denied && r->failures < CALL_FAILURES_MAX &&
	       clock_mono_ms() < r->end_ms && !service_stopping(r->service);
}

int64_t call_wait_ms(const struct reconcile *r)
{
	int64_t paced_ms = (r->next_call_us - clock_mono_us() + 999) / 1000;
	int64_t paused_ms = r->paused_until_ms - clock_mono_ms();

	return MAX_OF(MAX_OF(paced_ms, paused_ms), (int64_t)0);
}

/* The notifications of the same channel keep half of the rate. */
static void take_turn(struct reconcile *r)
{
	int64_t rate = MAX_OF(r->config->rate_per_second / 2, (int64_t)1);

	r->next_call_us =
		MAX_OF(r->next_call_us, clock_mono_us()) + 1000000 / rate;
}

int call_start(struct reconcile *r, const char *url, size_t answer_max_bytes,
	       http_done *done, void *context, struct err *e)
{
	const char *const headers[] = {"Accept: application/json",
				       r->authorisation, NULL};
	struct http_request request = {
		.method = "GET",
		.url = url,
		.headers = headers,
		.timeout_ms = (int)r->config->timeout_ms,
		.answer_max_bytes = answer_max_bytes,
	};

	if (r->token_wanted) {
		int rc = call_prepare(r, e);

		r->denied = r->denied || rc == ERR_DENIED;
		if (rc < 0)
			return rc;
	}
	take_turn(r);
	return http_client_start(r->client, &request, done, context, e);
}

static enum call_result failed(struct reconcile *r, enum call_result result)
{
	if (result == CALL_AGAIN)
		r->failures++;
	return result;
}

static void throttle(struct reconcile *r, const struct http_answer *answer)
{
	int64_t wait_ms = answer->retry_after_ms >= 0 ? answer->retry_after_ms
						      : THROTTLE_MS;

	wait_ms = MIN_OF(wait_ms, (int64_t)THROTTLE_MAX_MS);
	r->paused_until_ms =
		MAX_OF(r->paused_until_ms, clock_mono_ms() + wait_ms);
}

/* A token may have ended. One that is new and refused as well means that the
 * credentials are wrong; but calls that began with the old one come back too.
 */
static enum call_result refused_credentials(struct reconcile *r)
{
	if (!access_uses_oauth(r->config) || r->tokens >= TOKENS_MAX)
		r->denied = true;
	else
		r->token_wanted = true;
	return r->denied ? CALL_DENIED : CALL_AGAIN;
}

enum call_result call_judge(struct reconcile *r,
			    const struct http_answer *answer)
{
	if (answer->rc < 0) {
		r->why = answer->err;
		return failed(r, CALL_AGAIN);
	}
	if (answer->status == 200 && !answer->body_cut) {
		r->failures = 0;
		return CALL_OK;
	}
	(void)err_set(&r->why, ERR_REMOTE, "%s HTTP %d",
		      answer->body_cut ? "an answer that is too long," : "",
		      answer->status);
	if (answer->body_cut)
		return failed(r, CALL_AGAIN);
	if (answer->status == 404)
		return CALL_GONE;
	if (answer->status == 401 || answer->status == 403)
		return refused_credentials(r);
	if (answer->status == 429)
		throttle(r, answer);
	else if (answer->status / 100 == 4 && answer->status != 408 &&
		 answer->status != 425)
		return CALL_REFUSED;
	return failed(r, CALL_AGAIN);
}

enum call_result call_spoiled(struct reconcile *r, const struct err *e)
{
	(void)err_set(&r->why, ERR_REMOTE, "%s", e->text);
	return failed(r, CALL_AGAIN);
}

void call_run(struct reconcile *r, int64_t wait_ms)
{
	(void)http_client_run(r->client, (int)MIN_OF(wait_ms, (int64_t)STEP_MS),
			      -1);
}

struct waiting {
	struct reconcile *reconcile;
	struct http_answer *answer;
	enum call_result result;
	bool finished;
};

static void on_answer(const struct http_answer *answer, void *context)
{
	struct waiting *waiting = context;
	struct http_answer kept = *answer;

	kept.body = text_printf("%s", answer->body);
	waiting->finished = true;
	waiting->result = kept.body != NULL
				  ? call_judge(waiting->reconcile, answer)
				  : CALL_AGAIN;
	*waiting->answer = kept;
}

static enum call_result ask_once(struct reconcile *r, const char *url,
				 size_t answer_max_bytes,
				 struct http_answer *ret_answer)
{
	struct waiting waiting = {.reconcile = r, .answer = ret_answer};

	while (call_wait_ms(r) > 0 && call_may_go_on(r))
		call_run(r, call_wait_ms(r));
	if (!call_may_go_on(r) || call_start(r, url, answer_max_bytes,
					     on_answer, &waiting, &r->why) < 0)
		return CALL_AGAIN;
	/* Ends by the time-out that every call has. */
	while (!waiting.finished) {
		(void)service_stopping(r->service);
		call_run(r, STEP_MS);
	}
	return waiting.result;
}

enum call_result call_get(struct reconcile *r, const char *url,
			  size_t answer_max_bytes,
			  struct http_answer *ret_answer)
{
	enum call_result result = CALL_AGAIN;

	for (int tries = 0; tries < CALL_TRIES_MAX && result == CALL_AGAIN &&
			    (tries == 0 || call_may_go_on(r));
	     tries++) {
		http_answer_clear(ret_answer);
		r->paused_until_ms =
			MAX_OF(r->paused_until_ms,
			       clock_mono_ms() + (int64_t)tries * RETRY_MS);
		result = ask_once(r, url, answer_max_bytes, ret_answer);
	}
	return result;
}
