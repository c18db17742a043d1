/* SPDX-License-Identifier: MIT */
#include "net/server/http_request.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/macros.h"
#include "net/client/http_client.h"

enum {
	URL_BYTES_MAX = 8 * 1024,
	HEADER_BYTES_MAX = 8 * 1024,
	HEADERS_MAX = 64,
	BODY_BYTES_MAX = 64 * 1024 * 1024
};

static const struct method {
	const char *name;
	bool safe, body;
} methods[] = {
	{"GET", true, false},   {"POST", false, true},    {"PUT", false, true},
	{"PATCH", false, true}, {"DELETE", false, false},
};

static const struct method *find_method(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(methods); i++) {
		if (strcmp(methods[i].name, name) == 0)
			return &methods[i];
	}
	return NULL;
}

/* A line end within a value would begin another header, or another request. */
static bool is_header(const char *text)
{
	size_t name = strspn(text, "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789!#$%&'*+-.^_`|~");
	const char *value;

	if (name == 0 || text[name] != ':')
		return false;
	value = text + name + 1;
	value += strspn(value, " \t");
	if (*value == '\0') /* libcurl would take it as "leave it out" */
		return false;
	for (; *value != '\0'; value++) {
		unsigned char c = (unsigned char)*value;

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return strnlen(text, HEADER_BYTES_MAX + 1) <= HEADER_BYTES_MAX;
}

int request_check(const struct http_request *request, struct err *e)
{
	if (find_method(request->method) == NULL)
		return err_set(e, ERR_INVALID, "method %s is not known",
			       request->method);
	if (strnlen(request->url, URL_BYTES_MAX + 1) > URL_BYTES_MAX)
		return err_set(e, ERR_INVALID, "URL of more than %d bytes",
			       URL_BYTES_MAX);
	if (request->body == NULL && request->body_bytes > 0)
		return err_set(e, ERR_INVALID, "a length without a body");
	if (request->body_bytes > BODY_BYTES_MAX)
		return err_set(e, ERR_INVALID, "body of more than %d bytes",
			       BODY_BYTES_MAX);
	for (int i = 0; request->headers != NULL && request->headers[i] != NULL;
	     i++) {
		if (i >= HEADERS_MAX)
			return err_set(e, ERR_INVALID, "more than %d headers",
				       HEADERS_MAX);
		/* Not shown: it may hold a token. */
		if (!is_header(request->headers[i]))
			return err_set(e, ERR_INVALID,
				       "header %d is not \"Name: value\"",
				       i + 1);
	}
	return 0;
}

bool request_wants_body(const struct http_request *request)
{
	const struct method *method = find_method(request->method);

	return method != NULL && method->body;
}

bool request_is_safe(const struct http_request *request)
{
	const struct method *method = find_method(request->method);

	return method != NULL && method->safe;
}

bool request_has_header(const struct http_request *request, const char *name)
{
	size_t n = strlen(name);

	for (int i = 0; request->headers != NULL && request->headers[i] != NULL;
	     i++) {
		if (strncasecmp(request->headers[i], name, n) == 0 &&
		    request->headers[i][n] == ':')
			return true;
	}
	return false;
}

bool request_is_loopback(const char *host)
{
	struct in_addr v4;

	if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	return inet_pton(AF_INET, host, &v4) == 1 &&
	       ntohl(v4.s_addr) >> 24 == 127;
}
