/* SPDX-License-Identifier: MIT
 *
 * reply.h - what an answer means by its HTTP status, as a table. Pure and
 * thread-safe.
 */
#ifndef CHANNEL_REPLY_H
#define CHANNEL_REPLY_H

#include "channel/channel.h"

/* The first row that holds the status counts. `repeated` is the verdict when an
 * earlier attempt may have arrived. A table ends with {0}. */
struct reply_row {
	int from, to;
	enum channel_verdict verdict, repeated;
};

/* Also of calls that got no answer. A status in no row is tried again: other
 * 5xx, and redirections, which nobody follows. */
enum channel_verdict reply_verdict(const struct reply_row *rows,
				   const struct channel_reply *reply);

#endif
