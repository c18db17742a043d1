/* SPDX-License-Identifier: MIT
 *
 * settle_files.h - what the service and ordergatectl share of a settlement: the
 * settings, and the files of its documents.
 */
#ifndef DOCUMENT_SETTLE_FILES_H
#define DOCUMENT_SETTLE_FILES_H

#include "document/settlement/settle.h"

struct config;

/* What the configuration and the day say; the rest is the caller's. The texts
 * are borrowed from *config, which stays; ->today from a static array of the
 * thread. */
void settle_set(struct settle *s, const struct config *config, int64_t now_ms);

/* report-REP-000001.json, .csv and .html of every document of kind `report`
 * that has none, into the folder; as whole files. Number of documents, or < 0.
 * Run again after a crash: the same files. */
int settle_write_files(struct db *db, struct writer *writer, const char *folder,
		       bool decimal_comma, struct err *e);

#endif
