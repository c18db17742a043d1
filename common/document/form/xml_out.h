/* SPDX-License-Identifier: MIT
 *
 * xml_out.h - XML written straight into a struct buf; the only door to libxml2.
 *
 * Nesting and escaping are libxml2's. What is no character of XML 1.0 (control
 * characters, bytes that are not UTF-8) becomes a space or U+FFFD, so that
 * nothing which a marketplace sends makes a file unreadable. Not thread-safe.
 */
#ifndef DOCUMENT_XML_OUT_H
#define DOCUMENT_XML_OUT_H

#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"

struct err;
struct xml_out;

/* The declaration is written at once. encoding: "UTF-8" or "windows-1251".
 * *ret_out is the caller's (xml_out_free()); out outlives it. 0, ERR_NOMEM. */
int xml_out_new(struct buf *out, const char *encoding, struct xml_out **ret_out,
		struct err *e);
void xml_out_free(struct xml_out *x);
CLEANUP_DEFINE(struct xml_out *, xml_out_free)

void xml_open(struct xml_out *x, const char *name);
void xml_close(struct xml_out *x);
/* Of the element that is open and has no content yet. */
void xml_attribute(struct xml_out *x, const char *name, const char *value);
void xml_attribute_i64(struct xml_out *x, const char *name, int64_t value);
/* "12.50" */
void xml_attribute_money(struct xml_out *x, const char *name, int64_t minor);
/* An element with nothing but text. */
void xml_leaf(struct xml_out *x, const char *name, const char *text);
void xml_leaf_money(struct xml_out *x, const char *name, int64_t minor);

/* What was written so far is in the buffer. 0; ERR_NOMEM when anything failed
 * since the beginning. */
int xml_flush(struct xml_out *x, struct err *e);
/* Close what is open. As xml_flush(). */
int xml_finish(struct xml_out *x, struct err *e);

#endif
