/* SPDX-License-Identifier: MIT
 *
 * sweep.h - files in incoming/ that nobody will import: of a process that died
 * between naming a file and its row in the store, or between the end of an
 * import and the removal of its file.
 */
#ifndef ERP_SWEEP_H
#define ERP_SWEEP_H

#include <stdint.h>

struct db;

/* Remove those that are older than a day and of no upload that is still to be
 * imported. A failure is logged. */
void sweep_incoming(const char *folder, struct db *reader, int64_t now_ms);

#endif
