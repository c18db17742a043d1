/* SPDX-License-Identifier: MIT
 *
 * labels.h - how the labels of a store's scales are laid out.
 */
#ifndef STORE_LABELS_H
#define STORE_LABELS_H

#include "codec/barcode/barcode.h"

struct db;
struct err;

enum {
	LABEL_RULES_MAX = 64 /* of one store; further ones are not looked at */
};

/* The rules of a store, or the common ones when it has none of its own. Number
 * of rules, or < 0. */
int labels_load(struct db *db, const char *store_id,
		struct barcode_rule ret_rules[LABEL_RULES_MAX], struct err *e);

/* Inside a write transaction. 0; ERR_NOTFOUND: there was no such rule. */
int labels_set(struct db *db, const char *store_id,
	       const struct barcode_rule *rule, struct err *e);
int labels_remove(struct db *db, const char *store_id, const char *prefix,
		  struct err *e);

#endif
