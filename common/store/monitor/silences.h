/* SPDX-License-Identifier: MIT
 *
 * silences.h - of what nobody is told for a time, and what a rule is in one
 * store. The monitor's queries read both (monitor_rule.h).
 *
 * Inside a write transaction unless they say "Reader". Texts "" fit everything.
 */
#ifndef STORE_SILENCES_H
#define STORE_SILENCES_H

#include <stdbool.h>
#include <stdint.h>

struct db;
struct err;

/* "90m", "2h", "1d": how people say for how long, at most SILENCE_MAX_DAYS. 0:
 * not understood. Pure. */
enum {
	SILENCE_MAX_DAYS = 31
};
int64_t silence_length_ms(const char *text);

struct silence {
	const char *rule, *subject, *store_id;
	const char *made_by, *reason;
	int64_t from_ms, until_ms;
};
/* 0 and *ret_id, or < 0. */
int silences_add(struct db *db, const struct silence *silence, int64_t now_ms,
		 int64_t *ret_id, struct err *e);
/* The same once for its rule, store, maker and beginning: 1 when it was made
 * now, 0 when it was there. */
int silences_ensure(struct db *db, const struct silence *silence,
		    int64_t now_ms, struct err *e);
/* It ends now. 1; 0: there is none in force. */
int silences_end(struct db *db, int64_t id, int64_t now_ms, struct err *e);

/* One rule in one store: off, or with a threshold of its own (< 0: as
 * configured). */
struct rule_store {
	const char *rule, *store_id, *changed_by;
	bool enabled;
	int64_t threshold; /* in the rule's unit */
};
int rule_stores_set(struct db *db, const struct rule_store *row, int64_t now_ms,
		    struct err *e);
/* As configured again. 1; 0: it was. */
int rule_stores_clear(struct db *db, const char *rule, const char *store_id,
		      struct err *e);

#endif
