/* SPDX-License-Identifier: MIT */
#include "app/service/service.h"

#include <assert.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "app/locale.h"
#include "app/log.h"
#include "app/metrics/metrics.h"
#include "app/service/far_bell.h"
#include "app/service/service_private.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "net/doorbell.h"
#include "net/server/http_server.h"
#include "store/engine/db.h"
#include "store/engine/migrate.h"
#include "store/engine/writer.h"

enum {
	/* SIGTERM to exit takes at most 10 s, one of which the main loop may
	 * sleep; a request is answered within 3. */
	DRAIN_HTTP_MS = 6000,
	DRAIN_ALL_MS = 8000,
	RESULT_FD = 3,
	BARE_STEPS = 2, /* of steps: state and log */
	SOCKET_PATH_BYTES = STATE_PATH_BYTES + 64
};

/* Topics of the doorbells, by bit of enum writer_bell. */
static const char *const topics[BELL_MAX_] = {"processor", "notifier",
					      "telegram", "scheduler", "chat"};

/* On the writer's thread, after COMMIT. */
static void ring(unsigned bells, void *context)
{
	struct process *p = context;

	for (size_t i = 0; i < COUNT_OF(topics); i++)
		if ((bells & 1U << i) != 0)
			doorbell_ring(p->ringer, topics[i]);
}

static int open_state(struct process *p, const struct service_args *args,
		      struct err *e)
{
	return state_dir_open(args->state_path, false, &p->service.dir, e);
}

static int open_log(struct process *p, const struct service_args *args,
		    struct err *e)
{
	const struct config *config = p->service.config;

	(void)e;
	log_open(p->service.def->name, args->number, config->log.level);
	locale_open(config->log.locale);
	return 0;
}

static int open_instance(struct process *p, const struct service_args *args,
			 struct err *e)
{
	return instance_open(p->service.dir.run, p->service.def->name,
			     args->number, &p->service.instance, e);
}

/* Numbers are worth a warning, not a refusal to work. */
static int open_metrics(struct process *p, const struct service_args *args,
			struct err *e)
{
	struct err why = {0};

	(void)e;
	if (metrics_open(p->service.dir.run, p->service.def->name, args->number,
			 &why) < 0)
		log_error(&why, "metrics are not published", LOG_NO_FIELDS);
	service_watch_open(p);
	return 0;
}

static int open_store(struct process *p, const struct service_args *args,
		      struct err *e)
{
	const struct config *config = p->service.config;
	struct writer_options options = {
		.checkpoint_pages = config->store.wal_checkpoint_pages,
		.ring = ring,
		.context = p,
	};
	char path[STATE_STORE_BYTES];
	int rc = state_dir_store_path(&p->service.dir, config->store.url, path,
				      e);

	(void)args;
	if (rc == 0)
		rc = db_open(path,
			     p->service.def->run != NULL ? DB_READ : DB_SERVE,
			     &p->service.db, e);
	if (rc == 0)
		rc = migrate_check(p->service.db, e);
	if (rc == 0)
		rc = doorbell_ringer_new(p->service.dir.run, &p->ringer, e);
	options.path = path;
	if (rc == 0)
		rc = writer_start(&options, &p->service.writer, e);
	if (rc == 0)
		service_beat_open(p);
	return rc;
}

static int open_bell(struct process *p, const struct service_args *args,
		     struct err *e)
{
	const char *topic = p->service.def->bell;
	char path[STATE_STORE_BYTES];
	unsigned bells = 0;
	int rc;

	(void)args;
	if (topic == NULL)
		return 0;
	p->service.bell_fd = doorbell_open(p->service.dir.run, topic,
					   p->service.instance.name, e);
	if (p->service.bell_fd < 0)
		return p->service.bell_fd;
	for (size_t i = 0; i < COUNT_OF(topics); i++)
		if (strcmp(topics[i], topic) == 0)
			bells |= 1U << i;
	rc = state_dir_store_path(&p->service.dir, p->service.config->store.url,
				  path, e);
	return rc < 0 ? rc
		      : far_bell_open(path, bells, p->service.bell_fd,
				      &p->far_bell, e);
}

static int start_service(struct process *p, const struct service_args *args,
			 struct err *e)
{
	int rc = 0;

	(void)args;
	if (p->service.def->start != NULL)
		rc = p->service.def->start(&p->service, e);
	p->started = rc >= 0;
	return rc;
}

/* The socket that systemd holds for us, so that no connection is refused while
 * we restart; else our own. */
static int listen_here(struct process *p, struct err *e)
{
	char path[SOCKET_PATH_BYTES];
	int count = sd_listen_fds(0);

	if (count == 0) {
		(void)snprintf(path, sizeof(path), "%s/%s.sock",
			       p->service.dir.run, p->service.instance.name);
		return http_listen_unix(path, e);
	}
	if (count != 1 ||
	    sd_is_socket(SD_LISTEN_FDS_START, AF_UNSPEC, SOCK_STREAM, 1) <= 0)
		return err_set(e, ERR_INVALID,
			       "systemd passed %d sockets: one listening "
			       "stream socket is wanted, see the .socket unit",
			       count);
	if (fcntl(SD_LISTEN_FDS_START, F_SETFL, O_NONBLOCK) < 0)
		return err_errno(e, ERR_IO, "socket of systemd");
	return SD_LISTEN_FDS_START;
}

