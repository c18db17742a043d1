/* SPDX-License-Identifier: MIT
 *
 * send.c - notifications and requests for an order's state.
 */
#include <stdio.h>
#include <string.h>

#include "app/metrics/metrics.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/redact.h"
#include "base/text.h"
#include "notifier.h"

enum {
	HEAD_BYTES_MAX = 300, /* of an answer, kept for a person */
	TEXT_BYTES_MAX = 2 * ERROR_BYTES_MAX
};

static void fill_facts(const struct slot *slot,
		       const struct http_answer *answer, struct facts *facts)
{
	const struct endpoint *ep = slot->endpoint;

	*facts = (struct facts){
		.notice = slot->notice,
		.attempts = slot->message.attempts,
		.quick_attempts = (int)ep->config.quick_attempts,
		.earlier_unknown = slot->earlier_unknown,
		.can_ask = endpoint_can_ask(ep, slot->message.external_id),
		.probe = slot->probe,
		.failures = ep->failures,
		.retry_after_ms = -1,
		.last_status = slot->context.http_status,
		.reconcile = ep->channel->reconcile(slot->notice),
		.seed = (uint64_t)slot->message.id,
	};
	if (answer == NULL)
		return;
	facts->rc = answer->rc;
	facts->status = answer->status;
	facts->retry_after_ms = answer->retry_after_ms;
}

/* Why, in one line: the status, or what went wrong on the way. */
static void put_reason(struct slot *slot, const struct http_answer *answer)
{
	CLEANUP(buf_clear) struct buf text = BUF_MAX(TEXT_BYTES_MAX);
	bool failed =
		answer != NULL && (answer->rc < 0 || answer->status / 100 != 2);

	if (slot->plan.why != NULL)
		buf_add_text(&text, slot->plan.why);
	if (slot->plan.why != NULL && failed)
		buf_add_text(&text, ": ");
	if (failed && answer->rc < 0)
		buf_add_text(&text, answer->err.text);
	else if (failed)
		buf_printf(&text, "HTTP %d", answer->status);
	(void)text_copy(slot->reason, sizeof(slot->reason), buf_text(&text));
}

/* What the operator reads: the reason, and the head of the answer. Our
 * notifications hold no personal data, so what quotes them does not either;
 * what looks like some is blanked all the same. */
static void describe(struct slot *slot, const struct http_answer *answer)
{
	CLEANUP(buf_clear) struct buf text = BUF_MAX(TEXT_BYTES_MAX);

	put_reason(slot, answer);
	buf_add_text(&text, slot->reason);
	if (slot->reason[0] != '\0' && answer != NULL &&
	    answer->body_bytes > 0 && answer->status / 100 != 2) {
		buf_add_char(&text, ' ');
		redact_put(&text, answer->body,
			   MIN_OF(answer->body_bytes, (size_t)HEAD_BYTES_MAX));
	}
	(void)text_copy(slot->error, sizeof(slot->error), buf_text(&text));
}

/* For the table of attempts; the latest are kept. */
static void note(struct slot *slot, const char *class,
		 const struct http_answer *answer, const char *text)
{
	struct tried *t;

	if (slot->tried_count == TRIED_MAX) {
		memmove(&slot->tried[0], &slot->tried[1],
			(TRIED_MAX - 1) * sizeof(slot->tried[0]));
		slot->tried_count--;
	}
	t = &slot->tried[slot->tried_count++];
	*t = (struct tried){
		.asked = slot->asking,
		.class = class,
		.duration_ms = ATTEMPT_UNKNOWN_MS,
		.started_ms = clock_wall_ms(),
	};
	if (answer != NULL) {
		t->duration_ms = answer->duration_ms;
		t->started_ms -= answer->duration_ms;
		t->http_status = answer->status;
	}
	(void)text_copy(t->answer, sizeof(t->answer), text);
}

