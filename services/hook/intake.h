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

#include "app/secret.h"
#include "net/server/http_server.h"

struct writer;

struct hook {
	struct writer *writer;
	_Atomic(struct secret *) token; /* replaced whole at a reload */
	struct secret *old_token;       /* of before the last reload */
};

/* Routes of the hook; context of the server is `struct service`, whose context
 * is a `struct hook`. Event thread only. */
http_handler hook_receive;

#endif
