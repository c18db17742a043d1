/* SPDX-License-Identifier: MIT */
#include "domain/catalogue/product.h"

#include <stddef.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "domain/order/order_actions.h"

enum {
	GTIN_DIGITS = 14
};

bool product_is_piece(const struct product *product)
{
	static const char *const units[] = {"шт",  "шт.", "штука", "ШТ",
					    "pcs", "pc",  "piece"};

	for (size_t i = 0; i < COUNT_OF(units); i++)
		if (strcmp(units[i], product->unit) == 0)
			return true;
	return false;
}

struct tolerance product_tolerance(const struct product *product)
{
	struct tolerance t = {WEIGHT_SOFT_PERCENT, WEIGHT_HARD_PERCENT};

	if (product != NULL && product->tolerance_percent >= 0) {
		t.hard_percent = product->tolerance_percent;
		t.soft_percent = MIN_OF(t.soft_percent, t.hard_percent);
	}
	return t;
}

bool product_barcode_key(const char *text, char ret_key[BARCODE_BYTES])
{
	size_t bytes = strlen(text);
	size_t digits = strspn(text, "0123456789");

	if (bytes == 0 || bytes >= BARCODE_BYTES)
		return false;
	for (size_t i = 0; i < bytes; i++)
		if ((unsigned char)text[i] <= ' ')
			return false;
	if (digits < bytes || bytes > GTIN_DIGITS)
		return text_copy(ret_key, BARCODE_BYTES, text);
	memset(ret_key, '0', GTIN_DIGITS - bytes);
	memcpy(ret_key + GTIN_DIGITS - bytes, text, bytes + 1);
	return true;
}
