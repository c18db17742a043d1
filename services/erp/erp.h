/* SPDX-License-Identifier: MIT
 *
 * erp.h - what the requests of this process share, and its routes.
 *
 *	pages.c    documents and orders after a counter
 *	single.c   one document with its files, one order
 *	verdict.c  what the ERP says of a document
 *	upload/    products and stores arrive (receive.c), and are imported one
 *after another (imports.c); files that nobody will import go (sweep.c)
 */
#ifndef ERP_ERP_H
#define ERP_ERP_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "app/secret.h"
#include "app/service/service.h"
#include "net/server/http_server.h"

#define ERP_PATH "/erp/v1/"

enum {
	ERP_BODY_BYTES_MAX = 64 * 1024, /* a verdict's */
	ERP_UPLOAD_BYTES_MAX = 1024 * 1024 * 1024,
	ERP_ANSWER_BYTES_MAX = 16 * 1024 * 1024
};

struct uploads;
struct imports;

struct erp {
	struct service *service;
	struct db *reader;    /* of the event thread */
	pthread_mutex_t lock; /* of token */
	struct secret token;
	struct uploads *uploads;
	struct imports *imports;
	int64_t noted_ms[2]; /* pages.c, event thread */
};

/* For struct service_def. */
int erp_start(struct service *s, struct err *e);
int erp_reload(struct service *s, struct err *e);
void erp_stop(struct service *s);
bool erp_admit(struct http_exchange *x, void *context);

/* The context of a handler, or NULL after 401 or 403. */
struct erp *erp_enter(struct http_exchange *x, void *context);

/* Answers in the project's form. */
void erp_unavailable(struct http_exchange *x);
void erp_refuse_method(struct http_exchange *x, const char *allow);

http_handler pages_documents, pages_orders; /* deferred */
http_handler single_document, single_order;
http_handler verdict_receive;               /* deferred */
http_handler upload_catalog, upload_stores; /* deferred, spooled */
http_handler upload_show;
http_handler openapi_show;

/* The number that text is, up to one of the characters of `until` or its end.
 * false: none. */
bool erp_number(const char *text, const char **ret_end, int64_t *ret_value);

#endif
