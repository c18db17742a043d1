/* SPDX-License-Identifier: MIT
 *
 * ledger.h - what the scheduler writes: each call is one transaction, on disk
 * when it returns. All of them are refused with ERR_STATE once another
 * scheduler holds the lease (store/watch/jobs.h, store/watch/leases.h).
 */
#ifndef SCHEDULER_LEDGER_H
#define SCHEDULER_LEDGER_H

#include <stdint.h>

#include "store/watch/jobs.h"

struct err;
struct service;

enum {
	LEDGER_RENEWALS = 3 /* within the time that a lease lasts */
};

/* Become or stay the active scheduler for scheduler.lease_ms: 1 and *ret_term;
 * 0 when another is. */
int ledger_take(struct service *s, int64_t *ret_term, struct err *e);
int ledger_release(struct service *s, int64_t term, struct err *e);

/* As the functions of store/watch/jobs.h. */
int ledger_decide(struct service *s, const struct job_skip *skip,
		  struct err *e);
int ledger_start(struct service *s, const struct job_start *start,
		 int64_t *ret_run_id, struct err *e);
int ledger_end(struct service *s, const struct job_end *end, struct err *e);
int ledger_plan(struct service *s, const struct job_plan *plan, struct err *e);
int ledger_lost(struct service *s, int64_t run_id, int64_t term, struct err *e);

#endif