static void take_news(struct slot *slot)
{
	struct endpoint *ep = slot->endpoint;
	const struct plan *plan = &slot->plan;

	/* States may be readable while no notification is taken. */
	if (plan->news == NEWS_ALIVE && !slot->asking)
		ep->failures = 0;
	if (plan->news == NEWS_ALIVE)
		ep->oauth.distrusted = false;
	if (plan->news == NEWS_FAILED || plan->news == NEWS_OPEN)
		ep->failures++;
	if (plan->throttle_ms > 0)
		ep->throttled_until_ms = clock_mono_ms() + plan->throttle_ms;
	/* Nothing more goes out, before that is in the store. */
	if (plan->news == NEWS_AUTH)
		ep->row.state = ENDPOINT_HELD;
	if (plan->news == NEWS_OPEN) {
		ep->row.state = ENDPOINT_OPEN;
		ep->row.next_probe_ms = clock_wall_ms() + ep->config.probe_ms;
	}
}

/* A call that begins now ends, and its result is written, within the lease. */
static bool fits_into_lease(const struct slot *slot, int64_t start_ms)
{
	return start_ms + slot->endpoint->config.timeout_ms +
		       DEADLINE_MARGIN_MS <=
	       slot->deadline_ms;
}

static void make_later(struct slot *slot, enum queue_hold hold, int64_t wait_ms)
{
	slot->plan = (struct plan){
		.kind = PLAN_LATER,
		.hold = hold,
		.wait_ms = wait_ms,
		.keep_uncertain = slot->earlier_unknown,
		.refund = true,
		.http_status = slot->context.http_status,
	};
}

void send_give_back(struct slot *slot)
{
	bool waits = slot->endpoint->row.state != ENDPOINT_CLOSED;

	make_later(slot, waits ? HOLD_BREAKER : HOLD_NONE, 0);
	if (slot->asking)
		slot->plan.hold = HOLD_UNCERTAIN;
	slot->error[0] = '\0';
	settle(slot);
}

void send_abandon(struct slot *slot)
{
	slot->abandoned = true;
	make_later(slot, HOLD_UNCERTAIN, 0);
	slot->plan.keep_uncertain = true;
	slot->plan.refund = false;
	note(slot, "lost", NULL, "stopped before the answer came");
	settle(slot);
}

static void act(struct slot *slot)
{
	int64_t mono_ms = clock_mono_ms();

	if (slot->plan.kind == PLAN_SEND) {
		slot->asking = false;
		slot_move(slot, SLOT_READY);
	} else if (slot->plan.kind == PLAN_ASK_AGAIN &&
		   fits_into_lease(slot, mono_ms + slot->plan.wait_ms)) {
		slot->rest_until_ms = mono_ms + slot->plan.wait_ms;
		slot_move(slot, SLOT_RESTING);
	} else {
		if (slot->plan.kind == PLAN_ASK_AGAIN)
			make_later(slot, HOLD_UNCERTAIN, slot->plan.wait_ms);
		settle(slot);
	}
}

/* A refusal that is no reason to hold anything: the call had a token that has
 * been replaced since, or that ran out (401; 403 was seen too). Then the same
 * once more. */
static bool is_renewable(struct slot *slot, int status)
{
	struct endpoint *ep = slot->endpoint;

	if (slot->token_version == ep->token_version &&
	    ((status != 401 && status != 403) || !oauth_renew(ep)))
		return false;
	make_later(slot, slot->asking ? HOLD_UNCERTAIN : HOLD_NONE, 0);
	return true;
}

static enum channel_verdict classify(const struct slot *slot,
				     const struct http_answer *answer)
{
	const struct endpoint *ep = slot->endpoint;
	struct channel_reply reply = {
		.rc = answer->rc,
		.status = answer->status,
		.body = answer->body,
		.retry_after_ms = answer->retry_after_ms,
		.earlier_unknown = slot->earlier_unknown,
	};

	if (answer->rc == 0 && answer->status == 404 &&
	    ep->config.not_found_is_auth)
		return REPLY_AUTH;
	return ep->channel->classify(slot->notice, &reply);
}

