/* SPDX-License-Identifier: MIT
 *
 * processes.h - which processes of which machines work with a store that
 * machines share, by the database's clock.
 *
 * A process says that it lives every PROCESSES_EVERY_MS and that it ends. One
 * that was not heard of for PROCESSES_STALE_MS is shown as silent: it is dead,
 * frozen or cut off. Nobody decides anything by this; what may be done without
 * its owner is the business of leases. Inside a write transaction.
 */
#ifndef STORE_PROCESSES_H
#define STORE_PROCESSES_H

#include <stdint.h>

struct db;
struct err;

enum {
	PROCESSES_EVERY_MS = 10 * 1000,
	PROCESSES_STALE_MS = 30 * 1000,
	/* Then even the silent ones are forgotten. */
	PROCESSES_KEEP_MS = 7 * 24 * 3600 * 1000
};

struct process_row {
	const char *owner; /* instance.h: its place is in it */
	const char *service;
	int number;
	const char *host, *version;
	int64_t pid;
};

/* It lives: its row is made or renewed. Silent ones of the same host, service
 * and number go: they were this one before a restart of the machine. 0, < 0. */
int processes_beat(struct db *db, const struct process_row *row, int64_t now_ms,
		   struct err *e);

/* It ends. 0, < 0. */
int processes_end(struct db *db, const char *owner, struct err *e);

#endif
