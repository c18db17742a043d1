/* SPDX-License-Identifier: MIT
 *
 * documents.c - sales documents, byte for byte as they were made.
 */
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "ctl.h"
#include "store/engine/db.h"
#include "store/watch/views.h"

static int write_body(struct query *row, void *context)
{
	FILE *out = context;
	const char *body = query_col_text(row, 0);
	size_t bytes = strlen(body);

	return fwrite(body, 1, bytes, out) == bytes ? 0 : ERR_IO;
}

static int show(struct ctl *ctl, const char *id, FILE *out)
{
	int rc = view_run(ctl->db, view_find("document.show"), &id, 1,
			  write_body, out, &ctl->err);

	if (rc < 0)
		return ctl_fail(ctl, CTL_FAILED, "cannot write");
	if (rc == 0)
		return ctl_fail(ctl, CTL_NOTFOUND, "there is no document %s",
				id);
	return CTL_DONE;
}

int ctl_document_show(struct ctl *ctl)
{
	const char *id = ctl_next(ctl);
	int code = id != NULL ? show(ctl, id, stdout)
			      : ctl_fail(ctl, CTL_USAGE, "which document?");

	if (code == CTL_DONE)
		(void)printf("\n");
	return code;
}

static int cannot_write(struct ctl *ctl, const char *path)
{
	return ctl_error(ctl, err_errno(&ctl->err, ERR_IO, "%s", path));
}

int ctl_document_export(struct ctl *ctl)
{
	const char *id = ctl_next(ctl);
	const char *path = ctl_next(ctl);
	FILE *out;
	int code;

	if (id == NULL || path == NULL)
		return ctl_fail(ctl, CTL_USAGE, "ID and FILE are needed");
	out = fopen(path, "we");
	if (out == NULL)
		return cannot_write(ctl, path);
	code = show(ctl, id, out);
	if (fclose(out) != 0 && code == CTL_DONE)
		code = cannot_write(ctl, path);
	return code;
}
