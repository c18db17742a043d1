/* SPDX-License-Identifier: MIT */
#include "prepare.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/edge/edge.h"
#include "app/secret.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "leftover.h"
#include "net/server/http_server.h"
#include "store/engine/migrate.h"

static const char default_config[] = "/etc/ordergate/ordergate.conf";

enum {
	ADDRESS_BYTES = CONFIG_TEXT_BYTES + 16,
	LEFTOVER_WAIT_MS = 2000,
	/* A UNIX socket's path has 107 characters (unix(7)); the longest name
	 * that stands behind <run>/ has less than 30. */
	RUN_BYTES_MAX = 107 - 31
};

static int load(struct installation *in, struct config **ret_config,
		struct err *e)
{
	const struct options *options = in->options;
	bool given = options->config[0] != '\0';
	int rc = config_load(given ? options->config : default_config, given,
			     ret_config, e);

	if (rc < 0)
		return rc;
	if (given)
		in->config_path = options->config;
	else
		in->config_path =
			access(default_config, F_OK) == 0 ? default_config : "";
	if (options->port != 0)
		(*ret_config)->http.port = options->port;
	return 0;
}

static int check_port(const char *address, int64_t port, const char *advice,
		      struct err *e)
{
	char both[ADDRESS_BYTES];
	int fd;

	(void)snprintf(both, sizeof(both),
		       strchr(address, ':') != NULL ? "[%s]:%" PRIi64
						    : "%s:%" PRIi64,
		       address, port);
	fd = http_listen_tcp(both, e);
	if (fd < 0) {
		int rc = err_wrap(e, fd, "port %" PRIi64 " cannot be used",
				  port);
		struct err whole = *e;

		return err_set(e, rc, "%s: %s", whole.text, advice);
	}
	(void)close(fd);
	return 0;
}

static int check_ports(const struct config_http *http, struct err *e)
{
	int rc = check_port(http->listen, http->port,
			    "stop who has it, or choose another by --port", e);

	if (rc == 0 && http->redirect_port != 0)
		rc = check_port(http->listen, http->redirect_port,
				"stop who has it, or change http.redirect_port",
				e);
	if (rc == 0 && http->plain_port != 0)
		rc = check_port("127.0.0.1", http->plain_port,
				"stop who has it, or change http.plain_port",
				e);
	return rc;
}

static int make_store(const struct installation *in, struct err *e)
{
	char path[STATE_STORE_BYTES];
	int rc = state_dir_store_path(&in->dir, in->config->store.url, path, e);

	return rc < 0 ? rc : migrate_run(path, 1, NULL, NULL, e);
}

static int prepare_dir(struct installation *in, struct err *e)
{
	int rc = state_dir_open(in->options->state, true, &in->dir, e);

	if (rc == 0 && strlen(in->dir.run) > RUN_BYTES_MAX)
		rc = err_set(e, ERR_INVALID,
			     "%s has %zu characters, and sockets allow %d: "
			     "use a state directory with a shorter path",
			     in->dir.run, strlen(in->dir.run), RUN_BYTES_MAX);
	if (rc == 0)
		rc = instance_open(in->dir.run, "supervisor", 1, &in->lock, e);
	return rc;
}

/* A pool without its token would be started again without end, and say why only
 * to the log. */
static int check_tokens(const struct state_dir *dir, struct err *e)
{
	static const char *const names[] = {"hook-token", "assembly-token",
					    "erp-token"};
	int rc = 0;

	for (size_t i = 0; i < COUNT_OF(names) && rc == 0; i++) {
		struct secret token;

		rc = secret_load(dir, names[i], &token, e);
	}
	return rc;
}

int prepare(const struct options *options, struct installation *ret_in,
	    struct err *e)
{
	struct installation in = {.options = options, .lock.lock_fd = -1};
	int rc = load(&in, &in.config, e);

	if (rc == 0)
		rc = prepare_dir(&in, e);
	if (rc == 0) {
		(void)leftover_kill(&in.dir, LEFTOVER_WAIT_MS);
		rc = check_ports(&in.config->http, e);
	}
	if (rc == 0)
		rc = secret_make_missing(&in.dir, e);
	if (rc == 0)
		rc = check_tokens(&in.dir, e);
	if (rc == 0)
		rc = edge_make_certificate(in.config, &in.dir, clock_wall_ms(),
					   e);
	if (rc >= 0)
		rc = make_store(&in, e);
	if (rc >= 0)
		rc = edge_last_answers(&in.dir, false, e);
	if (rc >= 0)
		rc = edge_write_checked(in.config, &in.dir, e);
	if (rc < 0) {
		prepare_end(&in);
		return rc;
	}
	*ret_in = in;
	return 0;
}

int prepare_to_show(const struct options *options, struct installation *ret_in,
		    struct err *e)
{
	struct installation in = {.options = options, .lock.lock_fd = -1};
	int rc = load(&in, &in.config, e);

	if (rc == 0)
		rc = state_dir_open(options->state, true, &in.dir, e);
	if (rc < 0) {
		prepare_end(&in);
		return rc;
	}
	*ret_in = in;
	return 0;
}

int prepare_again(struct installation *in, struct err *e)
{
	CLEANUP(config_freep) struct config *config = NULL;
	struct config *old = in->config;
	int rc = load(in, &config, e);

	if (rc == 0)
		rc = edge_make_certificate(config, &in->dir, clock_wall_ms(),
					   e);
	if (rc >= 0)
		rc = edge_write_checked(config, &in->dir, e);
	if (rc < 0)
		return rc;
	in->config = TAKE(config);
	config_free(old);
	return 0;
}

void prepare_end(struct installation *in)
{
	config_free(in->config);
	in->config = NULL;
	instance_close(&in->lock);
}
