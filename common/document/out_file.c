/* SPDX-License-Identifier: MIT */
#include "document/out_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"

enum {
	SYNC_EACH_MAX = 8 /* more are synced with all of their file system */
};

struct out_file {
	char *path, *temporary;
	int fd; /* -1: ended */
	bool published;
	int64_t bytes;
	struct digest *digest;
};

int out_file_new(const char *folder, const char *name,
		 struct out_file **ret_file, struct err *e)
{
	CLEANUP(out_file_freep) struct out_file *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return err_set(e, ERR_NOMEM, "%s: out of memory", name);
	f->fd = -1;
	f->published = true; /* there is nothing to remove yet */
	f->path = text_printf("%s/%s", folder, name);
	f->temporary = text_printf("%s/.%s.tmp", folder, name);
	f->digest = digest_new();
	if (f->path == NULL || f->temporary == NULL || f->digest == NULL)
		return err_set(e, ERR_NOMEM, "%s: out of memory", name);
	f->fd = open(f->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		     0640);
	if (f->fd < 0)
		return err_errno(e, ERR_IO, "%s", f->path);
	f->published = false;
	*ret_file = TAKE(f);
	return 0;
}

void out_file_free(struct out_file *file)
{
	if (file == NULL)
		return;
	if (file->fd >= 0)
		(void)close(file->fd);
	if (!file->published)
		(void)unlink(file->temporary);
	free(file->path);
	free(file->temporary);
	digest_free(file->digest);
	free(file);
}

int out_file_write(struct out_file *file, const void *data, size_t bytes,
		   struct err *e)
{
	const char *next = data;
	size_t left = bytes;

	while (left > 0) {
		ssize_t n = write(file->fd, next, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, ERR_IO, "%s", file->path);
		next += n;
		left -= (size_t)n;
	}
	digest_add(file->digest, data, bytes);
	file->bytes += (int64_t)bytes;
	return 0;
}

int out_file_end(struct out_file *file, struct out_file_facts *ret_facts,
		 struct err *e)
{
	int rc = close(file->fd);

	file->fd = -1;
	if (rc != 0)
		return err_errno(e, ERR_IO, "%s", file->path);
	ret_facts->bytes = file->bytes;
	digest_end(file->digest, ret_facts->hash);
	return 0;
}

static int sync_path(const char *path)
{
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 ? fsync(fd) : -1;
}

/* One sync of the file system costs less than hundreds of single ones. */
static int sync_all(int folder_fd, struct out_file *const *files, size_t count)
{
	if (count > SYNC_EACH_MAX)
		return syncfs(folder_fd);
	for (size_t i = 0; i < count; i++)
		if (sync_path(files[i]->temporary) != 0)
			return -1;
	return 0;
}

int out_file_publish(const char *folder, struct out_file *const *files,
		     size_t count, struct err *e)
{
	CLEANUP_FD int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || sync_all(fd, files, count) != 0)
		return err_errno(e, ERR_IO, "%s", folder);
	for (size_t i = 0; i < count; i++) {
		if (rename(files[i]->temporary, files[i]->path) != 0)
			return err_errno(e, ERR_IO, "%s", files[i]->path);
		files[i]->published = true;
	}
	return fsync(fd) == 0 ? 0 : err_errno(e, ERR_IO, "%s", folder);
}
