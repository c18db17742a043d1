/* SPDX-License-Identifier: MIT
 *
 * fuzz_zone.c - damaged files never break anything, and in every zone that can
 * be read, civil times have the first moment that shows them.
 *
 * The input is tried as a file, and as the recipe of one: the footer's rule up
 * to a line break, then 5 bytes for each transition (seconds since the one
 * before, and its type).
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/macros.h"
#include "codec/time/timestamp.h"
#include "codec/time/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int32_t offsets_s[] = {0, 3600, 10800, -18000, 93599, -89999};

static void add_big_endian(struct buf *b, uint64_t value, int bytes)
{
	while (bytes-- > 0)
		buf_add_char(b, (char)(unsigned char)(value >> (8 * bytes)));
}

static void add_header(struct buf *b, uint32_t times, uint32_t types)
{
	const uint32_t counts[] = {0, 0, 0, times, types, types > 0 ? 1 : 0};

	buf_add(b, "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
	for (size_t i = 0; i < COUNT_OF(counts); i++)
		add_big_endian(b, counts[i], 4);
}

static void make_file(struct buf *b, const uint8_t *data, size_t size)
{
	const uint8_t *line = memchr(data, '\n', size);
	size_t rule_bytes = line != NULL ? (size_t)(line - data) : size;
	const uint8_t *recipe = data + rule_bytes + 1;
	size_t count = line != NULL ? (size - rule_bytes - 1) / 5 : 0;
	uint64_t at_s = 0;

	add_header(b, 0, 0);
	add_header(b, (uint32_t)count, COUNT_OF(offsets_s));
	for (size_t i = 0; i < count; i++) {
		uint32_t step_s;

		memcpy(&step_s, recipe + 5 * i, sizeof(step_s));
		at_s += step_s;
		add_big_endian(b, at_s - UINT32_MAX, 8);
	}
	for (size_t i = 0; i < count; i++)
		buf_add_char(b, (char)(recipe[5 * i + 4] % 7));
	for (size_t i = 0; i < COUNT_OF(offsets_s); i++) {
		add_big_endian(b, (uint32_t)offsets_s[i], 4);
		buf_add(b, "\0\0", 2);
	}
	buf_add(b, "\0\n", 2);
	buf_add(b, data, rule_bytes);
	buf_add_char(b, '\n');
}

static void check_moment(const struct zone *zone, int64_t wall_ms)
{
	int offset_s = zone_offset_s(zone, wall_ms);
	struct civil c = timestamp_civil(wall_ms, offset_s);
	int64_t shown_ms = wall_ms + (int64_t)offset_s * 1000;
	int64_t got = zone_from_civil(zone, &c);

	assert(offset_s > -25 * 3600 && offset_s < 26 * 3600);
	assert(got <= wall_ms);
	assert(got + (int64_t)zone_offset_s(zone, got) * 1000 >= shown_ms);
	got--;
	assert(got + (int64_t)zone_offset_s(zone, got) * 1000 < shown_ms);
}

static void check_zone(const void *data, size_t size, uint64_t random)
{
	CLEANUP(zone_freep) struct zone *zone = NULL;

	if (zone_parse(data, size, &zone, NULL) < 0)
		return;
	(void)zone_offset_s(zone, INT64_MIN);
	(void)zone_offset_s(zone, INT64_MAX);
	for (int i = 0; i < 40; i++) {
		random = random * 6364136223846793005U + 1442695040888963407U;
		/* 1830 to 2240, and now and then up to the year 9900 */
		check_moment(zone,
			     (int64_t)(random >> 21) %
					     (i % 8 == 0 ? 250000000000000
							 : 8589934592000) -
				     UINT32_MAX * INT64_C(1000));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_clear) struct buf b = BUF_MAX(ZONE_FILE_BYTES_MAX);
	uint64_t random = size;

	for (size_t i = 0; i < size; i++)
		random = random * 31 + data[i];
	check_zone(data, size, random);
	make_file(&b, data, size);
	if (buf_finish(&b, NULL) == 0)
		check_zone(b.data, b.used_bytes, random);
	return 0;
}
