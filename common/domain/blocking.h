/* SPDX-License-Identifier: MIT
 *
 * blocking.h - which messages of an order wait while an earlier one has failed.
 *
 * A failed message stops only what depends on it. Both tables are printed by a
 * test into tests/data/blocking.txt, so that a change of them shows in a
 * review. Pure and thread-safe; any values are safe.
 */
#ifndef DOMAIN_BLOCKING_H
#define DOMAIN_BLOCKING_H

#include <stdbool.h>

#include "domain/order/order.h"
#include "domain/order/order_state.h"

/* What an event of a marketplace needs, as bits 1 << enum order_event_type. */
unsigned blocking_event_needs(enum order_event_type event);
/* What a notification to it needs, as bits 1 << enum notice. */
unsigned blocking_notice_needs(enum notice notice);

/* Does anything wait for it when it fails? */
bool blocking_event_is_needed(enum order_event_type event);
bool blocking_notice_is_needed(enum notice notice);

#endif
