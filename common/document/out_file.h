/* SPDX-License-Identifier: MIT
 *
 * out_file.h - files that readers see whole or not at all: written beside,
 * synced, renamed. Many files are synced together. Not thread-safe.
 */
#ifndef DOCUMENT_OUT_FILE_H
#define DOCUMENT_OUT_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "codec/digest.h"

struct err;
struct out_file;

/* Begin the file `name` of the folder. *ret_file is the caller's
 * (out_file_free(), which removes what was not published). 0, ERR_IO,
 * ERR_NOMEM. */
int out_file_new(const char *folder, const char *name,
		 struct out_file **ret_file, struct err *e);
void out_file_free(struct out_file *file);
CLEANUP_DEFINE(struct out_file *, out_file_free)

int out_file_write(struct out_file *file, const void *data, size_t bytes,
		   struct err *e);
/* Nothing more comes: bytes and hash are known. */
struct out_file_facts {
	int64_t bytes;
	char hash[DIGEST_TEXT_BYTES];
};
int out_file_end(struct out_file *file, struct out_file_facts *ret_facts,
		 struct err *e);

/* All that was ended is on the disk, then under its name, and the names are on
 * the disk. ERR_IO. */
int out_file_publish(const char *folder, struct out_file *const *files,
		     size_t count, struct err *e);

#endif
