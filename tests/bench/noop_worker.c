/* SPDX-License-Identifier: MIT
 *
 * noop_worker - the ceiling of tests/bench/intake and assembly: the same HTTP
 * server on the same socket reads the same body and answers at once.
 *
 *	noop_worker SOCKET [BYTES]
 *
 * With BYTES an answer is padded to so many: a service whose answers are large
 * is held against one that sends as much.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "net/server/http_server.h"

static char answer[64 * 1024] =
	"{\"status\":\"created\",\"number\":\"1-000001\"}";

static void reply(struct http_exchange *x, void *context)
{
	(void)context;
	http_reply(x, 200, "application/json", answer, strlen(answer));
}

static void pad(const char *bytes)
{
	int64_t want = 0;
	size_t used = strlen(answer);

	(void)text_to_i64(bytes, 0, (int64_t)sizeof(answer) - 1, &want, NULL);
	if ((size_t)want > used)
		memset(answer + used, ' ', (size_t)want - used);
}

int main(int argc, char **argv)
{
	static const struct http_route routes[] = {
		{"POST", "/*", reply, HTTP_BODY_BYTES_MAX, 0},
		{NULL, NULL, NULL, 0, 0},
	};
	struct http_server_options options = {.routes = routes};
	struct http_server *server = NULL;
	struct err e = {0};
	sigset_t signals;
	int signal_number;
	int rc;

	if (argc != 2 && argc != 3) {
		(void)fprintf(stderr, "usage: noop_worker SOCKET [BYTES]\n");
		return 2;
	}
	if (argc == 3)
		pad(argv[2]);
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	options.listen_fd = http_listen_unix(argv[1], &e);
	rc = options.listen_fd < 0 ? options.listen_fd
				   : http_server_start(&options, &server, &e);
	if (rc < 0) {
		(void)fprintf(stderr, "noop_worker: %s\n", e.text);
		return 1;
	}
	(void)sigwait(&signals, &signal_number);
	http_server_stop(server, 2000);
	return 0;
}
