/* SPDX-License-Identifier: MIT */
#include "domain/blocking.h"

#define EVENT(name) (1U << EVENT_##name)
#define NOTICE(name) (1U << NOTICE_##name)

/* Nothing happens to an order that we could not make. A later composition is
 * whole and replaces the one that failed, and a cancellation needs none; but
 * what was delivered is invoiced by the composition. */
static const unsigned event_needs[EVENT_MAX_] = {
	[EVENT_UPDATED] = EVENT(CREATED),
	[EVENT_PAID] = EVENT(CREATED),
	[EVENT_COURIER_ASSIGNED] = EVENT(CREATED),
	[EVENT_COURIER_ARRIVED] = EVENT(CREATED),
	[EVENT_RECEIVED] = EVENT(CREATED),
	[EVENT_DELIVERING] = EVENT(CREATED),
	[EVENT_DELIVERED] = EVENT(CREATED) | EVENT(UPDATED),
	[EVENT_CANCELED] = EVENT(CREATED),
};

/* The marketplace takes no composition for an order whose assembly it does not
 * know of. */
static const unsigned notice_needs[NOTICE_MAX_] = {
	[NOTICE_ASSEMBLED] = NOTICE(IN_WORK),
	[NOTICE_READY] = NOTICE(IN_WORK),
};

unsigned blocking_event_needs(enum order_event_type event)
{
	return (int)event >= 0 && event < EVENT_MAX_ ? event_needs[event] : 0;
}

unsigned blocking_notice_needs(enum notice notice)
{
	return (int)notice >= 0 && notice < NOTICE_MAX_ ? notice_needs[notice]
							: 0;
}

bool blocking_event_is_needed(enum order_event_type event)
{
	unsigned needed = 0;

	for (int later = 0; later < EVENT_MAX_; later++)
		needed |= event_needs[later];
	return (needed >> event & 1U) != 0;
}

bool blocking_notice_is_needed(enum notice notice)
{
	unsigned needed = 0;

	for (int later = 0; later < NOTICE_MAX_; later++)
		needed |= notice_needs[later];
	return (needed >> notice & 1U) != 0;
}
