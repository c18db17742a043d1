/* SPDX-License-Identifier: MIT */
#include "flow/goods.h"

#include "base/text.h"
#include "domain/order/order.h"
#include "store/catalogue/products.h"

static int look_up(struct db *db, const struct order *order,
		   struct order_line *line, int64_t now_ms, struct err *e)
{
	struct product product;
	int rc = products_get(db, line->sku, &product, e);

	if (rc == 0)
		return products_note_unknown(db, line->sku, order->id, now_ms,
					     e);
	if (rc > 0 && line->name[0] == '\0')
		(void)text_copy(line->name, sizeof(line->name), product.name);
	return rc;
}

int goods_look_up(struct db *db, struct order *order, int64_t now_ms,
		  struct err *e)
{
	struct catalogue_state state;
	int rc = products_state(db, &state, e);

	if (rc < 0 || state.generation == 0)
		return rc;
	for (size_t i = 0; i < order->line_count && rc >= 0; i++)
		rc = look_up(db, order, &order->lines[i], now_ms, e);
	return rc < 0 ? rc : 0;
}
