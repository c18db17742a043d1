/* SPDX-License-Identifier: MIT */
#include "app/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/small_file.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/id.h"
#include "base/text.h"

enum {
	PATH_BYTES = 512,
	PLACE_BYTES = 9,     /* 8 hexadecimal digits and the NUL */
	CONTENT_BYTES = 256, /* of a lock file */
	/* instance_life() of another process holds the lock for an instant. */
	TRIES = 25,
	TRY_PAUSE_MS = 20
};

static bool lock_path(const char *run_dir, const char *name,
		      char path[PATH_BYTES])
{
	return snprintf(path, PATH_BYTES, "%s/%s.lock", run_dir, name) <
	       PATH_BYTES;
}

/* The run directory's own name, made by whoever comes first: it tells our owner
 * ids from those of other machines that share the store. */
static int read_place(const char *path, char place[PLACE_BYTES], struct err *e)
{
	CLEANUP(buf_clear) struct buf text = BUF_MAX(64);
	int rc = small_file_read(path, &text, NULL, e);

	if (rc < 0)
		return rc;
	if (text.used_bytes != PLACE_BYTES - 1 ||
	    strspn(buf_text(&text), "0123456789abcdef") != PLACE_BYTES - 1)
		return err_set(e, ERR_IO, "%s is damaged: delete it", path);
	memcpy(place, buf_text(&text), PLACE_BYTES);
	return 0;
}

static int make_place(const char *run_dir, const char *path, struct err *e)
{
	char aside[PATH_BYTES];
	char id[ID_TEXT_BYTES];
	CLEANUP_FD int fd = -1;
	int rc = 0;

	id_make(clock_wall_ms(), id);
	(void)snprintf(aside, sizeof(aside), "%s/.place.XXXXXX", run_dir);
	fd = mkostemp(aside, O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, ERR_IO, "%s cannot be written", run_dir);
	/* The last digits of a UUID are random. */
	if (write(fd, id + ID_TEXT_BYTES - PLACE_BYTES, PLACE_BYTES - 1) !=
		    PLACE_BYTES - 1 ||
	    fchmod(fd, 0640) < 0 || (link(aside, path) < 0 && errno != EEXIST))
		rc = err_errno(e, ERR_IO, "%s cannot be written", path);
	(void)unlink(aside);
	return rc;
}

static int find_place(const char *run_dir, char place[PLACE_BYTES],
		      struct err *e)
{
	char path[PATH_BYTES];
	int rc;

	if (snprintf(path, sizeof(path), "%s/place", run_dir) >=
	    (int)sizeof(path))
		return err_set(e, ERR_IO, "%.60s...: path too long", run_dir);
	rc = read_place(path, place, e);
	if (rc == ERR_NOTFOUND)
		rc = make_place(run_dir, path, e);
	else
		return rc;
	return rc < 0 ? rc : read_place(path, place, e);
}

/* The first line (the owner) and the second (its pid) of a lock file. */
static bool read_lock(int fd, char owner[INSTANCE_OWNER_BYTES], int64_t *pid)
{
	char text[CONTENT_BYTES];
	ssize_t got = pread(fd, text, sizeof(text) - 1, 0);
	char *second;

	if (got <= 0)
		return false;
	text[got] = '\0';
	second = text + strcspn(text, "\n");
	if (*second != '\n')
		return false;
	*second++ = '\0';
	second[strcspn(second, "\n")] = '\0';
	return text_copy(owner, INSTANCE_OWNER_BYTES, text) &&
	       text_to_i64(second, 1, INT32_MAX, pid, NULL) == 0;
}

static int write_lock_file(int fd, const char *owner, struct err *e)
{
	char text[CONTENT_BYTES];
	int length = snprintf(text, sizeof(text), "%s\n%d\n", owner, getpid());

	if (ftruncate(fd, 0) < 0 ||
	    pwrite(fd, text, (size_t)length, 0) != length)
		return err_errno(e, ERR_IO, "lock file cannot be written");
	return 0;
}

