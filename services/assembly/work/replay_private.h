/* SPDX-License-Identifier: MIT
 *
 * replay_private.h - a journal in memory: what replay_read.c makes of the
 * request and replay.c works through.
 */
#ifndef ASSEMBLY_REPLAY_PRIVATE_H
#define ASSEMBLY_REPLAY_PRIVATE_H

#include "codec/json/json_doc.h"
#include "codec/json/json_out.h"
#include "work/replay.h"

enum {
	REPLAY_VERSIONS_MAX = 1024 /* more than any order has in a day */
};

struct entry {
	struct api_call call; /* method NULL: it could not be read */
	char method[ORDER_SHORT_BYTES];
	char device_time[REPLAY_TIME_BYTES];
	int64_t base_version;
	const char *unreadable; /* why, or NULL */
};

struct replay {
	struct unit unit;
	struct api_call *owner; /* the request */
	struct entry *entries;  /* owned */
	size_t count, at;
	int64_t began_ms; /* monotonic */
	bool waiting;     /* for the entry that was started */
	bool failed;
	int64_t versions[REPLAY_VERSIONS_MAX]; /* the picker's, of the order */
	size_t version_count;
	int64_t orders[REPLAY_ORDERS_MAX];
	size_t order_count;
	struct buf verdicts; /* a JSON list, being written */
	struct json_out out;
};

/* All of the list; an entry that cannot be read says so. NULL: out of memory.
 */
struct replay *replay_read(struct api_call *owner, const struct json *actions);
void replay_free(struct replay *replay);

/* What an entry's call ends with. */
void replay_entry_done(struct api_call *call);

#endif
