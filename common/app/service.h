/* SPDX-License-Identifier: MIT
 *
 * service.h - what makes a process one of ours.
 *
 * A program's main.c is a `struct service_def` and one call of service_main().
 * All of them take the same arguments, read the same configuration, log, open
 * the store, notify their supervisor (sd_notify, watchdog), reload on SIGHUP,
 * drain on SIGTERM and exit alike. There are three kinds:
 *
 *  HTTP       routes != NULL: an event thread serves <run>/<service>-<n>.sock
 *             (or the socket inherited from systemd); work is optional.
 *  loop       work != NULL: called again and again by the main thread. It
 *             returns how much it did (> 0: call again at once), 0 to wait for
 *             the bell or a second, < 0: logged, and tried again after a pause.
 *  procedure  run != NULL: due work once, then exit. The result line goes to
 *             descriptor 3 when the scheduler opened one, else to stdout.
 *
 * Exit codes: 0 done, 1 failed (one clear line on stderr), 2 usage.
 */
#ifndef APP_SERVICE_H
#define APP_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/config.h"
#include "app/instance.h"
#include "app/state_dir.h"
#include "base/buf.h"

struct err;
struct db;
struct writer;
struct http_route;
struct http_server;
struct doorbell_ringer;

struct service {
	const struct service_def *def;
	int number; /* of this instance, from 1 */
	struct state_dir dir;
	const struct config
		*config; /* replaced at reload, by the main thread */
	struct instance instance;
	struct db *db;         /* reader connection of the main thread */
	struct writer *writer; /* the one writer of this process */
	struct http_server *server;
	int bell_fd;   /* -1 when def->bell is NULL */
	void *context; /* the service's own, set by def->start */
};

struct service_def {
	const char *name;    /* "hook": the program is ordergate-hook */
	const char *summary; /* one line for --help */
	const char *help;    /* further text for --help, or NULL */
	bool many;           /* may have several instances (--instance N) */

	const struct http_route *routes;
	int (*work)(struct service *s, struct err *e);
	int (*run)(struct service *s, struct buf *ret_line, struct err *e);

	const char *bell; /* doorbell topic that wakes work, or NULL */

	/* After everything is open and before the first request. NULL: none. */
	int (*start)(struct service *s, struct err *e);
	/* After SIGHUP, with the new configuration in place. NULL: none. */
	int (*reload)(struct service *s, struct err *e);
	/* Last, when nothing is in flight any more. NULL: none. */
	void (*stop)(struct service *s);
};

/* Never returns to a half-started state; main() returns its result. */
int service_main(int argc, char **argv, const struct service_def *def);

/* For work() that waits on its own (the notifier): true once SIGTERM came;
 * keeps the watchdog and signals going. */
bool service_stopping(struct service *s);

#endif