static int refuse_second(int fd, const char *name, struct err *e)
{
	char owner[INSTANCE_OWNER_BYTES];
	int64_t pid = 0;

	if (!read_lock(fd, owner, &pid))
		return err_set(e, ERR_BUSY, "%s is already running", name);
	return err_set(e, ERR_BUSY,
		       "%s is already running (pid %d): stop it first, or use "
		       "another --instance",
		       name, (int)pid);
}

static int take_lock(int fd, const char *name, struct err *e)
{
	for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_errno(e, ERR_IO, "lock of %s", name);
		if (i == TRIES)
			return refuse_second(fd, name, e);
		(void)poll(NULL, 0, TRY_PAUSE_MS);
	}
	return 0;
}

int instance_open(const char *run_dir, const char *service, int number,
		  struct instance *ret_instance, struct err *e)
{
	struct instance in = {.lock_fd = -1};
	char place[PLACE_BYTES];
	char path[PATH_BYTES];
	char id[ID_TEXT_BYTES];
	CLEANUP_FD int fd = -1;
	int rc = find_place(run_dir, place, e);

	if (rc < 0)
		return rc;
	(void)snprintf(in.name, sizeof(in.name), "%s-%d", service, number);
	if (!lock_path(run_dir, in.name, path))
		return err_set(e, ERR_IO, "%.60s...: path too long", run_dir);
	id_make(clock_wall_ms(), id);
	(void)snprintf(in.owner, sizeof(in.owner), "%.30s@%s:%s", in.name,
		       place, id);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0)
		return err_errno(e, ERR_IO, "%s", path);
	rc = take_lock(fd, in.name, e);
	if (rc == 0)
		rc = write_lock_file(fd, in.owner, e);
	if (rc < 0)
		return rc;
	in.lock_fd = take_fd(&fd);
	*ret_instance = in;
	return 0;
}

void instance_close(struct instance *instance)
{
	/* The file stays: its lock is what counts, and a file that another
	 * process has just locked must not vanish. */
	cleanup_fd(&instance->lock_fd);
	instance->lock_fd = -1;
}

/* True when the lock is held by some process. Shared, so that two who look at
 * the same time do not see each other. */
static bool is_locked(int fd)
{
	return flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

/* "processor-1@0a1b2c3d:<uuid>" -> name and place. */
static bool split_owner(const char *owner, char name[40],
			char place[PLACE_BYTES])
{
	size_t name_bytes = strcspn(owner, "@");
	const char *after = owner + name_bytes + PLACE_BYTES;

	if (name_bytes == 0 || name_bytes >= 40 ||
	    strlen(owner) < name_bytes + PLACE_BYTES + 1 || *after != ':' ||
	    memchr(owner, '/', name_bytes) != NULL)
		return false;
	memcpy(name, owner, name_bytes);
	name[name_bytes] = '\0';
	memcpy(place, owner + name_bytes + 1, PLACE_BYTES - 1);
	place[PLACE_BYTES - 1] = '\0';
	return true;
}

enum instance_life instance_life(const char *run_dir, const char *owner)
{
	char name[40];
	char place[PLACE_BYTES];
	char here[PLACE_BYTES];
	char path[PATH_BYTES];
	char holder[INSTANCE_OWNER_BYTES] = "";
	CLEANUP_FD int fd = -1;
	int64_t pid;

	if (!split_owner(owner, name, place) ||
	    find_place(run_dir, here, NULL) < 0 || strcmp(place, here) != 0 ||
	    !lock_path(run_dir, name, path))
		return INSTANCE_ELSEWHERE;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return INSTANCE_ELSEWHERE;
	if (!is_locked(fd))
		return INSTANCE_DEAD;
	/* Half written: a new process has just taken the lock. */
	if (!read_lock(fd, holder, &pid) || strcmp(holder, owner) != 0)
		return INSTANCE_DEAD;
	return INSTANCE_ALIVE;
}

bool instance_is_running(const char *run_dir, const char *service, int number)
{
	char name[40];
	char path[PATH_BYTES];
	CLEANUP_FD int fd = -1;

	(void)snprintf(name, sizeof(name), "%s-%d", service, number);
	if (!lock_path(run_dir, name, path))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && is_locked(fd);
}
