/* SPDX-License-Identifier: MIT
 *
 * console.h - what the pages of the console have in common.
 */
#ifndef CONSOLE_CONSOLE_H
#define CONSOLE_CONSOLE_H

#include <pthread.h>

#include "app/config/config.h"
#include "app/state_dir.h"

struct db;

struct console {
	struct state_dir dir;
	char store_path[STATE_STORE_BYTES];
	struct db *db; /* of the event thread; NULL until it can be opened */
	/* The scheduler's lease as it was last seen, and since when (monotonic;
	 * 0: never seen). */
	int64_t lease_until_ms, lease_since_ms;

	pthread_mutex_t lock; /* of what a reload replaces */
	struct config_pool pool;
};

#endif