static const char *const verdict_names[] = {
	[REPLY_DONE] = "done",     [REPLY_CONFIRM] = "confirm",
	[REPLY_RETRY] = "retry",   [REPLY_THROTTLE] = "throttle",
	[REPLY_AUTH] = "auth",     [REPLY_RECONCILE] = "reconcile",
	[REPLY_REJECT] = "reject",
};
static const char *const arrival_names[] = {
	[ARRIVAL_YES] = "arrived",
	[ARRIVAL_NO] = "not arrived",
	[ARRIVAL_UNDECIDED] = "undecided",
	[ARRIVAL_OBSOLETE] = "obsolete",
};

static void count_sent(const struct slot *slot,
		       const struct http_answer *answer,
		       enum channel_verdict verdict)
{
	char label[96];

	(void)snprintf(label, sizeof(label), "endpoint=\"%s\",verdict=\"%s\"",
		       slot->endpoint->channel->name, verdict_names[verdict]);
	metric_add(metric_get(METRIC_COUNTER, "ordergate_notifier_sends_total",
			      label),
		   1);
	metric_observe_ms(metric_get(METRIC_HISTOGRAM_MS,
				     "ordergate_notifier_send_ms", ""),
			  answer->duration_ms);
}

static void on_sent(const struct http_answer *answer, void *context)
{
	struct slot *slot = context;
	enum channel_verdict verdict = classify(slot, answer);
	struct facts facts;

	count_sent(slot, answer, verdict);
	if (slot->abandoned)
		return;
	if (verdict == REPLY_REJECT && slot->document_id != 0)
		erp_read_reason(answer->body, answer->body_bytes,
				slot->refusal);
	if (verdict != REPLY_AUTH || !is_renewable(slot, answer->status)) {
		fill_facts(slot, answer, &facts);
		slot->plan = decide_sent(verdict, &facts);
	}
	describe(slot, answer);
	note(slot, verdict_names[verdict], answer, slot->error);
	take_news(slot);
	act(slot);
}

static void on_asked(const struct http_answer *answer, void *context)
{
	struct slot *slot = context;
	const struct channel *channel = slot->endpoint->channel;
	char state[ORDER_SHORT_BYTES] = "";
	enum channel_arrival arrival;
	struct facts facts;

	metric_add(
		metric_get(METRIC_COUNTER, "ordergate_notifier_asks_total", ""),
		1);
	if (slot->abandoned)
		return;
	fill_facts(slot, answer, &facts);
	if (answer->rc == 0 && answer->status / 100 == 2)
		channel->read_state(answer->body, answer->body_bytes, state);
	if (state[0] != '\0') {
		arrival = channel->arrival(slot->notice, state);
		slot->reads = arrival == slot->arrival ? slot->reads + 1 : 1;
		slot->arrival = arrival;
		slot->plan = decide_asked(arrival, slot->reads, &facts);
	} else {
		slot->plan = decide_not_asked(&facts);
		if (slot->plan.news == NEWS_AUTH)
			(void)is_renewable(slot, answer->status);
	}
	describe(slot, answer);
	note(slot,
	     state[0] != '\0' ? arrival_names[slot->arrival] : "unreadable",
	     answer, state[0] != '\0' ? state : slot->error);
	take_news(slot);
	act(slot);
}

void send_begin(struct slot *slot, enum gate gate)
{
	struct facts facts;

	if (gate == GATE_SEND ||
	    endpoint_can_ask(slot->endpoint, slot->message.external_id)) {
		slot->asking = gate == GATE_ASK;
		slot_move(slot, SLOT_READY);
		return;
	}
	/* Nobody can be asked: as if the answer did not help. */
	fill_facts(slot, NULL, &facts);
	slot->plan =
		decide_asked(ARRIVAL_UNDECIDED, facts.reconcile.reads, &facts);
	slot->plan.news = NEWS_NONE;
	describe(slot, NULL);
	act(slot);
}

