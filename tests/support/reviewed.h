/* SPDX-License-Identifier: MIT
 *
 * reviewed.h - a printed table that must be the one that a person has reviewed.
 */
#ifndef REVIEWED_H
#define REVIEWED_H

struct buf;

/* Fail unless the text, without spaces at the ends of its lines, is that of the
 * file. With ORDERGATE_REWRITE=1 the file is written instead. */
void expect_reviewed(const char *path, const struct buf *text);

#endif
