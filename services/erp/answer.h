/* SPDX-License-Identifier: MIT
 *
 * answer.h - the JSON of this API. services/erp/openapi.json describes it, and
 * a test holds real answers against that.
 */
#ifndef ERP_ANSWER_H
#define ERP_ANSWER_H

#include "codec/json/json_out.h"
#include "net/server/http_server.h"

struct order;
struct upload;
struct verdict;

/* Objects; key as in json_out.h. */
void answer_put_order(struct json_out *out, const struct order *order);
void answer_put_verdict(struct json_out *out, const char *key,
			const struct verdict *verdict);
void answer_put_upload(struct json_out *out, const char *key,
		       const struct upload *upload, bool with_faults);

/* One thing that was asked for: rc is 1 with its JSON written, 0: there is none
 * (404), < 0: the store failed. */
void answer_one(struct http_exchange *x, int rc, struct json_out *out,
		const char *code, const char *message);

/* Send what out holds, or 503 when memory ran out. */
void answer_send(struct http_exchange *x, int status, struct json_out *out);

#endif
