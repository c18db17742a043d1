/* SPDX-License-Identifier: MIT
 *
 * catch_up.c - what waits in an order's inbox comes before anybody's change.
 */
#include <stdbool.h>
#include <stdlib.h>

#include "flow/order_flow.h"
#include "store/engine/db.h"

void flow_pending_clear(struct flow_pending *pending)
{
	for (int i = 0; i < pending->count; i++)
		flow_message_clear(&pending->messages[i]);
	free(pending->messages);
	*pending = (struct flow_pending){0};
}

/* One of these has taken workers down, by being read perhaps: it is for the
 * processor alone, which counts that. */
static bool is_suspect(const struct queue_message *waiting, int count)
{
	for (int i = 0; i < count; i++)
		if (waiting[i].losses >= QUEUE_LOSSES_ALONE)
			return true;
	return false;
}

static int refuse_suspect(struct queue_message *waiting, int count,
			  struct err *e)
{
	for (int i = 0; i < count; i++)
		queue_message_clear(&waiting[i]);
	return err_set(e, ERR_BUSY, "a message of the order is looked into");
}

int flow_pending_read(struct db *reader, int64_t order_id,
		      struct flow_pending *ret_pending, struct err *e)
{
	struct queue_message waiting[FLOW_PENDING_MAX];
	struct flow_message *messages;
	int count = queue_peek(reader, &queue_inbox, order_id, waiting,
			       FLOW_PENDING_MAX, e);

	if (count < 0)
		return count;
	*ret_pending = (struct flow_pending){.order_id = order_id};
	if (count == 0)
		return 0;
	if (is_suspect(waiting, count))
		return refuse_suspect(waiting, count, e);
	messages = calloc((size_t)count, sizeof(*messages));
	for (int i = 0; i < count; i++) {
		if (messages == NULL) {
			queue_message_clear(&waiting[i]);
			continue;
		}
		messages[i].message = waiting[i];
		flow_read(&messages[i]);
	}
	if (messages == NULL)
		return err_set(e, ERR_NOMEM, "inbox: out of memory");
	ret_pending->messages = messages;
	ret_pending->count = count;
	return 0;
}

static struct flow_message *find(struct flow_pending *pending, int64_t id)
{
	for (int i = 0; i < pending->count; i++)
		if (pending->messages[i].message.id == id)
			return &pending->messages[i];
	return NULL;
}

int flow_catch_up(struct db *db, const struct flow_settings *settings,
		  struct flow_pending *pending, const char *owner,
		  int64_t now_ms, unsigned *ret_bells, struct err *e)
{
	struct queue_lease lease = {.owner = owner, .until_ms = now_ms};

	for (int i = 0; i <= FLOW_PENDING_MAX; i++) {
		CLEANUP(queue_message_clear) struct queue_message taken = {0};
		struct flow_message *fm;
		int rc = queue_seize(db, &queue_inbox, pending->order_id,
				     now_ms, &lease, &taken, e);

		if (rc <= 0)
			return rc;
		fm = find(pending, taken.id);
		if (fm == NULL)
			break;
		/* The lease is ours now, under a new epoch. */
		fm->message.lease_epoch = taken.lease_epoch;
		fm->message.attempts = taken.attempts;
		rc = flow_apply(db, settings, fm, now_ms, ret_bells, e);
		if (rc < 0)
			return rc;
	}
	return err_set(e, ERR_BUSY, "a new message has come for the order");
}
