/* SPDX-License-Identifier: MIT
 *
 * What is ours is told by /proc: by the arguments; by the environment for what
 * our services and commands have started; and by the working directory for the
 * workers of nginx, which write their titles over both.
 */
#include "leftover.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/edge/edge.h"
#include "app/small_file.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/text.h"

enum {
	LIST_BYTES_MAX = 256 * 1024,
	STAT_BYTES_MAX = 1024,
	VARIABLE_BYTES = STATE_PATH_BYTES + 32,
	PROC_PATH_BYTES = 64,
	POLL_MS = 10
};

static void cleanup_dir(DIR **folder)
{
	if (*folder != NULL)
		(void)closedir(*folder);
}

/* One process after another; 0 at the end. */
static pid_t next_process(DIR *proc)
{
	const struct dirent *entry;
	int64_t pid;

	while ((entry = readdir(proc)) != NULL) /* NOLINT: one thread */
		if (text_to_i64(entry->d_name, 1, INT32_MAX, &pid, NULL) == 0)
			return (pid_t)pid;
	return 0;
}

/* The file of /proc, which is a list of texts. False when it may not be read
 * or the process is gone. */
static bool read_list(pid_t pid, const char *name, struct buf *list)
{
	char path[PROC_PATH_BYTES];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return small_file_read(path, list, NULL, NULL) == 0;
}

static bool holds(const struct buf *list, const char *text)
{
	const char *p = buf_text(list);
	const char *end = p + list->used_bytes;

	for (; p < end; p += strlen(p) + 1)
		if (strcmp(p, text) == 0)
			return true;
	return false;
}

static bool has_our_arguments(pid_t pid, const struct state_dir *dir)
{
	CLEANUP(buf_clear) struct buf list = BUF_MAX(LIST_BYTES_MAX);
	const char *name;

	if (!read_list(pid, "cmdline", &list))
		return false;
	name = strrchr(buf_text(&list), '/');
	/* A supervisor is none: it has the lock, or is about to give up. */
	return name != NULL && strncmp(name, "/ordergate-", 11) == 0 &&
	       strcmp(name, "/ordergate-supervisor") != 0 &&
	       holds(&list, "--state") && holds(&list, dir->root);
}

static bool has_our_environment(pid_t pid, const struct state_dir *dir)
{
	CLEANUP(buf_clear) struct buf list = BUF_MAX(LIST_BYTES_MAX);
	char variable[VARIABLE_BYTES];

	(void)snprintf(variable, sizeof(variable), "ORDERGATE_STATE=%s",
		       dir->root);
	return read_list(pid, "environ", &list) && holds(&list, variable) &&
	       holds(&list, "ORDERGATE_SUPERVISED=1");
}

static bool is_in_edge_folder(pid_t pid, const struct state_dir *dir)
{
	char link[PROC_PATH_BYTES];
	char folder[EDGE_PATH_BYTES];
	char there[EDGE_PATH_BYTES];
	ssize_t length;

	(void)snprintf(link, sizeof(link), "/proc/%d/cwd", (int)pid);
	length = readlink(link, there, sizeof(there) - 1);
	if (length <= 0)
		return false;
	there[length] = '\0';
	edge_folder(dir, folder);
	return strcmp(there, folder) == 0;
}

static bool is_nginx(pid_t pid)
{
	CLEANUP(buf_clear) struct buf name = BUF_MAX(PROC_PATH_BYTES);
	char path[PROC_PATH_BYTES];

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	return small_file_read(path, &name, NULL, NULL) == 0 &&
	       strcmp(buf_text(&name), "nginx\n") == 0;
}

static int kill_once(const struct state_dir *dir)
{
	CLEANUP(cleanup_dir) DIR *proc = opendir("/proc");
	int count = 0;
	pid_t pid;

	while (proc != NULL && (pid = next_process(proc)) != 0) {
		if (pid == getpid() || pid == getppid())
			continue;
		if (!has_our_arguments(pid, dir) &&
		    !has_our_environment(pid, dir) &&
		    !(is_in_edge_folder(pid, dir) && is_nginx(pid)))
			continue;
		count++;
		(void)kill(pid, SIGKILL);
	}
	return count;
}

int leftover_kill(const struct state_dir *dir, int wait_ms)
{
	int64_t deadline_ms = clock_mono_ms() + wait_ms;
	int found = kill_once(dir);

	for (int left = found; left > 0 && clock_mono_ms() < deadline_ms;
	     left = kill_once(dir))
		(void)poll(NULL, 0, POLL_MS);
	return found;
}

/* Field 4 of /proc/PID/stat; the name before it is in brackets and may hold
 * anything. 0 when the process is gone. */
static pid_t parent_of(pid_t pid)
{
	CLEANUP(buf_clear) struct buf text = BUF_MAX(STAT_BYTES_MAX);
	char path[PROC_PATH_BYTES];
	char *bracket;
	int64_t parent;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (small_file_read(path, &text, NULL, NULL) < 0)
		return 0;
	/* ") S 1234 ..." */
	bracket = strrchr(buf_text(&text), ')');
	if (bracket == NULL || strlen(bracket) < 5)
		return 0;
	bracket[4 + strcspn(bracket + 4, " ")] = '\0';
	return text_to_i64(bracket + 4, 0, INT32_MAX, &parent, NULL) == 0
		       ? (pid_t)parent
		       : 0;
}

/* Grandchildren become children when their parent dies, so that a few rounds
 * reach everybody. */
int leftover_kill_descendants(void)
{
	CLEANUP(cleanup_dir) DIR *proc = opendir("/proc");
	int count = 0;
	pid_t pid;

	while (proc != NULL && (pid = next_process(proc)) != 0) {
		if (parent_of(pid) != getpid())
			continue;
		count++;
		(void)kill(pid, SIGKILL);
	}
	return count;
}
