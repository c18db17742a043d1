/* SPDX-License-Identifier: MIT
 *
 * macros.h - the few macros that the whole project uses.
 */
#ifndef BASE_MACROS_H
#define BASE_MACROS_H

#include <stddef.h>

/* Number of elements of an array (not of a pointer). */
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The structure of `type` whose `member` is at `pointer`. */
#define CONTAINER_OF(pointer, type, member) \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#define MIN_OF(a, b) ((a) < (b) ? (a) : (b))
#define MAX_OF(a, b) ((a) > (b) ? (a) : (b))

#endif
