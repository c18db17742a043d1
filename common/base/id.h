/* SPDX-License-Identifier: MIT
 *
 * id.h - identifiers and secrets made here. Thread-safe.
 */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <stddef.h>
#include <stdint.h>

enum {
	ID_TEXT_BYTES = 37,    /* 36 characters and the NUL */
	SECRET_TEXT_BYTES = 44 /* 32 random bytes in base64url and the NUL */
};

/* A UUID version 7 (RFC 9562 5.7): time-ordered, so that an index over it
 * grows at its end. */
void id_make(int64_t wall_ms, char ret_text[ID_TEXT_BYTES]);

/* 32 bytes from the kernel's random source as base64url without padding. */
void id_make_secret(char ret_text[SECRET_TEXT_BYTES]);

#endif
