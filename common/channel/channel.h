/* SPDX-License-Identifier: MIT
 *
 * channel.h - one marketplace as a set of pure translations.
 *
 * A channel turns bodies into events and orders into notifications, and says
 * what an answer means. It never sees the store or a socket, so all of it is
 * tested from texts. A new marketplace is a new file and a row of
 * channel_table.c. All functions are thread-safe.
 */
#ifndef CHANNEL_CHANNEL_H
#define CHANNEL_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "domain/order/order.h"

struct err;

/* What the intake needs of a body, without building a tree. */
struct channel_envelope {
	char event_type[ORDER_SHORT_BYTES]; /* as sent */
	enum order_event_type type; /* EVENT_NONE: a type we do not know */
	char external_id[ORDER_ID_BYTES]; /* "" when only the alias is named */
	char alias[ORDER_ID_BYTES];       /* another name of the order or "" */
	int64_t event_ms; /* the body's time; of receipt when it has none, an
			     unreadable one, or one in the future */
};

/* What the marketplace said to a notification. */
struct channel_reply {
	int rc;           /* http_client.h: 0, ERR_REMOTE, ERR_UNCERTAIN */
	int status;       /* HTTP status when rc is 0 */
	const char *body; /* NUL-terminated, may be anything */
	int64_t retry_after_ms; /* -1: not said */
	bool earlier_unknown;   /* an earlier attempt's outcome is unknown */
};

enum channel_verdict {
	REPLY_DONE = 1,  /* taken */
	REPLY_CONFIRM,   /* said yes; a read of the order's state proves it */
	REPLY_RETRY,     /* try again later */
	REPLY_THROTTLE,  /* too fast: wait, and the attempt does not count */
	REPLY_AUTH,      /* our credentials: hold the whole endpoint */
	REPLY_RECONCILE, /* ask the order's state, then decide */
	REPLY_REJECT     /* refused for good */
};

enum channel_arrival { /* what the order's state says about a notification */
	ARRIVAL_YES = 1,
	ARRIVAL_NO,        /* it did not arrive: send it (again) */
	ARRIVAL_UNDECIDED, /* this state allows both */
	ARRIVAL_OBSOLETE   /* the marketplace has gone past it */
};

/* How to find out about an uncertain notification. */
struct channel_reconcile {
	int reads;                  /* equal answers needed in a row */
	int64_t settle_ms;          /* before the first read and between two */
	bool repeat_when_undecided; /* else it counts as done */
};

/* What a listing says of one order; the order itself is read on its own. */
struct channel_shipment {
	char external_id[ORDER_ID_BYTES];
	char store_id[ORDER_SHORT_BYTES]; /* "": not said */
	enum order_event_type event;      /* brought it where it is over there;
					     EVENT_NONE: nothing that we wait for */
	bool paid;
	int64_t updated_ms; /* 0: not said */
	/* What it says of the order's content, as an EVENT_UPDATED; without
	 * lines when the listing is too brief for that. Owned. */
	struct order_event content;
};

enum {
	CHANNEL_PAGE_TOKEN_BYTES = 1024
};

struct channel_page {
	struct channel_shipment *shipments; /* owned */
	size_t count;
	int unreadable;                      /* records without an id */
	char next[CHANNEL_PAGE_TOKEN_BYTES]; /* token of the next page; "": it
						was the last one */
};
void channel_page_clear(struct channel_page *page);

/* An order as it is over there, told in the form of webhooks. */
enum {
	CHANNEL_TOLD_MAX = 3
};
struct channel_snapshot {
	struct channel_told {
		enum order_event_type type;
		char *body;       /* owned; as a webhook's */
	} told[CHANNEL_TOLD_MAX]; /* in the order they are to be applied */
	int count;
};
void channel_snapshot_clear(struct channel_snapshot *snapshot);

struct channel {
	const char *name;      /* "kuper": orders.channel */
	const char *hook_path; /* where its notifications arrive */
	/* Its messages depend on no state of their order, and nothing can be
	 * asked about them: event types are no notices. */
	bool independent;
	/* They are documents and orders of the exchange: each goes to a path of
	 * its own, signed, with a key that makes it idempotent
	 * (services/notifier/push.h). */
	bool pushed;
	const char *header; /* of each of its messages; NULL: none */

	/* 0, or ERR_INVALID: not JSON, no object, no event type, no order; the
	 * text is for the sender, `ret_code` is a stable word for the case. */
	int (*read_envelope)(const char *body, size_t bytes,
			     int64_t received_ms,
			     struct channel_envelope *ret_envelope,
			     const char **ret_code, struct err *e);

	/* The whole event; the caller clears it. 0, ERR_INVALID, ERR_NOMEM. */
	int (*parse_event)(const char *body, size_t bytes, int64_t received_ms,
			   struct order_event *ret_event, struct err *e);

	/* Body of a notification about the order as it is now. */
	int (*render_notice)(enum notice notice, const struct order *order,
			     struct buf *out, struct err *e);

	enum channel_verdict (*classify)(enum notice notice,
					 const struct channel_reply *reply);
	struct channel_reconcile (*reconcile)(enum notice notice);
	/* State text out of the answer to a state request, "" when it is not
	 * readable; then what it says about the notification. */
	void (*read_state)(const char *body, size_t bytes,
			   char ret_state[ORDER_SHORT_BYTES]);
	enum channel_arrival (*arrival)(enum notice notice, const char *state);

	/* Do notifications of this type go to stores of this integration type
	 * (kuper.md 2.6 rules 19, 23)? */
	bool (*allows)(enum notice notice, int integration_type);

	/* Query of the URL of a listing: all orders updated since a moment, or
	 * the page of that token (not ""). */
	void (*put_list_query)(int64_t updated_from_ms, int page_size,
			       const char *page_token, struct buf *out);
	/* A page of it; the caller clears it. 0, ERR_INVALID, ERR_NOMEM. */
	int (*read_page)(const char *body, size_t bytes,
			 struct channel_page *ret_page, struct err *e);
	/* One order, seen at seen_ms: what webhooks would have told. `known`
	 * says that `created` has come. The caller clears it. 0, ERR_INVALID
	 * (also when it is another order), ERR_NOMEM. */
	int (*read_shipment)(const char *body, size_t bytes,
			     const char *external_id, bool known,
			     int64_t seen_ms,
			     struct channel_snapshot *ret_snapshot,
			     struct err *e);
};

/* All channels; ends with NULL. */
extern const struct channel *const channel_table[];
const struct channel *channel_find(const char *name); /* NULL: none */
const struct channel *channel_by_hook_path(const char *path);

#endif
