/* SPDX-License-Identifier: MIT
 *
 * notifier.h - outbox to marketplaces and the ERP, on one thread.
 *
 *	loop.c      one pass: take results, start calls, claim, wait
 *	endpoint.c  settings, credentials and breaker of a place we send to
 *	oauth.c     its token, when it wants one
 *	claim.c     a transaction that takes messages and looks at their orders
 *	send.c      the calls, and what their answers mean
 *	push.c      what is different about the ERP, and its feed
 *	settle.c    a transaction that writes what became of a message
 *	slot.c      where each claimed message is
 *	upkeep.c    once a second: dead owners, breakers, credentials, metrics
 *	mailbox.c   results of the writer's thread
 *	gate.c decide.c limiter.c   decisions, pure (rules.h)
 *
 * A message is in one slot from its claim until its result is committed. Its
 * lease lasts longer than everything that may happen to it in between; no call
 * begins that could outlast the lease. Nothing here waits for the writer:
 * claims and results are units that it groups, and their results come back
 * through the mailbox.
 */
#ifndef NOTIFIER_NOTIFIER_H
#define NOTIFIER_NOTIFIER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "app/access/channel_access.h"
#include "app/config/config.h"
#include "app/service/service.h"
#include "base/buf.h"
#include "base/err.h"
#include "channel/channel.h"
#include "channel/erp.h"
#include "net/client/http_client.h"
#include "rules.h"
#include "store/engine/writer.h"
#include "store/queue/attempts.h"
#include "store/queue/endpoints.h"
#include "store/queue/outbox.h"

enum {
	SLOTS_MAX = 512,
	CLAIM_MAX = 64,
	ENDPOINTS_MAX = 4,
	LEASE_MS = 30000,
	DEADLINE_MARGIN_MS = 2000, /* to write the result within the lease */
	URL_BYTES_MAX = CONFIG_TEXT_BYTES + 3 * ORDER_ID_BYTES + 16,
	ANSWER_BYTES_MAX = 16384,
	ERROR_BYTES_MAX = 400,
	TRIED_MAX = 4
};

struct notifier;

/* A unit whose result is handled on the main thread. */
struct letter {
	struct unit unit;
	struct letter *next;
	struct notifier *notifier;
	int rc;
	struct err err;
	void (*open)(struct letter *letter); /* on the main thread */
};

struct mailbox {
	pthread_mutex_t mutex;
	struct letter *first, **last;
	int event_fd; /* readable when there is something */
};
int mailbox_open(struct mailbox *mailbox, struct err *e);
void mailbox_close(struct mailbox *mailbox);
/* Hand a letter to the writer; open() is called later, from mailbox_take().
 * When the writer takes nothing, that is the letter's result. */
void mailbox_submit(struct notifier *n, struct letter *letter);
/* Open all letters that have come. Number of them. */
int mailbox_take(struct mailbox *mailbox);

enum slot_step {
	SLOT_FREE,
	SLOT_READY,   /* its call is to be started */
	SLOT_CALLING, /* its call is under way */
	SLOT_RESTING, /* until rest_until_ms: another read, or another try to
			 write the result */
	SLOT_SETTLING /* its result is being written */
};

/* One call, for the table of attempts. */
struct tried {
	bool asked; /* else sent */
	int64_t started_ms, duration_ms;
	int http_status;
	const char *class; /* static */
	char answer[ATTEMPT_ANSWER_BYTES];
};

