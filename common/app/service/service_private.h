/* SPDX-License-Identifier: MIT
 *
 * service_private.h - the parts of service_main(). Only they include it.
 *
 *	service.c          the order of starting and stopping
 *	service_args.c     the command line
 *	service_process.c  what the process is to the kernel: signals, limits
 *	service_reload.c   SIGHUP
 *	service_watch.c    watchdog, health, metrics: once a second
 *	service_beat.c     a row in the store: this process lives
 *	service_loop.c     calling work(), waiting, pausing after errors
 *	service_run.c      procedures and their result line
 */
#ifndef APP_SERVICE_PRIVATE_H
#define APP_SERVICE_PRIVATE_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/config/config.h"
#include "app/service/service.h"
#include "base/err.h"
#include "net/server/http_server.h"
#include "store/engine/writer.h"

enum {
	SERVICE_TICK_MS = 1000, /* longest sleep of the main loop */
	SERVICE_CONFIGS_KEPT = 8,
	SERVICE_REPEATS = 8
};

struct service_args {
	const char *config_path;
	bool config_given; /* then it must exist */
	const char *state_path;
	int number;
	bool only_check, only_print;
};

/* The command line. -1: go on; else the exit code. */
int service_args_parse(int argc, char **argv, const struct service_def *def,
		       struct service_args *ret_args);

/* Errors already logged, so that an outage is not logged at every attempt. */
struct service_repeats {
	struct {
		char text[ERR_TEXT_MAX];
		int64_t logged_ms;
		int64_t count; /* not logged since then */
	} rows[SERVICE_REPEATS];
};

/* That we live, every now and then; no unit waits for it, nor it for any. */
struct beat {
	struct unit unit;
	const struct service *service; /* NULL: no beats */
	atomic_bool under_way;
	bool ending; /* written before the last submit only */
	int64_t due_ms;
	char host[HOST_NAME_MAX + 1];
};

struct process {
	struct service service;
	struct http_spool spool;
	int signal_fd;
	int result_fd;
	bool started;       /* start() succeeded */
	bool stopping;      /* SIGTERM, SIGINT */
	bool broken;        /* the store failed us: exit 1 to be restarted */
	bool reload_wanted; /* SIGHUP */

	/* Configurations, the one in force last. Other threads may be reading
	 * an old one, so it is kept for some more reloads. */
	const char *config_path;
	bool config_given;
	struct config *configs[SERVICE_CONFIGS_KEPT];
	int64_t reloaded_ms;

	struct doorbell_ringer *ringer; /* of the writer's thread */
	struct far_bell *far_bell;      /* NULL: nobody is far */

	/* service_watch.c */
	int64_t tick_due_ms;
	int64_t tick_ms;     /* between ticks */
	bool watchdog;       /* somebody waits for our pings */
	bool unhealthy;      /* and it was logged */
	int64_t max_from_ms; /* of the two windows of the maximum */
	int64_t max_us, max_before_us;
	struct writer_stats writer_before;
	struct http_server_stats http_before;

	struct beat beat; /* service_beat.c */

	/* service_run.c */
	int64_t told_ms; /* monotonic: when the progress was written */

	/* service_loop.c */
	int failures; /* in a row */
	int troubles; /* failures since the last one was over */
	int64_t retry_ms;
	struct service_repeats repeats;
};

/* Before anything else: limits, no core dumps, die with our supervisor. */
void process_harden(void);
/* Before any thread: SIGTERM, SIGINT and SIGHUP come through signal_fd. */
int process_open_signals(struct process *p, struct err *e);
/* Take what signals have come; never waits. */
void process_take_signals(struct process *p);
/* After this many ms the process ends whatever it is doing. */
void process_limit_drain(int limit_ms, int exit_code);

void service_reload(struct process *p);
/* Put a configuration in force. p owns it. */
void service_use_config(struct process *p, struct config *config);
void service_free_configs(struct process *p);

void service_watch_open(struct process *p);
/* At most once per tick_ms: health, watchdog, metrics. */
void service_watch(struct process *p);

/* With the store open; once per tick; before the writer stops. */
void service_beat_open(struct process *p);
void service_beat(struct process *p, int64_t now_ms);
void service_beat_end(struct process *p);

void service_log_repeated(struct service_repeats *repeats, int64_t now_ms,
			  const struct err *e, const char *message);

/* Both return the exit code. */
int service_loop(struct process *p);
int service_run(struct process *p);

#endif
