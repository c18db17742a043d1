/* SPDX-License-Identifier: MIT */
#include "base/array.h"

#include <stdlib.h>

enum {
	STEP = 64 /* items */
};

void *array_grow(void *items, size_t count, size_t item_bytes)
{
	if (count % STEP != 0)
		return items;
	return reallocarray(items, count + STEP, item_bytes);
}
