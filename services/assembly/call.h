/* SPDX-License-Identifier: MIT
 *
 * call.h - one call of a method, from its request to its answer, and the table
 * of methods.
 *
 * A method that reads answers in the handler, from the event thread's own
 * connection. A method that changes something goes through the writer, and is
 * answered after COMMIT. A new method is a row of methods.c and, when it is not
 * an action of order_actions.h, a file with its handler.
 */
#ifndef ASSEMBLY_CALL_H
#define ASSEMBLY_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "args.h"
#include "base/buf.h"
#include "codec/digest.h"
#include "domain/order/order_actions.h"
#include "flow/order_flow.h"
#include "net/server/http_server.h"
#include "store/engine/writer.h"

struct assembly;
struct api_call;

enum {
	API_BODY_BYTES_MAX = 1024 * 1024,
	API_REQUEST_ID_BYTES = 129,
	/* Of a thousand lines whose texts are all escapes, and then some */
	API_ANSWER_BYTES_MAX = 4 * 1024 * 1024
};

#define API_PATH "/sbermarket/orders/api/"

typedef void api_handler(struct api_call *call);

struct api_method {
	const char *name;
	const char *label;             /* of its metric */
	api_handler *handle;           /* event thread; answers or submits */
	enum order_action_type action; /* of change_handle() */
	unsigned needs, takes;         /* bits of enum arg */
	bool changes;                  /* needs a request id */
};
/* Ends with a row of NULLs. */
extern const struct api_method api_methods[];
const struct api_method *api_method_find(const char *name); /* NULL: none */

struct api_call { /* lives as long as its exchange */
	struct unit unit;
	struct http_exchange *x;
	struct assembly *assembly;
	const struct api_method *method;
	char request_id[API_REQUEST_ID_BYTES]; /* "" : none */
	struct api_args args;
	char body_hash[DIGEST_TEXT_BYTES]; /* of what is asked for */

	int status; /* of the answer, with its body */
	struct buf answer;

	/* Of change_handle() */
	int64_t order_id;
	struct flow_settings settings;
	struct flow_pending pending;
	int tries;
};

/* Send the answer and give back what the call holds. The call is gone. */
void call_reply(struct api_call *call);

/* The handlers. */
http_handler request_handle; /* of the route: everything begins here */
api_handler read_orders, read_order;
api_handler change_handle;

#endif
