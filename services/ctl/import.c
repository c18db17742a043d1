/* SPDX-License-Identifier: MIT */
#include "import.h"

#include <stdio.h>

#include "app/small_file.h"

enum {
	TOLD_MAX = 100,
	PROGRESS_ROWS = 100 * 1000
};

int import_open(struct import *import, struct ctl *ctl, const char *kind)
{
	int rc;

	*import = (struct import){
		.ctl = ctl,
		.path = ctl_next(ctl),
		.text = BUF_MAX(IMPORT_FILE_BYTES_MAX),
	};
	if (import->path == NULL || ctl->arg_count > 0)
		return ctl_fail(ctl, CTL_USAGE, "which file? one at a time");
	rc = instance_open(ctl->dir.run, kind, 1, &import->lock, &ctl->err);
	if (rc < 0)
		return ctl_error(ctl, rc);
	rc = small_file_read(import->path, &import->text, NULL, &ctl->err);
	if (rc < 0) {
		instance_close(&import->lock);
		buf_clear(&import->text);
		return ctl_error(ctl, rc);
	}
	digest_sha256(buf_text(&import->text), import->text.used_bytes,
		      import->hash);
	return CTL_DONE;
}

void import_close(struct import *import)
{
	csv_clear(&import->csv);
	buf_clear(&import->text);
	instance_close(&import->lock);
}

int import_rewind(struct import *import, const struct csv_column *columns,
		  size_t count, struct err *e)
{
	csv_clear(&import->csv);
	import->rows = 0;
	csv_open(&import->csv, buf_text(&import->text),
		 import->text.used_bytes);
	return csv_read_header(&import->csv, columns, count, import->places, e);
}

void import_bad(struct import *import, int64_t line, const char *text)
{
	if (import->bad++ < TOLD_MAX)
		(void)fprintf(stderr, "%s:%lld: %s\n", import->path,
			      (long long)line, text);
}

int import_refuse(const struct import *import)
{
	return ctl_fail(import->ctl, CTL_FAILED,
			"%lld bad rows%s; nothing was changed",
			(long long)import->bad,
			import->bad > TOLD_MAX ? ", of which the first 100 are "
						 "shown"
					       : "");
}

void import_progress(const struct import *import, const char *what)
{
	if (import->rows % PROGRESS_ROWS == 0)
		(void)fprintf(stderr, "%lld rows %s\n", (long long)import->rows,
			      what);
}

int import_check(struct import *import, const struct csv_column *columns,
		 size_t count,
		 int (*check)(struct import *import, struct err *e))
{
	struct ctl *ctl = import->ctl;
	int rc = import_rewind(import, columns, count, &ctl->err);

	if (rc < 0)
		return ctl_fail(ctl, CTL_FAILED, "%s:%lld: %s", import->path,
				(long long)import->csv.line, ctl->err.text);
	while ((rc = csv_next(&import->csv, &ctl->err)) != 0) {
		if (rc > 0)
			rc = check(import, &ctl->err);
		if (rc < 0 && rc != ERR_INVALID)
			return ctl_error(ctl, rc);
		if (rc < 0)
			import_bad(import, import->csv.line, ctl->err.text);
		import->rows++;
		import_progress(import, "checked");
	}
	import->good = import->rows - import->bad;
	return import->bad == 0 ? CTL_DONE : import_refuse(import);
}
