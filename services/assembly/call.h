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
#include "codec/barcode/barcode.h"
#include "codec/digest.h"
#include "domain/order/order_actions.h"
#include "flow/order_flow.h"
#include "net/server/http_server.h"
#include "store/engine/writer.h"

struct assembly;
struct api_call;
struct decision;
struct replay;

enum {
	API_BODY_BYTES_MAX = 1024 * 1024,
	API_REQUEST_ID_BYTES = 129,
	API_METHODS_MAX = 16, /* with the row that ends them */
	API_CHANGES_MAX = 20, /* of the marketplace, shown with an order */
	API_CHANGES_BYTES_MAX = 256 * 1024,
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
extern const struct api_method api_methods[API_METHODS_MAX];
const struct api_method *api_method_find(const char *name); /* NULL: none */

enum call_outcome {      /* of change_handle() */
	CALL_FAILED = 0, /* not done, or nobody knows */
	CALL_APPLIED,
	CALL_DUPLICATE, /* had been applied before */
	CALL_REFUSED,   /* `reason` says why, and the answer in full */
	CALL_AGAIN      /* something waits for the order: it comes first */
};

/* Lives as long as its exchange, or as the journal whose entry it is. */
struct api_call {
	struct unit unit;
	struct http_exchange *x;
	struct assembly *assembly;
	const struct api_method *method;
	void (*finish)(struct api_call *call); /* when the answer is there */
	struct replay *replay;                 /* NULL: a request of its own */
	char request_id[API_REQUEST_ID_BYTES]; /* "" : none */
	const struct json *data; /* requestData; only inside the handler */
	struct api_args args;
	char body_hash[DIGEST_TEXT_BYTES]; /* of what is asked for */
	bool is_new_request;               /* in its unit: nothing is kept */

	int status;               /* of the answer, with its body */
	const char *content_type; /* a constant */
	struct buf answer;

	/* Of change_handle() */
	enum call_outcome outcome;
	const char *reason;     /* constant */
	int64_t version;        /* of the order, after it */
	int64_t own_version;    /* that it gave to the order; 0: none */
	struct barcode barcode; /* that was scanned */
	struct scanned_code scanned;
	struct named_goods goods; /* that were scanned, or are to replace */
	struct buf changes;       /* the marketplace's, a JSON list */
	int64_t order_id;
	struct decision *decision; /* owned */
	struct api_call *next;     /* of the same round */
	struct flow_settings settings;
	struct flow_pending pending;
	int tries;
};

/* Send the answer and give back what the call holds. The call is gone. */
void call_reply(struct api_call *call);

/* For an entry of a journal: as request_handle() makes one, without an
 * exchange. */
void call_init(struct api_call *call, struct assembly *assembly,
	       const struct api_method *method,
	       void (*finish)(struct api_call *call));
/* Read and check the fields. False: the answer says what is wrong. */
bool call_read_args(struct api_call *call, const struct arg_source *source);
/* Give back what a call holds, the answer too. */
void call_clear(struct api_call *call);

/* The handlers. */
http_handler request_handle; /* of the route: everything begins here */
api_handler read_orders, read_order, read_pick_list;
api_handler change_handle, replay_handle;

/* For struct service_def: the changes of this round of requests. */
void change_round(void *service);

/* What the store knows about what an action names, and how far weights may be
 * off: fills action, call and order. Inside the unit. 0 or < 0. */
int facts_gather(struct api_call *call, struct db *db, struct order *order,
		 struct order_action *action, struct err *e);
/* What the marketplace changed about the order, as call->changes. 0 or < 0. */
int facts_changes(struct api_call *call, struct db *db, int64_t order_id,
		  struct err *e);

#endif
