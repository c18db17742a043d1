/* SPDX-License-Identifier: MIT */
#include "store/engine/side_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"

enum {
	READ_WRITE_BITS = 0666
};

/* As far as this user may; the next one who opens it is told when not. */
static void liken(int fd, const char *store)
{
	struct stat st;

	if (stat(store, &st) != 0)
		return;
	(void)!fchown(fd, st.st_uid, st.st_gid);
	(void)fchmod(fd, st.st_mode & READ_WRITE_BITS);
}

int side_file_open(const char *store, const char *suffix, struct err *e)
{
	CLEANUP_FREE char *path = text_printf("%s%s", store, suffix);
	int fd;

	if (path == NULL)
		return err_set(e, ERR_NOMEM, "%s: out of memory", suffix);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0660);
	if (fd >= 0)
		liken(fd, store);
	else
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0660);
	return fd >= 0 ? fd : err_errno(e, ERR_IO, "%s", path);
}

int side_file_lock(int fd, bool wait, struct err *e)
{
	while (flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB) != 0) {
		if (errno == EWOULDBLOCK)
			return 0;
		if (errno != EINTR)
			return err_errno(e, ERR_IO, "lock of the store");
	}
	return 1;
}
