/* SPDX-License-Identifier: MIT
 *
 * labels.c - how the labels of a store's scales are laid out.
 */
#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "ctl.h"
#include "store/catalogue/labels.h"
#include "store/engine/writer.h"

struct change {
	struct unit unit;
	const char *store_id; /* "" : of all stores that have none */
	struct barcode_rule rule;
	bool remove;
};

static int run_change(struct unit *u, struct db *db, int64_t now_ms,
		      struct err *e)
{
	const struct change *change = CONTAINER_OF(u, struct change, unit);

	(void)now_ms;
	return change->remove
		       ? labels_remove(db, change->store_id,
				       change->rule.prefix, e)
		       : labels_set(db, change->store_id, &change->rule, e);
}

/* "-" is the name of the table for stores that have none of their own. */
static bool read_place(struct ctl *ctl, struct change *change)
{
	const char *store_id = ctl_next(ctl);
	const char *prefix = ctl_next(ctl);

	if (store_id == NULL || prefix == NULL)
		return false;
	change->store_id = strcmp(store_id, "-") == 0 ? "" : store_id;
	return text_copy(change->rule.prefix, sizeof(change->rule.prefix),
			 prefix);
}

static bool read_layout(struct ctl *ctl, struct barcode_rule *rule)
{
	const char *digits = ctl_next(ctl);
	const char *value = ctl_next(ctl);
	const char *divisor = ctl_next(ctl);
	int64_t number = 0;

	if (digits == NULL || value == NULL || divisor == NULL ||
	    text_to_i64(digits, 1, 12, &number, NULL) < 0 ||
	    text_to_i64(divisor, 1, 1000000, &rule->divisor, NULL) < 0 ||
	    (strcmp(value, "weight") != 0 && strcmp(value, "price") != 0))
		return false;
	rule->article_digits = (int)number;
	rule->is_price = strcmp(value, "price") == 0;
	return barcode_rule_is_valid(rule);
}

static int write_change(struct ctl *ctl, struct change *change)
{
	int rc;

	change->unit.run = run_change;
	rc = ctl_write(ctl, &change->unit);
	return rc < 0 ? ctl_error(ctl, rc) : CTL_DONE;
}

int ctl_label_set(struct ctl *ctl)
{
	struct change change = {0};

	if (!read_place(ctl, &change) || !read_layout(ctl, &change.rule))
		return ctl_fail(ctl, CTL_USAGE,
				"needs STORE PREFIX DIGITS weight|price "
				"DIVISOR, and prefix, article and value of an "
				"EAN-13: try - 21 5 weight 1000");
	if (change.store_id[0] != '\0') {
		int code = ctl_know_store(ctl, change.store_id);

		if (code != CTL_DONE)
			return code;
	}
	return write_change(ctl, &change);
}

int ctl_label_remove(struct ctl *ctl)
{
	struct change change = {.remove = true};

	if (!read_place(ctl, &change))
		return ctl_fail(ctl, CTL_USAGE, "needs STORE PREFIX");
	return write_change(ctl, &change);
}