/* Last: whoever connects is served at once. */
static int open_http(struct process *p, const struct service_args *args,
		     struct err *e)
{
	struct http_server_options options = {
		.routes = p->service.def->routes,
		.context = &p->service,
		.spool = &p->spool,
		.round = p->service.def->round,
	};

	(void)args;
	p->spool = (struct http_spool){.folder = p->service.dir.incoming,
				       .admit = p->service.def->admit};
	if (options.routes == NULL)
		return 0;
	options.listen_fd = listen_here(p, e);
	if (options.listen_fd < 0)
		return options.listen_fd;
	return http_server_start(&options, &p->service.server, e);
}

/* In this order; each one's own part of stop_all() copes with its absence. */
static int (*const steps[])(struct process *p, const struct service_args *args,
			    struct err *e) = {
	open_state, open_log,  open_instance, open_metrics,
	open_store, open_bell, start_service, open_http,
};

static int start_all(struct process *p, const struct service_args *args,
		     struct err *e)
{
	size_t count = p->service.def->bare ? BARE_STEPS : COUNT_OF(steps);
	int rc = process_open_signals(p, e);

	for (size_t i = 0; i < count && rc == 0; i++)
		rc = steps[i](p, args, e);
	return rc;
}

/* In reverse, and only what was opened. A start() that failed has cleaned up
 * after itself. */
static void stop_all(struct process *p)
{
	struct service *s = &p->service;

	http_server_stop(s->server, DRAIN_HTTP_MS);
	s->server = NULL;
	if (p->started && s->def->stop != NULL)
		s->def->stop(s);
	service_beat_end(p);
	writer_stop(s->writer);
	doorbell_ringer_free(p->ringer);
	far_bell_close(p->far_bell);
	cleanup_fd(&s->bell_fd);
	db_close(s->db);
	instance_close(&s->instance);
	service_free_configs(p);
	cleanup_fd(&p->signal_fd);
}

/* Descriptor 3 is the result's only when the scheduler says so. */
static int find_result_fd(void)
{
	const char *said = getenv("ORDERGATE_RESULT_FD"); /* NOLINT */

	if (said == NULL || strcmp(said, "3") != 0 ||
	    fcntl(RESULT_FD, F_SETFD, FD_CLOEXEC) < 0)
		return STDOUT_FILENO;
	return RESULT_FD;
}

static int complain(const struct service_def *def, const struct err *e)
{
	(void)fprintf(stderr, "ordergate-%s: %s\n", def->name, e->text);
	return EXIT_FAILURE;
}

static int serve(struct process *p)
{
	int exit_code;

	log_event(LOG_LEVEL_INFO, "started",
		  LOG_TEXT("version", ORDERGATE_VERSION),
		  LOG_TEXT("owner", p->service.instance.owner));
	(void)sd_notify(0, "READY=1");
	exit_code = service_loop(p);
	(void)sd_notify(0, "STOPPING=1");
	return exit_code;
}

static int run_process(struct process *p, const struct service_args *args)
{
	bool is_procedure = p->service.def->run != NULL;
	struct err e = {0};
	int exit_code;

	/* Its writer works while it waits, so one arena is enough for both:
	 * what a large query frees is used again by the pages that are written.
	 */
	if (is_procedure)
		(void)mallopt(M_ARENA_MAX, 1); /* NOLINT: no thread yet */
	else if (p->service.def->many)
		db_expect_load();
	if (start_all(p, args, &e) < 0) {
		(void)complain(p->service.def, &e);
		stop_all(p);
		return EXIT_FAILURE;
	}
	/* The scheduler's children inherit its $NOTIFY_SOCKET: a procedure has
	 * nothing to say there. */
	exit_code = is_procedure ? service_run(p) : serve(p);
	process_limit_drain(DRAIN_ALL_MS, exit_code);
	stop_all(p);
	if (!is_procedure)
		log_event(LOG_LEVEL_INFO, "stopped",
			  LOG_I64("exit_code", exit_code));
	return exit_code;
}

int service_main(int argc, char **argv, const struct service_def *def)
{
	struct process p = {
		.service = {.def = def,
			    .bell_fd = -1,
			    .instance = {.lock_fd = -1}},
		.signal_fd = -1,
	};
	struct service_args args;
	struct config *config = NULL;
	struct err e = {0};
	int exit_code = service_args_parse(argc, argv, def, &args);

	if (exit_code >= 0)
		return exit_code;
	assert(def->run == NULL || (def->routes == NULL && def->work == NULL));
	process_harden();
	p.result_fd = find_result_fd();
	p.service.number = args.number;
	p.config_path = args.config_path;
	p.config_given = args.config_given;
	p.service.config_path = args.config_path;
	if (config_load(args.config_path, args.config_given, &config, &e) < 0)
		return complain(def, &e);
	service_use_config(&p, config);
	if (args.only_print)
		config_print(config, stdout);
	else if (args.only_check)
		(void)printf("%s: ok\n", args.config_path);
	else
		return run_process(&p, &args);
	service_free_configs(&p);
	return EXIT_SUCCESS;
}
