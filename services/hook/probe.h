/* SPDX-License-Identifier: MIT
 *
 * probe.h - our own question whether a notification would be kept: it goes the
 * way of one, and its answer follows a COMMIT; no order comes of it.
 */
#ifndef HOOK_PROBE_H
#define HOOK_PROBE_H

#include <stdbool.h>

struct hook;
struct http_exchange;

/* Whether this request says that it is one. It is no notification then,
 * whatever token it has: nginx lets it past http.hook_networks. */
bool probe_is_one(const struct http_exchange *x);

/* Answers a good one after its COMMIT: 200 {"status":"ok","probe":"<proof>"},
 * or 503. False: it is forged, too old or was seen by this worker before, and
 * not answered. Event thread only. */
bool probe_receive(struct http_exchange *x, struct hook *hook);

#endif
