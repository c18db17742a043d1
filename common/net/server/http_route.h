/* SPDX-License-Identifier: MIT
 *
 * http_route.h - which row of a server's table answers a request. Pure.
 */
#ifndef NET_HTTP_ROUTE_H
#define NET_HTTP_ROUTE_H

#include <stddef.h>

struct http_route;

enum {
	HTTP_ALLOW_BYTES = 64
};

/* The first row whose path and method fit; a HEAD fits a row for GET (RFC 9110
 * 9.3.2; the library leaves the body out). Otherwise NULL, and *ret_status is
 * 404 or, when only the method does not fit, 405. */
const struct http_route *http_route_find(const struct http_route *routes,
					 const char *method, const char *path,
					 int *ret_status);

/* The methods that path has, as an Allow header wants them: "GET, HEAD, POST".
 * Methods that do not fit into the text are left out. Returns text. */
const char *http_route_allow(const struct http_route *routes, const char *path,
			     char text[HTTP_ALLOW_BYTES]);

#endif
