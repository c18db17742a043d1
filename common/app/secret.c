/* SPDX-License-Identifier: MIT */
#include "app/secret.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/small_file.h"
#include "app/state_dir.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/id.h"
#include "base/macros.h"
#include "base/text.h"

enum {
	FILE_BYTES_MAX = 2 * SECRET_BYTES_MAX + 16,
	PATH_BYTES = SECRET_PATH_BYTES
};

static const char *const ours[] = {
	"hook-token", "assembly-token", "console-admin-password",
	"erp-token",  "probe-key",      "telegram-callback",
};

/* A buffer that held a secret. */
static void wipe(struct buf *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->size_bytes);
	buf_clear(b);
}

static bool is_name(const char *name)
{
	return name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL &&
	       strlen(name) < 64;
}

/* systemd's folder wins when it has the file. A unit cannot do without one that
 * was never given, so SetCredential= puts an empty line in its place. */
void secret_path(const struct state_dir *dir, const char *name,
		 char path[SECRET_PATH_BYTES])
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY"); /* NOLINT */
	struct stat about;

	if (folder != NULL && folder[0] == '/' &&
	    snprintf(path, PATH_BYTES, "%s/%s", folder, name) < PATH_BYTES &&
	    stat(path, &about) == 0 && about.st_size > 1)
		return;
	(void)snprintf(path, PATH_BYTES, "%s/%s", dir->secrets, name);
}

/* Copy one line. Neither white space nor control characters: a token with a
 * space pasted at its end costs somebody a day. */
static int take_line(const char *name, const char *line, size_t length,
		     char target[SECRET_BYTES_MAX], struct err *e)
{
	if (length > 0 && line[length - 1] == '\r')
		length--;
	if (length == 0)
		return err_set(e, ERR_INVALID,
			       "secret %s is empty: write it into its file",
			       name);
	if (length >= SECRET_BYTES_MAX)
		return err_set(e, ERR_INVALID,
			       "secret %s is longer than %d bytes", name,
			       SECRET_BYTES_MAX - 1);
	for (size_t i = 0; i < length; i++)
		if (isspace((unsigned char)line[i]) ||
		    iscntrl((unsigned char)line[i]))
			return err_set(e, ERR_INVALID,
				       "secret %s holds white space", name);
	memcpy(target, line, length);
	target[length] = '\0';
	return 0;
}

static int take_lines(const char *name, const char *text, struct secret *secret,
		      struct err *e)
{
	size_t length = strcspn(text, "\n");
	const char *next = text + length + (text[length] == '\n' ? 1 : 0);
	int rc = take_line(name, text, length, secret->first, e);

	if (rc < 0 || *next == '\0')
		return rc;
	length = strcspn(next, "\n");
	if (next[length] == '\n' && next[length + 1] != '\0')
		return err_set(e, ERR_INVALID,
			       "secret %s has more than two lines", name);
	return take_line(name, next, length, secret->second, e);
}

int secret_load(const struct state_dir *dir, const char *name,
		struct secret *ret_secret, struct err *e)
{
	CLEANUP(wipe) struct buf text = BUF_MAX(FILE_BYTES_MAX);
	struct secret secret = {0};
	char path[PATH_BYTES];
	mode_t mode = 0;
	int rc;

	if (!is_name(name))
		return err_set(e, ERR_INVALID, "'%.40s' is no secret's name",
			       name);
	secret_path(dir, name, path);
	rc = small_file_read(path, &text, &mode, e);
	/* Nor may a service look into secrets/ when it has credentials. */
	if (rc < 0 && access(path, F_OK) != 0)
		return err_set(e, ERR_NOTFOUND,
			       "secret %s is missing: write it to %s", name,
			       path);
	if (rc < 0)
		return rc;
	if ((mode & S_IRWXO) != 0)
		return err_set(e, ERR_INVALID,
			       "secret %s is open to everyone: chmod 600 %s",
			       name, path);
	if (strlen(buf_text(&text)) != text.used_bytes)
		return err_set(e, ERR_INVALID, "secret %s holds a NUL byte",
			       name);
	rc = take_lines(name, buf_text(&text), &secret, e);
	if (rc == 0)
		*ret_secret = secret;
	explicit_bzero(&secret, sizeof(secret));
	return rc;
}

/* The whole file or nothing, whatever happens: written aside, synced, then
 * linked under its name unless another process was first. */
static int write_new(const char *folder, const char *name, struct err *e)
{
	char aside[PATH_BYTES];
	char path[PATH_BYTES];
	char text[SECRET_TEXT_BYTES];
	CLEANUP_FD int fd = -1;
	int rc = 0;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	(void)snprintf(aside, sizeof(aside), "%s/.%s.XXXXXX", folder, name);
	fd = mkostemp(aside, O_CLOEXEC); /* mode 0600 */
	if (fd < 0)
		return err_errno(e, ERR_IO, "%s cannot be written", folder);
	id_make_secret(text);
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
	    fsync(fd) < 0 || (link(aside, path) < 0 && errno != EEXIST))
		rc = err_errno(e, ERR_IO, "%s cannot be written", path);
	explicit_bzero(text, sizeof(text));
	(void)unlink(aside);
	return rc;
}

static int sync_folder(const char *folder, struct err *e)
{
	CLEANUP_FD int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return err_errno(e, ERR_IO, "%s cannot be synced", folder);
	return 0;
}

int secret_make_missing(const struct state_dir *dir, struct err *e)
{
	for (size_t i = 0; i < COUNT_OF(ours); i++) {
		char path[PATH_BYTES];
		int rc;

		secret_path(dir, ours[i], path);
		if (access(path, F_OK) == 0)
			continue;
		rc = write_new(dir->secrets, ours[i], e);
		if (rc < 0)
			return rc;
	}
	return sync_folder(dir->secrets, e);
}

bool secret_matches(const struct secret *secret, const char *given)
{
	bool first;
	bool second;

	if (given == NULL || secret->first[0] == '\0')
		return false;
	/* Both are always compared: the time tells nothing about which. */
	first = text_equal_constant_time(given, secret->first);
	second = text_equal_constant_time(given, secret->second);
	return first || (second && secret->second[0] != '\0');
}
