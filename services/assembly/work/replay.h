/* SPDX-License-Identifier: MIT
 *
 * replay.h - a handheld's journal: what was done without a connection, done
 * now, one entry after the other.
 *
 * Each entry is a call of its own (call.h) with its own request id, so that one
 * which had arrived before is a duplicate, and the answers are kept as if it
 * had come alone. All of it runs on the writer's thread, the next entry being
 * started when the one before is on the disk. An entry that cannot be done is a
 * conflict, and the others go on; when the store fails, or takes too long, the
 * whole journal is answered by 503 and may be sent again.
 */
#ifndef ASSEMBLY_REPLAY_H
#define ASSEMBLY_REPLAY_H

#include "call.h"

enum {
	REPLAY_ACTIONS_MAX = 200,
	REPLAY_ORDERS_MAX = 16, /* shown whole in the answer */
	REPLAY_MS_MAX = 8000,   /* less than nginx waits for an answer */
	REPLAY_TIME_BYTES = 64
};

/* For facts_gather(): what makes an action an entry of a journal. 0 or < 0. */
int replay_gather(struct api_call *call, struct db *db,
		  const struct order *order, struct order_action *action,
		  struct err *e);

#endif
