/* SPDX-License-Identifier: MIT
 *
 * tidy.h - the work of housekeeping, in transactions of at most
 * ARCHIVE_BATCH_MAX rows with a pause after each, so that nobody waits for it.
 */
#ifndef HOUSEKEEPING_TIDY_H
#define HOUSEKEEPING_TIDY_H

struct buf;
struct err;
struct service;

/* The run of its service_def (app/service/service.h): everything, or until its
 * time is over; the next run goes on. */
int tidy_run(struct service *s, struct buf *ret_line, struct err *e);

#endif
