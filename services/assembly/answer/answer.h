/* SPDX-License-Identifier: MIT
 *
 * answer.h - the bodies of answers: {"requestId", "result"} or {"requestId",
 * "error":{"code", "message", "details"}}.
 *
 * Each function sets status and answer of the call, whatever was in them.
 * Those that can fail return 0 or ERR_NOMEM (also when API_ANSWER_BYTES_MAX is
 * not enough).
 *
 * The answer to an entry of a journal that was refused is the error object
 * alone: replay.c puts it among the others.
 */
#ifndef ASSEMBLY_ANSWER_H
#define ASSEMBLY_ANSWER_H

#include "call.h"
#include "codec/json/json_out.h"

struct err;

/* The answers of methods that change something are made and kept with a byte
 * for each of these keys (codec/json/json_words.h): a store keeps seven days of
 * them, and they are written with every tap of a picker. answer_expand() makes
 * the whole text, outside of the transaction. 0 or ERR_NOMEM. */
extern const char *const answer_words[];
int answer_expand(struct api_call *call, struct err *e);

/* 200 and an open result object; answer_end() closes it. */
struct json_out answer_begin(struct api_call *call);
int answer_end(struct json_out *out, struct err *e);

/* 200 and the order; remarks about it are warnings. outcome may be NULL. */
int answer_order(struct api_call *call, const struct order *order,
		 const struct order_outcome *outcome, struct err *e);

/* Why order_act() refused, with the order as it is. */
int answer_refusal(struct api_call *call, const struct order *order,
		   const struct order_outcome *outcome, struct err *e);

/* 422: what was scanned is no code. `reason` is a constant. */
void answer_bad_code(struct api_call *call, const char *reason,
		     const char *text);

/* 422, each bad field of requestData. */
void answer_arg_faults(struct api_call *call, const struct arg_faults *faults);

/* Any other error, without details. */
void answer_error(struct api_call *call, int status, const char *code,
		  const char *message);

/* 404 */
void answer_unknown_order(struct api_call *call);

/* 503: nothing was done, or nobody knows. To be repeated with the same id. */
void answer_unavailable(struct api_call *call);

#endif
