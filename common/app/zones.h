/* SPDX-License-Identifier: MIT
 *
 * zones.h - time zones by their IANA names, from the system's tz data.
 *
 * Files are read from $TZDIR, else /usr/share/zoneinfo, once per process: new
 * tz data takes effect at the next start. Thread-safe.
 */
#ifndef APP_ZONES_H
#define APP_ZONES_H

#include "codec/time/zone.h"

struct err;

enum {
	ZONES_MAX = 128, /* distinct zones kept by one process */
	ZONES_NAME_BYTES = 64
};

/* The zone of that name ("Europe/Moscow"), borrowed until the process ends.
 * 0; ERR_INVALID (not a name, not tz data); ERR_NOTFOUND (with what to do);
 * ERR_BUSY (more than ZONES_MAX); ERR_IO; ERR_NOMEM. */
int zones_get(const char *name, const struct zone **ret_zone, struct err *e);

/* 0 when zones_get() would know the name, without keeping it. */
int zones_check(const char *name, struct err *e);

/* "22.11.2026 03:04 (Europe/Moscow)": how people are told a moment. A zone that
 * is not known is UTC. */
enum {
	ZONES_MOMENT_BYTES = 96
};
void zones_moment(int64_t wall_ms, const char *name,
		  char ret_text[ZONES_MOMENT_BYTES]);

#endif
