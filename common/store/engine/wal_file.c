/* SPDX-License-Identifier: MIT */
#include "store/engine/wal_file.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

enum {
	GATHER_MAX_BYTES =
		1024 * 1024, /* a larger commit is written in parts */
	/* SQLite's xWrite for Unix looks at the low 17 bits of a length. */
	WRITE_MAX_BYTES = 64 * 1024
};

struct wal_file {
	sqlite3_file base; /* first: SQLite knows only this */
	sqlite3_file *store;
	/* Of the first sync that failed. The system reports such an error
	 * once and then believes in what it holds; we do not. */
	int failed;
	sqlite3_int64 start;   /* where the gathered bytes belong */
	int bytes;             /* gathered, not written yet */
	unsigned char *gather; /* GATHER_MAX_BYTES */
			       /* The system's file follows. */
};

static sqlite3_vfs *system_vfs;

static struct wal_file *wal_of(sqlite3_file *file)
{
	return (struct wal_file *)(void *)file;
}

static sqlite3_file *real_of(sqlite3_file *file)
{
	return (sqlite3_file *)(void *)(wal_of(file) + 1);
}

/* What cannot be written is forgotten: the commit that it belongs to fails. */
static int flush(sqlite3_file *file)
{
	struct wal_file *wal = wal_of(file);
	int rc = SQLITE_OK;

	for (int done = 0; done < wal->bytes && rc == SQLITE_OK;) {
		int part = MIN_OF(wal->bytes - done, (int)WRITE_MAX_BYTES);

		rc = real_of(file)->pMethods->xWrite(real_of(file),
						     wal->gather + done, part,
						     wal->start + done);
		done += part;
	}
	wal->bytes = 0;
	return rc;
}

static int wal_write(sqlite3_file *file, const void *data, int bytes,
		     sqlite3_int64 at)
{
	struct wal_file *wal = wal_of(file);
	int rc = SQLITE_OK;

	if (at != wal->start + wal->bytes ||
	    bytes > GATHER_MAX_BYTES - wal->bytes)
		rc = flush(file);
	if (rc != SQLITE_OK)
		return rc;
	if (wal->bytes == 0)
		wal->start = at;
	memcpy(wal->gather + wal->bytes, data, (size_t)bytes);
	wal->bytes += bytes;
	return SQLITE_OK;
}

/* Pages of a transaction that is larger than the cache are read back. From the
 * gathered bytes: a read that writes could fail, and SQLite would go on. */
static int wal_read(sqlite3_file *file, void *data, int bytes, sqlite3_int64 at)
{
	const struct wal_file *wal = wal_of(file);
	bool overlaps = at < wal->start + wal->bytes && wal->start < at + bytes;
	bool within = overlaps && at >= wal->start &&
		      at + bytes <= wal->start + wal->bytes;
	int rc = SQLITE_OK;

	if (within) {
		memcpy(data, wal->gather + (at - wal->start), (size_t)bytes);
		return SQLITE_OK;
	}
	if (overlaps)
		rc = flush(file);
	return rc != SQLITE_OK ? rc
			       : real_of(file)->pMethods->xRead(
					 real_of(file), data, bytes, at);
}

/* SQLite syncs the log's header as soon as it has written it; any other sync is
 * that of a commit. */
static int wal_sync(sqlite3_file *file, int flags)
{
	struct wal_file *wal = wal_of(file);
	bool begins_anew = wal->bytes > 0 && wal->start == 0;

	if (wal->failed == SQLITE_OK && begins_anew)
		wal->failed = wal->store->pMethods->xSync(wal->store, flags);
	if (wal->failed != SQLITE_OK)
		return wal->failed;
	if (!begins_anew)
		return flush(file);
	wal->failed = flush(file);
	if (wal->failed == SQLITE_OK)
		wal->failed =
			real_of(file)->pMethods->xSync(real_of(file), flags);
	return wal->failed;
}

static int wal_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	int rc = flush(file);

	return rc != SQLITE_OK ? rc
			       : real_of(file)->pMethods->xTruncate(
					 real_of(file), size);
}

static int wal_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
	int rc = flush(file);

	return rc != SQLITE_OK ? rc
			       : real_of(file)->pMethods->xFileSize(
					 real_of(file), ret_size);
}

/* SQLite does not close a log with a commit under way. */
static int wal_close(sqlite3_file *file)
{
	struct wal_file *wal = wal_of(file);

	free(wal->gather);
	wal->gather = NULL;
	return real_of(file)->pMethods->xClose(real_of(file));
}

static int wal_lock(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int wal_unlock(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int wal_check_lock(sqlite3_file *file, int *ret_reserved)
{
	return real_of(file)->pMethods->xCheckReservedLock(real_of(file),
							   ret_reserved);
}

static int wal_control(sqlite3_file *file, int operation, void *argument)
{
	return real_of(file)->pMethods->xFileControl(real_of(file), operation,
						     argument);
}

static int wal_sector_size(sqlite3_file *file)
{
	return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int wal_characteristics(sqlite3_file *file)
{
	return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static const sqlite3_io_methods wal_methods = {
	.iVersion =
		1, /* no shared memory, no mapping: those are not the log's */
	.xClose = wal_close,
	.xRead = wal_read,
	.xWrite = wal_write,
	.xTruncate = wal_truncate,
	.xSync = wal_sync,
	.xFileSize = wal_size,
	.xLock = wal_lock,
	.xUnlock = wal_unlock,
	.xCheckReservedLock = wal_check_lock,
	.xFileControl = wal_control,
	.xSectorSize = wal_sector_size,
	.xDeviceCharacteristics = wal_characteristics,
};

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file,
		     int flags, int *ret_flags)
{
	struct wal_file *wal = wal_of(file);
	int rc;

	(void)vfs;
	if ((flags & SQLITE_OPEN_WAL) == 0)
		return system_vfs->xOpen(system_vfs, name, file, flags,
					 ret_flags);
	*wal = (struct wal_file){.store = sqlite3_database_file_object(name),
				 .gather = malloc(GATHER_MAX_BYTES)};
	if (wal->gather == NULL)
		return SQLITE_NOMEM;
	rc = system_vfs->xOpen(system_vfs, name, real_of(file), flags,
			       ret_flags);
	if (rc == SQLITE_OK)
		file->pMethods = &wal_methods;
	else
		free(wal->gather);
	return rc;
}

const char *wal_file_vfs(void)
{
	static sqlite3_vfs vfs;

	if (system_vfs != NULL)
		return vfs.zName;
	system_vfs = sqlite3_vfs_find(NULL);
	if (system_vfs == NULL)
		return NULL;
	/* Everything but opening is the system's, which never looks at which
	 * VFS it is called through. */
	vfs = *system_vfs;
	vfs.zName = "ordergate";
	vfs.szOsFile = system_vfs->szOsFile + (int)sizeof(struct wal_file);
	vfs.xOpen = open_file;
	if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK) {
		system_vfs = NULL;
		return NULL;
	}
	return vfs.zName;
}

int wal_file_sync(sqlite3_file *log)
{
	struct wal_file *wal = wal_of(log);

	if (wal->failed == SQLITE_OK)
		wal->failed = real_of(log)->pMethods->xSync(
			real_of(log),
			SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
	return wal->failed;
}

void wal_file_forget(sqlite3_file *log)
{
	wal_of(log)->bytes = 0;
}
