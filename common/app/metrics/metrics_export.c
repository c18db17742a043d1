/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/metrics/metrics_private.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

enum {
	FILES_MAX = 512,
	SERVICE_BYTES = 48
};

/* One process's file, mapped for reading. */
struct source {
	char service[SERVICE_BYTES];
	int instance;
	struct metrics_file *file; /* read only; NULL: not a file of ours */
};

/* One line to write: a slot and whose it is. */
struct row {
	const struct metrics_slot *slot;
	const struct source *source;
};

struct collection {
	struct source sources[FILES_MAX];
	size_t source_count;
	struct row *rows;
	size_t row_count;
};

static void collection_clear(struct collection *x)
{
	for (size_t i = 0; i < x->source_count; i++)
		(void)munmap(x->sources[i].file, sizeof(struct metrics_file));
	free(x->rows);
}

static void dir_close(DIR *dir)
{
	if (dir != NULL)
		(void)closedir(dir);
}
CLEANUP_DEFINE(DIR *, dir_close)

/* "hook-2" -> hook, 2. Names of other forms (".new", "lost+found") are not of
 * processes. */
static bool split_name(const char *file_name, struct source *source)
{
	const char *dash = strrchr(file_name, '-');
	size_t length = dash == NULL ? 0 : (size_t)(dash - file_name);
	int64_t instance;

	if (length == 0 || length >= SERVICE_BYTES ||
	    strspn(file_name, LETTERS DIGITS "-") != strlen(file_name) ||
	    text_to_i64(dash + 1, 0, 10000, &instance, NULL) < 0)
		return false;
	memcpy(source->service, file_name, length);
	source->service[length] = '\0';
	source->instance = (int)instance;
	return true;
}

static struct metrics_file *map_file(int folder, const char *name)
{
	CLEANUP_FD int fd =
		openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct metrics_file *file;
	struct stat about;

	if (fd < 0 || fstat(fd, &about) < 0 || !S_ISREG(about.st_mode) ||
	    about.st_size != (off_t)sizeof(*file))
		return NULL;
	file = mmap(NULL, sizeof(*file), PROT_READ, MAP_SHARED, fd, 0);
	if (file == MAP_FAILED)
		return NULL;
	if (file->format == METRICS_FORMAT &&
	    file->slot_bytes == sizeof(struct metrics_slot))
		return file;
	(void)munmap(file, sizeof(*file));
	return NULL;
}

/* A file may be damaged or of another version: what it says is checked, so that
 * one bad slot does not spoil the whole page. */
static bool is_good(const struct metrics_slot *slot)
{
	size_t name = strnlen(slot->name, sizeof(slot->name));
	size_t label = strnlen(slot->label, sizeof(slot->label));
	const char *quote;

	if (name == 0 || name == sizeof(slot->name) ||
	    label == sizeof(slot->label) ||
	    strspn(slot->name, LETTERS DIGITS "_") != name ||
	    slot->kind < METRIC_COUNTER || slot->kind > METRIC_HISTOGRAM_MS)
		return false;
	if (label == 0)
		return true;
	quote = strchr(slot->label, '"');
	return quote != NULL && quote > slot->label + 1 && quote[-1] == '=' &&
	       slot->label[label - 1] == '"' &&
	       strcspn(quote + 1, "\"\\\n") == strlen(quote + 1) - 1 &&
	       strspn(slot->label, LETTERS DIGITS "_") ==
		       (size_t)(quote - slot->label) - 1;
}

static int open_sources(const char *run_dir, struct collection *x,
			struct err *e)
{
	char path[512];
	CLEANUP(dir_closep) DIR *dir = NULL;
	const struct dirent *entry;

	if (snprintf(path, sizeof(path), "%s/metrics", run_dir) >=
	    (int)sizeof(path))
		return err_set(e, ERR_IO, "%.60s...: path too long", run_dir);
	dir = opendir(path);
	if (dir == NULL && errno == ENOENT)
		return 0; /* nobody counts yet */
	if (dir == NULL)
		return err_errno(e, ERR_IO, "%s", path);
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): dir is this thread's own */
	while (x->source_count < FILES_MAX && (entry = readdir(dir)) != NULL) {
		struct source *source = &x->sources[x->source_count];

		if (!split_name(entry->d_name, source))
			continue;
		source->file = map_file(dirfd(dir), entry->d_name);
		if (source->file != NULL)
			x->source_count++;
	}
	return 0;
}

