/* SPDX-License-Identifier: MIT */
#include "app/state_dir.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/secret.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"

enum {
	/* Leaves room for the longest name that we put below it. */
	ROOT_BYTES_MAX = STATE_PATH_BYTES - 80
};

static const struct {
	const char *name;
	size_t offset;
	mode_t mode;
	bool transient; /* made at every start: nothing in it is kept */
} folders[] = {
	{"run", offsetof(struct state_dir, run), 0750, true},
	{"secrets", offsetof(struct state_dir, secrets), 0700, false},
	{"export", offsetof(struct state_dir, export), 0750, false},
	{"backup", offsetof(struct state_dir, backup), 0750, false},
	{"log", offsetof(struct state_dir, log), 0750, false},
	{"tls", offsetof(struct state_dir, tls), 0750, false},
	{"incoming", offsetof(struct state_dir, incoming), 0750, false},
};

/* systemd gives a list when a unit has several; ours is the first. */
static bool runtime_directory(char path[STATE_PATH_BYTES])
{
	const char *list = getenv("RUNTIME_DIRECTORY"); /* NOLINT */
	size_t length;

	if (list == NULL || list[0] != '/')
		return false;
	length = strcspn(list, ":");
	if (length > ROOT_BYTES_MAX)
		return false;
	memcpy(path, list, length);
	path[length] = '\0';
	return true;
}

static int make_folder(const char *path, mode_t mode, struct err *e)
{
	if (mkdir(path, mode) == 0 || errno == EEXIST)
		return 0;
	return err_errno(e, ERR_IO, "%s cannot be made", path);
}

static int check_writable(const char *path, struct err *e)
{
	if (eaccess(path, W_OK | X_OK) == 0)
		return 0;
	return err_errno(e, ERR_IO,
			 "%s is not writable by user %u: give it to that user",
			 path, (unsigned)geteuid());
}

static int find_root(const char *path, bool create, struct state_dir *dir,
		     struct err *e)
{
	CLEANUP_FREE char *root = NULL;
	struct stat about;
	int rc = create ? make_folder(path, 0750, e) : 0;

	if (rc < 0)
		return rc;
	root = realpath(path, NULL);
	if (root == NULL && (errno == ENOENT || errno == ENOTDIR))
		return err_set(e, ERR_NOTFOUND,
			       "state directory %.120s is not there: make it "
			       "by `ordergatectl --state DIR init`",
			       path);
	if (root == NULL)
		return err_errno(e, ERR_IO, "state directory %.120s", path);
	if (strlen(root) > ROOT_BYTES_MAX)
		return err_set(e, ERR_IO,
			       "the path of the state directory is longer "
			       "than %d bytes",
			       ROOT_BYTES_MAX);
	if (stat(root, &about) < 0 || !S_ISDIR(about.st_mode))
		return err_set(e, ERR_IO, "%.120s is not a directory", root);
	(void)text_copy(dir->root, sizeof(dir->root), root);
	return check_writable(dir->root, e);
}

/* root/name; root is at most ROOT_BYTES_MAX long. */
static void join(const char *root, const char *name,
		 char path[STATE_PATH_BYTES])
{
	char joined[STATE_PATH_BYTES];

	(void)snprintf(joined, sizeof(joined), "%.*s/%s", ROOT_BYTES_MAX, root,
		       name);
	memcpy(path, joined, sizeof(joined));
}

int state_dir_open(const char *path, bool create, struct state_dir *ret_dir,
		   struct err *e)
{
	struct state_dir dir = {0};
	int rc = find_root(path, create, &dir, e);

	for (size_t i = 0; i < COUNT_OF(folders) && rc == 0; i++) {
		char *folder = (char *)&dir + folders[i].offset;

		if (!folders[i].transient || !runtime_directory(folder))
			join(dir.root, folders[i].name, folder);
		if (create || folders[i].transient)
			rc = make_folder(folder, folders[i].mode, e);
	}
	if (rc == 0)
		rc = check_writable(dir.run, e);
	if (rc == 0)
		*ret_dir = dir;
	return rc;
}

/* The URL; and where libpq finds the password, if in a secret of ours. */
static int server_location(const struct state_dir *dir, const char *store_url,
			   char ret_path[STATE_STORE_BYTES], struct err *e)
{
	CLEANUP(buf_clear)
	struct buf url = BUF_MAX((size_t)4 * STATE_STORE_BYTES);
	char file[SECRET_PATH_BYTES];

	buf_add_text(&url, store_url);
	secret_path(dir, "store-passfile", file);
	if (strstr(store_url, "passfile=") == NULL && access(file, R_OK) == 0) {
		buf_add_text(&url, strchr(store_url, '?') == NULL ? "?" : "&");
		buf_add_text(&url, "passfile=");
		buf_add_url(&url, file);
	}
	if (!text_copy(ret_path, STATE_STORE_BYTES, buf_text(&url)))
		return err_set(e, ERR_INVALID,
			       "store.url is longer than %d bytes",
			       STATE_STORE_BYTES - 1);
	return 0;
}

int state_dir_store_path(const struct state_dir *dir, const char *store_url,
			 char ret_path[STATE_STORE_BYTES], struct err *e)
{
	static const char prefix[] = "sqlite:";
	static const char server[] = "postgresql://";
	const char *name;
	int length;

	if (strncmp(store_url, server, strlen(server)) == 0)
		return server_location(dir, store_url, ret_path, e);
	if (strncmp(store_url, prefix, strlen(prefix)) != 0)
		return err_set(
			e, ERR_INVALID,
			"store.url is neither \"sqlite:ordergate.db\" nor "
			"\"postgresql://...\"");
	name = store_url + strlen(prefix);
	if (name[0] == '\0' || name[0] == '.' ||
	    (name[0] != '/' && strchr(name, '/') != NULL))
		return err_set(e, ERR_INVALID,
			       "store.url: '%.60s' is neither a file name nor "
			       "an absolute path",
			       name);
	if (name[0] == '/')
		length = snprintf(ret_path, STATE_STORE_BYTES, "%s", name);
	else
		length = snprintf(ret_path, STATE_STORE_BYTES, "%s/%s",
				  dir->root, name);
	if (length >= STATE_STORE_BYTES)
		return err_set(e, ERR_INVALID,
			       "store.url: the path is longer than %d bytes",
			       STATE_STORE_BYTES - 1);
	return 0;
}
