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
 *             the bell or a second (or less: wait_ms), < 0: logged, and tried
 *             again after a pause.
 *  procedure  run != NULL: due work once, then exit. The result line goes to
 *             descriptor 3 when $ORDERGATE_RESULT_FD is 3, else to stdout.
 *
 * $ORDERGATE_SUPERVISED=1: SIGTERM when the parent dies. $NOTIFY_SOCKET,
 * $WATCHDOG_USEC and $LISTEN_FDS are systemd's.
 *
 * A broken writer (I/O error) and a request or unit that waits for ever end the
 * process, by exit 1 and by missing watchdog pings.
 *
 * Exit codes: 0 done, 1 failed (one clear line on stderr), 2 usage.
 */
#ifndef APP_SERVICE_H
#define APP_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/config/config.h"
#include "app/instance.h"
#include "app/state_dir.h"
#include "base/buf.h"

struct err;
struct db;
struct writer;
struct http_route;
struct http_server;
struct http_exchange;
struct doorbell_ringer;

struct service {
	const struct service_def *def;
	int number; /* of this instance, from 1 */
	struct state_dir dir;
	/* Replaced at reload by the main thread; an old one stays valid for
	 * several more reloads. Other threads read it once per request. */
	const struct config *_Atomic config;
	struct instance instance;
	struct db *db;         /* reader connection of the main thread */
	struct writer *writer; /* the one writer of this process */
	struct http_server *server;
	int bell_fd;             /* -1 when def->bell is NULL */
	void *context;           /* the service's own, set by def->start */
	const char *config_path; /* of --config, or the default file */
	/* Set by work() each time that it returns 0: when it wants to be called
	 * again; longer than a tick counts as a tick. 0: after a tick. */
	int64_t wait_ms;
	/* And whether it tried nothing of what failed before, because that is
	 * not due again: then the trouble is not over. */
	bool untried;
};

struct service_def {
	const char *name;    /* "hook": the program is ordergate-hook */
	const char *summary; /* one line for --help */
	const char *help;    /* further text for --help, or NULL */
	bool many;           /* may have several instances (--instance N) */
	bool bare; /* a procedure without store, instance and metrics: it works
		      when nothing can be written */

	const struct http_route *routes;
	/* For routes with HTTP_SPOOLED: whose body may be kept
	 * (http_server.h). The files lie in <state>/incoming. */
	bool (*admit)(struct http_exchange *x, void *context);
	/* On the event thread, after the requests that have come were handled
	 * (http_server.h); context is the service. NULL: none. */
	void (*round)(void *context);
	int (*work)(struct service *s, struct err *e);
	int (*run)(struct service *s, struct buf *ret_line, struct err *e);

	const char *bell; /* doorbell topic that wakes work, or NULL */

	/* After everything is open and before the first request. NULL: none.
	 * When it fails it cleans up after itself: stop is not called. */
	int (*start)(struct service *s, struct err *e);
	/* After SIGHUP, with the new configuration in place, between two calls
	 * of work. Failing is logged, and the new one stays. NULL: none. */
	int (*reload)(struct service *s, struct err *e);
	/* Last, when nothing is in flight any more; the writer and the reader
	 * connection are still there. NULL: none. */
	void (*stop)(struct service *s);
};

/* Never returns to a half-started state; main() returns its result. */
int service_main(int argc, char **argv, const struct service_def *def);

/* For work() that waits on its own (the notifier) and for run(): true once
 * SIGTERM came or the store failed; keeps the watchdog and the metrics going.
 * Call it at least every second. Main thread only. A reload waits until work()
 * returns. */
bool service_stopping(struct service *s);

/* For run(): how far it is, for the run's row in the history; call it as often
 * as you like, once a second is written down. Does nothing when no scheduler
 * has started it. A store that cannot be written is not told: whatever is
 * written next says so. Main thread only. */
void service_progress(struct service *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
