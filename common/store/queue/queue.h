/* SPDX-License-Identifier: MIT
 *
 * queue.h - the one queue model: inbox, outbox and Telegram queue.
 *
 * A message is created (1), taken (2), done (3) or failed (4). The messages of
 * one head (an order; an order and an endpoint; a chat) are worked one after
 * another in the sequence they came; different heads go on in parallel. A head
 * row says whether its oldest pending message is due, so that claiming costs
 * the same with any backlog.
 *
 * Claiming leases a head to an owner and takes its oldest pending message;
 * attempts are counted then, so that a crash loop is seen. Every result names
 * the lease's epoch: whoever lost the lease gets ERR_STATE and changes nothing.
 * All functions run inside a write transaction unless they say otherwise.
 */
#ifndef STORE_QUEUE_H
#define STORE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

struct db;
struct err;
struct stmt;

/* Codes are stored and filtered by operators: never renumber. */
enum queue_state {
	QUEUE_CREATED = 1,
	QUEUE_TAKEN = 2,
	QUEUE_DONE = 3,
	QUEUE_FAILED = 4
};

/* A message that takes its workers down must not take others with it: after so
 * many losses in a row it is claimed alone, and then given up. */
enum {
	QUEUE_LOSSES_ALONE = 2,
	QUEUE_LOSSES_MAX = 5
};

enum head_state {
	HEAD_IDLE = 0,
	HEAD_READY = 1,
	HEAD_LEASED = 2,
	HEAD_BLOCKED = 4 /* its oldest message failed and the later ones wait */
};

/*        symbol, name in the store */
#define QUEUE_OUTCOMES(X)                 \
	X(OUTCOME_NONE, "")               \
	X(OUTCOME_OK, "ok")               \
	X(OUTCOME_DUPLICATE, "duplicate") \
	X(OUTCOME_PARKED, "parked")       \
	X(OUTCOME_SKIPPED, "skipped")     \
	X(OUTCOME_OBSOLETE, "obsolete")   \
	X(OUTCOME_REJECTED, "rejected")   \
	X(OUTCOME_POISONED, "poisoned")   \
	X(OUTCOME_QUARANTINED, "quarantined")

#define QUEUE_HOLDS(X)               \
	X(HOLD_NONE, "none")         \
	X(HOLD_BREAKER, "breaker")   \
	X(HOLD_AUTH, "auth")         \
	X(HOLD_BLOCKED, "blocked")   \
	X(HOLD_OPERATOR, "operator") \
	X(HOLD_UNCERTAIN, "uncertain")

#define X(symbol, name) symbol,
enum queue_outcome {
	QUEUE_OUTCOMES(X) OUTCOME_MAX_
};
enum queue_hold {
	QUEUE_HOLDS(X) HOLD_MAX_
};
#undef X
const char *queue_outcome_name(enum queue_outcome outcome);
const char *queue_hold_name(enum queue_hold hold);

/* One queue: its statements (made by QUEUE_STATEMENTS in queue_sql.h). */
struct queue {
	int64_t due_max_ms;    /* nothing is put off for longer */
	const char *name;      /* "inbox" */
	const char *loss_kind; /* "apply": of an attempt that was lost */
	bool has_status;       /* results carry an HTTP status */
	const struct stmt *near_heads, *due_head, *live_head, *lease_head;
	const struct stmt *oldest_message, *take_message, *finish_message;
	const struct stmt *next_pending, *settle_head, *retry_message;
	const struct stmt *settle_by_pending, *claim_many;
	const struct stmt *leased_heads, *taken_message, *untake_message;
	const struct stmt *ready_head;
	const struct stmt *peek_messages;
	const struct stmt *operator_steps[3], *resettle_head;
};
extern const struct queue queue_inbox, queue_outbox, queue_telegram;

struct queue_message {
	int64_t id, head_id, order_seq, order_id, created_ms;
	int64_t lease_epoch;
	int64_t sending_since_ms; /* of an earlier attempt without a result:
				     its outcome is unknown; 0: none */
	int attempts;             /* this one included */
	int losses;               /* claims in a row whose owner died */
	char *event_type, *body;  /* owned */
	char *channel, *external_id;
	char *address; /* endpoint or chat; "" for the inbox */
};
void queue_message_clear(struct queue_message *m);

struct queue_lease {
	const char *owner; /* instance.h */
	int64_t until_ms;
	bool sending; /* the send follows at once: mark it now */
};

/* Lease the head that has been due longest and take its oldest message.
 * 1 and *ret_message (the caller clears it), 0 when nothing is due, < 0. */
