/* SPDX-License-Identifier: MIT
 *
 * later_change.h - what a marketplace says of an order's goods after they were
 * packed: mostly that some were refused or came back. Pure.
 *
 * It sends the whole composition again, so a position says something new only
 * where it differs from what the marketplace said before. Then its quantity is
 * what the buyer keeps: less than was sold is a return. Everything else (more
 * than was sold, another price, a new position, a total that does not fit) is
 * for a person: the goods are gone, and nobody knows better.
 */
#ifndef DOMAIN_LATER_CHANGE_H
#define DOMAIN_LATER_CHANGE_H

#include "domain/invoice/invoice.h"

/* What the event says, as JSON, held against the order. 1; 0: nothing of the
 * goods has changed; ERR_NOMEM. */
int later_change_write(const struct order *order,
		       const struct order_event *event, struct buf *buf,
		       struct err *e);

/* The same for an order that was cancelled after it was sold: nothing is kept
 * of any line. 0; ERR_NOMEM. */
int later_change_write_nothing_kept(const struct order *order, struct buf *buf,
				    struct err *e);

struct later_change {
	const char *body;        /* of later_change_write() */
	int64_t total_minor;     /* as the event says; < 0: it does not */
	int64_t tolerance_minor; /* < 0: the total is not looked at */
	/* An earlier change of the order was kept: what is as the order had it
	 * may be a change back. */
	bool is_later_one;
};
/* The return that follows from it, on top of what is sold now (*state), but for
 * series, number, revision, dates and reason. 1; 0: *state says that already;
 * ERR_INVALID with the reason: for a person; ERR_NOMEM. */
int later_change_return(const struct later_change *change,
			const struct invoice *state,
			struct invoice *ret_invoice, struct err *e);

#endif
