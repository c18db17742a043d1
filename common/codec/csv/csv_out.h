/* SPDX-License-Identifier: MIT
 *
 * csv_out.h - rows of a CSV text (RFC 4180) written into a struct buf. Fields
 * are quoted where they have to be; lines end with CR LF. Pure.
 */
#ifndef CODEC_CSV_OUT_H
#define CODEC_CSV_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct csv_out {
	struct buf *buf; /* borrowed */
	char separator;
	bool decimal_comma; /* 12,50: set it after csv_out_to() */
	bool has_fields;    /* of this row */
};
struct csv_out csv_out_to(struct buf *buf, char separator);

void csv_put(struct csv_out *out, const char *text);
void csv_put_i64(struct csv_out *out, int64_t value);
/* "12.50" of 1250 with 2 digits. */
void csv_put_decimal(struct csv_out *out, int64_t value, int digits);
/* The row is over. */
void csv_end(struct csv_out *out);

#endif
