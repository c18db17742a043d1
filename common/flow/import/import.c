/* SPDX-License-Identifier: MIT */
#include "flow/import/import.h"

#include "base/err.h"
#include "base/macros.h"

void import_init(struct import *import, const char *data, size_t bytes,
		 const struct import_ear *ear)
{
	*import = (struct import){
		.data = data,
		.bytes = bytes,
		.ear = ear,
		.is_json = json_rows_recognise(data, bytes),
	};
}

void import_clear(struct import *import)
{
	csv_clear(&import->csv);
	digest_free(import->digest);
	import->digest = NULL;
}

int import_rewind(struct import *import, const struct csv_column *columns,
		  size_t count, struct err *e)
{
	csv_clear(&import->csv);
	import->rows = 0;
	import->columns = columns;
	import->column_count = count;
	if (!import->is_json) {
		csv_open(&import->csv, import->data, import->bytes);
		return csv_read_header(&import->csv, columns, count,
				       import->places, e);
	}
	csv_open(&import->csv, "", 0); /* its row is filled from JSON */
	json_rows_open(&import->json, import->data, import->bytes);
	for (size_t i = 0; i < count; i++)
		import->places[i] = (int)i;
	return 0;
}

int import_next(struct import *import, struct err *e)
{
	if (!import->is_json)
		return csv_next(&import->csv, e);
	return json_rows_next(&import->json, import->columns,
			      import->column_count, &import->csv, e);
}

/* On the way, so that the text is not gone through once more. */
static void hash_up_to(struct import *import, size_t bytes)
{
	digest_add(import->digest, import->data + import->hashed_bytes,
		   bytes - import->hashed_bytes);
	import->hashed_bytes = bytes;
}

void import_hash(struct import *import)
{
	hash_up_to(import, import->bytes);
	digest_end(import->digest, import->hash);
	digest_free(import->digest);
	import->digest = NULL;
}

int import_count(struct import *import, bool written, struct err *e)
{
	const struct import_ear *ear = import->ear;
	const char *at = import->is_json ? import->json.next : import->csv.next;
	size_t bytes = (size_t)(at - import->data);

	import->rows++;
	if (import->rows % IMPORT_STEP_ROWS != 0)
		return 0;
	if (import->digest != NULL)
		hash_up_to(import, bytes);
	return ear->progress == NULL ? 0
				     : ear->progress(ear->context, import->rows,
						     written, bytes, e);
}

static void tell(void *context, bool is_fault, const char *text)
{
	struct import *import = context;
	const struct import_ear *ear = import->ear;
	int64_t *count = is_fault ? &import->faults : &import->warnings;

	if ((*count)++ < IMPORT_FAULTS_MAX && ear->fault != NULL)
		ear->fault(ear->context, import->fault_line, is_fault, text);
}

void import_fault(struct import *import, int64_t line, const char *text)
{
	import->fault_line = line;
	tell(import, true, text);
}

struct row_ear import_row_ear(struct import *import)
{
	import->fault_line = import->csv.line;
	return (struct row_ear){tell, import};
}

int import_check(struct import *import, const struct csv_column *columns,
		 size_t count,
		 int (*check)(struct import *import, struct err *e),
		 struct err *e)
{
	struct err why = {0};
	int rc = import_rewind(import, columns, count, &why);

	if (rc == ERR_INVALID) {
		import_fault(import, MAX_OF(import->csv.line, INT64_C(1)),
			     why.text);
		return 0;
	}
	while (rc >= 0 && (rc = import_next(import, &why)) != 0) {
		if (rc > 0)
			rc = check(import, &why);
		if (rc == ERR_INVALID)
			import_fault(import, import->csv.line, why.text);
		else if (rc < 0)
			break;
		rc = import_count(import, false, &why);
	}
	if (rc == 0 && import->rows == 0 && import->faults == 0)
		import_fault(import, 1, "there are no rows");
	import->row_count = import->rows;
	return rc < 0 ? err_set(e, (enum err_code)rc, "%s", why.text) : 0;
}
