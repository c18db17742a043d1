/* SPDX-License-Identifier: MIT
 *
 * give_way.h - notifications wait a little while orders wait for the processor.
 *
 * What is taken in faster than it is worked on only lies in the inbox: the
 * picker sees the order late, and after a storm the processor is seconds
 * behind. Four hooks, nginx and the senders share the processors of the machine
 * and the right to write with one processor, and leave it a small part of both.
 * So a hook waits before each batch, longer the older the inbox is: batches get
 * larger, each notification costs less, and what is over goes to the orders.
 * A sender that waits for its answers slows down with us.
 *
 * Only while the inbox moves: when nobody works on it, waiting helps nobody.
 * Main thread only.
 */
#ifndef HOOK_GIVE_WAY_H
#define HOOK_GIVE_WAY_H

#include <stdint.h>

struct service;

struct give_way {
	int64_t oldest_due_ms; /* of the inbox at the last look; 0: empty */
};

/* Every 100 ms: look at the inbox, and tell the writer how long to wait. */
void give_way_look(struct give_way *g, struct service *s);

/* The rule: how long, when this is the oldest order of the inbox. */
int64_t give_way_ms(struct give_way *g, int64_t oldest_due_ms, int64_t now_ms);

#endif
