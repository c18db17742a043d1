/* SPDX-License-Identifier: MIT
 *
 * fuzz_json_scan.c - the scan takes what the reference takes, and picks what
 * stands in the tree.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "../support/json_reference.h"
#include "base/err.h"
#include "base/macros.h"
#include "codec/json/json_doc.h"
#include "codec/json/json_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const paths[] = {"event_type",
				    "payload",
				    "payload.storeID",
				    "a",
				    "a.b",
				    "a.b.c.d",
				    "a.",
				    "",
				    "n",
				    "payload.a.b",
				    "payload.positions"};

static bool too_long(const struct json *value)
{
	const char *text = json_text(value);

	return text != NULL && strlen(text) >= JSON_PICK_BYTES_MAX;
}

static void check_picks(const char *text, size_t size, const struct json *doc)
{
	struct json_pick picks[COUNT_OF(paths)];
	bool fits = true;
	int rc;

	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		picks[i].path = paths[i];
		fits = fits && !too_long(json_get_path(doc, paths[i]));
	}
	rc = json_scan(text, size, picks, COUNT_OF(picks), NULL, NULL);
	assert(rc == (fits ? 0 : ERR_INVALID));
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		const struct json *value = json_get_path(doc, paths[i]);
		const char *want = json_text(value);

		if (!fits)
			value = NULL;
		if (value == NULL || want == NULL)
			want = "";
		assert(picks[i].kind == json_kind(value));
		assert(strcmp(picks[i].text, want) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_JSON struct json *doc = NULL;
	const char *text = (const char *)data;
	enum json_kind root = JSON_NONE;
	struct err e = {0};
	int rc;

	if (size > REFERENCE_BYTES_MAX)
		return 0;
	rc = json_scan(text, size, NULL, 0, &root, &e);
	assert(rc == 0 || (rc == ERR_INVALID && e.code == ERR_INVALID));
	assert((rc == 0) == json_reference_takes(text, size));
	if (rc == 0) {
		assert(json_doc_parse(text, size, &doc, NULL) == 0);
		assert(json_kind(doc) == root);
		check_picks(text, size, doc);
	}
	return 0;
}
