/* SPDX-License-Identifier: MIT */
#include "app/metrics/metrics.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/metrics/metrics_private.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"

enum {
	PATH_BYTES = 512
};

const int64_t metric_bounds_ms[METRIC_BUCKETS - 1] = {
	1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000,
};

/* What callers hold: it stays the same when the slots move to the file. */
struct metric {
	_Atomic(struct metrics_slot *) slot;
};

static struct metrics_file private_file;
static struct {
	pthread_mutex_t lock; /* for making slots, and for the move */
	struct metrics_file *file;
	/* Twice: those given out before the move, and those made after it. */
	struct metric handles[2 * METRIC_SLOTS_MAX];
	size_t handle_count;
} all = {.lock = PTHREAD_MUTEX_INITIALIZER, .file = &private_file};

/* The first slot is where everything goes that found no slot. */
static const char overflow_name[] = "ordergate_metrics_overflow_total";

static bool slot_is(const struct metrics_slot *slot, const char *name,
		    const char *label)
{
	return strcmp(slot->name, name) == 0 && strcmp(slot->label, label) == 0;
}

/* The slot of that name or a new one; NULL when all are taken. Under the lock.
 */
static struct metrics_slot *find_slot(struct metrics_file *file,
				      enum metric_kind kind, const char *name,
				      const char *label)
{
	for (size_t i = 0; i < METRIC_SLOTS_MAX; i++) {
		struct metrics_slot *slot = &file->slots[i];

		if (atomic_load(&slot->state) == METRICS_SLOT_FREE) {
			slot->kind = (uint32_t)kind;
			(void)text_copy(slot->name, sizeof(slot->name), name);
			(void)text_copy(slot->label, sizeof(slot->label),
					label);
			atomic_store(&slot->state, METRICS_SLOT_READY);
			return slot;
		}
		if (!slot_is(slot, name, label))
			continue;
		if (slot->kind != (uint32_t)kind)
			return NULL;
		if (atomic_load(&slot->state) == METRICS_SLOT_FORGOTTEN)
			atomic_store(&slot->values[0], 0);
		atomic_store(&slot->state, METRICS_SLOT_READY);
		return slot;
	}
	return NULL;
}

/* Under the lock. */
static struct metric *handle_of(struct metrics_slot *slot)
{
	struct metric *m = all.handles;

	for (size_t i = 0; i < all.handle_count; i++, m++)
		if (atomic_load(&m->slot) == slot)
			return m;
	assert(all.handle_count < COUNT_OF(all.handles));
	all.handle_count++;
	atomic_store(&m->slot, slot);
	return m;
}

struct metric *metric_get(enum metric_kind kind, const char *name,
			  const char *label)
{
	struct metrics_slot *slot;
	struct metric *m;

	assert(strlen(name) < METRIC_NAME_BYTES);
	assert(strlen(label) < METRIC_LABEL_BYTES);
	(void)pthread_mutex_lock(&all.lock);
	(void)find_slot(all.file, METRIC_COUNTER, overflow_name, "");
	slot = find_slot(all.file, kind, name, label);
	m = handle_of(slot != NULL ? slot : &all.file->slots[0]);
	(void)pthread_mutex_unlock(&all.lock);
	return m;
}

static struct metrics_slot *slot_of(struct metric *m)
{
	return atomic_load_explicit(&m->slot, memory_order_acquire);
}

static void count(struct metrics_slot *slot, int value, int64_t delta)
{
	(void)atomic_fetch_add_explicit(&slot->values[value], delta,
					memory_order_relaxed);
}

/* The overflow slot is there to be seen: it counts calls. */
static bool is_overflow(const struct metrics_slot *slot)
{
	return strcmp(slot->name, overflow_name) == 0;
}

void metric_add(struct metric *m, int64_t delta)
{
	struct metrics_slot *slot = slot_of(m);

	count(slot, 0, is_overflow(slot) ? 1 : delta);
}

void metric_set(struct metric *m, int64_t value)
{
	struct metrics_slot *slot = slot_of(m);

	if (is_overflow(slot))
		count(slot, 0, 1);
	else
		atomic_store_explicit(&slot->values[0], value,
				      memory_order_relaxed);
}

void metric_observe_ms(struct metric *m, int64_t value_ms)
{
	struct metrics_slot *slot = slot_of(m);
	int bucket = 0;

	if (is_overflow(slot)) {
		count(slot, 0, 1);
		return;
	}
	while (bucket < METRIC_BUCKETS - 1 &&
	       value_ms > metric_bounds_ms[bucket])
		bucket++;
	count(slot, bucket, 1);
	count(slot, METRIC_SUM, value_ms);
}

