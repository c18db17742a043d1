/* SPDX-License-Identifier: MIT
 *
 * import_stores.c - stores that the file names are made or changed; others
 * stay, because orders refer to them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "flow/import/import.h"
#include "store/engine/writer.h"
#include "store/order/stores.h"

struct list {
	struct store_entry *entries; /* owned */
	int64_t *lines;              /* owned: where each stands */
	int64_t count;
};

struct put {
	struct unit unit;
	const struct store_entry *entries;
	int64_t count;
	int64_t changed;
};

static int check(struct import *import, struct err *e)
{
	struct row_ear ear = import_row_ear(import);
	struct store_entry entry;
	int rc = 0;

	(void)store_from_row(&import->csv, import->places, &ear, &entry);
	if (entry.time_zone[0] != '\0')
		rc = import->check_zone(entry.time_zone, e);
	/* A zone that is not there is the row's fault, not ours. */
	return rc == ERR_NOTFOUND ? ERR_INVALID : rc;
}

static void list_clear(struct list *list)
{
	free(list->entries);
	free(list->lines);
}

static int read_all(struct import *import, struct list *list, struct err *e)
{
	size_t rows = (size_t)import->row_count + 1;
	int rc = import_rewind(import, store_columns, STORE_COLUMNS, e);

	list->entries = calloc(rows, sizeof(*list->entries));
	list->lines = calloc(rows, sizeof(*list->lines));
	if (list->entries == NULL || list->lines == NULL)
		return err_set(e, ERR_NOMEM, "stores: out of memory");
	while (rc >= 0 && list->count < import->row_count &&
	       (rc = import_next(import, e)) != 0) {
		struct store_entry *entry = &list->entries[list->count];

		/* It was told in the first pass. */
		if (rc == ERR_INVALID)
			rc = 0;
		else if (rc > 0 &&
			 store_from_row(&import->csv, import->places, NULL,
					entry) >= 0 &&
			 entry->id[0] != '\0')
			list->lines[list->count++] = import->csv.line;
	}
	return rc < 0 ? rc : 0;
}

struct sorted {
	const struct store_entry *entry;
};

static int compare(const void *a, const void *b)
{
	const struct store_entry *x = ((const struct sorted *)a)->entry;
	const struct store_entry *y = ((const struct sorted *)b)->entry;
	int order = strcmp(x->id, y->id);

	/* Equal ones in the order of the file. */
	return order != 0 ? order : (x > y) - (x < y);
}

static int find_doubles(struct import *import, const struct list *list,
			struct err *e)
{
	CLEANUP_FREE struct sorted *sorted =
		calloc((size_t)list->count + 1, sizeof(*sorted));
	char text[ORDER_SHORT_BYTES + 40];

	if (sorted == NULL)
		return err_set(e, ERR_NOMEM, "stores: out of memory");
	for (int64_t i = 0; i < list->count; i++)
		sorted[i].entry = &list->entries[i];
	qsort(sorted, (size_t)list->count, sizeof(*sorted), compare);
	for (int64_t i = 1; i < list->count; i++) {
		if (strcmp(sorted[i - 1].entry->id, sorted[i].entry->id) != 0)
			continue;
		(void)snprintf(text, sizeof(text),
			       "id: '%s' is there already in line %lld",
			       sorted[i].entry->id,
			       (long long)list->lines[sorted[i - 1].entry -
						      list->entries]);
		import_fault(import,
			     list->lines[sorted[i].entry - list->entries],
			     text);
	}
	return 0;
}

static int run_put(struct unit *u, struct db *db, int64_t now_ms, struct err *e)
{
	struct put *put = CONTAINER_OF(u, struct put, unit);

	put->changed = 0;
	for (int64_t i = 0; i < put->count; i++) {
		int rc = stores_put(db, &put->entries[i], now_ms, e);

		if (rc < 0)
			return rc;
		put->changed += rc;
	}
	return 0;
}

/* Up to 500 stores are one transaction. Of more, a repeat finishes what an
 * interruption left. */
static int write_all(struct import *import, struct writer *writer,
		     const struct list *list, struct err *e)
{
	for (int64_t i = 0; i < list->count; i += IMPORT_ROWS_PER_WRITE) {
		struct put put = {
			.unit.run = run_put,
			.entries = list->entries + i,
			.count = MIN_OF(list->count - i,
					(int64_t)IMPORT_ROWS_PER_WRITE),
		};
		int rc = writer_call(writer, &put.unit, e);

		if (rc < 0 && i > 0)
			return err_wrap(e, rc,
					"%lld stores are written, import the "
					"file again",
					(long long)i);
		if (rc < 0)
			return rc;
		import->changed += put.changed;
	}
	return 0;
}

int import_stores(struct import *import, struct writer *writer, struct err *e)
{
	CLEANUP(list_clear) struct list list = {0};
	int rc = import_check(import, store_columns, STORE_COLUMNS, check, e);

	/* Those that are there twice are named beside other faults. */
	if (rc == 0 && import->row_count > 0)
		rc = read_all(import, &list, e);
	if (rc == 0)
		rc = find_doubles(import, &list, e);
	if (rc < 0 || import->faults > 0)
		return rc;
	return write_all(import, writer, &list, e);
}
