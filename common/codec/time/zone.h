/* SPDX-License-Identifier: MIT
 *
 * zone.h - time zones from compiled tz data (TZif, RFC 8536), without touching
 * the TZ of the process, which is shared by all its threads. The bytes come
 * from the caller (app/zones.h reads the files). Thread-safe once parsed.
 */
#ifndef CODEC_ZONE_H
#define CODEC_ZONE_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct err;
struct zone;

enum {
	ZONE_FILE_BYTES_MAX = 65536
};

/* Parse a TZif file of version 2 or later (its footer rule included).
 * *ret_zone is the caller's, freed by zone_free(). 0, ERR_INVALID, ERR_NOMEM.
 */
int zone_parse(const void *data, size_t bytes, struct zone **ret_zone,
	       struct err *e);
void zone_free(struct zone *zone);
CLEANUP_DEFINE(struct zone *, zone_free)

/* Seconds east of UTC at that moment. NULL zone: 0. */
int zone_offset_s(const struct zone *zone, int64_t wall_ms);

/* Moment of a civil time in the zone. A civil time that happens twice means the
 * first; one that is skipped means the first moment after the gap. */
struct civil;
int64_t zone_from_civil(const struct zone *zone, const struct civil *c);

#endif
