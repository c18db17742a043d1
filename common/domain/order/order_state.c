/* SPDX-License-Identifier: MIT */
#include "domain/order/order_state.h"

#include <stddef.h>
#include <string.h>

#include "base/macros.h"

static const char *const state_names[ORDER_STATE_MAX_] = {[ORDER_NONE] = "none",
#define X(symbol, name) [symbol] = (name),
							  ORDER_STATES(X)
#undef X
};

static const char *const event_names[EVENT_MAX_] = {[EVENT_NONE] = "none",
#define X(symbol, name) [symbol] = (name),
						    ORDER_EVENTS(X)
#undef X
};

/* Why a cell is odd: order_reason.c. */
#define MOVE(state)                   \
	{                             \
		VERDICT_MOVE, (state) \
	}
#define STAY                             \
	{                                \
		VERDICT_STAY, ORDER_NONE \
	}
#define PARK                             \
	{                                \
		VERDICT_PARK, ORDER_NONE \
	}
#define REPEAT                             \
	{                                  \
		VERDICT_REPEAT, ORDER_NONE \
	}
#define LATE                             \
	{                                \
		VERDICT_LATE, ORDER_NONE \
	}

/* clang-format off */
static const struct order_step steps[ORDER_STATE_MAX_][EVENT_MAX_] = {
	[ORDER_NONE] = {
		[EVENT_CREATED] = MOVE(ORDER_NEW),
		[EVENT_UPDATED] = PARK, [EVENT_PAID] = PARK,
		[EVENT_COURIER_ASSIGNED] = PARK, [EVENT_COURIER_ARRIVED] = PARK,
		[EVENT_RECEIVED] = PARK, [EVENT_DELIVERING] = PARK,
		[EVENT_DELIVERED] = PARK, [EVENT_CANCELED] = PARK,
	},
	[ORDER_NEW] = {
		[EVENT_CREATED] = REPEAT, [EVENT_UPDATED] = STAY, [EVENT_PAID] = STAY,
		[EVENT_COURIER_ASSIGNED] = PARK, [EVENT_COURIER_ARRIVED] = PARK,
		[EVENT_RECEIVED] = PARK, [EVENT_DELIVERING] = PARK,
		[EVENT_DELIVERED] = PARK, [EVENT_CANCELED] = MOVE(ORDER_CANCELED),
		[EVENT_ACCEPT] = MOVE(ORDER_ACCEPTED),
		[EVENT_TAKE] = MOVE(ORDER_ASSEMBLING),
		[EVENT_STORE_CANCEL] = MOVE(ORDER_CANCELED),
	},
	[ORDER_ACCEPTED] = {
		[EVENT_CREATED] = REPEAT, [EVENT_UPDATED] = STAY, [EVENT_PAID] = STAY,
		[EVENT_COURIER_ASSIGNED] = PARK, [EVENT_COURIER_ARRIVED] = PARK,
		[EVENT_RECEIVED] = PARK, [EVENT_DELIVERING] = PARK,
		[EVENT_DELIVERED] = PARK, [EVENT_CANCELED] = MOVE(ORDER_CANCELED),
		[EVENT_ACCEPT] = REPEAT,
		[EVENT_TAKE] = MOVE(ORDER_ASSEMBLING),
		[EVENT_STORE_CANCEL] = MOVE(ORDER_CANCELED),
	},
	[ORDER_ASSEMBLING] = {
		[EVENT_CREATED] = REPEAT, [EVENT_UPDATED] = STAY, [EVENT_PAID] = STAY,
		[EVENT_COURIER_ASSIGNED] = PARK, [EVENT_COURIER_ARRIVED] = PARK,
		[EVENT_RECEIVED] = PARK, [EVENT_DELIVERING] = PARK,
		[EVENT_DELIVERED] = PARK, [EVENT_CANCELED] = MOVE(ORDER_CANCELED),
		[EVENT_ACCEPT] = LATE,
		[EVENT_TAKE] = STAY, [EVENT_PICK] = STAY, [EVENT_RELEASE] = STAY,
		[EVENT_FINISH] = MOVE(ORDER_ASSEMBLED),
		[EVENT_STORE_CANCEL] = MOVE(ORDER_CANCELED),
	},
	[ORDER_ASSEMBLED] = {
		[EVENT_CREATED] = REPEAT, [EVENT_UPDATED] = STAY, [EVENT_PAID] = STAY,
		[EVENT_COURIER_ASSIGNED] = STAY, [EVENT_COURIER_ARRIVED] = STAY,
		[EVENT_RECEIVED] = MOVE(ORDER_RECEIVED),
		[EVENT_DELIVERING] = MOVE(ORDER_DELIVERING),
		[EVENT_DELIVERED] = MOVE(ORDER_DELIVERED),
		[EVENT_CANCELED] = MOVE(ORDER_CANCELED),
		[EVENT_ACCEPT] = LATE,
		[EVENT_READY_CONFIRMED] = MOVE(ORDER_READY),
		[EVENT_HAND_OVER] = MOVE(ORDER_RECEIVED),
		[EVENT_STORE_CANCEL] = MOVE(ORDER_CANCELED),
	},
	[ORDER_READY] = {
		[EVENT_CREATED] = REPEAT, [EVENT_UPDATED] = STAY, [EVENT_PAID] = STAY,
		[EVENT_COURIER_ASSIGNED] = STAY, [EVENT_COURIER_ARRIVED] = STAY,
		[EVENT_RECEIVED] = MOVE(ORDER_RECEIVED),
		[EVENT_DELIVERING] = MOVE(ORDER_DELIVERING),
		[EVENT_DELIVERED] = MOVE(ORDER_DELIVERED),
		[EVENT_CANCELED] = MOVE(ORDER_CANCELED),
		[EVENT_ACCEPT] = LATE,
		[EVENT_READY_CONFIRMED] = REPEAT,
		[EVENT_HAND_OVER] = MOVE(ORDER_RECEIVED),
		[EVENT_STORE_CANCEL] = MOVE(ORDER_CANCELED),
	},
	[ORDER_RECEIVED] = {
		[EVENT_CREATED] = REPEAT, [EVENT_UPDATED] = STAY, [EVENT_PAID] = STAY,
		[EVENT_COURIER_ASSIGNED] = LATE, [EVENT_COURIER_ARRIVED] = LATE,
		[EVENT_RECEIVED] = REPEAT,
		[EVENT_DELIVERING] = MOVE(ORDER_DELIVERING),
		[EVENT_DELIVERED] = MOVE(ORDER_DELIVERED),
		[EVENT_CANCELED] = MOVE(ORDER_CANCELED),
		[EVENT_ACCEPT] = LATE, [EVENT_READY_CONFIRMED] = LATE,
	},
	[ORDER_DELIVERING] = {
		[EVENT_CREATED] = REPEAT, [EVENT_UPDATED] = STAY, [EVENT_PAID] = STAY,
		[EVENT_COURIER_ASSIGNED] = LATE, [EVENT_COURIER_ARRIVED] = LATE,
		[EVENT_RECEIVED] = LATE, [EVENT_DELIVERING] = REPEAT,
		[EVENT_DELIVERED] = MOVE(ORDER_DELIVERED),
		[EVENT_CANCELED] = MOVE(ORDER_CANCELED),
		[EVENT_ACCEPT] = LATE, [EVENT_READY_CONFIRMED] = LATE,
	},
	[ORDER_DELIVERED] = {
		[EVENT_CREATED] = REPEAT, [EVENT_UPDATED] = STAY, [EVENT_PAID] = STAY,
		[EVENT_COURIER_ASSIGNED] = LATE, [EVENT_COURIER_ARRIVED] = LATE,
		[EVENT_RECEIVED] = LATE, [EVENT_DELIVERING] = LATE,
		[EVENT_DELIVERED] = REPEAT, [EVENT_CANCELED] = LATE,
		[EVENT_ACCEPT] = LATE, [EVENT_READY_CONFIRMED] = LATE,
	},
	[ORDER_CANCELED] = {
		[EVENT_CREATED] = REPEAT, [EVENT_UPDATED] = LATE, [EVENT_PAID] = LATE,
		[EVENT_COURIER_ASSIGNED] = LATE, [EVENT_COURIER_ARRIVED] = LATE,
		[EVENT_RECEIVED] = LATE, [EVENT_DELIVERING] = LATE,
		[EVENT_DELIVERED] = LATE, [EVENT_CANCELED] = REPEAT,
		[EVENT_ACCEPT] = LATE, [EVENT_READY_CONFIRMED] = LATE,
	},
};
/* clang-format on */

struct order_step order_step(enum order_state from, enum order_event_type event)
{
	if ((unsigned)from >= ORDER_STATE_MAX_ || (unsigned)event >= EVENT_MAX_)
		return (struct order_step){VERDICT_REFUSE, ORDER_NONE};
	return steps[from][event];
}

const char *order_state_name(enum order_state state)
{
	return (unsigned)state < ORDER_STATE_MAX_ ? state_names[state] : "?";
}

const char *order_event_name(enum order_event_type event)
{
	return (unsigned)event < EVENT_MAX_ ? event_names[event] : "?";
}

static int find_name(const char *const *names, int count, const char *name)
{
	for (int i = 1; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return 0;
}

enum order_state order_state_from_name(const char *name)
{
	return (enum order_state)find_name(state_names, ORDER_STATE_MAX_, name);
}

enum order_event_type order_event_from_name(const char *name)
{
	return (enum order_event_type)find_name(event_names, EVENT_MAX_, name);
}
