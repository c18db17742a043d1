/* SPDX-License-Identifier: MIT */
#include "store/engine/write_lock.h"

#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/err.h"
#include "store/engine/side_file.h"

struct write_lock {
	int fd;
};

int write_lock_open(const char *path, const char *suffix,
		    struct write_lock **ret_lock, struct err *e)
{
	struct write_lock *lock = calloc(1, sizeof(*lock));

	if (lock == NULL)
		return err_set(e, ERR_NOMEM, "%s: out of memory", suffix);
	/* Not the store itself: SQLite's own fcntl locks on that file vanish
	 * when any descriptor of it is closed. */
	lock->fd = side_file_open(path, suffix, e);
	if (lock->fd < 0) {
		int rc = lock->fd;

		free(lock);
		return rc;
	}
	*ret_lock = lock;
	return 0;
}

void write_lock_close(struct write_lock *lock)
{
	if (lock == NULL)
		return;
	(void)close(lock->fd);
	free(lock);
}

int write_lock_take(struct write_lock *lock, struct err *e)
{
	int rc = side_file_lock(lock->fd, true, e);

	return rc < 0 ? rc : 0;
}

int write_lock_try(struct write_lock *lock)
{
	return side_file_lock(lock->fd, false, NULL) > 0;
}

void write_lock_release(struct write_lock *lock)
{
	(void)flock(lock->fd, LOCK_UN);
}
