/* SPDX-License-Identifier: MIT */
#include "erp.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/err.h"
#include "store/engine/db.h"
#include "upload/exchange.h"

enum {
	FOLDER_MODE = 0750,
	DIGITS_MAX = 18
};

int erp_reload(struct service *s, struct err *e)
{
	struct erp *erp = s->context;
	struct secret token;
	int rc = secret_load(&s->dir, "erp-token", &token, e);

	if (rc < 0)
		return rc;
	(void)pthread_mutex_lock(&erp->lock);
	erp->token = token;
	(void)pthread_mutex_unlock(&erp->lock);
	return 0;
}

static int open_all(struct erp *erp, struct err *e)
{
	struct service *s = erp->service;
	char path[STATE_STORE_BYTES];
	int rc = state_dir_store_path(&s->dir, s->config->store.url, path, e);

	/* One that was made by an earlier version has none. */
	if (rc == 0 && mkdir(s->dir.incoming, FOLDER_MODE) < 0 &&
	    errno != EEXIST)
		rc = err_errno(e, ERR_IO, "%.120s", s->dir.incoming);
	if (rc == 0)
		rc = erp_reload(s, e);
	if (rc == 0)
		rc = db_open(path, DB_SERVE, &erp->reader, e);
	if (rc == 0)
		rc = imports_start(s, path, &erp->imports, e);
	if (rc == 0)
		rc = uploads_start(s, path, erp->imports, &erp->uploads, e);
	return rc;
}

int erp_start(struct service *s, struct err *e)
{
	static struct erp erp = {.lock = PTHREAD_MUTEX_INITIALIZER};
	int rc;

	erp.service = s;
	s->context = &erp;
	rc = open_all(&erp, e);
	if (rc < 0)
		erp_stop(s);
	return rc;
}

void erp_stop(struct service *s)
{
	struct erp *erp = s->context;

	uploads_stop(erp->uploads);
	imports_stop(erp->imports);
	db_close(erp->reader);
	erp->uploads = NULL;
	erp->imports = NULL;
	erp->reader = NULL;
}

/* The token of "Authorization: Bearer TOKEN" (RFC 6750 2.1), or NULL. */
static const char *bearer(struct http_exchange *x)
{
	static const char scheme[] = "Bearer ";
	const char *value = http_header(x, "Authorization");

	if (value == NULL ||
	    strncasecmp(value, scheme, sizeof(scheme) - 1) != 0)
		return NULL;
	value += sizeof(scheme) - 1;
	return value + strspn(value, " ");
}

/* 0, or the status that refuses it. */
static int check_token(struct erp *erp, struct http_exchange *x)
{
	const char *given = bearer(x);
	bool known;

	if (given == NULL)
		return 401;
	(void)pthread_mutex_lock(&erp->lock);
	known = secret_matches(&erp->token, given);
	(void)pthread_mutex_unlock(&erp->lock);
	return known ? 0 : 403;
}

bool erp_admit(struct http_exchange *x, void *context)
{
	return check_token(((struct service *)context)->context, x) == 0;
}

struct erp *erp_enter(struct http_exchange *x, void *context)
{
	struct erp *erp = ((struct service *)context)->context;
	int refusal = check_token(erp, x);

	if (refusal == 0)
		return erp;
	if (refusal == 401)
		http_reply_header(x, "WWW-Authenticate",
				  "Bearer realm=\"ordergate\"");
	http_reply_error(
		x, refusal, refusal == 401 ? "unauthorized" : "forbidden",
		refusal == 401 ? "Authorization: Bearer <erp-token> is missing"
			       : "this token is not known");
	return NULL;
}

void erp_unavailable(struct http_exchange *x)
{
	http_reply_header(x, "Retry-After", "1");
	http_reply_error(x, 503, "unavailable",
			 "the store does not answer: please try again");
}

void erp_refuse_method(struct http_exchange *x, const char *allow)
{
	http_reply_header(x, "Allow", allow);
	http_reply_error(x, 405, "method_not_allowed",
			 "this path has other methods");
}

bool erp_number(const char *text, const char **ret_end, int64_t *ret_value)
{
	size_t digits = strspn(text, "0123456789");
	int64_t value = 0;

	if (digits == 0 || digits > DIGITS_MAX)
		return false;
	for (size_t i = 0; i < digits; i++)
		value = value * 10 + (text[i] - '0');
	*ret_end = text + digits;
	*ret_value = value;
	return true;
}
