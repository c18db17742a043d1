/* SPDX-License-Identifier: MIT */
#include "taken_config.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/config/config.h"
#include "app/service/service.h"
#include "app/small_file.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"

static int write_file(const char *path, const struct buf *text, struct err *e)
{
	CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
				 S_IRUSR | S_IWUSR);
	ssize_t bytes =
		fd < 0 ? -1 : write(fd, buf_text(text), text->used_bytes);

	return bytes == (ssize_t)text->used_bytes
		       ? 0
		       : err_errno(e, ERR_IO, "%s", path);
}

/* It may have been changed since it was taken. */
static int check(const char *path, struct err *e)
{
	struct config *config = NULL;
	int rc = config_load(path, true, &config, e);

	config_free(config);
	return rc;
}

int taken_config_copy(const struct service *s,
		      char ret_path[TAKEN_CONFIG_PATH_BYTES], struct err *e)
{
	CLEANUP(buf_clear) struct buf text = BUF_MAX(CONFIG_FILE_BYTES_MAX);
	char path[TAKEN_CONFIG_PATH_BYTES];
	char aside[TAKEN_CONFIG_PATH_BYTES];
	int rc = small_file_read(s->config_path, &text, NULL, e);

	if (rc == ERR_NOTFOUND) {
		ret_path[0] = '\0';
		return 0;
	}
	(void)snprintf(path, sizeof(path), "%s/%s.conf", s->dir.run,
		       s->instance.name);
	(void)snprintf(aside, sizeof(aside), "%s/%s.conf.new", s->dir.run,
		       s->instance.name);
	if (rc == 0)
		rc = write_file(aside, &text, e);
	if (rc == 0)
		rc = check(aside, e);
	if (rc == 0 && rename(aside, path) < 0)
		rc = err_errno(e, ERR_IO, "%s", path);
	if (rc < 0)
		return rc;
	(void)text_copy(ret_path, TAKEN_CONFIG_PATH_BYTES, path);
	return 0;
}
