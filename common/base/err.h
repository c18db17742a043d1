/* SPDX-License-Identifier: MIT
 *
 * err.h - how a function of this project says that it failed.
 *
 * A function that can fail returns int: zero or more is good, a negative
 * err_code is bad. Its last parameter is `struct err *e`, which may be NULL.
 * The code tells the caller what it may do next; the text tells a person what
 * happened. On success e is left alone, so calls chain and the top reports
 * once.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

/* clang-format off */
/*        symbol, value, name in logs   what the caller may do */
#define ERR_CODES(X) \
	X(ERR_NOMEM, -1, "nomem")          /* give up this unit, try later */ \
	X(ERR_INVALID, -2, "invalid")      /* input is wrong: never retry */ \
	X(ERR_NOTFOUND, -3, "notfound")    /* the named thing does not exist */ \
	X(ERR_DUPLICATE, -4, "duplicate")  /* already there: often as good as 0 */ \
	X(ERR_STATE, -5, "state")          /* stale or illegal from here */ \
	X(ERR_BUSY, -6, "busy")            /* lock, limit, full: retry later */ \
	X(ERR_REMOTE, -7, "remote")        /* peer away or refused: retry later */ \
	X(ERR_UNCERTAIN, -8, "uncertain")  /* outcome unknown: ask, then act */ \
	X(ERR_IO, -9, "io")                /* disk or store: stop taking work */ \
	X(ERR_DENIED, -10, "denied")       /* credentials or permission wrong */
/* clang-format on */

enum err_code {
#define X(symbol, value, name) symbol = (value),
	ERR_CODES(X)
#undef X
	ERR_MIN_ = ERR_DENIED /* lowest code, for tables and tests */
};

enum {
	ERR_TEXT_MAX = 256
};

struct err {
	enum err_code code;
	char text[ERR_TEXT_MAX]; /* one line, no secret, no personal data */
};

/* Fill e (NULL allowed) and return code, so that a failure is one statement:
 *	return err_set(e, ERR_INVALID, "amount has %d decimals", n);
 * errno is preserved; a longer text is cut. Texts quote foreign input: what
 *would be two lines of a log, or is no UTF-8 (also for having been cut),
 *becomes spaces.
 */
int err_set(struct err *e, enum err_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As err_set(), with ": " and the text of errno added. */
int err_errno(struct err *e, enum err_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Put "<format>: " before the text of e, which holds an error or is NULL.
 * Returns code unchanged: `return err_wrap(e, rc, "line %d", n);` */
int err_wrap(struct err *e, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Stable name of a code for logs and metrics: "ok" for >= 0, "unknown" when
 * out of range. */
const char *err_name(int code);

#endif
