/* SPDX-License-Identifier: MIT
 *
 * json_doc.h - a tree of checked foreign JSON with exact numbers.
 *
 * cJSON builds the tree, but cJSON alone keeps numbers as doubles, answers the
 * first of two equal keys and cuts strings at \u0000. So the text passes
 * json_scan() first, and every number reaches cJSON as a string that keeps its
 * digits. A document is used by one thread at a time.
 *
 * Readers are lenient in the way marketplaces need: a missing key and null are
 * the same, a string and a number are both readable as text and as a number.
 */
#ifndef CODEC_JSON_DOC_H
#define CODEC_JSON_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "codec/json/json_scan.h"

struct err;
struct json; /* one value inside a document; owned by the document */

/* *ret_doc is the root; the caller frees it by json_doc_free(), NULL allowed.
 * Returns 0, ERR_INVALID or ERR_NOMEM. */
int json_doc_parse(const char *data, size_t bytes, struct json **ret_doc,
		   struct err *e);
void json_doc_free(struct json *doc);
CLEANUP_DEFINE(struct json *, json_doc_free)
#define CLEANUP_JSON CLEANUP(json_doc_freep)

/* All of these accept NULL values and then behave as for "not there". */
enum json_kind json_kind(const struct json *value);
const struct json *json_get(const struct json *object, const char *key);
/* `path` is keys joined by '.': "delivery.expectedFrom". */
const struct json *json_get_path(const struct json *object, const char *path);
/* First and next element of an array or member of an object, NULL at the end:
 * for (v = json_first(a); v != NULL; v = json_next(v)). */
const struct json *json_first(const struct json *container);
const struct json *json_next(const struct json *value);
size_t json_count(const struct json *container);
/* Name of a member of an object; NULL for anything else. */
const char *json_key(const struct json *value);

/* Text of a string, a number (its exact digits) or a bool; NULL otherwise.
 * Borrowed from the document. */
const char *json_text(const struct json *value);
/* As json_text() of object[key], but "" when it is not there. */
const char *json_get_text(const struct json *object, const char *key);
/* Number or numeric string in units of 10^-digits (decimal.h, rounded).
 * 1 when read, 0 when not there (missing, null, ""), ERR_INVALID otherwise. */
int json_get_decimal(const struct json *object, const char *key, int digits,
		     int64_t *ret_value, struct err *e);
/* true, false, 0, 1, each also as a string; otherwise `missing`. */
bool json_get_bool(const struct json *object, const char *key, bool missing);

#endif