static int start_sending(struct slot *slot, struct err *e)
{
	struct endpoint *ep = slot->endpoint;
	const char *headers[4 + PUSH_HEADERS] = {
		"Content-Type: application/json", "Accept: application/json",
		ep->authorisation};
	CLEANUP(buf_clear) struct buf url = BUF_MAX(URL_BYTES_MAX);
	struct push_headers push = {0};
	struct http_request request = {
		.method = "POST",
		.headers = headers,
		.body = slot->message.body,
		.body_bytes = strlen(slot->message.body),
		.ca_file = ep->ca_file[0] != '\0' ? ep->ca_file : NULL,
		.timeout_ms = (int)ep->config.timeout_ms,
		.answer_max_bytes = ANSWER_BYTES_MAX,
	};
	int rc;

	buf_add_text(&url, ep->config.notifications_url);
	headers[3] = ep->channel->header;
	if (ep->channel->pushed) {
		push_put_path(slot, &url);
		push_put_headers(slot, clock_wall_ms(), &push, &headers[3]);
	}
	rc = buf_finish(&url, e);
	if (rc < 0)
		return rc;
	request.url = buf_text(&url);
	return http_client_start(ep->notifier->client, &request, on_sent, slot,
				 e);
}

static int start_asking(struct slot *slot, struct err *e)
{
	CLEANUP(buf_clear) struct buf url = BUF_MAX(URL_BYTES_MAX);
	struct endpoint *ep = slot->endpoint;
	const char *const headers[] = {"Accept: application/json",
				       ep->authorisation, NULL};
	struct http_request request = {
		.method = "GET",
		.headers = headers,
		.timeout_ms = (int)ep->config.timeout_ms,
		.answer_max_bytes = ANSWER_BYTES_MAX,
	};
	int rc;

	buf_add_text(&url, ep->config.shipments_url);
	if (url.used_bytes > 0 && url.data[url.used_bytes - 1] != '/')
		buf_add_char(&url, '/');
	buf_add_url(&url, slot->message.external_id);
	buf_add_text(&url, "/state");
	rc = buf_finish(&url, e);
	if (rc < 0)
		return rc;
	request.url = buf_text(&url);
	return http_client_start(ep->notifier->client, &request, on_asked, slot,
				 e);
}

/* The call could not even begin: as an answer that says so. */
static void refuse(struct slot *slot, int rc, const struct err *e)
{
	struct http_answer answer = {
		.rc = rc, .err = *e, .body = "", .retry_after_ms = -1};

	if (slot->asking)
		on_asked(&answer, slot);
	else
		on_sent(&answer, slot);
}

static void start(struct slot *slot)
{
	struct err e = {0};
	int rc =
		slot->asking ? start_asking(slot, &e) : start_sending(slot, &e);

	if (rc == ERR_BUSY)
		return;
	if (rc < 0) {
		refuse(slot, rc, &e);
		return;
	}
	slot->token_version = slot->endpoint->token_version;
	slot_move(slot, SLOT_CALLING);
}

void send_ready(struct notifier *n, int64_t mono_ms)
{
	struct slot *next;

	for (struct slot *slot = TAILQ_FIRST(&n->ready); slot != NULL;
	     slot = next) {
		struct endpoint *ep = slot->endpoint;

		next = TAILQ_NEXT(slot, link);
		if (!fits_into_lease(slot, mono_ms) ||
		    (ep->row.state != ENDPOINT_CLOSED && !slot->probe))
			send_give_back(slot);
		else if (ep->calls < ep->config.parallel &&
			 endpoint_may_call(ep, mono_ms) &&
			 limiter_take(&ep->limiter, clock_mono_us()))
			start(slot);
	}
}

void send_rested(struct notifier *n, int64_t mono_ms)
{
	struct slot *next;

	for (struct slot *slot = TAILQ_FIRST(&n->resting); slot != NULL;
	     slot = next) {
		next = TAILQ_NEXT(slot, link);
		if (slot->rest_until_ms > mono_ms)
			continue;
		if (slot->settled)
			settle(slot);
		else
			slot_move(slot, SLOT_READY);
	}
}
