/* SPDX-License-Identifier: MIT */
#include "codec/time/zone.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "codec/time/timestamp.h"
#include "codec/time/zone_rule.h"

enum {
	HEADER_BYTES = 44,
	TYPE_BYTES = 6,
	LEAP_TAIL_BYTES = 4, /* after the time of a leap second */
	FOOTER_BYTES_MAX = 128,
	/* RFC 8536 3.2: SHOULD be more than -25 and less than 26 hours */
	OFFSET_MIN_S = -25 * 3600,
	OFFSET_MAX_S = 26 * 3600
};

/* Moments that timestamp.h can name, in seconds. */
static const int64_t moment_first_s = -62167219200;
static const int64_t moment_last_s = 253402300799;

struct transition {
	int64_t at_s;
	int offset_s; /* from at_s on */
};

struct zone {
	int first_offset_s; /* before the first transition */
	bool has_rule;
	struct zone_rule rule; /* from the last transition on */
	size_t count;
	struct transition transitions[];
};

struct reader {
	const unsigned char *at;
	size_t left_bytes;
};

struct counts { /* of a TZif header, in its order */
	uint32_t utc_flags, standard_flags, leaps, times, types, name_bytes;
};

void zone_free(struct zone *zone)
{
	free(zone);
}

static const unsigned char *take(struct reader *r, uint64_t bytes)
{
	const unsigned char *at = r->at;

	if (bytes > r->left_bytes)
		return NULL;
	r->at += bytes;
	r->left_bytes -= (size_t)bytes;
	return at;
}

static uint32_t big_endian_32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static int64_t big_endian_64(const unsigned char *p)
{
	return (int64_t)((uint64_t)big_endian_32(p) << 32 |
			 big_endian_32(p + 4));
}

static bool take_header(struct reader *r, struct counts *counts)
{
	const unsigned char *p = take(r, HEADER_BYTES);
	uint32_t *const fields[] = {&counts->utc_flags, &counts->standard_flags,
				    &counts->leaps,     &counts->times,
				    &counts->types,     &counts->name_bytes};

	if (p == NULL || memcmp(p, "TZif", 4) != 0 || p[4] < '2')
		return false;
	for (size_t i = 0; i < COUNT_OF(fields); i++)
		*fields[i] = big_endian_32(p + 20 + 4 * i);
	return true;
}

/* Bytes after the types: names, leap seconds, flags. */
static uint64_t tail_bytes(const struct counts *n, uint64_t time_bytes)
{
	return n->name_bytes + n->leaps * (time_bytes + LEAP_TAIL_BYTES) +
	       n->standard_flags + (uint64_t)n->utc_flags;
}

/* The first block has times of 32 bits, for readers of 1986. */
static bool skip_first_block(struct reader *r)
{
	struct counts n;

	return take_header(r, &n) &&
	       take(r, n.times * UINT64_C(5) + n.types * (uint64_t)TYPE_BYTES +
			       tail_bytes(&n, 4)) != NULL;
}

static bool read_type(const unsigned char *types, uint32_t count, unsigned i,
		      int *ret_offset_s)
{
	int32_t offset_s;

	if (i >= count)
		return false;
	offset_s = (int32_t)big_endian_32(types + (size_t)i * TYPE_BYTES);
	*ret_offset_s = offset_s;
	return offset_s > OFFSET_MIN_S && offset_s < OFFSET_MAX_S;
}

static bool read_transitions(struct zone *zone, const struct counts *n,
			     const unsigned char *times,
			     const unsigned char *indexes,
			     const unsigned char *types)
{
	if (!read_type(types, n->types, 0, &zone->first_offset_s))
		return false;
	for (size_t i = 0; i < n->times; i++) {
		struct transition *t = &zone->transitions[i];

		t->at_s = big_endian_64(times + 8 * i);
		if (!read_type(types, n->types, indexes[i], &t->offset_s) ||
		    (i > 0 && t->at_s <= t[-1].at_s))
			return false;
	}
	zone->count = n->times;
	return true;
}

