/* SPDX-License-Identifier: MIT
 *
 * taken_config.h - the configuration that this scheduler has taken, as a file
 * for its runs.
 *
 * Runs would read what somebody is editing: a slip that a reload refuses would
 * stop the monitor and the sender, which are to tell of it.
 */
#ifndef SCHEDULER_TAKEN_CONFIG_H
#define SCHEDULER_TAKEN_CONFIG_H

#include "app/state_dir.h"

enum {
	TAKEN_CONFIG_PATH_BYTES = STATE_PATH_BYTES + 64
};

struct err;
struct service;

/* Copy the configuration's file to <run>/scheduler-N.conf. ret_path is "" when
 * there is no file: all is default. On an error (it cannot be read, has become
 * invalid since, cannot be written) ret_path and the copy stay as they are. 0;
 * ERR_IO, ERR_INVALID, ERR_NOMEM. */
int taken_config_copy(const struct service *s,
		      char ret_path[TAKEN_CONFIG_PATH_BYTES], struct err *e);

#endif
