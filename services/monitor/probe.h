/* SPDX-License-Identifier: MIT
 *
 * probe.h - what the monitor calls: our own address from outside, and whoever
 * watches that we are alive.
 */
#ifndef MONITOR_PROBE_H
#define MONITOR_PROBE_H

struct err;
struct service;

/* GET <monitor.public_url>/healthz: 0 when our own answer came back, also one
 * that says what is failing. With nginx's self-made certificate that one is
 * trusted. ERR_REMOTE, ERR_UNCERTAIN, ERR_INVALID. */
int probe_health(struct service *s, struct err *e);

/* GET monitor.ping_url, when there is one. 0; as above. */
int probe_ping(struct service *s, struct err *e);

#endif
