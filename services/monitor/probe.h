/* SPDX-License-Identifier: MIT
 *
 * probe.h - what the monitor calls: our own address from outside, and whoever
 * watches that we are alive.
 */
#ifndef MONITOR_PROBE_H
#define MONITOR_PROBE_H

#include <stddef.h>

struct err;
struct service;

/* A signed POST to the address of the hook below monitor.public_url
 * (app/edge/probe_mark.h), through nginx and a hook to a COMMIT, of which no
 * order comes: 0 when this installation answered in time; 1 and for people what
 * is wrong: no answer, a certificate that is not trusted, a store that keeps
 * nothing, somebody else's answer, a slow one. nginx's self-made certificate is
 * trusted. < 0: it could not be tried. */
int probe_self(struct service *s, char *ret_why, size_t why_bytes,
	       struct err *e);

/* GET monitor.ping_url, when there is one. 0; ERR_REMOTE, ERR_UNCERTAIN,
 * ERR_INVALID. */
int probe_ping(struct service *s, struct err *e);

#endif
