/* SPDX-License-Identifier: MIT
 *
 * ordergate-backup - copies the store into backup/ and keeps the newest copies.
 */
#include <dirent.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/log.h"
#include "app/service/service.h"
#include "base/clock.h"
#include "base/err.h"
#include "codec/time/timestamp.h"
#include "store/engine/backup.h"
#include "store/engine/db.h"
#include "store/repair/verify.h"

enum {
	NAME_BYTES = 64,
	PATH_BYTES = STATE_PATH_BYTES + 300
};

/* ordergate-20261122T023000Z.db: sorted by name is sorted by time. */
#define D "[0-9]"
#define NAME_PATTERN "ordergate-" D D D D D D D D "T" D D D D D D "Z.db"

static void make_name(int64_t wall_ms, char name[NAME_BYTES])
{
	struct civil c = timestamp_civil(wall_ms, 0);

	(void)snprintf(name, NAME_BYTES,
		       "ordergate-%04d%02d%02dT%02d%02d%02dZ.db", c.year,
		       c.month, c.day, c.hour, c.minute, c.second);
}

static int is_backup(const struct dirent *entry)
{
	return fnmatch(NAME_PATTERN, entry->d_name, 0) == 0;
}

/* What a run that was killed left behind: only one runs at a time. */
static int is_partial(const struct dirent *entry)
{
	return fnmatch(NAME_PATTERN ".partial*", entry->d_name, 0) == 0;
}

/* Remove all of these but the newest. Number of files that stay. */
static int keep_newest(const char *folder,
		       int (*is_one)(const struct dirent *entry), int keep,
		       struct err *e)
{
	struct dirent **names = NULL;
	int count = scandir(folder, &names, is_one, alphasort);
	int rc = 0;

	if (count < 0)
		return err_errno(e, ERR_IO, "%s", folder);
	for (int i = 0; i < count; i++) {
		char path[PATH_BYTES];

		(void)snprintf(path, sizeof(path), "%s/%s", folder,
			       names[i]->d_name);
		if (i < count - keep && unlink(path) < 0)
			rc = err_errno(e, ERR_IO, "%s", path);
		free(names[i]);
	}
	free(names);
	return rc < 0 ? rc : count < keep ? count : keep;
}

/* The copy is whole: do its contents hold together too? */
static int verify_copy(const char *path, int *ret_bad, struct err *e)
{
	CLEANUP_DB struct db *db = NULL;
	int rc = db_open(path, DB_READ, &db, e);

	return rc < 0 ? rc : verify_all(db, ret_bad, e);
}

static int run(struct service *s, struct buf *ret_line, struct err *e)
{
	char store[STATE_STORE_BYTES];
	char name[NAME_BYTES];
	char target[PATH_BYTES];
	int64_t bytes = 0;
	int kept = 0;
	int bad = 0;
	int rc = state_dir_store_path(&s->dir, s->config->store.url, store, e);

	if (rc == 0 && (db_caps(store) & DB_CAP_FILE) == 0) {
		buf_add_text(ret_line, "none: the store is a PostgreSQL "
				       "database, and its own backups count");
		return 0;
	}
	make_name(clock_wall_ms(), name);
	(void)snprintf(target, sizeof(target), "%s/%s", s->dir.backup, name);
	if (rc == 0)
		rc = keep_newest(s->dir.backup, is_partial, 0, e);
	if (rc == 0)
		rc = backup_make(store, target, &bytes, e);
	if (rc == 0)
		rc = verify_copy(target, &bad, e);
	if (rc == 0)
		rc = kept = keep_newest(s->dir.backup, is_backup,
					(int)s->config->retention.backups, e);
	if (rc < 0)
		return rc;
	buf_printf(ret_line, "file=%s bytes=%" PRId64 " kept=%d", name, bytes,
		   kept);
	if (bad > 0)
		buf_printf(ret_line,
			   "; %d promises are broken in it: ordergatectl "
			   "verify",
			   bad);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct service_def def = {
		.name = "backup",
		.summary = "copies the store into backup/",
		.run = run,
	};

	return service_main(argc, argv, &def);
}
