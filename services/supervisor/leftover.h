/* SPDX-License-Identifier: MIT
 *
 * leftover.h - processes of an earlier supervisor that was killed.
 *
 * Its children die with it, but the workers of an nginx that was killed in the
 * same moment do not: they would hold the port.
 */
#ifndef SUPERVISOR_LEFTOVER_H
#define SUPERVISOR_LEFTOVER_H

#include "app/state_dir.h"

/* Kill every process that an earlier supervisor of this state directory left,
 * and wait up to wait_ms for their end. The caller holds the lock that says
 * there is no other supervisor. How many there were. */
int leftover_kill(const struct state_dir *dir, int wait_ms);

/* Kill every process that descends from this one (which is a subreaper, so
 * none escapes). How many there are. */
int leftover_kill_descendants(void);

#endif
