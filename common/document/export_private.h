/* SPDX-License-Identifier: MIT
 *
 * export_private.h - one run over a batch. Inside of common/document.
 */
#ifndef DOCUMENT_EXPORT_PRIVATE_H
#define DOCUMENT_EXPORT_PRIVATE_H

#include "codec/digest.h"
#include "document/export.h"
#include "document/out_file.h"
#include "store/document/batches.h"

enum {
	FORMATS_MAX = 8,
	/* A page is synced and recorded at once: the more, the fewer syncs. */
	PAGE_DOCUMENTS_MAX = 1024,
	PAGE_FILES_MAX = PAGE_DOCUMENTS_MAX * FORMATS_MAX,
	PAGE_BYTES_MAX = 4 * 1024 * 1024,
	FILE_BUFFER_BYTES = 64 * 1024,     /* then it goes to the file */
	FILE_BYTES_MAX = 32 * 1024 * 1024, /* of one document */
	LOOK_UP_DOCUMENTS = 16,            /* then it may be told to stop */
	MARK_ROWS_MAX = 128,               /* in one unit of work */
	MARK_UNITS_MAX = 8                 /* at once */
};

/* A file that all documents of the batch go into. */
struct export_stream {
	struct form_run form;
	struct buf bytes;
	struct out_file *file; /* owned */
	char name[FORM_FILE_BYTES];
};

struct export_run {
	const struct export_context *c;
	struct batch_row batch;
	struct form_options options;
	struct export_stream streams[FORMATS_MAX];
	int stream_count;
	const struct form *singles[FORMATS_MAX];
	int single_count;
	int64_t first_id, last_id; /* documents so far; 0: none */
	char first_file[FORM_FILE_BYTES], first_hash[DIGEST_TEXT_BYTES];
	int file_count, changed_count;
	char changed[FORM_FILE_BYTES + 64]; /* what is wrong with the first */
	int apart_count;
	char apart[FORM_FILE_BYTES + 256]; /* the first, and why */
	int64_t document_count;
	struct buf single_bytes; /* of the file of one document */
};
void export_run_clear(struct export_run *run);

/* Open the files of the batch. */
int export_streams_begin(struct export_run *run, struct err *e);
/* The next documents into all files. 1; 0: there are no more. */
int export_page(struct export_run *run, struct err *e);
/* Publish the files of the batch. */
int export_streams_end(struct export_run *run, struct err *e);

struct export_written {
	const struct form *form;
	int64_t document_id;
	char name[FORM_FILE_BYTES];
	struct out_file_facts facts;
};
/* Files that are ended get their names and become rows; where nothing is
 * marked, those get their names that are what the rows say. */
int export_publish(struct export_run *run, struct out_file *const *files,
		   const struct export_written *written, int count,
		   struct err *e);

/* A document cannot have that form: it is noted with the reason, and the others
 * go on. 0; < 0. */
int export_put_apart(struct export_run *run, int64_t document_id,
		     const char *format, const struct err *why, struct err *e);

#endif
