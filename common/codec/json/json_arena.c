/* SPDX-License-Identifier: MIT */
#include "codec/json/json_arena.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/macros.h"

enum {
	BLOCK_MIN_BYTES = 4 * 1024,
	BLOCK_MAX_BYTES = 64 * 1024, /* but for a single larger piece */
	ALIGNMENT = sizeof(max_align_t)
};

/* A block; the first one stands for the arena. */
struct json_arena {
	struct json_arena *next; /* of the first: the newest; then the older */
	size_t used_bytes, size_bytes;
	_Alignas(max_align_t) char data[];
};

static _Thread_local struct json_arena *current; /* NULL: outside */

static struct json_arena *make_block(size_t bytes)
{
	struct json_arena *b = malloc(sizeof(*b) + bytes);

	if (b != NULL)
		*b = (struct json_arena){.size_bytes = bytes};
	return b;
}

/* Behind the first block, which must stay where it is. */
static struct json_arena *add_block(size_t bytes)
{
	struct json_arena *b = make_block(bytes);

	if (b == NULL)
		return NULL;
	b->next = current->next;
	current->next = b;
	return b;
}

static void *allocate(size_t bytes)
{
	struct json_arena *b;
	void *piece;

	if (current == NULL)
		return malloc(bytes);
	if (bytes > SIZE_MAX / 2)
		return NULL;
	bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	b = current->next != NULL ? current->next : current;
	if (bytes > b->size_bytes - b->used_bytes)
		b = add_block(MAX_OF(bytes, (size_t)BLOCK_MAX_BYTES));
	if (b == NULL)
		return NULL;
	piece = b->data + b->used_bytes;
	b->used_bytes += bytes;
	return piece;
}

static void release(void *piece)
{
	if (current == NULL)
		free(piece);
}

static void set_hooks(void)
{
	cJSON_InitHooks(
		&(cJSON_Hooks){.malloc_fn = allocate, .free_fn = release});
}

struct json_arena *json_arena_begin(size_t bytes)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct json_arena *arena;

	(void)pthread_once(&once, set_hooks);
	assert(current == NULL);
	arena = make_block(MIN_OF(MAX_OF(bytes, (size_t)BLOCK_MIN_BYTES),
				  (size_t)BLOCK_MAX_BYTES));
	current = arena;
	return arena;
}

void json_arena_end(void)
{
	current = NULL;
}

void json_arena_free(struct json_arena *arena)
{
	while (arena != NULL) {
		struct json_arena *b = arena;

		arena = b->next;
		free(b);
	}
}

struct json_arena *json_arena_of(void *first)
{
	return (struct json_arena *)(void *)((char *)first -
					     offsetof(struct json_arena, data));
}
