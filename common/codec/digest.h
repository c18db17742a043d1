/* SPDX-License-Identifier: MIT
 *
 * digest.h - SHA-256 of bytes. Pure and thread-safe.
 */
#ifndef CODEC_DIGEST_H
#define CODEC_DIGEST_H

#include <stddef.h>

enum {
	DIGEST_TEXT_BYTES = 65 /* 64 hexadecimal digits and the NUL */
};

/* Lower-case hexadecimal SHA-256 of `bytes` at `data`. */
void digest_sha256(const void *data, size_t bytes,
		   char ret_text[DIGEST_TEXT_BYTES]);

#endif
