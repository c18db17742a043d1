/* SPDX-License-Identifier: MIT
 *
 * far_bell.h - the doorbell of a process, rung from other machines.
 *
 * A store that carries bells (DB_CAP_BELLS) is listened to by a thread with a
 * connection of its own, which passes on what is for us to our doorbell
 * (net/doorbell.h). Bells may be lost: whoever waits also looks every second.
 */
#ifndef APP_FAR_BELL_H
#define APP_FAR_BELL_H

#include "base/cleanup.h"

struct err;
struct far_bell;

/* Pass on any of `bells` (enum writer_bell) to the doorbell bell_fd, which
 * stays the caller's and open until far_bell_close(). *ret_bell is NULL when
 * the store carries none. 0; as db_open(). */
int far_bell_open(const char *location, unsigned bells, int bell_fd,
		  struct far_bell **ret_bell, struct err *e);
void far_bell_close(struct far_bell *bell); /* NULL allowed */
CLEANUP_DEFINE(struct far_bell *, far_bell_close)

#endif
