/* SPDX-License-Identifier: MIT */
#include "store/catalogue/labels.h"

#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "store/engine/db.h"

STMT(labels_select, "SELECT prefix, article_digits, value, divisor"
		    " FROM store_labels WHERE store_id = $1 ORDER BY prefix");
STMT(labels_put,
     "INSERT INTO store_labels (store_id, prefix, article_digits, value,"
     " divisor) VALUES ($1, $2, $3, $4, $5)"
     " ON CONFLICT (store_id, prefix) DO UPDATE SET article_digits = $3,"
     " value = $4, divisor = $5");
STMT(labels_delete,
     "DELETE FROM store_labels WHERE store_id = $1 AND prefix = $2");

static int load(struct db *db, const char *store_id,
		struct barcode_rule *ret_rules, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &labels_select);
	int count = 0;
	int rc = 0;

	query_text(q, 1, store_id);
	while (count < LABEL_RULES_MAX && (rc = query_next(q, e)) > 0) {
		struct barcode_rule *rule = &ret_rules[count++];

		(void)text_copy(rule->prefix, sizeof(rule->prefix),
				query_col_text(q, 0));
		rule->article_digits = (int)query_col_i64(q, 1);
		rule->is_price = strcmp(query_col_text(q, 2), "price") == 0;
		rule->divisor = query_col_i64(q, 3);
	}
	return rc < 0 ? rc : count;
}

int labels_load(struct db *db, const char *store_id,
		struct barcode_rule ret_rules[LABEL_RULES_MAX], struct err *e)
{
	int count = load(db, store_id, ret_rules, e);

	return count == 0 ? load(db, "", ret_rules, e) : count;
}

int labels_set(struct db *db, const char *store_id,
	       const struct barcode_rule *rule, struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &labels_put);
	int rc;

	query_text(q, 1, store_id);
	query_text(q, 2, rule->prefix);
	query_i64(q, 3, rule->article_digits);
	query_text(q, 4, rule->is_price ? "price" : "weight");
	query_i64(q, 5, rule->divisor);
	rc = query_exec(q, e);
	return rc < 0 ? rc : 0;
}

int labels_remove(struct db *db, const char *store_id, const char *prefix,
		  struct err *e)
{
	CLEANUP_QUERY struct query *q = query_start(db, &labels_delete);
	int rc;

	query_text(q, 1, store_id);
	query_text(q, 2, prefix);
	rc = query_exec(q, e);
	if (rc == 0)
		return err_set(e, ERR_NOTFOUND, "there is no such layout");
	return rc < 0 ? rc : 0;
}
