/* SPDX-License-Identifier: MIT
 *
 * temp_folder.h - a folder of the test's own, removed with all that is in it.
 */
#ifndef TEMP_FOLDER_H
#define TEMP_FOLDER_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	TEMP_PATH_BYTES = 512
};

struct temp_folder {
	char path[64];
};

static inline int temp_remove_one(const char *path, const struct stat *about,
				  int type, struct FTW *where)
{
	(void)about;
	(void)type;
	(void)where;
	return remove(path);
}

/* 0 or -1. */
static inline int temp_folder_make(struct temp_folder *folder)
{
	(void)snprintf(folder->path, sizeof(folder->path),
		       "/tmp/ordergate-test-XXXXXX");
	return mkdtemp(folder->path) != NULL ? 0 : -1;
}

static inline void temp_folder_remove(const struct temp_folder *folder)
{
	(void)nftw(folder->path, temp_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* folder/name in `path`, which is returned. */
static inline const char *temp_path(const struct temp_folder *folder,
				    const char *name,
				    char path[TEMP_PATH_BYTES])
{
	(void)snprintf(path, TEMP_PATH_BYTES, "%s/%s", folder->path, name);
	return path;
}

/* Write the whole file with that mode. 0 or -1. */
static inline int temp_write(const struct temp_folder *folder, const char *name,
			     const void *data, size_t bytes, mode_t mode)
{
	char path[TEMP_PATH_BYTES];
	int fd = open(temp_path(folder, name, path),
		      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int rc = -1;

	if (fd < 0)
		return -1;
	if (write(fd, data, bytes) == (ssize_t)bytes && fchmod(fd, mode) == 0)
		rc = 0;
	(void)close(fd);
	return rc;
}

/* The file as a text of at most `size` - 1 bytes; "" when there is none. */
static inline void temp_read(const struct temp_folder *folder, const char *name,
			     char *text, size_t size)
{
	char path[TEMP_PATH_BYTES];
	int fd = open(temp_path(folder, name, path), O_RDONLY | O_CLOEXEC);
	ssize_t got = 0;

	if (fd >= 0) {
		got = read(fd, text, size - 1);
		(void)close(fd);
	}
	text[got > 0 ? got : 0] = '\0';
}

#endif
