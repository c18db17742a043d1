/* SPDX-License-Identifier: MIT
 *
 * export.h - the files of a batch of documents.
 *
 * Files are made from what is committed, in pages, so memory does not grow with
 * the batch: one file per format, or one per document, as the form has it. A
 * document is marked as exported when all files of its batch are on the disk.
 * Whatever moment a run ends at, the next one writes the same bytes again. A
 * document that cannot have a form is put apart with the reason, and the others
 * go on.
 */
#ifndef DOCUMENT_EXPORT_H
#define DOCUMENT_EXPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "document/form/form.h"

struct batch_options;
struct batch_row;
struct db;
struct err;
struct writer;

struct export_context {
	struct db *db;         /* reader */
	struct writer *writer; /* NULL: nothing is marked (rebuild) */
	/* Rebuild: forms that were put apart and are there now are noted; NULL:
	 * they are not. */
	struct writer *repairs;
	const char *folder;
	/* Called every so many documents with how many there are by now; true:
	 * stop. NULL: never. */
	bool (*stopping)(int64_t documents, void *context);
	void *context;
};

/* Nobody else writes into the folder until the descriptor is closed (by
 * CLEANUP_FD). < 0: stopped while waiting, or ERR_IO. */
int export_lock(const struct export_context *c, struct err *e);

/* Seal the batch with these options (unless it is sealed already), write its
 * files, mark its documents. Number of documents that were marked; ERR_STATE:
 * told to stop; ERR_IO and others. */
int export_batch(const struct export_context *c, int64_t batch_id,
		 const struct batch_options *options, struct err *e);

/* Write the files of a sealed batch again. ERR_NOTFOUND; ERR_STATE: some would
 * not have the bytes that they had and are left as they are, the others are
 * written. Number of files. */
int export_rebuild(const struct export_context *c, int64_t batch_id,
		   struct err *e);

/* Options of a form as they were fixed with the batch. */
void export_form_options(const struct batch_row *batch,
			 struct form_options *ret_options);

#endif
