/* SPDX-License-Identifier: MIT
 *
 * nginx's own word on a configuration, before it replaces the one in use.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/edge/edge.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"

enum {
	CHECK_MS_MAX =
		60000, /* a machine that has just been switched on is busy */
	COMPLAINT_BYTES_MAX = 4096
};

static bool try_folder(const char *folder, size_t length,
		       char path[EDGE_PATH_BYTES])
{
	return length > 0 &&
	       snprintf(path, EDGE_PATH_BYTES, "%.*s/nginx", (int)length,
			folder) < EDGE_PATH_BYTES &&
	       access(path, X_OK) == 0;
}

int edge_find_nginx(char ret_path[EDGE_PATH_BYTES], struct err *e)
{
	const char *lists[] = {getenv("PATH"), /* NOLINT: nobody sets it */
			       "/usr/sbin:/usr/local/sbin:/sbin"};

	for (size_t i = 0; i < COUNT_OF(lists); i++) {
		const char *p = lists[i] != NULL ? lists[i] : "";

		while (*p != '\0') {
			size_t length = strcspn(p, ":");

			if (try_folder(p, length, ret_path))
				return 0;
			p += length;
			p += strspn(p, ":");
		}
	}
	return err_set(e, ERR_NOTFOUND,
		       "nginx is not installed: apt-get install nginx-light");
}

static int write_file(const char *path, const struct buf *text, struct err *e)
{
	CLEANUP_FD int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

	if (fd < 0)
		return err_errno(e, ERR_IO, "%s cannot be written", path);
	for (size_t done = 0; done < text->used_bytes;) {
		ssize_t n =
			write(fd, text->data + done, text->used_bytes - done);

		if (n < 0 && errno != EINTR)
			return err_errno(e, ERR_IO, "%s cannot be written",
					 path);
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int start_check(const char *nginx, const char *folder, const char *file,
		       int complaint_fd, pid_t *ret_pid, struct err *e)
{
	/* Constant, whatever the prototype of exec says. */
	const char *argv[] = {nginx, "-t",   "-q", "-e", "stderr",
			      "-p",  folder, "-c", file, NULL};
	const char *const *ours = argv;
	char *const *arguments;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	int rc;

	memcpy(&arguments, &ours, sizeof(arguments));
	(void)sigemptyset(&none);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawnattr_init(&attributes);
	/* The caller may have blocked signals, and a mask is inherited. */
	(void)posix_spawnattr_setsigmask(&attributes, &none);
	(void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	(void)posix_spawn_file_actions_adddup2(&actions, complaint_fd,
					       STDERR_FILENO);
	(void)posix_spawn_file_actions_adddup2(&actions, complaint_fd,
					       STDOUT_FILENO);
	rc = posix_spawn(ret_pid, nginx, &actions, &attributes, arguments,
			 environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attributes);
	errno = rc;
	return rc == 0 ? 0 : err_errno(e, ERR_IO, "%s cannot be run", nginx);
}

/* Read until nginx closes its end, which it does when it exits. False when it
 * takes too long. */
static bool listen_to(int fd, struct buf *complaint)
{
	int64_t deadline_ms = clock_mono_ms() + CHECK_MS_MAX;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char piece[512];

	for (;;) {
		int64_t left_ms = deadline_ms - clock_mono_ms();
		ssize_t n;

		if (left_ms <= 0)
			return false;
		if (poll(&p, 1, (int)left_ms) <= 0)
			continue;
		n = read(fd, piece, sizeof(piece));
		if (n == 0 || (n < 0 && errno != EINTR))
			return true;
		if (n > 0)
			buf_add(complaint, piece, (size_t)n);
	}
}

/* "DATE [emerg] PID#TID: TEXT in FILE:LINE\n..." from TEXT on. */
static int refuse(const struct buf *complaint, struct err *e)
{
	const char *text = strstr(buf_text(complaint), "[emerg]");
	const char *colon = text != NULL ? strstr(text, ": ") : NULL;

	if (colon != NULL)
		text = colon + 2;
	else
		text = buf_text(complaint);
	return err_set(e, ERR_INVALID, "nginx refuses its configuration: %.*s",
		       (int)strcspn(text, "\n"), text);
}

static int check(const char *nginx, const char *folder, const char *file,
		 struct err *e)
{
	CLEANUP(buf_clear)
	struct buf complaint = BUF_MAX(COMPLAINT_BYTES_MAX);
	CLEANUP_FD int ours = -1;
	CLEANUP_FD int theirs = -1;
	int fds[2];
	int status = 0;
	pid_t pid;
	int rc;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(e, ERR_IO, "pipe");
	ours = fds[0];
	theirs = fds[1];
	rc = start_check(nginx, folder, file, theirs, &pid, e);
	if (rc < 0)
		return rc;
	cleanup_fd(&theirs);
	theirs = -1;
	if (!listen_to(ours, &complaint))
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status))
		return err_set(e, ERR_IO, "%s -t did not end by itself", nginx);
	return WEXITSTATUS(status) == 0 ? 0 : refuse(&complaint, e);
}

int edge_write_checked(const struct config *config, const struct state_dir *dir,
		       struct err *e)
{
	CLEANUP(buf_clear) struct buf text = BUF_MAX(EDGE_BYTES_MAX);
	char nginx[EDGE_PATH_BYTES];
	char folder[EDGE_PATH_BYTES];
	char file[EDGE_PATH_BYTES];
	char candidate[EDGE_PATH_BYTES + 8];
	int rc = edge_find_nginx(nginx, e);

	if (rc == 0)
		rc = edge_render(config, dir, &text, e);
	if (rc < 0)
		return rc;
	edge_folder(dir, folder);
	edge_file(dir, file);
	(void)snprintf(candidate, sizeof(candidate), "%s.new", file);
	if (mkdir(folder, 0750) < 0 && errno != EEXIST)
		return err_errno(e, ERR_IO, "%s cannot be made", folder);
	rc = write_file(candidate, &text, e);
	if (rc == 0)
		rc = check(nginx, folder, candidate, e);
	if (rc < 0)
		return rc;
	if (rename(candidate, file) < 0)
		return err_errno(e, ERR_IO, "%s cannot be replaced", file);
	return 0;
}
