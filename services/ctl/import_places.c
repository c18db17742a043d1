/* SPDX-License-Identifier: MIT
 *
 * import_places.c - `place import FILE.csv`: where goods stand, for pick lists.
 * Places that the file names are made or changed, others stay.
 */
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "import.h"
#include "store/catalogue/store_places.h"
#include "store/engine/writer.h"

enum place_column {
	PLACE_SKU,
	PLACE_ZONE,
	PLACE_STORE,
	PLACE_SHELF,
	PLACE_COLUMNS
};

static const struct csv_column columns[PLACE_COLUMNS] = {
	{"sku", true},
	{"zone", true},
	{"store_id", false},
	{"shelf", false},
};

struct batch {
	struct unit unit;
	struct store_place places[IMPORT_ROWS_PER_WRITE];
	int count;
};

static int read_cell(const struct import *import, enum place_column column,
		     char *target, size_t bytes, struct err *e)
{
	int place = import->places[column];
	const char *cell = place >= 0 ? csv_field(&import->csv, place) : "";

	if (cell[0] == '\0' && columns[column].required)
		return err_set(e, ERR_INVALID, "%s: is empty",
			       columns[column].name);
	if (!text_copy(target, bytes, cell))
		return err_set(e, ERR_INVALID, "%s: longer than %zu bytes",
			       columns[column].name, bytes - 1);
	return 0;
}

static int read_place(const struct import *import, struct store_place *place,
		      struct err *e)
{
	const struct {
		enum place_column column;
		char *target;
		size_t bytes;
	} cells[] = {
		{PLACE_SKU, place->sku, sizeof(place->sku)},
		{PLACE_ZONE, place->zone, sizeof(place->zone)},
		{PLACE_STORE, place->store_id, sizeof(place->store_id)},
		{PLACE_SHELF, place->shelf, sizeof(place->shelf)},
	};
	int rc = 0;

	for (size_t i = 0; i < COUNT_OF(cells) && rc == 0; i++)
		rc = read_cell(import, cells[i].column, cells[i].target,
			       cells[i].bytes, e);
	return rc;
}

static int check(struct import *import, struct err *e)
{
	struct store_place place;

	return read_place(import, &place, e);
}

static int run_put(struct unit *u, struct db *db, int64_t now_ms, struct err *e)
{
	const struct batch *batch = CONTAINER_OF(u, struct batch, unit);
	int rc = 0;

	(void)now_ms;
	for (int i = 0; i < batch->count && rc == 0; i++)
		rc = store_places_set(db, &batch->places[i], e);
	return rc;
}

static int write_all(struct ctl *ctl, struct import *import, struct err *e)
{
	struct batch batch = {.unit.run = run_put};
	int rc = import_rewind(import, columns, PLACE_COLUMNS, e);

	while (rc >= 0 && (rc = import_next(import, e)) > 0) {
		rc = read_place(import, &batch.places[batch.count], e);
		if (rc < 0 || ++batch.count < IMPORT_ROWS_PER_WRITE)
			continue;
		rc = ctl_write(ctl, &batch.unit);
		batch.count = 0;
	}
	if (rc == 0 && batch.count > 0)
		rc = ctl_write(ctl, &batch.unit);
	return rc;
}

int ctl_place_import(struct ctl *ctl)
{
	struct import_file file;
	int code = import_file_open(&file, ctl, "places");
	int rc;

	if (code != CTL_DONE)
		return code;
	rc = import_check(&file.import, columns, PLACE_COLUMNS, check,
			  &ctl->err);
	if (rc == 0 && file.import.faults == 0)
		rc = write_all(ctl, &file.import, &ctl->err);
	code = import_file_end(&file, rc);
	if (code == CTL_DONE)
		ctl_say("%lld places\n", (long long)file.import.row_count);
	import_file_close(&file);
	return code;
}
