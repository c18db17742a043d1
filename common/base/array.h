/* SPDX-License-Identifier: MIT
 *
 * array.h - arrays on the heap that grow item by item.
 */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include <stddef.h>

/* Room for one item more than `count`. The array, which may have moved and
 * replaces `items` (NULL: none yet; the caller frees it); NULL when out of
 * memory, and then `items` is as it was. To be called for every item, with the
 * number of those that are there. */
void *array_grow(void *items, size_t count, size_t item_bytes);

#endif
