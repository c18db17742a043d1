/* SPDX-License-Identifier: MIT
 *
 * import.h - `store import`, `catalog import` and `place import`: a file, its
 * lock, and what people see of an import (flow/import/import.h).
 */
#ifndef CTL_IMPORT_H
#define CTL_IMPORT_H

#include "app/instance.h"
#include "base/buf.h"
#include "ctl.h"
#include "flow/import/import.h"

enum {
	IMPORT_FILE_BYTES_MAX = 1024 * 1024 * 1024
};

struct import_file {
	struct ctl *ctl;
	const char *path;
	struct buf text;
	struct instance lock; /* one import of a kind at a time */
	struct import_ear ear;
	struct import import;
};

/* Take the lock of this kind and read the whole file. An exit code; CTL_DONE
 * also means that import_file_close() is to be called. */
int import_file_open(struct import_file *file, struct ctl *ctl,
		     const char *kind);
void import_file_close(struct import_file *file);
/* The exit code of a finished import, after saying what was wrong: rc of it,
 * and its faults. CTL_DONE: it was good, and the caller says how. */
int import_file_end(struct import_file *file, int rc);

int ctl_store_import(struct ctl *ctl);
int ctl_catalog_import(struct ctl *ctl);
int ctl_place_import(struct ctl *ctl);

#endif
