/* SPDX-License-Identifier: MIT */
#include "notifier.h"

static bool is_busy(enum slot_step step)
{
	return step == SLOT_READY || step == SLOT_CALLING;
}

static struct slot_list *list_of(struct notifier *n, enum slot_step step)
{
	struct slot_list *const lists[] = {
		[SLOT_FREE] = &n->free,         [SLOT_READY] = &n->ready,
		[SLOT_CALLING] = &n->calling,   [SLOT_RESTING] = &n->resting,
		[SLOT_SETTLING] = &n->settling,
	};

	return lists[step];
}

void slots_init(struct notifier *n)
{
	for (int step = SLOT_FREE; step <= SLOT_SETTLING; step++)
		TAILQ_INIT(list_of(n, (enum slot_step)step));
	for (int i = 0; i < SLOTS_MAX; i++)
		TAILQ_INSERT_TAIL(&n->free, &n->slots[i], link);
	n->free_count = SLOTS_MAX;
}

void slot_move(struct slot *slot, enum slot_step step)
{
	struct endpoint *ep = slot->endpoint;
	struct notifier *n = ep->notifier;

	TAILQ_REMOVE(list_of(n, slot->step), slot, link);
	ep->busy += (int)is_busy(step) - (int)is_busy(slot->step);
	ep->calls +=
		(int)(step == SLOT_CALLING) - (int)(slot->step == SLOT_CALLING);
	if (step == SLOT_FREE) {
		if (slot->alone)
			n->alone_busy = false;
		queue_message_clear(&slot->message);
		n->free_count++;
	}
	slot->step = step;
	TAILQ_INSERT_TAIL(list_of(n, step), slot, link);
}

struct slot *slot_take(struct endpoint *ep)
{
	struct notifier *n = ep->notifier;
	struct slot *slot = TAILQ_FIRST(&n->free);

	if (slot == NULL)
		return NULL;
	TAILQ_REMOVE(&n->free, slot, link);
	n->free_count--;
	*slot = (struct slot){.endpoint = ep, .step = SLOT_RESTING};
	TAILQ_INSERT_TAIL(&n->resting, slot, link);
	return slot;
}
