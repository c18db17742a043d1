/* SPDX-License-Identifier: MIT */
#include "codec/json/json_doc.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/macros.h"
#include "codec/decimal.h"
#include "codec/json/json_arena.h"
#include "codec/json/json_token.h"

/* A number reaches cJSON as a string that begins with this byte. It occurs in
 * no UTF-8 text, so no string of the sender can look like a number. */
#define NUMBER_MARK '\xFF'

enum {
	/* Bytes of a tree for each of its text: a value is 64, a key or a
	 * string 16 or 32. */
	ARENA_SHARE = 10
};

/* struct json is a cJSON seen from outside, and nothing else. */
static const cJSON *node_of(const struct json *value)
{
	return (const cJSON *)value;
}

static const struct json *value_of(const cJSON *node)
{
	return (const struct json *)node;
}

static bool begins_number(char c)
{
	return c == '-' || (c >= '0' && c <= '9');
}

/* Copy checked text with its numbers marked and in quotes. */
static void quote_numbers(const char *data, size_t bytes, struct buf *out)
{
	struct json_cursor c = {.at = data, .end = data + bytes};
	struct json_string string;
	const char *from = data; /* not copied yet */
	const char *number;
	bool good = true;

	while (good && c.at < c.end) {
		if (*c.at == '"') {
			good = json_token_string(&c, &string);
		} else if (begins_number(*c.at)) {
			number = c.at;
			good = json_token_number(&c);
			buf_add(out, from, (size_t)(number - from));
			buf_add(out, (const char[]){'"', NUMBER_MARK}, 2);
			buf_add(out, number, (size_t)(c.at - number));
			buf_add_char(out, '"');
			from = c.at;
		} else {
			c.at++;
		}
	}
	assert(good); /* json_scan() took it */
	buf_add(out, from, (size_t)(c.end - from));
}

int json_doc_parse(const char *data, size_t bytes, struct json **ret_doc,
		   struct err *e)
{
	/* The worst text is digits and commas by turns: 2 bytes become 5. */
	CLEANUP(buf_clear) struct buf quoted = BUF_MAX(3 * bytes + 3);
	struct json_arena *arena;
	cJSON *root;
	int rc;

	rc = json_scan(data, bytes, NULL, 0, NULL, e);
	if (rc < 0)
		return rc;
	quote_numbers(data, bytes, &quoted);
	rc = buf_finish(&quoted, e);
	if (rc < 0)
		return rc;
	arena = json_arena_begin(quoted.used_bytes * ARENA_SHARE);
	if (arena == NULL)
		return err_set(e, ERR_NOMEM, "json: out of memory");
	/* Only memory can be missing: cJSON takes all that json_scan() does. */
	root = cJSON_ParseWithLengthOpts(buf_text(&quoted),
					 quoted.used_bytes + 1, NULL, 1);
	json_arena_end();
	if (root == NULL) {
		json_arena_free(arena);
		return err_set(e, ERR_NOMEM, "json: out of memory");
	}
	assert(json_arena_of(root) == arena);
	*ret_doc = (struct json *)root;
	return 0;
}

void json_doc_free(struct json *doc)
{
	if (doc != NULL)
		json_arena_free(json_arena_of(doc));
}

enum json_kind json_kind(const struct json *value)
{
	static const enum json_kind kinds[] = {
		[cJSON_False] = JSON_BOOL,  [cJSON_True] = JSON_BOOL,
		[cJSON_NULL] = JSON_NULL,   [cJSON_String] = JSON_STRING,
		[cJSON_Array] = JSON_ARRAY, [cJSON_Object] = JSON_OBJECT,
	};
	const cJSON *node = node_of(value);

	if (node == NULL)
		return JSON_NONE;
	if (node->type == cJSON_String && node->valuestring[0] == NUMBER_MARK)
		return JSON_NUMBER;
	assert((size_t)node->type < COUNT_OF(kinds));
	return kinds[node->type];
}

/* Member of an object whose name is key[0..bytes). */
static const struct json *member(const struct json *object, const char *key,
				 size_t bytes)
{
	const cJSON *node;

	if (object == NULL || node_of(object)->type != cJSON_Object)
		return NULL;
	node = node_of(object)->child;
	while (node != NULL && (node->string[0] != key[0] ||
				strncmp(node->string, key, bytes) != 0 ||
				node->string[bytes] != '\0'))
		node = node->next;
	return value_of(node);
}

const struct json *json_get(const struct json *object, const char *key)
{
	return member(object, key, strlen(key));
}

const struct json *json_get_path(const struct json *object, const char *path)
{
	size_t bytes = strcspn(path, ".");

	while (path[bytes] == '.') {
		object = member(object, path, bytes);
		path += bytes + 1;
		bytes = strcspn(path, ".");
	}
	return member(object, path, bytes);
}

const struct json *json_first(const struct json *container)
{
	return container == NULL ? NULL : value_of(node_of(container)->child);
}

const struct json *json_next(const struct json *value)
{
	return value == NULL ? NULL : value_of(node_of(value)->next);
}

size_t json_count(const struct json *container)
{
	size_t n = 0;

	for (const struct json *v = json_first(container); v != NULL;
	     v = json_next(v))
		n++;
	return n;
}

const char *json_key(const struct json *value)
{
	return value == NULL ? NULL : node_of(value)->string;
}

const char *json_text(const struct json *value)
{
	const cJSON *node = node_of(value);

	if (node == NULL)
		return NULL;
	if (node->type == cJSON_True)
		return "true";
	if (node->type == cJSON_False)
		return "false";
	if (node->type != cJSON_String)
		return NULL;
	return node->valuestring + (node->valuestring[0] == NUMBER_MARK);
}

const char *json_get_text(const struct json *object, const char *key)
{
	const char *text = json_text(json_get(object, key));

	return text != NULL ? text : "";
}

int json_get_decimal(const struct json *object, const char *key, int digits,
		     int64_t *ret_value, struct err *e)
{
	const struct json *value = json_get(object, key);
	const char *text = json_text(value);
	int rc;

	if (json_kind(value) == JSON_NONE || json_kind(value) == JSON_NULL ||
	    (text != NULL && text[0] == '\0'))
		return 0;
	if (text == NULL)
		return err_set(e, ERR_INVALID, "%s: not a number", key);
	rc = decimal_parse_rounded(text, digits, ret_value, e);
	return rc < 0 ? err_wrap(e, rc, "%s", key) : 1;
}

bool json_get_bool(const struct json *object, const char *key, bool missing)
{
	static const struct {
		const char *text;
		bool value;
	} rows[] = {
		{"true", true}, {"false", false}, {"1", true}, {"0", false}};
	const char *text = json_get_text(object, key);

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (strcmp(text, rows[i].text) == 0)
			return rows[i].value;
	return missing;
}
