/* SPDX-License-Identifier: MIT */
#include "intake.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "app/service/service.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "channel/channel.h"
#include "probe.h"
#include "store/engine/writer.h"
#include "store/queue/inbox.h"
#include "store/queue/inbox_batch.h"
#include "store/queue/quarantine.h"

static_assert((int)INBOX_BATCH_MAX >= (int)WRITER_TOGETHER_MAX, "all fit");

struct arrival { /* one request on its way through the writer */
	struct unit unit;
	struct http_exchange *x;
	const struct channel *channel;
	struct channel_envelope envelope;
	struct identity identity;
	const char *bad_code; /* the body cannot be read: why, for the sender */
	struct err bad;
};

static struct inbox_arrival row_of(const struct arrival *a)
{
	bool unknown = a->envelope.type == EVENT_NONE;

	return (struct inbox_arrival){
		.channel = a->channel->name,
		.external_id = a->envelope.external_id,
		.alias = a->envelope.alias,
		.event_type = a->envelope.event_type,
		.body = http_body(a->x),
		.event_ms = a->envelope.event_ms,
		.quarantine_reason = unknown ? "unknown event type" : NULL,
	};
}

static int keep_event(struct unit *u, struct db *db, int64_t now_ms,
		      struct err *e)
{
	struct arrival *a = CONTAINER_OF(u, struct arrival, unit);
	struct inbox_arrival row = row_of(a);

	u->bells = BELL_PROCESSOR;
	return inbox_add(db, &row, now_ms, &a->identity, e);
}

static int keep_events(struct unit *first, size_t count, struct db *db,
		       int64_t now_ms, struct err *e)
{
	struct inbox_arrival rows[INBOX_BATCH_MAX] = {0};
	struct identity identities[INBOX_BATCH_MAX];
	struct unit *u = first;
	int rc;

	for (size_t i = 0; i < count; i++, u = u->next)
		rows[i] = row_of(CONTAINER_OF(u, struct arrival, unit));
	rc = inbox_add_all(db, rows, count, now_ms, identities, e);
	u = first;
	for (size_t i = 0; i < count && rc == 0; i++, u = u->next)
		CONTAINER_OF(u, struct arrival, unit)->identity = identities[i];
	first->bells = BELL_PROCESSOR;
	return rc;
}

static int keep_unreadable(struct unit *u, struct db *db, int64_t now_ms,
			   struct err *e)
{
	struct arrival *a = CONTAINER_OF(u, struct arrival, unit);

	return quarantine_add(db, a->channel->name, a->bad.text,
			      http_body(a->x), http_body_bytes(a->x), now_ms,
			      e);
}

void hook_reply_unavailable(struct http_exchange *x)
{
	http_reply_header(x, "Retry-After", "1");
	http_reply_error(x, 503, "store_unavailable",
			 "not stored: please send it again");
}

/* After COMMIT, or when nothing was stored. */
static void answer(struct unit *u, int rc, const struct err *e)
{
	struct arrival *a = CONTAINER_OF(u, struct arrival, unit);
	char body[96];
	int bytes;

	(void)e; /* the writer's metrics and the main loop report it */
	if (rc < 0) {
		hook_reply_unavailable(a->x);
		return;
	}
	if (a->bad_code != NULL) {
		http_reply_error(a->x, 400, a->bad_code, a->bad.text);
		return;
	}
	bytes = snprintf(body, sizeof(body),
			 "{\"status\":\"%s\",\"number\":\"%s\"}",
			 a->envelope.type == EVENT_CREATED ? "created" : "ok",
			 a->identity.number);
	http_reply(a->x, 200, "application/json", body, (size_t)bytes);
}

/* Who is turned away does not learn whether he was taken for a marketplace or
 * for ourselves. */
static void reply_forbidden(struct http_exchange *x)
{
	http_reply_error(x, 403, "forbidden",
			 "Client-Token is missing or wrong");
}

static void receive_notification(struct http_exchange *x, struct hook *hook)
{
	struct arrival *a;

	if (!secret_matches(atomic_load(&hook->token.now),
			    http_header(x, "Client-Token"))) {
		reply_forbidden(x);
		return;
	}
	a = http_exchange_alloc(x, sizeof(*a));
	if (a == NULL) {
		hook_reply_unavailable(x);
		return;
	}
	a->x = x;
	a->channel = channel_by_hook_path(http_path(x));
	a->unit.done = answer;
	a->unit.run = keep_event;
	a->unit.run_all = keep_events;
	if (a->channel->read_envelope(http_body(x), http_body_bytes(x),
				      clock_wall_ms(), &a->envelope,
				      &a->bad_code, &a->bad) < 0) {
		a->unit.run = keep_unreadable;
		a->unit.run_all = NULL;
	} else {
		a->bad_code = NULL;
	}
	if (writer_submit(hook->writer, &a->unit, NULL) < 0)
		hook_reply_unavailable(x);
}

void hook_receive(struct http_exchange *x, void *context)
{
	struct hook *hook = ((struct service *)context)->context;

	if (!probe_is_one(x))
		receive_notification(x, hook);
	else if (!probe_receive(x, hook))
		reply_forbidden(x);
}
