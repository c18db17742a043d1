/* SPDX-License-Identifier: MIT
 *
 * fuzz_timestamp.c - what is read is written and read back as the same moment.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "codec/time/timestamp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_moment(int64_t wall_ms, int offset_s)
{
	struct civil c = timestamp_civil(wall_ms, offset_s);
	char text[TIMESTAMP_TEXT_BYTES];
	char date[DATE_TEXT_BYTES];
	int64_t got = ~wall_ms;

	assert(c.year >= 0 && c.year <= 9999 && c.month >= 1 && c.month <= 12 &&
	       c.day >= 1 && c.day <= 31 && c.hour >= 0 && c.hour <= 23 &&
	       c.minute >= 0 && c.minute <= 59 && c.second >= 0 &&
	       c.second <= 59 && c.milli >= 0 && c.milli <= 999 &&
	       c.weekday >= 1 && c.weekday <= 7);
	(void)timestamp_format(wall_ms, offset_s, text);
	(void)timestamp_date(wall_ms, offset_s - offset_s % 60, date);
	assert(strlen(text) < sizeof(text) && strlen(date) == 10);
	assert(memcmp(text, date, 10) == 0);
	/* Inside of the years that are read, and away from their ends. */
	if (wall_ms < 86400000 || wall_ms > 253402214400000)
		return;
	assert(timestamp_from_civil(&c, offset_s) == wall_ms);
	assert(timestamp_parse(text, 0, &got, NULL) == 0 && got == wall_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_FREE char *text = malloc(size + 1);
	int64_t wall_ms = 0;
	uint8_t offset = size > 0 ? data[size - 1] : 0;

	assert(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if (timestamp_parse(text, 3600, &wall_ms, NULL) == 0) {
		assert(wall_ms >= 0);
		for (int offset_s = -50400; offset_s <= 50400; offset_s += 900)
			check_moment(wall_ms, offset_s);
	}
	if (size >= sizeof(wall_ms)) {
		memcpy(&wall_ms, data, sizeof(wall_ms));
		check_moment(wall_ms, (offset - 128) * 300);
		check_moment(wall_ms % 253402300800000, offset * 197);
	}
	return 0;
}
