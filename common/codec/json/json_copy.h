/* SPDX-License-Identifier: MIT
 *
 * json_copy.h - a value of a read document into one that is being written.
 */
#ifndef CODEC_JSON_COPY_H
#define CODEC_JSON_COPY_H

#include "codec/json/json_doc.h"
#include "codec/json/json_out.h"

/* Write value (NULL: null) with everything in it; numbers keep their digits.
 * 0, or ERR_INVALID when it is nested deeper than json_out.h allows at that
 * place: then the document being written is of no use. */
int json_copy(struct json_out *out, const char *key, const struct json *value,
	      struct err *e);

#endif
