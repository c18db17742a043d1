/* SPDX-License-Identifier: MIT */
#include "rules.h"

#include "base/backoff.h"
#include "base/err.h"
#include "base/macros.h"

enum {
	QUICK_BASE_MS = 2000,
	QUICK_CAP_MS = 10000,
	SLOW_BASE_MS = 10000
};

/* Of a state request: the endpoint is away, whatever was asked. */
static bool is_away(int rc, int status)
{
	return rc < 0 || status == 408 || status == 425 || status >= 500 ||
	       (status >= 300 && status < 400);
}

static struct plan finish(enum queue_state state, enum queue_outcome outcome,
			  const struct facts *f)
{
	return (struct plan){
		.kind = PLAN_FINISH,
		.state = state,
		.outcome = outcome,
		.arrived = state == QUEUE_DONE,
		.http_status = f->status,
		.news = NEWS_ALIVE,
	};
}

static struct plan reject(const struct facts *f, int status, const char *why)
{
	struct plan plan = finish(QUEUE_FAILED, OUTCOME_REJECTED, f);

	plan.http_status = status;
	plan.why = why;
	return plan;
}

/* The order's state is to be read before anything else. */
static struct plan ask_later(const struct facts *f, int http_status)
{
	return (struct plan){
		.kind = PLAN_LATER,
		.hold = HOLD_UNCERTAIN,
		.wait_ms = f->reconcile.settle_ms,
		.keep_uncertain = true,
		.http_status = http_status,
		.news = NEWS_ALIVE,
	};
}

static int64_t at_least(int64_t wait_ms, const struct facts *f)
{
	return MIN_OF(MAX_OF(wait_ms, f->retry_after_ms),
		      (int64_t)RULES_WAIT_MAX_MS);
}

/* The endpoint failed. Quick attempts, then the breaker opens, unless others
 * get through: then the message waits alone, or one that the endpoint chokes
 * on would stop all the rest. hold is what the message keeps if it is not
 * waiting for the breaker. */
static struct plan failed(const struct facts *f, enum queue_hold hold,
			  bool keep_uncertain)
{
	struct plan plan = {
		.kind = PLAN_LATER,
		.hold = hold,
		.keep_uncertain = keep_uncertain,
		.http_status = f->status,
		.news = NEWS_FAILED,
	};
	bool exhausted = f->attempts >= f->quick_attempts;

	if (f->probe || (exhausted && f->failures + 1 >= f->quick_attempts)) {
		plan.news = f->probe ? NEWS_FAILED : NEWS_OPEN;
		plan.refund = true;
		if (hold == HOLD_NONE)
			plan.hold = HOLD_BREAKER;
		return plan;
	}
	if (exhausted)
		plan.wait_ms =
			backoff_ms(f->attempts - f->quick_attempts + 1,
				   SLOW_BASE_MS, RULES_WAIT_MAX_MS, f->seed);
	else
		plan.wait_ms = backoff_ms(f->attempts, QUICK_BASE_MS,
					  QUICK_CAP_MS, f->seed);
	plan.wait_ms = at_least(plan.wait_ms, f);
	return plan;
}

static struct plan throttled(const struct facts *f, enum queue_hold hold)
{
	int64_t wait_ms =
		f->retry_after_ms >= 0 ? f->retry_after_ms : RULES_THROTTLE_MS;

	wait_ms = MIN_OF(wait_ms, (int64_t)RULES_WAIT_MAX_MS);
	return (struct plan){
		.kind = PLAN_LATER,
		.hold = hold,
		.wait_ms = wait_ms,
		.throttle_ms = wait_ms,
		.keep_uncertain = f->earlier_unknown,
		.refund = true,
		.http_status = f->status,
		.news = NEWS_ALIVE,
	};
}

static struct plan unauthorised(const struct facts *f, enum queue_hold hold)
{
	return (struct plan){
		.kind = PLAN_LATER,
		.hold = hold,
		.keep_uncertain = f->earlier_unknown,
		.refund = true,
		.http_status = f->status,
		.news = NEWS_AUTH,
	};
}

static struct plan on_done(const struct facts *f)
{
	return finish(QUEUE_DONE, OUTCOME_OK, f);
}

static struct plan on_confirm(const struct facts *f)
{
	struct plan plan;

	if (!f->can_ask)
		return on_done(f);
	plan = ask_later(f, f->status);
	/* A second yes that shows no effect counts, so that it ends. */
	plan.refund = !f->earlier_unknown;
	return plan;
}

/* Whoever answers 500 or 503 says that it was not done. It is sent again
 * without asking, because the marketplace refuses a repeat without any effect;
 * but that refusal is not taken at its word. */
static struct plan on_retry(const struct facts *f)
{
	return failed(f, HOLD_NONE, f->earlier_unknown || f->status >= 500);
}

static struct plan on_throttle(const struct facts *f)
{
	return throttled(f, HOLD_NONE);
}

static struct plan on_auth(const struct facts *f)
{
	return unauthorised(f, HOLD_AUTH);
}

static struct plan ask_before_repeat(const struct facts *f)
{
	struct plan plan = failed(f, HOLD_UNCERTAIN, true);

