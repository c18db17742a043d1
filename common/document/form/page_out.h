/* SPDX-License-Identifier: MIT
 *
 * page_out.h - A4 pages as a PDF; the only door to cairo and pango.
 *
 * Places are tenths of a millimetre from the upper left corner. The same calls
 * give the same bytes on one machine: the date inside is the caller's. Needs a
 * font with Cyrillic letters (Debian: fonts-dejavu-core). Not thread-safe.
 */
#ifndef DOCUMENT_PAGE_OUT_H
#define DOCUMENT_PAGE_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"

struct err;
struct page_out;

enum {
	PAGE_WIDTH = 2100,
	PAGE_HEIGHT = 2970
};

/* *ret_page is the caller's (page_out_free()); out outlives it. 0,
 * ERR_NOMEM. */
int page_out_new(struct buf *out, const char *title, int64_t made_ms,
		 struct page_out **ret_page, struct err *e);
void page_out_free(struct page_out *page);
CLEANUP_DEFINE(struct page_out *, page_out_free)

struct page_text {
	int x, y, width;
	int size; /* tenths of a point */
	bool bold, right;
};
/* Height of the text in its width; drawn at its place, or only measured. */
int page_text(struct page_out *page, const struct page_text *place,
	      const char *text);
int page_text_height(struct page_out *page, const struct page_text *place,
		     const char *text);
/* A thin line. */
void page_line(struct page_out *page, int x1, int y1, int x2, int y2);
/* A light grey area behind what comes next. */
void page_shade(struct page_out *page, int x, int y, int width, int height);
/* Go on with a new page. */
void page_next(struct page_out *page);

/* The rest is in the buffer. 0; ERR_NOMEM when anything failed. */
int page_finish(struct page_out *page, struct err *e);

#endif