/* "\n" rule "\n" to the end of the file; an empty rule is allowed. */
static int read_footer(struct reader *r, struct zone *zone, struct err *e)
{
	char text[FOOTER_BYTES_MAX];
	size_t bytes = r->left_bytes;

	if (bytes < 2 || bytes > sizeof(text) || r->at[0] != '\n' ||
	    r->at[bytes - 1] != '\n')
		return err_set(e, ERR_INVALID, "time zone has no footer");
	if (bytes == 2)
		return 0;
	memcpy(text, r->at + 1, bytes - 2);
	text[bytes - 2] = '\0';
	if (strlen(text) != bytes - 2)
		return err_set(e, ERR_INVALID, "time zone rule holds a NUL");
	zone->has_rule = true;
	return zone_rule_parse(text, &zone->rule, e);
}

int zone_parse(const void *data, size_t bytes, struct zone **ret_zone,
	       struct err *e)
{
	CLEANUP(zone_freep) struct zone *zone = NULL;
	struct reader r = {data, bytes};
	struct counts n;
	const unsigned char *times;
	const unsigned char *indexes;
	const unsigned char *types;
	int rc;

	if (bytes > ZONE_FILE_BYTES_MAX)
		return err_set(e, ERR_INVALID, "time zone file is too long");
	if (!skip_first_block(&r) || !take_header(&r, &n))
		return err_set(e, ERR_INVALID,
			       "not a TZif file of version 2 or later");
	times = take(&r, n.times * UINT64_C(8));
	indexes = take(&r, n.times);
	types = take(&r, n.types * (uint64_t)TYPE_BYTES);
	if (times == NULL || indexes == NULL || types == NULL ||
	    take(&r, tail_bytes(&n, 8)) == NULL)
		return err_set(e, ERR_INVALID, "time zone file is cut short");
	if (n.leaps > 0)
		return err_set(e, ERR_INVALID,
			       "time zone counts leap seconds ('right/')");

	zone = calloc(1, sizeof(*zone) + n.times * sizeof(struct transition));
	if (zone == NULL)
		return err_set(e, ERR_NOMEM, "time zone: out of memory");
	if (!read_transitions(zone, &n, times, indexes, types))
		return err_set(e, ERR_INVALID, "time zone table is damaged");
	rc = read_footer(&r, zone, e);
	if (rc < 0)
		return rc;
	*ret_zone = TAKE(zone);
	return 0;
}

/* Number of transitions at or before that moment. */
static size_t transitions_until(const struct zone *zone, int64_t at_s)
{
	size_t low = 0;
	size_t high = zone->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (zone->transitions[middle].at_s <= at_s)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct zone_span span_at(const struct zone *zone, int64_t at_s)
{
	struct zone_span span = {zone->first_offset_s, INT64_MAX};
	size_t passed = transitions_until(zone, at_s);

	if (passed == zone->count && zone->has_rule)
		return zone_rule_span(&zone->rule, at_s);
	if (passed > 0)
		span.offset_s = zone->transitions[passed - 1].offset_s;
	if (passed < zone->count)
		span.until_s = zone->transitions[passed].at_s;
	return span;
}

static int64_t clamp_s(int64_t at_s)
{
	return MAX_OF(moment_first_s, MIN_OF(at_s, moment_last_s));
}

int zone_offset_s(const struct zone *zone, int64_t wall_ms)
{
	int64_t at_s = wall_ms / 1000 - (wall_ms % 1000 < 0);

	return zone == NULL ? 0 : span_at(zone, clamp_s(at_s)).offset_s;
}

/* The clock on the wall runs with the moments and jumps at transitions. The
 * answer is the first moment at which it shows the civil time or, after a gap,
 * more than that. */
int64_t zone_from_civil(const struct zone *zone, const struct civil *c)
{
	int64_t civil_ms = timestamp_from_civil(c, 0);
	int64_t civil_s = (civil_ms - c->milli) / 1000;
	int64_t at_s = clamp_s(civil_s - OFFSET_MAX_S);
	struct zone_span span;

	if (zone == NULL)
		return civil_ms;
	/* Ends: each turn is one transition further, at most to the one after
	 * civil_s - OFFSET_MIN_S. */
	for (;;) {
		span = span_at(zone, at_s);
		if (at_s + span.offset_s > civil_s)
			return at_s * 1000;
		if (civil_s - span.offset_s < span.until_s)
			return (civil_s - span.offset_s) * 1000 + c->milli;
		at_s = span.until_s;
	}
}