	plan.wait_ms = MAX_OF(plan.wait_ms, f->reconcile.settle_ms);
	return plan;
}

/* A gateway got no answer from the marketplace, which may have taken it. What
 * the order's state cannot show is repeated as after any other 5xx: asking
 * would only end in leaving it out. */
static struct plan on_gateway(const struct facts *f)
{
	if (!f->can_ask || !f->reconcile.repeat_when_undecided)
		return on_retry(f);
	return ask_before_repeat(f);
}

/* Lost on the way, or a 2xx that the marketplace did not write. */
static struct plan on_lost(const struct facts *f)
{
	struct plan plan;

	if (!f->can_ask && !f->reconcile.repeat_when_undecided) {
		plan = on_done(f);
		plan.news = NEWS_FAILED;
		plan.why = "the answer was lost; not repeated";
		return plan;
	}
	plan = f->can_ask ? ask_before_repeat(f) : failed(f, HOLD_NONE, true);
	plan.http_status = 0;
	return plan;
}

static struct plan on_reconcile(const struct facts *f)
{
	if (f->rc < 0 || f->status / 100 == 2)
		return on_lost(f);
	if (f->status >= 500)
		return on_gateway(f);
	if (f->can_ask)
		return ask_later(f, f->status);
	return finish(QUEUE_DONE, OUTCOME_DUPLICATE, f);
}

static struct plan on_reject(const struct facts *f)
{
	return reject(f, f->status, NULL);
}

static struct plan (*const by_verdict[])(const struct facts *f) = {
	[REPLY_DONE] = on_done,     [REPLY_CONFIRM] = on_confirm,
	[REPLY_RETRY] = on_retry,   [REPLY_THROTTLE] = on_throttle,
	[REPLY_AUTH] = on_auth,     [REPLY_RECONCILE] = on_reconcile,
	[REPLY_REJECT] = on_reject,
};

struct plan decide_sent(enum channel_verdict verdict, const struct facts *facts)
{
	return by_verdict[verdict](facts);
}

/* It has certainly not arrived. Send it (again), unless it was refused, or was
 * taken often enough without any effect. */
static struct plan not_arrived(const struct facts *f)
{
	if (f->last_status == 409 || f->last_status == 422)
		return reject(f, f->last_status,
			      "refused, and the order's state does not show "
			      "it either");
	if (f->last_status / 100 == 2 && f->attempts >= f->quick_attempts)
		return reject(f, f->last_status,
			      "taken, but the order's state never shows it");
	return (struct plan){.kind = PLAN_SEND, .news = NEWS_ALIVE};
}

struct plan decide_asked(enum channel_arrival arrival, int reads,
			 const struct facts *facts)
{
	struct plan plan;

	if (arrival == ARRIVAL_OBSOLETE) {
		plan = finish(QUEUE_DONE, OUTCOME_OBSOLETE, facts);
		plan.arrived = false;
	} else if (arrival == ARRIVAL_YES) {
		/* A state is never taken back, so once is enough. */
		plan = finish(QUEUE_DONE,
			      facts->last_status == 422 ? OUTCOME_DUPLICATE
							: OUTCOME_OK,
			      facts);
	} else if (reads < facts->reconcile.reads) {
		return (struct plan){.kind = PLAN_ASK_AGAIN,
				     .wait_ms = facts->reconcile.settle_ms,
				     .news = NEWS_ALIVE};
	} else if (arrival == ARRIVAL_UNDECIDED &&
		   !facts->reconcile.repeat_when_undecided) {
		plan = finish(QUEUE_DONE, OUTCOME_OK, facts);
		plan.why = "the order's state cannot show it; not repeated";
	} else {
		return not_arrived(facts);
	}
	plan.http_status = facts->last_status;
	return plan;
}

static struct plan unreadable(const struct facts *f)
{
	struct plan plan;

	if (f->attempts >= RULES_ASKS_MAX && !f->probe) {
		plan = reject(f, f->last_status,
			      "its outcome is unknown, and the order's state "
			      "cannot be read");
		plan.keep_uncertain = true; /* for whoever retries it */
		return plan;
	}
	return (struct plan){
		.kind = PLAN_LATER,
		.hold = HOLD_UNCERTAIN,
		.wait_ms = backoff_ms(f->attempts, SLOW_BASE_MS,
				      RULES_WAIT_MAX_MS, f->seed),
		.keep_uncertain = true,
		.refund = f->probe,
		.http_status = f->last_status,
		.why = "the order's state cannot be read",
	};
}

struct plan decide_not_asked(const struct facts *facts)
{
	struct plan plan;

	if (is_away(facts->rc, facts->status))
		plan = failed(facts, HOLD_UNCERTAIN, true);
	else if (facts->status == 429)
		plan = throttled(facts, HOLD_UNCERTAIN);
	else if (facts->status == 401 || facts->status == 403)
		plan = unauthorised(facts, HOLD_UNCERTAIN);
	else
		return unreadable(facts);
	/* The message's answer is the one to its own sending. */
	plan.http_status = facts->last_status;
	plan.keep_uncertain = true;
	return plan;
}
