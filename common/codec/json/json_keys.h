/* SPDX-License-Identifier: MIT
 *
 * json_keys.h - finds a key that stands twice in one object. Used by
 * json_scan.c only.
 *
 * One stack holds the keys of all objects that are open; those of the innermost
 * object are on top. A few keys are compared with each other as they come; the
 * keys of a large object are sorted once, at its end, so that no input makes
 * the work quadratic. Not thread-safe; borrows from the text.
 */
#ifndef CODEC_JSON_KEYS_H
#define CODEC_JSON_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "codec/json/json_token.h"

struct err;

enum {
	JSON_KEYS_INLINE = 64, /* keys of open objects before memory is taken */
	JSON_KEYS_COMPARED = 32 /* an object with more of them is sorted */
};

struct json_key {
	uint64_t print; /* of length and first bytes: differs -> keys differ */
	struct json_string name;
};

struct json_keys {
	struct json_key *all; /* first[] or owned memory */
	size_t used;
	size_t size;
	struct json_key first[JSON_KEYS_INLINE];
};

/* An open object. */
struct json_key_set {
	size_t begin;  /* its first key on the stack */
	uint64_t seen; /* one bit for each 64th of the prints; most new keys
			  need no comparison, as their bit is not set */
};

void json_keys_init(struct json_keys *keys);
void json_keys_clear(struct json_keys *keys); /* for CLEANUP */

/* An object begins. */
struct json_key_set json_keys_begin(const struct json_keys *keys);

/* Add a key to the innermost object. Returns 0; ERR_DUPLICATE when the object
 * is small and has it already; ERR_NOMEM. */
int json_keys_add(struct json_keys *keys, struct json_key_set *set,
		  const struct json_string *name, struct err *e);

/* The innermost object ends: forget its keys. NULL, or where a key is that the
 * object had before it (found only now because the object is large). */
const char *json_keys_end(struct json_keys *keys,
			  const struct json_key_set *set);

#endif
