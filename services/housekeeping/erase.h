/* SPDX-License-Identifier: MIT
 *
 * erase.h - personal data goes when its time is over (store/repair/eraser.h).
 */
#ifndef HOUSEKEEPING_ERASE_H
#define HOUSEKEEPING_ERASE_H

#include <stdint.h>

struct buf;
struct err;
struct service;

/* Everything that is due, or until end_ms (monotonic); adds what was erased to
 * the result line. 0 or < 0. */
int erase_run(struct service *s, int64_t end_ms, struct buf *ret_line,
	      struct err *e);

#endif
