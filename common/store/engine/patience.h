/* SPDX-License-Identifier: MIT
 *
 * patience.h - that a thread waits for the store, and does not hang.
 *
 * Every wait for the store has an end, but several of them in a row may take
 * longer than a watchdog's patience. Whoever has to show that it lives hears
 * of it meanwhile.
 */
#ifndef STORE_PATIENCE_H
#define STORE_PATIENCE_H

enum {
	PATIENCE_EVERY_MS = 250 /* longest time between two calls */
};

/* While this thread waits for a server's answer or for the writer, tell() is
 * called on it. It may submit units, and must not wait for the store itself.
 * NULL: nobody wants to hear of it, which it begins with. */
void patience_open(void (*tell)(void *context), void *context);

/* Of the engine: this thread goes on waiting. */
void patience_tell(void);

#endif
