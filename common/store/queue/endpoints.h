/* SPDX-License-Identifier: MIT
 *
 * endpoints.h - the circuit breaker of each place that we send to.
 *
 * Its row is shared by all senders of the installation. Closed: everything may
 * go. Open: one message at a time, a probe, whenever next_probe_ms has come.
 * Held: nothing goes until the credentials or the configuration change.
 *
 * Every change happens only from the states named with it, so that of several
 * senders exactly one gets 1 and tells people. 1 changed, 0 not, < 0 as
 * query_next(). Inside a write transaction, but for endpoints_get(). Each
 * change is noted in endpoint_changes, for a month.
 */
#ifndef STORE_ENDPOINTS_H
#define STORE_ENDPOINTS_H

#include <stdbool.h>
#include <stdint.h>

struct db;
struct err;

/*        symbol, name in the store */
#define ENDPOINT_STATES(X)           \
	X(ENDPOINT_CLOSED, "closed") \
	X(ENDPOINT_OPEN, "open")     \
	X(ENDPOINT_HELD, "held")

enum endpoint_state {
#define X(symbol, name) symbol,
	ENDPOINT_STATES(X)
#undef X
	ENDPOINT_STATE_MAX_
};
const char *endpoint_state_name(enum endpoint_state state);

enum {
	ENDPOINT_REASON_BYTES = 160
};

struct endpoint_row {
	enum endpoint_state state;
	int64_t failures; /* failed probes since it opened */
	int64_t changed_ms, next_probe_ms;
	char reason[ENDPOINT_REASON_BYTES];
};

/* Of an open one: may it be probed? A time later than any probe is put off was
 * named by a clock that has been set back since. */
enum {
	ENDPOINT_PROBE_MAX_MS = 60000
};
bool endpoint_probe_is_due(const struct endpoint_row *row, int64_t now_ms);

/* An endpoint without a row is closed. 0 or < 0. Also on a reader. */
int endpoints_get(struct db *db, const char *name, struct endpoint_row *ret_row,
		  struct err *e);

/* closed -> open */
int endpoints_open(struct db *db, const char *name, const char *reason,
		   int64_t next_probe_ms, int64_t now_ms, struct err *e);
/* open: take the turn to probe; the next one is at next_probe_ms */
int endpoints_take_probe(struct db *db, const char *name, int64_t next_probe_ms,
			 int64_t now_ms, struct err *e);
/* open: the probe failed too */
int endpoints_probe_failed(struct db *db, const char *name, const char *reason,
			   struct err *e);
/* open -> closed */
int endpoints_close(struct db *db, const char *name, int64_t now_ms,
		    struct err *e);
/* closed, open -> held */
int endpoints_hold(struct db *db, const char *name, const char *reason,
		   int64_t now_ms, struct err *e);
/* held -> open with a probe at once: what changed is tried with one message */
int endpoints_resume(struct db *db, const char *name, int64_t now_ms,
		     struct err *e);

#endif
