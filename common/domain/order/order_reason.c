/* SPDX-License-Identifier: MIT
 *
 * order_reason.c - the written reason of each odd cell of order_step().
 */
#include <stddef.h>

#include "base/macros.h"
#include "domain/order/order_state.h"

#define S(state) (1U << (state))
#define E(event) (1U << (event))
#define ANY (~0U)
#define NOT_FINISHED (S(ORDER_NEW) | S(ORDER_ACCEPTED) | S(ORDER_ASSEMBLING))
#define COURIER (E(EVENT_COURIER_ASSIGNED) | E(EVENT_COURIER_ARRIVED))
#define TRANSPORT (E(EVENT_RECEIVED) | E(EVENT_DELIVERING) | E(EVENT_DELIVERED))

/* The first row that fits a cell speaks for it. */
static const struct {
	unsigned states, events;
	enum order_verdict verdict;
	const char *why;
} reasons[] = {
	/* clang-format off */
	{S(ORDER_NONE), ANY, VERDICT_PARK,
	 "webhooks overtake each other: it waits for order.created"},
	{ANY, E(EVENT_CREATED), VERDICT_REPEAT,
	 "a repeated delivery; a newer composition in it is applied by its time, as order.updated"},
	{NOT_FINISHED, COURIER | TRANSPORT, VERDICT_PARK,
	 "cannot be true while the goods are being picked: it waits until they are"},
	{NOT_FINISHED, E(EVENT_UPDATED), VERDICT_STAY,
	 "the customer's new wish; the picker is shown the difference"},
	{ANY, E(EVENT_UPDATED), VERDICT_STAY,
	 "cannot change what is in the bags: recorded, and nothing that was picked changes"},
	{ANY, E(EVENT_PAID), VERDICT_STAY,
	 "says nothing about the goods; its time is kept"},
	{ANY, COURIER, VERDICT_STAY,
	 "says nothing about the goods; it is recorded"},
	{S(ORDER_CANCELED), ANY, VERDICT_LATE,
	 "the end over there as well: a person sees it in the history"},
	{ANY, COURIER, VERDICT_LATE,
	 "the courier has the goods already"},
	{S(ORDER_ASSEMBLED), TRANSPORT | E(EVENT_HAND_OVER), VERDICT_MOVE,
	 "the courier may be faster than the confirmation of order.ready_for_delivery"},
	{S(ORDER_READY) | S(ORDER_RECEIVED), E(EVENT_DELIVERING) | E(EVENT_DELIVERED), VERDICT_MOVE,
	 "received and delivering may never come"},
	{S(ORDER_DELIVERED), E(EVENT_CANCELED), VERDICT_LATE,
	 "the sale has happened: money goes back by a return, not by a state"},
	{ANY, TRANSPORT, VERDICT_LATE,
	 "a later step is known already, and nothing moves backwards"},
	{ANY, TRANSPORT | E(EVENT_CANCELED), VERDICT_REPEAT,
	 "a repeated delivery"},
	{ANY, E(EVENT_TAKE), VERDICT_STAY,
	 "another picker takes it over, or the same one again"},
	{ANY, E(EVENT_PICK), VERDICT_STAY,
	 "goods are put into the bag, one by one"},
	{ANY, E(EVENT_RELEASE), VERDICT_STAY,
	 "the marketplace was told that work has begun, and that cannot be taken back"},
	{ANY, E(EVENT_ACCEPT) | E(EVENT_READY_CONFIRMED), VERDICT_REPEAT,
	 "we have noted it already"},
	{ANY, E(EVENT_ACCEPT) | E(EVENT_READY_CONFIRMED), VERDICT_LATE,
	 "the order has gone on meanwhile"},
	/* clang-format on */
};

int order_step_reason(enum order_state from, enum order_event_type event,
		      const char **ret_why)
{
	enum order_verdict verdict = order_step(from, event).verdict;

	*ret_why = NULL;
	if (verdict == VERDICT_REFUSE)
		return 0;
	for (size_t i = 0; i < COUNT_OF(reasons); i++) {
		if (reasons[i].verdict != verdict ||
		    (reasons[i].states & S((unsigned)from)) == 0 ||
		    (reasons[i].events & E((unsigned)event)) == 0)
			continue;
		*ret_why = reasons[i].why;
		return (int)i + 1;
	}
	return 0;
}
