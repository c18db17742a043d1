/* SPDX-License-Identifier: MIT
 *
 * api_requests.h - answers of the assembly API, kept for a repeat (P3).
 *
 * A handheld that lost an answer asks again with the same request id. The
 * answer is kept in the transaction that changed the order, so the repeat gets
 * it and changes nothing. Only answers of changes that were made are kept.
 */
#ifndef STORE_API_REQUESTS_H
#define STORE_API_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct db;
struct err;

/* As long as a repeat is recognised (contract.md); housekeeping forgets what is
 * older (archive.h). */
#define API_REQUEST_KEEP_MS (INT64_C(7) * 24 * 3600 * 1000)

/* Who asked for what, under which id. Texts are borrowed, never NULL. */
struct api_request {
	const char *token;     /* kind of token: "assembly" */
	const char *picker_id; /* "" : none */
	const char *method;
	const char *request_id;
	const char *body_hash; /* of what was asked, in a form in which equal
				  requests are equal texts */
	/* No answer has this name: api_requests_find() has looked, in the same
	 * transaction. */
	bool is_new;
};

/* The answer to an earlier request of the same name. 1, *ret_answer and the
 * version that it gave to its order (0: none); 0 when
 * there is none, or none that is young enough; ERR_DUPLICATE when it asked for
 * something else; < 0. Sets request->is_new. Reader or writer. */
int api_requests_find(struct db *db, struct api_request *request,
		      int64_t now_ms, struct buf *ret_answer,
		      int64_t *ret_version, struct err *e);

/* Keep an answer; one that was too old is replaced. Inside a write transaction.
 * 0, or as query_next(). */
int api_requests_add(struct db *db, const struct api_request *request,
		     const char *answer, int64_t version, int64_t now_ms,
		     struct err *e);

/* The same for one that is expected to be new, without having looked. 1; 0 when
 * there is an answer of that name already; < 0. */
int api_requests_claim(struct db *db, const struct api_request *request,
		       const char *answer, int64_t version, int64_t now_ms,
		       struct err *e);

#endif
