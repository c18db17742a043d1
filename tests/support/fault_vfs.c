/* SPDX-License-Identifier: MIT */
#include "fault_vfs.h"

#include "crash_log.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum {
	SYNC_US = 200 /* while a crash is recorded */
};

static atomic_int countdown;
static atomic_int fault_code;
static atomic_bool is_persistent, has_fired;
static atomic_int malloc_countdown;
static atomic_int writes, syncs;
static sqlite3_vfs *real_vfs;
static sqlite3_mem_methods real_memory;

struct fault_file {
	sqlite3_file base;
	int kind;          /* enum crash_file; -1: another file */
	sqlite3_file real; /* of real_vfs->szOsFile bytes */
};

static sqlite3_file *real_of(sqlite3_file *file)
{
	return &((struct fault_file *)(void *)file)->real;
}

void fault_vfs_arm(int count, int code, bool persistent)
{
	has_fired = false;
	is_persistent = persistent;
	fault_code = code;
	countdown = count;
	writes = syncs = 0;
}

struct fault_vfs_counts fault_vfs_counts(void)
{
	return (struct fault_vfs_counts){.writes = writes, .syncs = syncs};
}

bool fault_vfs_fired(void)
{
	return has_fired;
}

static int kind_of(const sqlite3_file *file)
{
	int kind = ((const struct fault_file *)(const void *)file)->kind;

	return kind >= 0 && crash_log_is_on() ? kind : -1;
}

/* SQLITE_OK, or the armed code when its time has come. */
static int strike(void)
{
	if (has_fired && is_persistent)
		return fault_code;
	if (countdown <= 0 || atomic_fetch_sub(&countdown, 1) != 1)
		return SQLITE_OK;
	has_fired = true;
	return fault_code;
}

static int file_close(sqlite3_file *f)
{
	return real_of(f)->pMethods->xClose(real_of(f));
}

static int file_read(sqlite3_file *f, void *data, int bytes, sqlite3_int64 at)
{
	return real_of(f)->pMethods->xRead(real_of(f), data, bytes, at);
}

static int file_write(sqlite3_file *f, const void *data, int bytes,
		      sqlite3_int64 at)
{
	int rc = strike();

	writes++;
	/* A full disk takes a part of the data. */
	if (rc != SQLITE_OK) {
		(void)real_of(f)->pMethods->xWrite(real_of(f), data, bytes / 2,
						   at);
		return rc;
	}
	rc = real_of(f)->pMethods->xWrite(real_of(f), data, bytes, at);
	/* Noted only now: a sync that begins meanwhile need not cover it. */
	if (rc == SQLITE_OK && kind_of(f) >= 0)
		crash_log_write((enum crash_file)kind_of(f), data, bytes, at);
	return rc;
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	int rc = strike();

	if (rc != SQLITE_OK)
		return rc;
	rc = real_of(f)->pMethods->xTruncate(real_of(f), size);
	if (rc == SQLITE_OK && kind_of(f) >= 0)
		crash_log_truncate((enum crash_file)kind_of(f), size);
	return rc;
}

static int file_sync(sqlite3_file *f, int flags)
{
	int begun = crash_log_sync_begin();
	int rc = strike();

	syncs++;
	if (rc != SQLITE_OK)
		return rc;
	(void)flags;
	/* The system keeps what a test writes; only time would go by. */
	if (kind_of(f) < 0)
		return SQLITE_OK;
	/* The images show what it is good for; time goes by as on a disk. */
	(void)usleep(SYNC_US);
	crash_log_sync_end((enum crash_file)kind_of(f), begun);
	return SQLITE_OK;
}

static int file_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return real_of(f)->pMethods->xFileSize(real_of(f), size);
}

static int file_lock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int file_unlock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int file_check_lock(sqlite3_file *f, int *result)
{
	return real_of(f)->pMethods->xCheckReservedLock(real_of(f), result);
}

static int file_control(sqlite3_file *f, int op, void *arg)
{
	return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int file_sector_size(sqlite3_file *f)
{
	return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int file_characteristics(sqlite3_file *f)
{
	return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int file_shm_map(sqlite3_file *f, int page, int bytes, int extend,
			void volatile **ret)
{
	return real_of(f)->pMethods->xShmMap(real_of(f), page, bytes, extend,
					     ret);
}

static int file_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return real_of(f)->pMethods->xShmLock(real_of(f), offset, n, flags);
}

static void file_shm_barrier(sqlite3_file *f)
{
	real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int file_shm_unmap(sqlite3_file *f, int delete_file)
{
	return real_of(f)->pMethods->xShmUnmap(real_of(f), delete_file);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_check_lock,
	.xFileControl = file_control,
	.xSectorSize = file_sector_size,
	.xDeviceCharacteristics = file_characteristics,
	.xShmMap = file_shm_map,
	.xShmLock = file_shm_lock,
	.xShmBarrier = file_shm_barrier,
	.xShmUnmap = file_shm_unmap,
};

static int fault_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f,
		      int flags, int *ret_flags)
{
	int rc;

	(void)vfs;
	f->pMethods = NULL;
	((struct fault_file *)(void *)f)->kind =
		(flags & SQLITE_OPEN_MAIN_DB) != 0 ? (int)CRASH_STORE
		: (flags & SQLITE_OPEN_WAL) != 0   ? (int)CRASH_LOG
						   : -1;
	rc = real_vfs->xOpen(real_vfs, name, real_of(f), flags, ret_flags);
	if (rc == SQLITE_OK)
		f->pMethods = &methods;
	return rc;
}

static void *fault_malloc(int bytes)
{
	if (malloc_countdown > 0 && atomic_fetch_sub(&malloc_countdown, 1) == 1)
		return NULL;
	return real_memory.xMalloc(bytes);
}

void fault_malloc_arm(int count)
{
	malloc_countdown = count;
}

void fault_vfs_install(void)
{
	static sqlite3_vfs vfs;
	sqlite3_mem_methods memory;

	(void)sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory);
	memory = real_memory;
	memory.xMalloc = fault_malloc;
	(void)sqlite3_config(SQLITE_CONFIG_MALLOC, &memory);
	real_vfs = sqlite3_vfs_find(NULL);
	vfs = *real_vfs;
	vfs.zName = "fault";
	vfs.szOsFile = real_vfs->szOsFile + (int)sizeof(struct fault_file);
	vfs.xOpen = fault_open;
	(void)sqlite3_vfs_register(&vfs, 1);
}
