/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const char *const names[] = {
#define X(symbol, value, name) [-(value)] = (name),
	ERR_CODES(X)
#undef X
};
_Static_assert(sizeof(names) / sizeof(names[0]) == 1 - ERR_MIN_,
	       "ERR_MIN_ is the lowest code");

int err_set(struct err *e, enum err_code code, const char *format, ...)
{
	int saved_errno = errno;
	va_list args;

	if (e != NULL) {
		e->code = code;
		va_start(args, format);
		(void)vsnprintf(e->text, sizeof(e->text), format, args);
		va_end(args);
		text_make_line(e->text);
	}
	errno = saved_errno;
	return code;
}

int err_errno(struct err *e, enum err_code code, const char *format, ...)
{
	int saved_errno = errno;
	/* Not strerror_r(3), which speaks the language of the operator. */
	const char *reason = strerrordesc_np(saved_errno);
	va_list args;
	size_t used;

	if (e != NULL) {
		e->code = code;
		va_start(args, format);
		(void)vsnprintf(e->text, sizeof(e->text), format, args);
		va_end(args);
		used = strlen(e->text);
		(void)snprintf(e->text + used, sizeof(e->text) - used, ": %s",
			       reason != NULL ? reason : "unknown error");
		text_make_line(e->text);
	}
	errno = saved_errno;
	return code;
}

int err_wrap(struct err *e, int code, const char *format, ...)
{
	char old[ERR_TEXT_MAX];
	va_list args;
	size_t used;

	if (e == NULL)
		return code;
	memcpy(old, e->text, sizeof(old));
	va_start(args, format);
	(void)vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	used = strlen(e->text);
	(void)snprintf(e->text + used, sizeof(e->text) - used, ": %.*s",
		       (int)(sizeof(e->text) - used), old);
	text_make_line(e->text);
	return code;
}

const char *err_name(int code)
{
	if (code >= 0)
		return "ok";
	if (code < ERR_MIN_)
		return "unknown";
	return names[-code];
}
