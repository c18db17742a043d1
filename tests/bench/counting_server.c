/* SPDX-License-Identifier: MIT
 *
 * counting_server - a marketplace that says yes, for tests/bench/pipeline.
 *
 *	counting_server ADDRESS:PORT
 *
 * POST /v1/notifications is answered 200; GET /count says how many came, and
 * how many of them had come before (by a hash of the body, which names the
 * order and the event).
 */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "net/server/http_server.h"

enum {
	SEEN_MAX = 1 << 22 /* hashes; half of them are used at most */
};

struct counts { /* event thread only */
	uint64_t *seen;
	long long accepted, repeated;
};

/* FNV-1a */
static uint64_t hash(const char *data, size_t bytes)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < bytes; i++)
		h = (h ^ (unsigned char)data[i]) * UINT64_C(1099511628211);
	return h != 0 ? h : 1;
}

static bool is_new(struct counts *counts, uint64_t key)
{
	size_t at = key % SEEN_MAX;

	while (counts->seen[at] != 0 && counts->seen[at] != key)
		at = (at + 1) % SEEN_MAX;
	if (counts->seen[at] == key)
		return false;
	counts->seen[at] = key;
	return true;
}

static void take(struct http_exchange *x, void *context)
{
	struct counts *counts = context;

	if (counts->accepted >= SEEN_MAX / 2) {
		http_reply(x, 500, "text/plain", "full", 4);
		return;
	}
	counts->accepted++;
	if (!is_new(counts, hash(http_body(x), http_body_bytes(x))))
		counts->repeated++;
	http_reply(x, 200, "application/json", "", 0);
}

static void show(struct http_exchange *x, void *context)
{
	const struct counts *counts = context;
	char text[96];
	int bytes = snprintf(text, sizeof(text),
			     "{\"accepted\":%lld,\"repeated\":%lld}",
			     counts->accepted, counts->repeated);

	http_reply(x, 200, "application/json", text, (size_t)bytes);
}

static int serve(const char *address, struct err *e)
{
	static const struct http_route routes[] = {
		{"POST", "/v1/notifications", take, HTTP_BODY_BYTES_MAX, 0},
		{"GET", "/count", show, 0, 0},
		{NULL, NULL, NULL, 0, 0},
	};
	CLEANUP_FREE uint64_t *seen = calloc(SEEN_MAX, sizeof(*seen));
	struct counts counts = {.seen = seen};
	struct http_server_options options = {.routes = routes,
					      .context = &counts};
	struct http_server *server = NULL;
	sigset_t signals;
	int signal_number;
	int rc;

	if (seen == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	options.listen_fd = http_listen_tcp(address, e);
	rc = options.listen_fd < 0 ? options.listen_fd
				   : http_server_start(&options, &server, e);
	if (rc < 0)
		return rc;
	(void)sigwait(&signals, &signal_number);
	http_server_stop(server, 2000);
	return 0;
}

int main(int argc, char **argv)
{
	struct err e = {0};

	if (argc != 2) {
		(void)fprintf(stderr, "usage: counting_server ADDRESS:PORT\n");
		return 2;
	}
	if (serve(argv[1], &e) < 0) {
		(void)fprintf(stderr, "counting_server: %s\n", e.text);
		return 1;
	}
	return 0;
}
