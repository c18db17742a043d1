/* SPDX-License-Identifier: MIT
 *
 * goods.h - what the catalogue adds to an order. Private to common/flow.
 */
#ifndef FLOW_GOODS_H
#define FLOW_GOODS_H

#include <stdint.h>

struct db;
struct err;
struct order;

/* Lines whose name the marketplace does not tell get it from the catalogue;
 * SKUs that the catalogue does not have are kept for the monitor. Nothing is
 * done as long as there is no catalogue. Inside a write transaction. */
int goods_look_up(struct db *db, struct order *order, int64_t now_ms,
		  struct err *e);

#endif
