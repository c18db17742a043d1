/* SPDX-License-Identifier: MIT
 *
 * barcode_private.h - what the files of codec/barcode share.
 */
#ifndef CODEC_BARCODE_PRIVATE_H
#define CODEC_BARCODE_PRIVATE_H

#include "codec/barcode/barcode.h"

/* Sets *ret_reason, and e. */
int barcode_refuse(const char **ret_reason, const char *reason, struct err *e,
		   const char *text);

bool barcode_are_digits(const char *text, size_t count);
/* The last of `count` digits is right. */
bool barcode_is_checked(const char *digits, size_t count);
/* Another key, unless it is there already or there is no room. At most 14
 * digits. */
void barcode_add_key(struct barcode *barcode, const char *digits, size_t count);

/* Does it look like an element string? Without a symbology identifier nothing
 * else tells. */
bool gs1_is_element_string(const char *text);
/* text has no symbology identifier and no leading FNC1 any more. */
int gs1_read(const char *text, struct barcode *barcode, const char **ret_reason,
	     struct err *e);

#endif
