/* SPDX-License-Identifier: MIT
 *
 * doorbell.h - "there is work" between processes of one machine.
 *
 * A bell is a datagram socket in the run directory, owned by the process that
 * waits: `<run>/<topic>@<instance>.bell`. Ringing a topic sends one byte to
 * every bell of that topic. A bell says nothing but "look": it may be lost,
 * doubled or late, and whoever waits also looks every second.
 */
#ifndef NET_DOORBELL_H
#define NET_DOORBELL_H

#include "base/cleanup.h"

struct err;

/* Make the bell of `topic` for `instance` ("processor-1"), replacing a stale
 * one. Returns a non-blocking O_CLOEXEC descriptor to poll for reading, or
 * ERR_IO, ERR_INVALID (path too long). */
int doorbell_open(const char *run_dir, const char *topic, const char *instance,
		  struct err *e);

/* Ring this very bell, for who heard of work in another way. Any thread. */
void doorbell_touch(int fd);

/* Swallow everything that rang so far. Returns how often it rang. */
int doorbell_drain(int fd);

/* Ringer: knows the run directory; looks for new bells of a topic at most once
 * a second. One thread. */
struct doorbell_ringer;
int doorbell_ringer_new(const char *run_dir, struct doorbell_ringer **ret,
			struct err *e);
void doorbell_ringer_free(struct doorbell_ringer *ringer);
CLEANUP_DEFINE(struct doorbell_ringer *, doorbell_ringer_free)

/* Ring all bells of a topic. Never blocks and never fails: a full socket has
 * rung already, a gone one is forgotten. */
void doorbell_ring(struct doorbell_ringer *ringer, const char *topic);

#endif