static void start_file(struct metrics_file *file)
{
	file->format = METRICS_FORMAT;
	file->slot_bytes = sizeof(struct metrics_slot);
	(void)text_copy(file->version, sizeof(file->version),
			ORDERGATE_VERSION);
}

/* Of this very program: another version may count other things. */
static bool is_ours(const struct metrics_file *file)
{
	return file->format == METRICS_FORMAT &&
	       file->slot_bytes == sizeof(struct metrics_slot) &&
	       strncmp(file->version, ORDERGATE_VERSION,
		       sizeof(file->version)) == 0;
}

static struct metrics_file *map(int fd)
{
	struct stat about;
	void *memory;

	if (fstat(fd, &about) < 0 ||
	    about.st_size != (off_t)sizeof(struct metrics_file))
		return NULL;
	memory = mmap(NULL, sizeof(struct metrics_file), PROT_READ | PROT_WRITE,
		      MAP_SHARED, fd, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

static struct metrics_file *open_old(const char *path)
{
	CLEANUP_FD int fd = open(path, O_RDWR | O_CLOEXEC);
	struct metrics_file *file = fd < 0 ? NULL : map(fd);

	if (file == NULL || is_ours(file))
		return file;
	(void)munmap(file, sizeof(*file));
	return NULL;
}

static struct metrics_file *open_new(const char *path, struct err *e)
{
	char aside[PATH_BYTES + 8];
	CLEANUP_FD int fd = -1;
	struct metrics_file *file;

	(void)snprintf(aside, sizeof(aside), "%s.new", path);
	fd = open(aside, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	/* All blocks now: a store to a hole of a full disk is SIGBUS. */
	if (fd >= 0) /* it returns the error */
		errno = posix_fallocate(fd, 0, (off_t)sizeof(*file));
	if (fd < 0 || errno != 0) {
		(void)err_errno(e, ERR_IO, "%s cannot be made", aside);
		return NULL;
	}
	file = map(fd);
	if (file == NULL) {
		(void)err_errno(e, ERR_IO, "%s cannot be mapped", aside);
		return NULL;
	}
	start_file(file);
	if (rename(aside, path) < 0) {
		(void)err_errno(e, ERR_IO, "%s cannot be made", path);
		(void)munmap(file, sizeof(*file));
		return NULL;
	}
	return file;
}

static void add_values(struct metrics_slot *to, struct metrics_slot *from)
{
	for (int i = 0; i < METRIC_VALUES; i++) {
		int64_t value = atomic_load(&from->values[i]);

		if (from->kind == METRIC_GAUGE)
			atomic_store(&to->values[i], value);
		else
			count(to, i, value);
	}
}

/* Counters go on from where the last process stopped. Its gauges are gone, but
 * for their values, which somebody may be reading, until they are asked for. */
static void forget_gauges(struct metrics_file *file)
{
	for (size_t i = 0; i < METRIC_SLOTS_MAX; i++) {
		struct metrics_slot *slot = &file->slots[i];

		if (atomic_load(&slot->state) != METRICS_SLOT_FREE &&
		    slot->kind == METRIC_GAUGE)
			atomic_store(&slot->state, METRICS_SLOT_FORGOTTEN);
	}
}

/* Let every handle given out so far count into the file from now on. */
static void move_to(struct metrics_file *file)
{
	(void)find_slot(file, METRIC_COUNTER, overflow_name, "");
	for (size_t i = 0; i < all.handle_count; i++) {
		struct metrics_slot *old = atomic_load(&all.handles[i].slot);
		struct metrics_slot *slot =
			find_slot(file, (enum metric_kind)old->kind, old->name,
				  old->label);

		if (slot == NULL)
			slot = &file->slots[0];
		add_values(slot, old);
		atomic_store_explicit(&all.handles[i].slot, slot,
				      memory_order_release);
	}
	all.file = file;
}

int metrics_open(const char *run_dir, const char *service, int instance,
		 struct err *e)
{
	char path[PATH_BYTES];
	struct metrics_file *file;

	if (snprintf(path, sizeof(path), "%s/metrics", run_dir) >=
	    (int)sizeof(path) - 64)
		return err_set(e, ERR_IO, "%.60s...: path too long", run_dir);
	if (mkdir(path, 0750) < 0 && errno != EEXIST)
		return err_errno(e, ERR_IO, "%s cannot be made", path);
	(void)snprintf(path, sizeof(path), "%s/metrics/%.40s-%d", run_dir,
		       service, instance);
	file = open_old(path);
	if (file != NULL)
		forget_gauges(file);
	else
		file = open_new(path, e);
	if (file == NULL)
		return ERR_IO;
	(void)pthread_mutex_lock(&all.lock);
	move_to(file);
	(void)pthread_mutex_unlock(&all.lock);
	return 0;
}
