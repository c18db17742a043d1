/* SPDX-License-Identifier: MIT
 *
 * settlement.h - the folder that reports come into.
 */
#ifndef SETTLEMENT_SETTLEMENT_H
#define SETTLEMENT_SETTLEMENT_H

struct buf;
struct err;
struct service;

/* Every file in import/reports/ that is complete: one document each, then it is
 * in done/; or in failed/, beside a text that says why. Then the files of
 * documents that have none yet. 0; < 0 when the store or the folder fails. */
int settlement_run(struct service *s, struct buf *ret_line, struct err *e);

#endif
