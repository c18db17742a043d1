/* SPDX-License-Identifier: MIT
 *
 * rules.h - what the notifier decides, as tables. Pure.
 *
 * gate.c: may a message that was just claimed be sent at all? decide.c: what
 * becomes of it, and of its endpoint, after an answer? limiter.c: how often may
 * an endpoint be called? None of them knows a clock, the store or a socket.
 */
#ifndef NOTIFIER_RULES_H
#define NOTIFIER_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "channel/channel.h"
#include "store/queue/outbox.h"

enum {
	RULES_ATTEMPTS_MAX = 100, /* then it is poisoned */
	RULES_ASKS_MAX = 10,      /* attempts to read an unreadable state */
	RULES_THROTTLE_MS = 5000, /* a 429 without Retry-After */
	RULES_WAIT_MAX_MS = 300000
};

enum gate {
	GATE_SEND = 1,
	GATE_ASK,      /* its outcome is unknown: read the order's state */
	GATE_ARRIVED,  /* the order has gone on, so it must have arrived */
	GATE_OBSOLETE, /* the order has gone past it */
	GATE_SKIP,     /* the order's store has no notifications */
	GATE_BLOCKED,  /* what it depends on has failed */
	GATE_POISONED  /* tried too often */
};

struct gate_facts {
	enum notice notice; /* NOTICE_NONE: none, which depends on nothing */
	const struct outbox_context *context;
	bool known;        /* we know what its type means */
	bool allowed;      /* channel->allows() */
	unsigned blockers; /* outbox_blockers() */
	bool marked;       /* an earlier attempt may have arrived */
	int attempts;      /* this one included */
	int losses;        /* senders that died with it, in a row */
};
enum gate gate_decide(const struct gate_facts *facts);
/* Has an order in this state gone past the notice? */
bool gate_is_past(enum notice notice, enum order_state state);
/* The first of the blockers that `notice` depends on; NOTICE_NONE: none. */
enum notice gate_blocker(enum notice notice, unsigned blockers);

/* What a plan says about the endpoint. */
enum endpoint_news {
	NEWS_NONE = 0,
	NEWS_ALIVE,  /* it answers: an open breaker closes */
	NEWS_FAILED, /* it does not */
	NEWS_OPEN,   /* and it has not for long enough: open the breaker */
	NEWS_AUTH    /* it refuses our credentials: hold it */
};

enum plan_kind {
	PLAN_FINISH = 1,
	PLAN_LATER,    /* back into the queue */
	PLAN_SEND,     /* now, within the same lease */
	PLAN_ASK_AGAIN /* after wait_ms, within the same lease */
};

struct plan {
	enum plan_kind kind;
	enum queue_state state; /* PLAN_FINISH */
	enum queue_outcome outcome;
	bool arrived; /* the marketplace has it */

	enum queue_hold hold; /* PLAN_LATER */
	int64_t wait_ms;      /* also PLAN_ASK_AGAIN */
	bool keep_uncertain, refund;

	int http_status; /* to be kept with the message; 0: none */
	enum endpoint_news news;
	int64_t throttle_ms; /* the endpoint gets no call for so long */
	const char *why;     /* for a person; NULL: the answer says it */
};

struct facts {
	enum notice notice;
	int attempts, quick_attempts;
	bool earlier_unknown; /* before this call */
	bool can_ask;         /* the order's state can be read */
	bool probe;           /* the one message that an open breaker lets by */
	int failures;   /* calls to the endpoint that failed in a row before */
	int rc, status; /* of the call; status 0 when rc < 0 */
	int64_t retry_after_ms; /* -1: not said */
	int last_status;        /* answer to the attempt that is asked about */
	struct channel_reconcile reconcile;
	uint64_t seed; /* of the jitter */
};

/* After a notification was answered. */
struct plan decide_sent(enum channel_verdict verdict,
			const struct facts *facts);
/* After the order's state was read: what it says, the reads-th time in a row.
 */
struct plan decide_asked(enum channel_arrival arrival, int reads,
			 const struct facts *facts);
/* After it could not be read. */
struct plan decide_not_asked(const struct facts *facts);
/* A token bucket. A tenth of a second's worth may go at once, so that no second
 * sees more than 1.1 times the rate. Times are monotonic microseconds. */
struct limiter {
	int64_t rate_per_s; /* >= 1 */
	int64_t tokens_ppm; /* millionths of a call */
	int64_t counted_us; /* when tokens_ppm was right */
};

/* The bucket begins full. A rate below 1 counts as 1. */
struct limiter limiter_make(int64_t rate_per_s, int64_t now_us);

/* How many calls may go now. */
int limiter_available(struct limiter *limiter, int64_t now_us);
/* Take one call: false when none may go. */
bool limiter_take(struct limiter *limiter, int64_t now_us);
/* Until one may go: 0 when it may now, at most 1000. */
int limiter_wait_ms(struct limiter *limiter, int64_t now_us);

#endif
