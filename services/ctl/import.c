/* SPDX-License-Identifier: MIT */
#include "import.h"

#include <stdio.h>

#include "app/small_file.h"
#include "app/zones.h"
#include "store/engine/writer.h"

enum {
	PROGRESS_ROWS = 100 * 1000,
	CHECKPOINT_PAGES = 1000
};

static void tell_fault(void *context, int64_t line, bool is_fault,
		       const char *text)
{
	const struct import_file *file = context;

	if (is_fault)
		ctl_note("%s:%lld: %s\n", file->path, (long long)line, text);
	else
		ctl_note("%s:%lld: warning: %s\n", file->path, (long long)line,
			 text);
}

static int tell_progress(void *context, int64_t rows, bool written,
			 size_t bytes, struct err *e)
{
	(void)context;
	(void)bytes;
	(void)e;
	if (rows % PROGRESS_ROWS != 0)
		return 0;
	if (written)
		ctl_note("%lld rows written\n", (long long)rows);
	else
		ctl_note("%lld rows checked\n", (long long)rows);
	return 0;
}

static void tell_published(void *context, int64_t rows)
{
	(void)context;
	ctl_say("%lld products are the catalogue now\n", (long long)rows);
	(void)fflush(stdout);
	if (rows >= IMPORT_ROWS_PER_WRITE)
		ctl_note("removing the one before\n");
}

int import_file_open(struct import_file *file, struct ctl *ctl,
		     const char *kind)
{
	int rc;

	*file = (struct import_file){
		.ctl = ctl,
		.path = ctl_next(ctl),
		.text = BUF_MAX(IMPORT_FILE_BYTES_MAX),
		.ear = {.fault = tell_fault,
			.progress = tell_progress,
			.published = tell_published,
			.context = file},
	};
	if (file->path == NULL || ctl->arg_count > 0)
		return ctl_fail(ctl, CTL_USAGE, "which file? one at a time");
	rc = instance_open(ctl->dir.run, kind, 1, &file->lock, &ctl->err);
	if (rc < 0)
		return ctl_error(ctl, rc);
	rc = small_file_read(file->path, &file->text, NULL, &ctl->err);
	if (rc < 0) {
		instance_close(&file->lock);
		buf_clear(&file->text);
		return ctl_error(ctl, rc);
	}
	import_init(&file->import, buf_text(&file->text), file->text.used_bytes,
		    &file->ear);
	file->import.check_zone = zones_check;
	return CTL_DONE;
}

void import_file_close(struct import_file *file)
{
	import_clear(&file->import);
	buf_clear(&file->text);
	instance_close(&file->lock);
}

int import_file_end(struct import_file *file, int rc)
{
	int64_t faults = file->import.faults;

	if (rc < 0)
		return ctl_error(file->ctl, rc);
	if (file->import.warnings > IMPORT_FAULTS_MAX)
		ctl_note("%lld warnings, of which the first %d are "
			 "shown\n",
			 (long long)file->import.warnings, IMPORT_FAULTS_MAX);
	if (faults == 0)
		return CTL_DONE;
	return ctl_fail(file->ctl, CTL_FAILED,
			"%lld faults%s; nothing was changed", (long long)faults,
			faults > IMPORT_FAULTS_MAX
				? ", of which the first 100 are shown"
				: "");
}

int ctl_catalog_import(struct ctl *ctl)
{
	struct writer_options options = {.path = ctl->store_path,
					 .checkpoint_pages = CHECKPOINT_PAGES};
	struct writer *writer = NULL;
	struct import_file file;
	int code = import_file_open(&file, ctl, "catalog-import");
	int rc;

	if (code != CTL_DONE)
		return code;
	rc = writer_start(&options, &writer, &ctl->err);
	if (rc == 0)
		rc = import_catalog(&file.import, ctl->db, writer, &ctl->err);
	writer_stop(writer);
	code = import_file_end(&file, rc);
	if (code == CTL_DONE && file.import.is_known)
		ctl_say("%lld products: this file is the catalogue "
			"already\n",
			(long long)file.import.row_count);
	import_file_close(&file);
	return code;
}

int ctl_store_import(struct ctl *ctl)
{
	struct writer_options options = {.path = ctl->store_path,
					 .checkpoint_pages = CHECKPOINT_PAGES};
	struct writer *writer = NULL;
	struct import_file file;
	int code = import_file_open(&file, ctl, "store-import");
	int rc;

	if (code != CTL_DONE)
		return code;
	rc = writer_start(&options, &writer, &ctl->err);
	if (rc == 0)
		rc = import_stores(&file.import, writer, &ctl->err);
	writer_stop(writer);
	code = import_file_end(&file, rc);
	if (code == CTL_DONE)
		ctl_say("%lld stores, %lld of them new or changed\n",
			(long long)file.import.row_count,
			(long long)file.import.changed);
	import_file_close(&file);
	return code;
}
