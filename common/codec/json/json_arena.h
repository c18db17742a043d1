/* SPDX-License-Identifier: MIT
 *
 * json_arena.h - the memory of one document.
 *
 * cJSON asks for memory twice per value, some hundred times per order, and
 * gives it back piece by piece. Here a document takes it from a few blocks,
 * which go together. What cJSON allocates first in an arena, the root of a
 * document, stands at its beginning, so the root alone leads to all of it.
 */
#ifndef CODEC_JSON_ARENA_H
#define CODEC_JSON_ARENA_H

#include <stddef.h>

struct json_arena;

/* Until json_arena_end() all that cJSON allocates on this thread comes from the
 * arena, and what it frees stays. `bytes` is what the document will need,
 * about. NULL: out of memory, and nothing has begun. */
struct json_arena *json_arena_begin(size_t bytes);
void json_arena_end(void);

void json_arena_free(struct json_arena *arena); /* NULL allowed */

/* The arena that this allocation is the first of. */
struct json_arena *json_arena_of(void *first);

#endif