int queue_claim(struct db *db, const struct queue *queue, int64_t now_ms,
		const struct queue_lease *lease,
		struct queue_message *ret_message, struct err *e);

/* A batch: the same for up to max of them, each into its own of ret_messages.
 * One that must be alone is the only one of its batch; behind others it is left
 * to be the first of a later one. Their number, or < 0 and none. */
int queue_claim_batch(struct db *db, const struct queue *queue, int64_t now_ms,
		      const struct queue_lease *lease,
		      struct queue_message *const *ret_messages, int max,
		      struct err *e);

/* Lease this head, due or not and whoever holds it, and take its oldest
 * message: for a process that must not change an order before what waits for
 * it is applied. The former owner is shut out by the new epoch. As
 * queue_claim(); 0 also for a blocked head. */
int queue_seize(struct db *db, const struct queue *queue, int64_t head_id,
		int64_t now_ms, const struct queue_lease *lease,
		struct queue_message *ret_message, struct err *e);

/* Messages of a head that are not over, oldest first, at most max, into the
 * caller's array (each to be cleared). Reader or writer. Count or < 0. */
int queue_peek(struct db *db, const struct queue *queue, int64_t head_id,
	       struct queue_message *ret_messages, int max, struct err *e);

/* The message is over: done or failed, with an outcome and (for a person) an
 * error text or NULL. */
struct queue_result {
	enum queue_state state; /* QUEUE_DONE or QUEUE_FAILED */
	enum queue_outcome outcome;
	const char *error;
	int http_status;     /* outbox; 0: none */
	bool keep_uncertain; /* failed, and it may have arrived */
};
int queue_finish(struct db *db, const struct queue *queue,
		 const struct queue_message *m,
		 const struct queue_result *result, int64_t now_ms,
		 struct err *e);

/* The message is to be tried again at due_ms. keep_uncertain leaves
 * sending_since_ms in place: the next attempt must ask first. refund gives the
 * attempt back (it did not count: breaker, throttle, auth). */
struct queue_retry {
	int64_t due_ms;
	enum queue_hold hold;
	const char *error;
	int http_status;
	bool keep_uncertain, refund;
	/* Else its losses are forgotten: it was not worked on, as in
	 * queue_put_back(); or the store was lost while it was, one more. */
	bool keep_losses, lost;
};
int queue_retry(struct db *db, const struct queue *queue,
		const struct queue_message *m, const struct queue_retry *retry,
		int64_t now_ms, struct err *e);

/* The message was claimed and will not be worked on now: it goes back as it
 * was, to the front of all that waits. */
int queue_put_back(struct db *db, const struct queue *queue,
		   const struct queue_message *m, int64_t now_ms,
		   struct err *e);

/* What an operator may do with one message. What may have been sent before is
 * asked about before it is sent again. */
enum queue_operation {
	OPERATE_RETRY,  /* failed: created again, with its attempts reset */
	OPERATE_SKIP,   /* created or failed: done, outcome skipped */
	OPERATE_RELEASE /* created and held: due now */
};
/* 1 when the message was in a state that allows it, 0 when not, < 0. Its head
 * goes on, also one that was blocked. */
int queue_operate(struct db *db, const struct queue *queue, int64_t message_id,
		  enum queue_operation operation, int64_t now_ms,
		  struct err *e);

/* Give back what dead owners hold. Who lives here is never robbed, whatever the
 * clock says: it may have been set. Of owners that cannot be told, leases past
 * lease_until_ms go back. Each is a loss of its message and an attempt
 * (attempts.h), but for what OWNER_SELF has claimed. Heads that are due later
 * than anything is put off (QUEUE_DUE_MAX_MS) waited by a clock that has been
 * set back since: they are due now. Number of heads given back, at most limit.
 */
enum {
	QUEUE_DUE_MAX_MS = 10 * 60 * 1000,
	QUEUE_CHAT_DUE_MAX_MS = 24 * 3600 * 1000 /* Telegram may ask for more */
};
enum queue_owner {
	OWNER_DEAD = 1,
	OWNER_ALIVE,
	OWNER_UNKNOWN, /* of another machine */
	/* The caller, who knows nothing of it: whether the claim was committed
	 * was uncertain, so nobody has worked on it. */
	OWNER_SELF
};
/* Does nobody work any more on what that owner has claimed? */
bool queue_owner_has_left(enum queue_owner life, int64_t lease_until_ms,
			  int64_t now_ms);
int queue_reclaim(struct db *db, const struct queue *queue, int64_t now_ms,
		  enum queue_owner (*life_of)(const char *owner, void *context),
		  void *context, int limit, struct err *e);

#endif
