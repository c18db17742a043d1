/* SPDX-License-Identifier: MIT
 *
 * html_part.h - one long message of ours as several. Pure.
 *
 * What a reader sees is counted and cut, by code points; the markup of each
 * part is then written anew: tags that are open at a cut are closed before it
 * and opened again behind it. So no tag, entity or code point is ever torn.
 */
#ifndef CODEC_HTML_PART_H
#define CODEC_HTML_PART_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum {
	HTML_PART_DEPTH_MAX = 8, /* tags deeper than that are left out */
	/* Telegram takes 32768 bytes before it parses them. */
	HTML_PART_BYTES_MAX = 30000
};

struct html_parts {
	const char *rest; /* borrowed */
	struct {
		const char *at; /* "<a href=…>" */
		size_t bytes;
	} open[HTML_PART_DEPTH_MAX];
	size_t depth, left_out;
};

struct html_parts html_parts_of(const char *html);

/* Append the next part, of at most max_points code points (more than 0) and
 * HTML_PART_BYTES_MAX bytes: it ends at the end of a line when there is one in
 * its last half, else between two words, else at any end of a line, else
 * between two code points. out NULL: it is only passed. False: nothing was
 * left. */
bool html_parts_next(struct html_parts *parts, size_t max_points,
		     struct buf *out);

#endif
