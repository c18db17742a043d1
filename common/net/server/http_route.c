/* SPDX-License-Identifier: MIT */
#include "net/server/http_route.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "net/server/http_server.h"

static bool path_fits(const char *pattern, const char *path)
{
	size_t n = strlen(pattern);

	if (n > 0 && pattern[n - 1] == '*')
		return strncmp(pattern, path, n - 1) == 0;
	return strcmp(pattern, path) == 0;
}

static bool method_fits(const char *allowed, const char *method)
{
	if (strcmp(allowed, method) == 0)
		return true;
	return strcmp(allowed, "GET") == 0 && strcmp(method, "HEAD") == 0;
}

const struct http_route *http_route_find(const struct http_route *routes,
					 const char *method, const char *path,
					 int *ret_status)
{
	*ret_status = 404;
	/* Names in it are looked up in the store, whose texts are UTF-8. */
	if (!text_is_utf8(path, strlen(path)))
		return NULL;
	for (const struct http_route *r = routes; r->path != NULL; r++) {
		if (!path_fits(r->path, path))
			continue;
		if (method_fits(r->method, method))
			return r;
		*ret_status = 405;
	}
	return NULL;
}

static bool names(const char *text, const char *method)
{
	size_t n = strlen(method);

	for (const char *at = strstr(text, method); at != NULL;
	     at = strstr(at + 1, method)) {
		if (at[n] == '\0' || at[n] == ',')
			return true;
	}
	return false;
}

static void add(char text[HTTP_ALLOW_BYTES], const char *method)
{
	size_t used = strlen(text);

	if (names(text, method) || used + strlen(method) + 3 > HTTP_ALLOW_BYTES)
		return;
	(void)snprintf(text + used, HTTP_ALLOW_BYTES - used, "%s%s",
		       used > 0 ? ", " : "", method);
}

const char *http_route_allow(const struct http_route *routes, const char *path,
			     char text[HTTP_ALLOW_BYTES])
{
	text[0] = '\0';
	for (const struct http_route *r = routes; r->path != NULL; r++) {
		if (!path_fits(r->path, path))
			continue;
		add(text, r->method);
		if (strcmp(r->method, "GET") == 0)
			add(text, "HEAD");
	}
	return text;
}
