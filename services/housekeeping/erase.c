/* SPDX-License-Identifier: MIT */
#include "erase.h"

#include <inttypes.h>
#include <poll.h>

#include "app/service/service.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "store/engine/writer.h"
#include "store/repair/eraser.h"

enum {
	PAUSE_MS = 5
};

#define DAY_MS INT64_C(86400000)

struct erase_unit {
	struct unit unit;
	const struct erase_step *step; /* NULL: orders */
	int64_t before_ms;
	int count;
	bool more;
};

static int run_erase(struct unit *u, struct db *db, int64_t now_ms,
		     struct err *e)
{
	struct erase_unit *x = CONTAINER_OF(u, struct erase_unit, unit);

	if (x->step != NULL) {
		x->count = erase_next(db, x->step, x->before_ms, &x->more, e);
	} else {
		x->count = erase_orders(db, x->before_ms, now_ms, e);
		x->more = x->count == ERASE_ORDERS_MAX;
	}
	return MIN_OF(x->count, 0);
}

/* Number of orders or rows, < 0. */
static int64_t erase_all(struct service *s, const struct erase_step *step,
			 int64_t before_ms, int64_t end_ms, struct err *e)
{
	struct erase_unit x = {.unit.run = run_erase,
			       .step = step,
			       .before_ms = before_ms,
			       .more = true};
	int64_t total = 0;

	while (x.more && !service_stopping(s) && clock_mono_ms() < end_ms) {
		int rc = writer_call(s->writer, &x.unit, e);

		if (rc < 0)
			return rc;
		total += x.count;
		(void)poll(NULL, 0, PAUSE_MS);
	}
	return total;
}

int erase_run(struct service *s, int64_t end_ms, struct buf *ret_line,
	      struct err *e)
{
	int64_t before_ms =
		clock_wall_ms() - s->config->retention.personal_days * DAY_MS;
	int64_t rows = 0;
	int64_t orders = erase_all(s, NULL, before_ms, end_ms, e);

	if (orders < 0)
		return (int)orders;
	for (size_t i = 0; erase_steps[i] != NULL; i++) {
		int64_t count =
			erase_all(s, erase_steps[i], before_ms, end_ms, e);

		if (count < 0)
			return (int)count;
		rows += count;
	}
	buf_printf(ret_line, " erased_orders=%" PRId64 " erased_rows=%" PRId64,
		   orders, rows);
	return 0;
}
