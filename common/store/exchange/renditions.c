/* SPDX-License-Identifier: MIT */
#include "store/exchange/renditions.h"

#include "store/engine/db.h"

STMT(renditions_select,
     "SELECT f.format, f.file_name, f.hash, f.bytes FROM document_files AS f"
     " JOIN documents AS d ON d.id = f.document_id AND d.batch_id = f.batch_id"
     " WHERE f.document_id = $1 AND f.error = '' ORDER BY f.format");

int renditions_list(struct db *db, int64_t document_id, rendition_visit *each,
		    void *context, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &renditions_select);
	int rc;

	query_i64(q, 1, document_id);
	while ((rc = query_next(q, e)) > 0) {
		struct rendition file = {
			.format = query_col_text(q, 0),
			.file_name = query_col_text(q, 1),
			.hash = query_col_text(q, 2),
			.bytes = query_col_i64(q, 3),
		};

		each(&file, context);
	}
	return rc;
}
