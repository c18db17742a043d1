/* SPDX-License-Identifier: MIT */
#include "rules.h"

#include "base/macros.h"
#include "domain/blocking.h"

/* A notification of each type when our order is in each state: Go; Obsolete;
 * Past, which is obsolete too, but the marketplace could not have come so far
 * without it. A cancellation is told while there is a chance. */
static const struct {
	enum order_state state;
	char cells[NOTICE_MAX_]; /* in the order of NOTICES */
} rows[] = {
	/* clang-format off */
	/*                  accepted, in_work, assembled, ready, canceled */
	{ORDER_NONE,       "GGGGG"},
	{ORDER_NEW,        "GGGGG"},
	{ORDER_ACCEPTED,   "GGGGG"},
	{ORDER_ASSEMBLING, "GGGGG"},
	{ORDER_ASSEMBLED,  "GGGGG"},
	{ORDER_READY,      "PPPPG"},
	{ORDER_RECEIVED,   "PPPPG"},
	{ORDER_DELIVERING, "PPPPG"},
	{ORDER_DELIVERED,  "PPPPO"},
	{ORDER_CANCELED,   "OOOOG"},
	/* clang-format on */
};

static char cell_of(enum notice notice, enum order_state state)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (rows[i].state == state)
			return rows[i].cells[notice - 1];
	return 'G';
}

bool gate_is_past(enum notice notice, enum order_state state)
{
	return cell_of(notice, state) != 'G';
}

enum notice gate_blocker(enum notice notice, unsigned blockers)
{
	for (int n = NOTICE_NONE + 1; n < NOTICE_MAX_; n++)
		if ((blocking_notice_needs(notice) & blockers & 1U << n) != 0)
			return (enum notice)n;
	return NOTICE_NONE;
}

enum gate gate_decide(const struct gate_facts *facts)
{
	const struct outbox_context *context = facts->context;
	char cell = 'G';

	if (!facts->known || facts->attempts > RULES_ATTEMPTS_MAX ||
	    facts->losses >= QUEUE_LOSSES_MAX)
		return GATE_POISONED;
	if (!facts->allowed)
		return GATE_SKIP;
	if (facts->notice != NOTICE_NONE)
		cell = cell_of(facts->notice, context->order_state);
	if (cell == 'P' && facts->marked)
		return GATE_ARRIVED;
	if (cell != 'G')
		return GATE_OBSOLETE;
	if (gate_blocker(facts->notice, facts->blockers) != NOTICE_NONE)
		return GATE_BLOCKED;
	return context->uncertain ? GATE_ASK : GATE_SEND;
}
