/* SPDX-License-Identifier: MIT
 *
 * verdicts.h - what the ERP said of a document.
 *
 *	none > acknowledged
 *	none > refused > (a person) none, offered anew
 *	       refused > replaced: a later document of the order was
 *acknowledged
 *
 * A verdict is given once; the same again changes nothing. Each one is a row of
 * the order's history.
 */
#ifndef STORE_VERDICTS_H
#define STORE_VERDICTS_H

#include <stdbool.h>
#include <stdint.h>

struct db;
struct err;

enum {
	VERDICT_STATE_BYTES = 16,
	VERDICT_REASON_BYTES =
		512 /* longer: ERR_INVALID before it comes here */
};
#define VERDICT_ACKNOWLEDGED "acknowledged"
#define VERDICT_REFUSED "refused"

struct verdict {
	int64_t document_id;
	char state[VERDICT_STATE_BYTES]; /* "none" when there is none yet */
	char reason[VERDICT_REASON_BYTES];
	int64_t at_ms;
};

/* The verdict on a document. 1; 0: there is no such document; < 0. Reader or
 * writer. */
int verdicts_get(struct db *db, int64_t document_id,
		 struct verdict *ret_verdict, struct err *e);

/* The ERP says so. 1, *ret_verdict as it is now: it may be an earlier one of
 * another state; 0: there is no such document; < 0. Inside a write
 * transaction. */
int verdicts_give(struct db *db, int64_t document_id, const char *state,
		  const char *reason, int64_t now_ms,
		  struct verdict *ret_verdict, struct err *e);

/* A person offers a refused document again: it is in the feed once more. 1; 0:
 * there is none, or it is not refused; < 0. Inside a write transaction. */
int verdicts_offer(struct db *db, int64_t document_id, const char *actor,
		   const char *why, int64_t now_ms, struct err *e);

#endif
