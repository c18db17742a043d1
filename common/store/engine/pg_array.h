/* SPDX-License-Identifier: MIT
 *
 * pg_array.h - arrays in PostgreSQL's binary form (array_recv() of its source,
 * utils/adt/arrayfuncs.c): int32 dimensions, whether there are nulls, type of
 * the elements, their number, the first index; then each with its length before
 * it, -1 for a null. Big-endian.
 *
 * Only db_postgres.c includes this.
 */
#ifndef STORE_PG_ARRAY_H
#define STORE_PG_ARRAY_H

#include <stddef.h>
#include <stdint.h>

/* The caller's, freed by free(), and its size; NULL when out of memory or too
 * large for the protocol. */
void *pg_array_of_i64(uint32_t element_type, const int64_t *values,
		      size_t count, size_t *ret_bytes);
void *pg_array_of_text(uint32_t element_type, const char *const *values,
		       size_t count, size_t *ret_bytes);

#endif
