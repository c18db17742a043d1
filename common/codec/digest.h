/* SPDX-License-Identifier: MIT
 *
 * digest.h - SHA-256 of bytes, also with a key. Pure and thread-safe.
 */
#ifndef CODEC_DIGEST_H
#define CODEC_DIGEST_H

#include <stddef.h>

#include "base/cleanup.h"

enum {
	DIGEST_TEXT_BYTES = 65 /* 64 hexadecimal digits and the NUL */
};

/* Lower-case hexadecimal SHA-256 of `bytes` at `data`. */
void digest_sha256(const void *data, size_t bytes,
		   char ret_text[DIGEST_TEXT_BYTES]);

/* Lower-case hexadecimal HMAC-SHA-256 (RFC 2104) of the bytes under the key. */
void digest_hmac_sha256(const char *key, const void *data, size_t bytes,
			char ret_text[DIGEST_TEXT_BYTES]);

/* The same in base64. */
enum {
	DIGEST_BASE64_BYTES = 45 /* 44 characters and the NUL */
};
void digest_hmac_sha256_base64(const char *key, const void *data, size_t bytes,
			       char ret_text[DIGEST_BASE64_BYTES]);

/* SHA-256 of bytes that come in parts. The caller frees it; NULL when out of
 * memory. After digest_end() it is of no further use. */
struct digest;
struct digest *digest_new(void);
void digest_free(struct digest *digest); /* NULL allowed */
CLEANUP_DEFINE(struct digest *, digest_free)
void digest_add(struct digest *digest, const void *data, size_t bytes);
void digest_end(struct digest *digest, char ret_text[DIGEST_TEXT_BYTES]);

#endif