static int make_rows(struct collection *x, struct err *e)
{
	if (x->source_count == 0)
		return 0;
	x->rows = calloc(x->source_count * METRIC_SLOTS_MAX, sizeof(*x->rows));
	if (x->rows == NULL)
		return err_set(e, ERR_NOMEM, "metrics: out of memory");
	for (size_t i = 0; i < x->source_count; i++)
		for (size_t j = 0; j < METRIC_SLOTS_MAX; j++) {
			const struct metrics_slot *slot =
				&x->sources[i].file->slots[j];

			if (atomic_load(&slot->state) == METRICS_SLOT_READY &&
			    is_good(slot))
				x->rows[x->row_count++] =
					(struct row){slot, &x->sources[i]};
		}
	return 0;
}

/* By name, as Prometheus wants all lines of a metric together; then by kind,
 * so that two that disagree on it stay apart. */
static int compare_rows(const void *left, const void *right)
{
	const struct row *a = left;
	const struct row *b = right;
	int order = strcmp(a->slot->name, b->slot->name);

	if (order == 0)
		order = (int)a->slot->kind - (int)b->slot->kind;
	if (order == 0)
		order = strcmp(a->source->service, b->source->service);
	if (order == 0)
		order = a->source->instance - b->source->instance;
	return order != 0 ? order : strcmp(a->slot->label, b->slot->label);
}

/* name_suffix{service="hook",instance="1",code="2xx",le="5"} value */
static void add_line(struct buf *out, const struct row *row, const char *suffix,
		     const char *le, int64_t value)
{
	const char *label = row->slot->label;

	buf_printf(out, "%s%s{service=\"%s\",instance=\"%d\"%s%s",
		   row->slot->name, suffix, row->source->service,
		   row->source->instance, label[0] != '\0' ? "," : "", label);
	if (le != NULL)
		buf_printf(out, ",le=\"%s\"", le);
	buf_printf(out, "} %" PRId64 "\n", value);
}

static void add_histogram(struct buf *out, const struct row *row)
{
	int64_t total = 0;

	for (int i = 0; i < METRIC_BUCKETS; i++) {
		char le[24] = "+Inf";

		total += atomic_load(&row->slot->values[i]);
		if (i < METRIC_BUCKETS - 1)
			(void)snprintf(le, sizeof(le), "%" PRId64,
				       metric_bounds_ms[i]);
		add_line(out, row, "_bucket", le, total);
	}
	add_line(out, row, "_sum", NULL,
		 atomic_load(&row->slot->values[METRIC_SUM]));
	/* The sum of the buckets, so that both agree whatever is counted
	 * meanwhile. */
	add_line(out, row, "_count", NULL, total);
}

static void add_rows(struct buf *out, const struct collection *x)
{
	static const char *const kinds[] = {"", "counter", "gauge",
					    "histogram"};
	const struct metrics_slot *last = NULL;

	for (size_t i = 0; x->rows != NULL && i < x->row_count; i++) {
		const struct row *row = &x->rows[i];
		const struct metrics_slot *slot = row->slot;

		if (last == NULL || strcmp(last->name, slot->name) != 0)
			buf_printf(out, "# TYPE %s %s\n", slot->name,
				   kinds[slot->kind]);
		else if (last->kind != slot->kind)
			continue; /* the first kind of that name counts */
		last = slot;
		if (slot->kind == METRIC_HISTOGRAM_MS)
			add_histogram(out, row);
		else
			add_line(out, row, "", NULL,
				 atomic_load(&slot->values[0]));
	}
}

int metrics_export(const char *run_dir, struct buf *out, struct err *e)
{
	CLEANUP(collection_clear) struct collection x = {.source_count = 0};
	int rc = open_sources(run_dir, &x, e);

	if (rc == 0)
		rc = make_rows(&x, e);
	if (rc < 0)
		return rc;
	if (x.rows != NULL)
		qsort(x.rows, x.row_count, sizeof(*x.rows), compare_rows);
	add_rows(out, &x);
	return buf_finish(out, e);
}
