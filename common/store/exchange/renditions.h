/* SPDX-License-Identifier: MIT
 *
 * renditions.h - the files that were made of one document (batches.h writes
 * them).
 */
#ifndef STORE_RENDITIONS_H
#define STORE_RENDITIONS_H

#include <stdint.h>

struct db;
struct err;

struct rendition {
	const char *format, *file_name, *hash; /* borrowed in the callback */
	int64_t bytes;
};
typedef void rendition_visit(const struct rendition *file, void *context);

/* All of a document, by format. 0 or < 0. Reader or writer. */
int renditions_list(struct db *db, int64_t document_id, rendition_visit *each,
		    void *context, struct err *e);

#endif
