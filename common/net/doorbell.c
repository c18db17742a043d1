/* SPDX-License-Identifier: MIT */
#include "net/doorbell.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"

enum {
	SOCKET_FLAGS = SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	SOCKET_MODE = 0660,
	NAME_BYTES = 64,  /* "topic@instance.bell" and NUL */
	BELLS_MAX = 128,  /* of all topics; more are left to their polling */
	SCAN_MS = 1000,   /* a new bell is found within this time */
	DRAIN_MAX = 10000 /* the kernel queues 10 or, if set so, some more */
};

static const char suffix[] = ".bell";

struct doorbell_ringer {
	int fd;
	char *run_dir;
	int64_t scanned_ms;
	bool scanned;
	int count;
	char bells[BELLS_MAX][NAME_BYTES];
};

/* A name within a topic's bells: "processor-1" but not "../x" or "a@b". */
static bool is_word(const char *text)
{
	return text[0] != '\0' && text[0] != '.' && strpbrk(text, "/@") == NULL;
}

static int address_of(const char *run_dir, const char *name,
		      struct sockaddr_un *ret, struct err *e)
{
	int n;

	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	n = snprintf(ret->sun_path, sizeof(ret->sun_path), "%s/%s", run_dir,
		     name);
	if (n < 0 || (size_t)n >= sizeof(ret->sun_path))
		return err_set(e, ERR_INVALID,
			       "bell path of %d characters, at most %zu: %s/%s",
			       n, sizeof(ret->sun_path) - 1, run_dir, name);
	return 0;
}

int doorbell_open(const char *run_dir, const char *topic, const char *instance,
		  struct err *e)
{
	struct sockaddr_un address;
	char name[NAME_BYTES];
	CLEANUP_FD int fd = -1;
	int n;
	int rc;

	n = snprintf(name, sizeof(name), "%s@%s%s", topic, instance, suffix);
	if (n < 0 || (size_t)n >= sizeof(name) || !is_word(topic) ||
	    !is_word(instance))
		return err_set(e, ERR_INVALID, "bell name %s@%s", topic,
			       instance);
	rc = address_of(run_dir, name, &address, e);
	if (rc < 0)
		return rc;

	fd = socket(AF_UNIX, SOCKET_FLAGS, 0);
	if (fd < 0)
		return err_errno(e, ERR_IO, "socket");
	/* The name is ours alone (an instance holds a lock), so what is there
	 * is left over from a process that died. */
	(void)unlink(address.sun_path);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    chmod(address.sun_path, SOCKET_MODE) < 0)
		return err_errno(e, ERR_IO, "bell %s", address.sun_path);
	return take_fd(&fd);
}

int doorbell_drain(int fd)
{
	char byte;
	int n = 0;

	while (n < DRAIN_MAX) {
		ssize_t got = recv(fd, &byte, sizeof(byte), MSG_DONTWAIT);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			break;
		n++;
	}
	return n;
}

static struct doorbell_ringer *make_ringer(const char *run_dir)
{
	struct doorbell_ringer *ringer = calloc(1, sizeof(*ringer));

	if (ringer == NULL)
		return NULL;
	ringer->fd = -1;
	ringer->run_dir = strdup(run_dir);
	return ringer;
}

int doorbell_ringer_new(const char *run_dir, struct doorbell_ringer **ret,
			struct err *e)
{
	CLEANUP(doorbell_ringer_freep)
	struct doorbell_ringer *ringer = make_ringer(run_dir);

	if (ringer == NULL || ringer->run_dir == NULL)
		return err_set(e, ERR_NOMEM, "no memory for a ringer");
	ringer->fd = socket(AF_UNIX, SOCKET_FLAGS, 0);
	if (ringer->fd < 0)
		return err_errno(e, ERR_IO, "socket");
	*ret = TAKE(ringer);
	return 0;
}

void doorbell_ringer_free(struct doorbell_ringer *ringer)
{
	if (ringer == NULL)
		return;
	if (ringer->fd >= 0)
		(void)close(ringer->fd);
	free(ringer->run_dir);
	free(ringer);
}

static bool is_bell(const char *name)
{
	size_t n = strlen(name);

	return n >= sizeof(suffix) && n < NAME_BYTES &&
	       strchr(name, '@') != NULL &&
	       strcmp(name + n - (sizeof(suffix) - 1), suffix) == 0;
}

static void scan(struct doorbell_ringer *ringer)
{
	const struct dirent *entry;
	DIR *dir = opendir(ringer->run_dir);

	ringer->count = 0;
	if (dir == NULL)
		return;
	while (ringer->count < BELLS_MAX &&
	       (entry = readdir(dir)) != NULL) { /* NOLINT: dir is ours */
		if (!is_bell(entry->d_name))
			continue;
		(void)text_copy(ringer->bells[ringer->count], NAME_BYTES,
				entry->d_name);
		ringer->count++;
	}
	(void)closedir(dir);
}

/* False when nobody is there. The file of a bell without a listener stays: in
 * the moment between our look and an unlink() its owner may have come back and
 * bound it anew, and would then wait behind a name that is gone. The owner
 * replaces it, and until then it costs one failing call a second. */
static bool ring(const struct doorbell_ringer *ringer, const char *name)
{
	struct sockaddr_un address;
	ssize_t n;

	if (address_of(ringer->run_dir, name, &address, NULL) < 0)
		return false;
	do {
		n = sendto(ringer->fd, "!", 1, MSG_DONTWAIT | MSG_NOSIGNAL,
			   (const struct sockaddr *)&address, sizeof(address));
	} while (n < 0 && errno == EINTR);
	return n >= 0 || errno == EAGAIN || errno == ENOBUFS;
}

void doorbell_ring(struct doorbell_ringer *ringer, const char *topic)
{
	int64_t now_ms = clock_mono_ms();
	size_t n = strlen(topic);

	if (!ringer->scanned || now_ms - ringer->scanned_ms >= SCAN_MS ||
	    now_ms < ringer->scanned_ms) {
		scan(ringer);
		ringer->scanned = true;
		ringer->scanned_ms = now_ms;
	}
	for (int i = 0; i < ringer->count; i++) {
		char *bell = ringer->bells[i];

		if (strncmp(bell, topic, n) != 0 || bell[n] != '@' ||
		    ring(ringer, bell))
			continue;
		/* Forget it until the next scan; the last takes its place. */
		ringer->count--;
		memmove(bell, ringer->bells[ringer->count], NAME_BYTES);
		i--;
	}
}

void doorbell_touch(int fd)
{
	struct sockaddr_un own;
	socklen_t bytes = sizeof(own);

	if (getsockname(fd, (struct sockaddr *)&own, &bytes) == 0)
		(void)!sendto(fd, "!", 1, MSG_DONTWAIT | MSG_NOSIGNAL,
			      (const struct sockaddr *)&own, bytes);
}
