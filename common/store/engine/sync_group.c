/* SPDX-License-Identifier: MIT */
#include "store/engine/sync_group.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "store/engine/side_file.h"

enum {
	BOOT_ID_BYTES = 37,
	WAIT_MAX_NS = 10 * 1000 * 1000
};

struct shared {
	char boot_id[BOOT_ID_BYTES];
	_Atomic int64_t drawn;   /* tickets so far */
	_Atomic int64_t synced;  /* all tickets up to here are on the disk */
	_Atomic uint32_t rounds; /* syncs that have ended; a futex */
};

struct sync_group {
	int fd;
	struct shared *shared;
};

static void read_boot_id(char text[BOOT_ID_BYTES])
{
	CLEANUP_FD int fd =
		open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	memset(text, 0, BOOT_ID_BYTES);
	if (fd < 0 || read(fd, text, BOOT_ID_BYTES - 1) < 0)
		text[0] = '\0'; /* then every boot looks alike */
}

/* Counters of an earlier boot may have reached the disk in any order. */
static void forget_earlier_boot(struct shared *shared)
{
	char boot_id[BOOT_ID_BYTES];

	read_boot_id(boot_id);
	if (memcmp(shared->boot_id, boot_id, BOOT_ID_BYTES) == 0)
		return;
	atomic_store(&shared->synced,
		     0); /* first: never beyond what is drawn */
	atomic_store(&shared->drawn, 0);
	memcpy(shared->boot_id, boot_id, BOOT_ID_BYTES);
}

static int map(struct sync_group *group, struct err *e)
{
	void *memory;
	int rc = side_file_lock(group->fd, true, e);

	if (rc < 0)
		return rc;
	/* Not ftruncate(): a hole that a full disk cannot fill is SIGBUS. */
	errno = posix_fallocate(group->fd, 0, sizeof(struct shared));
	if (errno != 0)
		return err_errno(e, ERR_IO, "sync lock");
	memory = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED, group->fd, 0);
	if (memory == MAP_FAILED)
		return err_errno(e, ERR_IO, "sync lock");
	group->shared = memory;
	forget_earlier_boot(group->shared);
	(void)flock(group->fd, LOCK_UN);
	return 0;
}

int sync_group_open(const char *path, struct sync_group **ret_group,
		    struct err *e)
{
	CLEANUP(sync_group_closep)
	struct sync_group *group = calloc(1, sizeof(*group));
	int rc;

	if (group == NULL)
		return err_set(e, ERR_NOMEM, "sync lock: out of memory");
	group->fd = side_file_open(path, ".sync", e);
	rc = group->fd < 0 ? group->fd : map(group, e);
	if (rc < 0)
		return rc;
	*ret_group = TAKE(group);
	return 0;
}

void sync_group_close(struct sync_group *group)
{
	if (group == NULL)
		return;
	if (group->shared != NULL)
		(void)munmap(group->shared, sizeof(*group->shared));
	if (group->fd >= 0)
		(void)close(group->fd);
	free(group);
}

int64_t sync_group_ticket(struct sync_group *group)
{
	return atomic_fetch_add(&group->shared->drawn, 1) + 1;
}

static void wake_everybody(struct shared *shared)
{
	(void)atomic_fetch_add(&shared->rounds, 1);
	(void)syscall(SYS_futex, &shared->rounds, FUTEX_WAKE, INT_MAX, NULL,
		      NULL, 0);
}

/* Until another round has ended. Whoever syncs may be killed before it wakes
 * anybody: then the lock is free, and a short time-out finds that out. */
static void wait_for_round(struct shared *shared, uint32_t seen)
{
	static const struct timespec at_most = {.tv_nsec = WAIT_MAX_NS};

	(void)syscall(SYS_futex, &shared->rounds, FUTEX_WAIT, seen, &at_most,
		      NULL, 0);
}

static int sync_as_leader(struct sync_group *group, int64_t ticket,
			  int (*sync)(void *context, struct err *e),
			  void *context, struct err *e)
{
	struct shared *shared = group->shared;
	int rc = 0;

	if (atomic_load(&shared->synced) < ticket) {
		/* Tickets drawn later may be covered too, or not: the counter
		 * is read before the sync begins. */
		int64_t drawn = atomic_load(&shared->drawn);

		rc = sync(context, e);
		if (rc == 0)
			atomic_store(&shared->synced, drawn);
	}
	(void)flock(group->fd, LOCK_UN);
	wake_everybody(shared);
	return rc;
}

int sync_group_wait(struct sync_group *group, int64_t ticket,
		    int (*sync)(void *context, struct err *e), void *context,
		    struct err *e)
{
	struct shared *shared = group->shared;

	for (;;) {
		/* Read before everything else, so that no end is missed. */
		uint32_t seen = atomic_load(&shared->rounds);
		int rc;

		if (atomic_load(&shared->synced) >= ticket)
			return 0;
		rc = side_file_lock(group->fd, false, e);
		if (rc < 0)
			return rc;
		if (rc > 0)
			return sync_as_leader(group, ticket, sync, context, e);
		wait_for_round(shared, seen);
	}
}
