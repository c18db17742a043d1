/* SPDX-License-Identifier: MIT
 *
 * html_out.h - data inside of the HTML that Telegram reads. Pure.
 *
 * Telegram's parser knows a few tags and refuses a whole message for one bare
 * '<'. So data is cut first, by code points, and escaped then; never the other
 * way round. Bytes that are not UTF-8 and code points that are no characters
 * become U+FFFD, control characters but the line feed become spaces.
 */
#ifndef CODEC_HTML_OUT_H
#define CODEC_HTML_OUT_H

#include <stddef.h>

#include "base/buf.h"

/* Append text with & < > " escaped: at most max_points code points, then "…".
 */
void html_put(struct buf *b, const char *text, size_t max_points);

/* Append what a reader of `html` sees: without tags, entities decoded, at most
 * max_points code points, then "…". html is our own, so '<' begins a tag. */
void html_put_plain(struct buf *b, const char *html, size_t max_points);

/* Append a template of ours, which may hold tags, with its {fields} replaced by
 * data, each escaped and cut to field_points. A {name} that is not in the list
 * stays as it is. Nothing is said of what is empty: a [part] is left out when
 * one of its fields is, a line when it has fields and all of them are. */
struct html_field {
	const char *name; /* NULL ends the list */
	const char *value;
};
void html_render(struct buf *b, const char *text,
		 const struct html_field *fields, size_t field_points);

/* Code points that Telegram counts: without tags, an entity is one. */
size_t html_points(const char *html);

/* Bytes of the one of them that begins at p, which is no tag. */
size_t html_point_bytes(const char *p, const char *end);

#endif
