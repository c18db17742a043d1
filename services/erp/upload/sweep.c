/* SPDX-License-Identifier: MIT */
#include "upload/sweep.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/log.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "store/exchange/uploads.h"

#define AGE_MS (INT64_C(24) * 3600 * 1000)

static void cleanup_folder(DIR **folder)
{
	if (*folder != NULL)
		(void)closedir(*folder);
}

/* 1, 0, or < 0 when the store does not say. */
static int is_orphan(DIR *folder, const char *name, struct db *reader,
		     int64_t now_ms, struct err *e)
{
	CLEANUP(upload_clear) struct upload upload = {0};
	struct stat file;
	int rc;

	if (fstatat(dirfd(folder), name, &file, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(file.st_mode) ||
	    (int64_t)file.st_mtime * 1000 > now_ms - AGE_MS)
		return 0;
	rc = uploads_get(reader, name, &upload, e);
	return rc > 0 ? upload.ended_ms != 0 : rc == 0 ? 1 : rc;
}

/* Number of files that went, or < 0. */
static int64_t sweep(DIR *folder, struct db *reader, int64_t now_ms,
		     struct err *e)
{
	const struct dirent *entry;
	int64_t removed = 0;

	while ((entry = readdir(folder)) != NULL) { /* NOLINT: ours alone */
		int rc = is_orphan(folder, entry->d_name, reader, now_ms, e);

		if (rc < 0)
			return rc;
		if (rc > 0 && unlinkat(dirfd(folder), entry->d_name, 0) == 0)
			removed++;
	}
	return removed;
}

void sweep_incoming(const char *folder_path, struct db *reader, int64_t now_ms)
{
	CLEANUP(cleanup_folder) DIR *folder = opendir(folder_path);
	struct err e = {0};
	int64_t removed =
		folder != NULL ? sweep(folder, reader, now_ms, &e)
			       : err_errno(&e, ERR_IO, "%.120s", folder_path);

	if (removed < 0)
		log_error(&e, "incoming files were not swept", LOG_NO_FIELDS);
	if (removed > 0)
		log_event(LOG_LEVEL_WARNING,
			  "incoming files that nobody will import were removed",
			  LOG_I64("count", removed));
}
