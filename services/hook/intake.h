/* SPDX-License-Identifier: MIT
 *
 * intake.h - a marketplace's notification: check, keep, answer.
 *
 * Nothing is answered 2xx before its COMMIT (P1); what cannot be read is kept
 * in the quarantine and answered 400 (P4). The event itself is worked on by
 * the processor.
 */
#ifndef HOOK_INTAKE_H
#define HOOK_INTAKE_H

#include <stdatomic.h>

#include "app/edge/probe_mark.h"
#include "app/secret.h"
#include "net/server/http_server.h"

struct writer;

/* The event thread may be comparing with the one of before right now, so that
 * one lives until the next reload. */
struct hook_secret {
	_Atomic(struct secret *) now; /* replaced whole at a reload */
	struct secret *before;
};

struct hook {
	struct writer *writer;
	struct hook_secret token;
	struct hook_secret probe_key; /* NULL: no probe is ours */
	struct probe_marks probes;    /* of the event thread */
};

/* Routes of the hook; context of the server is `struct service`, whose context
 * is a `struct hook`. Event thread only. */
http_handler hook_receive;

/* Nothing was kept: 503, and when to send it again. */
void hook_reply_unavailable(struct http_exchange *x);

#endif
