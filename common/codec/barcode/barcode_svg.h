/* SPDX-License-Identifier: MIT
 *
 * barcode_svg.h - a barcode to print, as an inline SVG (libzint).
 */
#ifndef CODEC_BARCODE_SVG_H
#define CODEC_BARCODE_SVG_H

#include "base/buf.h"

struct err;

/* Append Code 128 of `text` (printable ASCII): an <svg> without text, whose
 * bars are one path; its size is for the page's style to give. 0; ERR_INVALID
 * (cannot be encoded); ERR_NOMEM. One thread at a time per buffer. */
int barcode_svg(struct buf *html, const char *text, struct err *e);

#endif