struct slot {
	struct letter letter;
	TAILQ_ENTRY(slot) link; /* in the list of its step */
	struct endpoint *endpoint;
	enum slot_step step;
	struct queue_message message;
	struct outbox_context context;
	enum notice notice;
	int64_t entry_id, document_id; /* of the ERP's feed; 0: none */
	int64_t deadline_ms;           /* monotonic: of the lease */
	int64_t rest_until_ms;         /* monotonic */
	bool probe;
	bool asking;          /* its call reads the order's state */
	bool earlier_unknown; /* an earlier sending may have arrived */
	bool settled;         /* it rests until its result can be written */
	bool abandoned;       /* its call's answer comes too late */
	bool alone;           /* and no other message beside it */
	struct tried tried[TRIED_MAX]; /* within this lease */
	int tried_count;
	int reads; /* equal answers in a row */
	enum channel_arrival arrival;
	int64_t token_version; /* of the credentials of its call */
	struct plan plan;
	int settle_tries;
	bool breaker_was_open;
	int64_t probe_every_ms;
	bool failed; /* as its row says now */
	bool moved;  /* its result has changed the endpoint */
	enum endpoint_state moved_to;
	char refusal[ERP_REASON_BYTES];     /* in the ERP's words */
	char error[ERROR_BYTES_MAX];        /* for the message's row */
	char reason[ENDPOINT_REASON_BYTES]; /* without the answer: for logs */
};
TAILQ_HEAD(slot_list, slot);

struct claim {
	struct letter letter;
	struct endpoint *endpoint;
	bool under_way, probe;
	bool alone;           /* nothing else is under way */
	bool suspect;         /* it met a message that must be alone */
	int wanted, reserved; /* slots */
	int turn;             /* counts claims, for the share of fresh ones */
	int64_t deadline_ms; /* of the leases: counted from before they begin */
	int64_t probe_every_ms;
	struct endpoint_row row; /* as the transaction saw it */
	int count, passed;       /* passed: claimed, but not to be sent */
	struct claimed {
		struct queue_message message;
		struct outbox_context context;
		enum notice notice;
		enum gate gate;
	} items[CLAIM_MAX];
};

/* A change of the breaker that no message brings about. */
struct change {
	struct letter letter;
	struct endpoint *endpoint;
	bool under_way;
	int (*apply)(struct db *db, const struct change *change, int64_t now_ms,
		     struct err *e);
	bool changed;
	enum endpoint_state to;
	char reason[ENDPOINT_REASON_BYTES];
};

struct oauth {
	bool under_way;
	bool refused;    /* these credentials are wrong */
	bool distrusted; /* the token replaces one that was refused, and has
			    not been accepted yet */
	int failures;    /* in a row */
	int64_t asked_version; /* of the credentials */
	int64_t valid_until_ms, refresh_at_ms, retry_at_ms; /* monotonic */
	char error[ENDPOINT_REASON_BYTES];
};

struct endpoint {
	struct notifier *notifier;
	const struct channel *channel;
	struct config_channel config;
	char ca_file[CONFIG_TEXT_BYTES]; /* "": the system's */
	struct limiter limiter;
	int calls;          /* under way, without the token's */
	int busy;           /* slots that are ready or calling */
	int failures;       /* calls that failed in a row */
	int64_t look_at_ms; /* monotonic: next claim */
	int64_t throttled_until_ms;

	/* Why nothing can be sent; "": it can. */
	char not_ready[ENDPOINT_REASON_BYTES];
	bool told; /* and it was logged */
	struct channel_credentials credentials;
	int64_t credentials_version, token_version; /* go up with each change */
	char authorisation[ACCESS_HEADER_BYTES];    /* header; "": none yet */
	struct oauth oauth;

	struct endpoint_row row; /* as last seen */
	bool resume_wanted;      /* credentials or settings are new */
	bool something_waits;
	struct claim claim;
	struct change change;
};

struct notifier {
	struct service *service;
	struct http_client *client;
	struct mailbox mailbox;
	int wait_fd; /* epoll: the bell and the mailbox */
	struct endpoint endpoints[ENDPOINTS_MAX];
	int endpoint_count;
	struct slot slots[SLOTS_MAX];
	struct slot_list free, ready, calling, resting, settling;
	int free_count, reserved; /* reserved: of the free ones, by claims */
	int letters;              /* with the writer */
	bool store_failed;        /* and it was logged */
	bool held;                /* since a restore, and it was logged */
	/* A message that has taken senders down waits until nothing else is
	 * under way, and then nothing else begins. */
	bool alone_wanted, alone_busy;

	struct pump { /* entries of the feed on their way to the outbox */
		struct letter letter;
		bool under_way;
		int moved;
	} pump;
	int64_t upkeep_at_ms, credentials_at_ms;
	struct reclaim {
		struct letter letter;
		bool under_way;
		int holder_count, given_back;
		int64_t next_ms; /* monotonic */
		struct outbox_holder holders[OUTBOX_HOLDERS_MAX];
		enum queue_owner lives[OUTBOX_HOLDERS_MAX];
	} reclaim;
};

