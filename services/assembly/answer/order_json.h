/* SPDX-License-Identifier: MIT
 *
 * order_json.h - orders as the assembly API shows them (contract.md): times ISO
 * 8601, weight in grams, quantity a number, money a decimal text.
 */
#ifndef ASSEMBLY_ORDER_JSON_H
#define ASSEMBLY_ORDER_JSON_H

#include "codec/json/json_out.h"
#include "store/order/orders.h"

/* A row of a list; key as in json_out.h. */
void order_json_row(struct json_out *out, const char *key,
		    const struct order_row *row);

/* The whole order with its lines, and what the marketplace has changed about it
 * (a JSON list; "" : none). */
void order_json_whole(struct json_out *out, const char *key,
		      const struct order *order, const char *changes);

#endif
