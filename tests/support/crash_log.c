/* SPDX-License-Identifier: MIT */
#include "crash_log.h"

#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
	SECTOR_BYTES = 512,
	ENTRIES_MAX = 200000,
	FILE_BYTES_MAX = 64 * 1024 * 1024,
	PATH_BYTES = 256
};

enum kind {
	WRITE,
	TRUNCATE,
	SYNC,
	TOLD
};

struct entry {
	enum kind kind;
	enum crash_file file;
	int64_t at;    /* TRUNCATE: size; SYNC: entries before its begin */
	int bytes;     /* TOLD: what */
	uint8_t *data; /* owned */
};

struct content {
	uint8_t *data; /* FILE_BYTES_MAX */
	int64_t size;
};

static struct {
	pthread_mutex_t mutex;
	bool on, ignores_log_syncs;
	struct entry *entries;
	int count;
	struct content base[CRASH_FILES];
} crash = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static const char *const suffixes[CRASH_FILES] = {"", "-wal"};

static void path_of(char path[PATH_BYTES], const char *store, int file)
{
	(void)snprintf(path, PATH_BYTES, "%s%s", store, suffixes[file]);
}

static void read_base(const char *store_path, int file)
{
	struct content *base = &crash.base[file];
	char path[PATH_BYTES];
	ssize_t got = 0;

	path_of(path, store_path, file);
	base->data = calloc(1, FILE_BYTES_MAX);
	assert(base->data != NULL);
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		got = read(fd, base->data, FILE_BYTES_MAX);
	assert(got >= 0);
	base->size = got;
}

void crash_log_start(const char *store_path)
{
	crash.entries = calloc(ENTRIES_MAX, sizeof(*crash.entries));
	assert(crash.entries != NULL);
	crash.count = 0;
	for (int file = 0; file < CRASH_FILES; file++)
		read_base(store_path, file);
	(void)pthread_mutex_lock(&crash.mutex);
	crash.on = true;
	(void)pthread_mutex_unlock(&crash.mutex);
}

void crash_log_end(void)
{
	(void)pthread_mutex_lock(&crash.mutex);
	crash.on = false;
	(void)pthread_mutex_unlock(&crash.mutex);
}

void crash_log_forget(void)
{
	for (int i = 0; i < crash.count; i++)
		free(crash.entries[i].data);
	free(crash.entries);
	for (int file = 0; file < CRASH_FILES; file++)
		free(crash.base[file].data);
	crash.count = 0;
}

bool crash_log_is_on(void)
{
	bool on;

	(void)pthread_mutex_lock(&crash.mutex);
	on = crash.on;
	(void)pthread_mutex_unlock(&crash.mutex);
	return on;
}

static void add(struct entry entry)
{
	(void)pthread_mutex_lock(&crash.mutex);
	if (crash.on) {
		assert(crash.count < ENTRIES_MAX);
		crash.entries[crash.count++] = entry;
	} else {
		free(entry.data);
	}
	(void)pthread_mutex_unlock(&crash.mutex);
}

void crash_log_write(enum crash_file file, const void *data, int bytes,
		     int64_t at)
{
	uint8_t *copy = malloc((size_t)bytes);

	assert(copy != NULL && at + bytes <= FILE_BYTES_MAX);
	memcpy(copy, data, (size_t)bytes);
	add((struct entry){WRITE, file, at, bytes, copy});
}

void crash_log_truncate(enum crash_file file, int64_t size)
{
	add((struct entry){TRUNCATE, file, size, 0, NULL});
}

int crash_log_sync_begin(void)
{
	int count;

	(void)pthread_mutex_lock(&crash.mutex);
	count = crash.count;
	(void)pthread_mutex_unlock(&crash.mutex);
	return count;
}

void crash_log_sync_end(enum crash_file file, int begun)
{
	if (file != CRASH_LOG || !crash.ignores_log_syncs)
		add((struct entry){SYNC, file, begun, 0, NULL});
}

void crash_log_ignore_log_syncs(bool ignore)
{
	crash.ignores_log_syncs = ignore;
}

void crash_log_told(int what)
{
	add((struct entry){TOLD, CRASH_STORE, 0, what, NULL});
}

int crash_log_moments(void)
{
	return crash.count;
}

bool crash_log_was_told(int what, int moment)
{
	for (int i = 0; i < moment; i++)
		if (crash.entries[i].kind == TOLD &&
		    crash.entries[i].bytes == what)
			return true;
	return false;
}

/* A small generator of our own (SplitMix64), so that a seed means the same
 * everywhere. */
static bool chance(uint64_t *seed)
{
	uint64_t z = (*seed += UINT64_C(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return ((z ^ (z >> 31)) & 1) != 0;
}

/* A write that was not synced: whole sectors of it, or not. */
static void apply_write(const struct entry *entry, struct content *content,
			bool synced, uint64_t *seed)
{
	for (int done = 0; done < entry->bytes;) {
		int64_t at = entry->at + done;
		int part = SECTOR_BYTES - (int)(at % SECTOR_BYTES);

		if (part > entry->bytes - done)
			part = entry->bytes - done;
		if (synced || *seed == 1 || (*seed > 1 && chance(seed))) {
			memcpy(content->data + at, entry->data + done,
			       (size_t)part);
			if (at + part > content->size)
				content->size = at + part;
		}
		done += part;
	}
}

static void apply_truncate(const struct entry *entry, struct content *content,
			   bool synced, uint64_t *seed)
{
	if (!synced && *seed != 1 && (*seed == 0 || !chance(seed)))
		return;
	if (entry->at < content->size)
		memset(content->data + entry->at, 0,
		       (size_t)(content->size - entry->at));
	content->size = entry->at;
}

/* Entries of the file before this one are on the disk at that moment. */
static int64_t synced_until(enum crash_file file, int moment)
{
	int64_t until = 0;

	for (int i = 0; i < moment; i++) {
		const struct entry *entry = &crash.entries[i];

		if (entry->kind == SYNC && entry->file == file &&
		    entry->at > until)
			until = entry->at;
	}
	return until;
}

static void build(enum crash_file file, int moment, uint64_t seed,
		  struct content *content)
{
	int64_t until = synced_until(file, moment);

	content->size = crash.base[file].size;
	memcpy(content->data, crash.base[file].data, (size_t)content->size);
	for (int i = 0; i < moment; i++) {
		const struct entry *entry = &crash.entries[i];

		if (entry->file != file)
			continue;
		if (entry->kind == WRITE)
			apply_write(entry, content, i < until, &seed);
		else if (entry->kind == TRUNCATE)
			apply_truncate(entry, content, i < until, &seed);
	}
}

void crash_log_image(int moment, uint64_t seed, const char *store_path)
{
	struct content content = {.data = calloc(1, FILE_BYTES_MAX)};
	char path[PATH_BYTES];

	assert(content.data != NULL);
	for (int file = 0; file < CRASH_FILES; file++) {
		ssize_t written;

		memset(content.data, 0, (size_t)content.size);
		build((enum crash_file)file, moment,
		      seed + (uint64_t)(seed > 1 ? file : 0), &content);
		path_of(path, store_path, file);
		CLEANUP_FD int fd = open(
			path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

		assert(fd >= 0);
		written = write(fd, content.data, (size_t)content.size);
		assert(written == content.size);
	}
	free(content.data);
}
