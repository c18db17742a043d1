/* SPDX-License-Identifier: MIT
 *
 * methods.c - the methods of the assembly API (contract.md).
 */
#include <string.h>

#include "call.h"

#define HOLDER (ARG_BIT(ARG_NUMBER) | ARG_BIT(ARG_PICKER_ID))
#define SEEN (HOLDER | ARG_BIT(ARG_VERSION))

#define LABEL(name) "method=\"" name "\""
#define READS(name, handle, needs, takes)                         \
	{                                                         \
		name, LABEL(name), handle, 0, needs, takes, false \
	}
#define ACTS(name, action, needs, takes)                                     \
	{                                                                    \
		name, LABEL(name), change_handle, action, needs, takes, true \
	}

const struct api_method api_methods[API_METHODS_MAX] = {
	READS("getOrders", read_orders, ARG_BIT(ARG_STORE_ID),
	      ARG_BIT(ARG_STATES) | ARG_BIT(ARG_LIMIT) | ARG_BIT(ARG_AFTER)),
	READS("getOrder", read_order, ARG_BIT(ARG_NUMBER), 0),
	ACTS("takeOrder", ACTION_TAKE, HOLDER, ARG_BIT(ARG_TAKE_OVER)),
	ACTS("releaseOrder", ACTION_RELEASE, HOLDER, 0),
	ACTS("keepAlive", ACTION_KEEP_ALIVE, HOLDER, 0),
	ACTS("pickPosition", ACTION_PICK,
	     SEEN | ARG_BIT(ARG_LINE) | ARG_BIT(ARG_QUANTITY),
	     ARG_BIT(ARG_WEIGHT) | ARG_BIT(ARG_MARKING_CODES) |
		     ARG_BIT(ARG_REASON)),
	ACTS("scan", ACTION_SCAN, SEEN | ARG_BIT(ARG_CODE),
	     ARG_BIT(ARG_QUANTITY)),
	ACTS("replacePosition", ACTION_REPLACE,
	     SEEN | ARG_BIT(ARG_LINE) | ARG_BIT(ARG_SKU) |
		     ARG_BIT(ARG_QUANTITY),
	     ARG_BIT(ARG_WEIGHT) | ARG_BIT(ARG_PRICE) | ARG_BIT(ARG_CONSENT)),
	ACTS("resetPosition", ACTION_RESET, SEEN | ARG_BIT(ARG_LINE), 0),
	ACTS("finishAssembly", ACTION_FINISH, SEEN, ARG_BIT(ARG_BAGS)),
	ACTS("handOver", ACTION_HAND_OVER, SEEN, ARG_BIT(ARG_CODE)),
	ACTS("cancelOrder", ACTION_CANCEL,
	     ARG_BIT(ARG_NUMBER) | ARG_BIT(ARG_VERSION) | ARG_BIT(ARG_REASON),
	     ARG_BIT(ARG_PICKER_ID)),
	{"replay", LABEL("replay"), replay_handle, 0,
	 ARG_BIT(ARG_PICKER_ID) | ARG_BIT(ARG_ACTIONS), 0, true},

	READS("getPickList", read_pick_list, ARG_BIT(ARG_NUMBER), 0),
	{0},
};

const struct api_method *api_method_find(const char *name)
{
	for (const struct api_method *m = api_methods; m->name != NULL; m++)
		if (strcmp(m->name, name) == 0)
			return m;
	return NULL;
}