/* loop.c */
int notifier_start(struct service *s, struct err *e);
int notifier_reload(struct service *s, struct err *e);
int notifier_work(struct service *s, struct err *e);
void notifier_stop(struct service *s);
void notifier_store_failed(struct notifier *n, const struct err *e);
void notifier_store_works(struct notifier *n);

/* endpoint.c */
void endpoint_configure(struct endpoint *ep, const struct config *config);
void endpoint_load_credentials(struct endpoint *ep);
/* May a call begin now; may messages be claimed? */
bool endpoint_may_call(const struct endpoint *ep, int64_t mono_ms);
bool endpoint_is_usable(const struct endpoint *ep, int64_t mono_ms);
bool endpoint_can_ask(const struct endpoint *ep, const char *external_id);
/* Take over its row as it is in the store. */
void endpoint_saw_row(struct endpoint *ep, const struct endpoint_row *row);
/* We changed its row; tell it once. */
void endpoint_moved(struct endpoint *ep, enum endpoint_state to,
		    const char *reason);
/* Hold, resume or open, when something is waiting for it. */
void endpoint_change_when_due(struct endpoint *ep);

/* oauth.c */
bool oauth_is_used(const struct endpoint *ep);
void oauth_run(struct endpoint *ep, int64_t mono_ms);
/* The token was refused. True when a new one will be tried. */
bool oauth_renew(struct endpoint *ep);

/* claim.c */
void claim_when_due(struct endpoint *ep, int64_t mono_ms);
/* When that will be, monotonic; INT64_MAX: not before something happens. */
int64_t claim_due_ms(struct endpoint *ep, int64_t mono_ms);

/* send.c */
/* A claimed message begins: ask or send. */
void send_begin(struct slot *slot, enum gate gate);
/* Start what may start; go on with what has rested. */
void send_ready(struct notifier *n, int64_t mono_ms);
void send_rested(struct notifier *n, int64_t mono_ms);
/* Back into the queue: nothing was sent in this lease. */
void send_give_back(struct slot *slot);
/* Its call will not be waited for: the outcome is unknown. */
void send_abandon(struct slot *slot);

/* push.c */
enum {
	PUSH_HEADERS = 4,
	PUSH_HEADER_BYTES = 96
};
struct push_headers {
	char key[PUSH_HEADER_BYTES], id[PUSH_HEADER_BYTES];
	char time[PUSH_HEADER_BYTES], signature[PUSH_HEADER_BYTES];
};
struct config_channel push_config(const struct config_erp *config);
/* The secret that messages are signed with; "" when there is none. */
int push_load_secret(const struct state_dir *dir,
		     char ret_secret[SECRET_BYTES_MAX], struct err *e);
/* Where below push_url a message goes, by its type. */
void push_put_path(const struct slot *slot, struct buf *out);
/* What goes out with a message: its number, and a signature if there is a
 * secret. At most PUSH_HEADERS of them, which lie in *texts. */
void push_put_headers(const struct slot *slot, int64_t now_ms,
		      struct push_headers *texts, const char **ret_headers);
void push_read_numbers(struct slot *slot);
/* The ERP's answer to a document is its verdict. Inside the transaction that
 * finishes the message, which it may change. */
int push_give_verdict(struct db *db, const struct slot *slot,
		      struct queue_result *result, int64_t now_ms,
		      struct err *e);
/* Entries that the outbox does not have yet; once a second, and again while
 * there are many. */
int push_when_due(struct notifier *n, struct err *e);

/* settle.c: write slot->plan, then free the slot. */
void settle(struct slot *slot);

/* slot.c */
void slots_init(struct notifier *n);
/* A slot for a message of this endpoint, resting. NULL: all are taken. */
struct slot *slot_take(struct endpoint *ep);
void slot_move(struct slot *slot, enum slot_step step);

/* upkeep.c */
void upkeep_when_due(struct notifier *n, int64_t mono_ms);

#endif
