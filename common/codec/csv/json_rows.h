/* SPDX-License-Identifier: MIT
 *
 * json_rows.h - JSON objects as rows of a table, one at a time.
 *
 * The text is a list of objects, or objects one after another (JSON Lines).
 * Each becomes the current row of a struct csv whose field i is column i: a
 * text or number as it is, null and what is missing empty, a list of them with
 * spaces between. Never more than one object is in memory. Pure.
 */
#ifndef CODEC_JSON_ROWS_H
#define CODEC_JSON_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/csv/csv.h"

struct err;

struct json_rows {
	const char *next, *end; /* borrowed: the text */
	int64_t next_line;
	bool is_list, is_first;
};

/* Does the text begin as JSON? A CSV file's first line never does. */
bool json_rows_recognise(const char *data, size_t bytes);

void json_rows_open(struct json_rows *ret_rows, const char *data, size_t bytes);

/* The next object into `row`, whose line is where it begins. 1; 0: the end;
 * ERR_INVALID: an object that is no row (a field that no column has, a value
 * that is none), and the next call goes on behind it; or no JSON from here on,
 * and the next call is the end; ERR_NOMEM. */
int json_rows_next(struct json_rows *rows, const struct csv_column *columns,
		   size_t count, struct csv *row, struct err *e);

#endif
