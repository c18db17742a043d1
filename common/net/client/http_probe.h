/* SPDX-License-Identifier: MIT
 *
 * http_probe.h - is an HTTP server there, and what does it say? For a
 * supervisor, which asks its own workers on their UNIX sockets.
 */
#ifndef NET_HTTP_PROBE_H
#define NET_HTTP_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct err;

/* GET target from the server that listens at the UNIX socket. Waits at most
 * wait_ms for the whole answer. The status (100..599), with the body appended
 * to ret_body up to its maximum; ERR_REMOTE when there is no answer. */
int http_probe_unix(const char *socket_path, const char *target, int wait_ms,
		    struct buf *ret_body, struct err *e);

/* True when somebody accepts connections at address ("127.0.0.1" or "::1") and
 * port. Waits at most wait_ms. */
bool http_probe_tcp(const char *address, int64_t port, int wait_ms);

#endif
