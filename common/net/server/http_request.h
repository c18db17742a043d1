/* SPDX-License-Identifier: MIT
 *
 * http_request.h - what is looked at in a request before it is sent. Pure.
 * Private to common/net.
 */
#ifndef NET_HTTP_REQUEST_H
#define NET_HTTP_REQUEST_H

#include <stdbool.h>

struct err;
struct http_request;

/* 0, or ERR_INVALID: an unknown method, a header that is not "Name: value" or
 * holds a control character, a size beyond its maximum. */
int request_check(const struct http_request *request, struct err *e);

/* True for a method whose request has a body, if an empty one. */
bool request_wants_body(const struct http_request *request);

/* True when it may be sent twice without harm (RFC 9110 9.2.1: safe). */
bool request_is_safe(const struct http_request *request);

bool request_has_header(const struct http_request *request, const char *name);

/* True for the hosts that plain http may always go to: 127.0.0.0/8 written as
 * four numbers, "[::1]", "localhost". */
bool request_is_loopback(const char *host);

#endif
