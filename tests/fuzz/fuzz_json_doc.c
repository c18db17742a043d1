/* SPDX-License-Identifier: MIT
 *
 * fuzz_json_doc.c - a tree is built from exactly what the scan takes, and what
 * the writer makes of a tree is read back as the same tree.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "codec/json/json_doc.h"
#include "codec/json/json_out.h"
#include "codec/json/json_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int depth_of(const struct json *value)
{
	int deepest = 0;

	for (const struct json *v = json_first(value); v != NULL;
	     v = json_next(v)) {
		int depth = depth_of(v);

		deepest = depth > deepest ? depth : deepest;
	}
	return deepest + 1;
}

static void write_value(struct json_out *out, const struct json *value)
{
	const char *key = json_key(value);
	enum json_kind kind = json_kind(value);

	assert(kind != JSON_NONE);
	if (kind == JSON_STRING) {
		json_put_text(out, key, json_text(value));
	} else if (kind == JSON_NULL) {
		json_put_null(out, key);
	} else if (kind == JSON_NUMBER || kind == JSON_BOOL) {
		json_put_raw(out, key, json_text(value));
	} else {
		if (kind == JSON_OBJECT)
			json_object(out, key);
		else
			json_array(out, key);
		for (const struct json *v = json_first(value); v != NULL;
		     v = json_next(v))
			write_value(out, v);
		json_end(out);
	}
}

static void check_equal(const struct json *a, const struct json *b)
{
	const char *text_a = json_text(a);
	const char *text_b = json_text(b);

	assert(json_kind(a) == json_kind(b));
	assert((text_a == NULL) == (text_b == NULL));
	assert(text_a == NULL || strcmp(text_a, text_b) == 0);
	assert((json_key(a) == NULL) == (json_key(b) == NULL));
	assert(json_key(a) == NULL || strcmp(json_key(a), json_key(b)) == 0);
	assert(json_count(a) == json_count(b));
	a = json_first(a);
	b = json_first(b);
	for (; a != NULL; a = json_next(a), b = json_next(b))
		check_equal(a, b);
}

/* Every member is found by its key. */
static void check_members(const struct json *object)
{
	if (json_kind(object) != JSON_OBJECT || json_count(object) > 100)
		return;
	for (const struct json *v = json_first(object); v != NULL;
	     v = json_next(v))
		assert(json_get(object, json_key(v)) == v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_JSON struct json *doc = NULL;
	CLEANUP_JSON struct json *again = NULL;
	CLEANUP(buf_clear) struct buf b = BUF_MAX(6 * size + 100);
	struct json_out out = json_out_to(&b);
	int rc = json_doc_parse((const char *)data, size, &doc, NULL);

	assert(rc == json_scan((const char *)data, size, NULL, 0, NULL, NULL));
	assert((rc == 0) == (doc != NULL));
	if (rc < 0 || depth_of(doc) > JSON_OUT_DEPTH_MAX)
		return 0;
	check_members(doc);
	write_value(&out, doc);
	assert(json_out_finish(&out, NULL) == 0);
	assert(json_doc_parse(b.data, b.used_bytes, &again, NULL) == 0);
	check_equal(doc, again);
	return 0;
}
