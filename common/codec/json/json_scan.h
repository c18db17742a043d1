/* SPDX-License-Identifier: MIT
 *
 * json_scan.h - the one door for foreign JSON: a strict check in one pass.
 *
 * A text passes when it is exactly one RFC 8259 document: valid UTF-8, no NUL
 * (raw or \u0000), no lone surrogate escape, no key twice in one object (after
 * unescaping), no deeper than JSON_DEPTH_MAX. While checking, the scan picks up
 * the few values that an intake path needs, so that a hook never builds a tree.
 * json_doc.h builds one for those who do, and goes through this door first.
 * Pure and thread-safe; allocates only for objects with many keys.
 */
#ifndef CODEC_JSON_SCAN_H
#define CODEC_JSON_SCAN_H

#include <stddef.h>

struct err;

enum {
	JSON_BYTES_MAX = 16 * 1024 * 1024, /* callers set lower limits */
	JSON_DEPTH_MAX = 64,               /* contract.md: deeper is a 400 */
	JSON_PICK_BYTES_MAX = 1024, /* longer picked text is ERR_INVALID */
	JSON_PICKS_MAX = 32
};

enum json_kind {
	JSON_NONE = 0, /* not there */
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
};

/* One wanted value: the caller sets path, the scan sets the rest. */
struct json_pick {
	const char *path; /* keys joined by '.', at most 4: "payload.storeID" */
	enum json_kind kind;
	char text[JSON_PICK_BYTES_MAX]; /* unescaped string, or the exact text
					   of a number or a bool; else "" */
};

/* Check `bytes` at `data` (no NUL needed) and fill picks[0..count); after a
 * failure none is filled. Arrays are not looked into, and a key that holds a
 * '.' has no path. *ret_root (NULL allowed) is the kind of the document.
 * Returns 0, ERR_INVALID with the reason and the byte offset, or ERR_NOMEM. */
int json_scan(const char *data, size_t bytes, struct json_pick *picks,
	      size_t count, enum json_kind *ret_root, struct err *e);

#endif
