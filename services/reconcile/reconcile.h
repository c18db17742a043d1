/* SPDX-License-Identifier: MIT
 *
 * reconcile.h - finds what webhooks did not tell, by reading it back.
 *
 *	run.c    one run for one channel, and its result line
 *	list.c   the listing of what has changed, page by page
 *	fetch.c  whole orders, some at a time, and into the inbox with them
 *	call.c   one request: how often, with which proof, what its answer means
 *	weigh.c  does what the marketplace says differ from what we know?
 *
 * An order that we do not know, or know otherwise, becomes messages of the
 * inbox in the form of the webhooks that never came. The processor applies them
 * by the same rules: when a webhook comes after all, the second of the two
 * changes nothing, and what was seen before a newer event loses against it.
 */
#ifndef RECONCILE_RECONCILE_H
#define RECONCILE_RECONCILE_H

#include <stdbool.h>
#include <stdint.h>

#include "app/access/channel_access.h"
#include "app/config/config.h"
#include "base/buf.h"
#include "base/err.h"
#include "channel/channel.h"
#include "net/client/http_client.h"

struct db;
struct service;

struct reconcile {
	struct service *service;
	const struct channel *channel;
	const struct config_channel *config;
	struct http_client *client;
	char authorisation[ACCESS_HEADER_BYTES];
	bool token_wanted; /* before the next call */
	int tokens;        /* so far */
	bool denied;       /* the credentials are wrong */
	bool unfinished;   /* the listing goes on in the next run */
	int64_t end_ms;    /* monotonic: no call begins later */
	int64_t next_call_us, paused_until_ms; /* monotonic */
	int failures;                          /* calls in a row */
	struct err why;                        /* of the last failure */

	int64_t listed, unreadable, found;   /* records; found: to be read */
	int64_t brought, same, gone, failed; /* orders that were read */
	int64_t messages;                    /* of those that were brought */
};

/* What an answer means for the request. */
enum call_result {
	CALL_OK = 1,
	CALL_AGAIN,   /* it may work a little later */
	CALL_GONE,    /* there is no such thing */
	CALL_REFUSED, /* and repeating it would not help */
	CALL_DENIED   /* credentials: nothing will work */
};

enum {
	CALL_TRIES_MAX = 3,    /* of one request in one run */
	CALL_FAILURES_MAX = 10 /* in a row: the marketplace is away */
};

/* run.c */
int reconcile_run(struct service *s, struct buf *ret_line, struct err *e);
/* How far it is, into the run's row of the history. */
void reconcile_progress(const struct reconcile *r);

/* call.c: the secrets, and a token when one is needed. 0, ERR_REMOTE,
 * ERR_DENIED, as access_load(). */
int call_prepare(struct reconcile *r, struct err *e);
/* May go on: not stopping, not denied, not away, time left. */
bool call_may_go_on(const struct reconcile *r);
/* Milliseconds until the next call may begin; 0: now. */
int64_t call_wait_ms(const struct reconcile *r);
/* Begin a GET; as http_client_start(). */
int call_start(struct reconcile *r, const char *url, size_t answer_max_bytes,
	       http_done *done, void *context, struct err *e);
/* Judge an answer; r->why says what is wrong with it. */
enum call_result call_judge(struct reconcile *r,
			    const struct http_answer *answer);
/* One that was good and cannot be used after all. */
enum call_result call_spoiled(struct reconcile *r, const struct err *e);
/* Ask and wait, up to CALL_TRIES_MAX times. The caller clears *ret_answer. */
enum call_result call_get(struct reconcile *r, const char *url,
			  size_t answer_max_bytes,
			  struct http_answer *ret_answer);
/* Let calls go on for at most wait_ms. */
void call_run(struct reconcile *r, int64_t wait_ms);

/* list.c: 0, also when it got only so far; < 0 when it got nowhere. */
int list_changes(struct reconcile *r, struct err *e);

/* fetch.c: read what waits and bring it in. 0 or < 0 (the store). */
int fetch_waiting(struct reconcile *r, struct err *e);

/* weigh.c: reader connection. */
/* Is the order of this record to be read? 1, 0, < 0. */
int weigh_listed(struct db *db, const struct channel *channel,
		 const struct channel_shipment *shipment, int64_t now_ms,
		 struct err *e);
/* Has `created` come? 1, 0, < 0. */
int weigh_known(struct db *db, const struct channel *channel,
		const char *external_id, struct err *e);
/* Sets ret_news[i] for what would change something here. Number of them or
 * < 0. */
int weigh_told(struct db *db, const struct channel *channel,
	       const char *external_id, const struct channel_snapshot *snapshot,
	       int64_t now_ms, bool ret_news[CHANNEL_TOLD_MAX], struct err *e);

#endif
