/* SPDX-License-Identifier: MIT */
#include "codec/digest.h"

#include <openssl/sha.h>

void digest_sha256(const void *data, size_t bytes,
		   char ret_text[DIGEST_TEXT_BYTES])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char raw[SHA256_DIGEST_LENGTH];

	(void)SHA256(data, bytes, raw);
	for (size_t i = 0; i < sizeof(raw); i++) {
		ret_text[2 * i] = hex[raw[i] >> 4];
		ret_text[2 * i + 1] = hex[raw[i] & 0x0F];
	}
	ret_text[2 * sizeof(raw)] = '\0';
}
