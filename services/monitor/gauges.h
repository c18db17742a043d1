/* SPDX-License-Identifier: MIT
 *
 * gauges.h - what the monitor measures itself, as a table: the rules about it
 * read the results from the store (store/monitor/measures.h).
 *
 * A gauge that cannot be read keeps its last value with its old time, which is
 * a finding of its own (measure-missing): no data is not "all is well".
 */
#ifndef MONITOR_GAUGES_H
#define MONITOR_GAUGES_H

#include <stdint.h>

struct err;
struct service;

/* Read all of them, and count what came into the inbox. Number of gauges that
 * could not be read, or < 0 when the store failed. */
int gauges_read(struct service *s, int64_t now_ms, struct err *e);

#endif
