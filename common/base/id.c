/* SPDX-License-Identifier: MIT */
#include "base/id.h"

#include <assert.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* getrandom(2) is a system call; a pool amortises it over many ids. */
enum {
	POOL_BYTES = 640
};
static _Thread_local unsigned char pool[POOL_BYTES];
static _Thread_local size_t pool_left;
static _Thread_local pid_t
	pool_owner; /* a forked child has its parent's pool */

static void fill_random(unsigned char *data, size_t bytes)
{
	/* Up to 256 bytes never come short once the kernel is seeded
	 * (getrandom(2)); larger requests may, so ask piece by piece. */
	while (bytes > 0) {
		size_t piece = bytes < 256 ? bytes : 256;
		ssize_t got = getrandom(data, piece, 0);

		if (got < 0)
			continue; /* EINTR while the kernel gathers entropy */
		data += got;
		bytes -= (size_t)got;
	}
}

static void take_random(unsigned char *data, size_t bytes)
{
	if (pool_left < bytes || pool_owner != getpid()) {
		fill_random(pool, sizeof(pool));
		pool_left = sizeof(pool);
		pool_owner = getpid();
	}
	pool_left -= bytes;
	memcpy(data, pool + pool_left, bytes);
	memset(pool + pool_left, 0, bytes);
}

void id_make(int64_t wall_ms, char ret_text[ID_TEXT_BYTES])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char raw[16];
	char *out = ret_text;

	take_random(raw + 6, 10);
	for (int i = 0; i < 6; i++)
		raw[i] = (unsigned char)((uint64_t)wall_ms >> (40 - 8 * i));
	raw[6] = (unsigned char)(0x70 | (raw[6] & 0x0F));
	raw[8] = (unsigned char)(0x80 | (raw[8] & 0x3F));
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*out++ = '-';
		*out++ = hex[raw[i] >> 4];
		*out++ = hex[raw[i] & 0x0F];
	}
	*out = '\0';
}

void id_make_secret(char ret_text[SECRET_TEXT_BYTES])
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz"
				       "0123456789-_";
	unsigned char raw[33] = {0};
	char *out = ret_text;

	fill_random(raw, 32);
	/* 32 bytes are 43 digits of 6 bits; the last digit has 4 of them. */
	for (size_t bit = 0; bit < 256; bit += 6) {
		unsigned pair = (unsigned)raw[bit / 8] << 8 | raw[bit / 8 + 1];

		*out++ = alphabet[pair >> (10 - bit % 8) & 0x3F];
	}
	*out = '\0';
	assert(out - ret_text == SECRET_TEXT_BYTES - 1);
}
