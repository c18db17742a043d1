/* SPDX-License-Identifier: MIT
 *
 * Which processes of which machines are known, and as what they are shown.
 */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "store/engine/db.h"
#include "store/watch/processes.h"
#include "store/watch/views.h"
#include "store_fixture.h"

#define A "@0a0a0a0a:"
#define B "@0b0b0b0b:"

/* Of the machines one and two; NULL: the process of that owner ends. */
struct said {
	int64_t age_ms; /* so long ago */
	const char *owner, *service, *host;
	int number;
};

struct act {
	const struct said *said;
	int64_t now_ms;
};

static int say(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	const struct act *act = context;
	const struct said *said = act->said;
	struct process_row row = {.owner = said->owner,
				  .service = said->service,
				  .number = said->number,
				  .host = said->host,
				  .version = "1.0",
				  .pid = 7};

	(void)now_ms;
	return said->service == NULL
		       ? processes_end(db, said->owner, e)
		       : processes_beat(db, &row, act->now_ms - said->age_ms,
					e);
}

static int add_row(struct query *row, void *context)
{
	char *text = context;

	(void)snprintf(text + strlen(text), 512 - strlen(text), "%s %s %s;",
		       query_col_text(row, 0), query_col_text(row, 1),
		       query_col_text(row, 6));
	return 0;
}

static void a_process_is_shown_until_it_ends(void **state)
{
	enum {
		DAY_MS = 24 * 3600 * 1000
	};
	static const struct {
		struct said said[4];
		const char *shown;
	} rows[] = {
		{{{0, "hook-1" A "x", "hook", "one", 1},
		  {0, "hook-2" A "y", "hook", "one", 2},
		  {0, "hook-1" B "z", "hook", "two", 1}},
		 "one hook-1 up;one hook-2 up;two hook-1 up;"},
		{{{40000, "hook-1" A "x", "hook", "one", 1}},
		 "one hook-1 silent;"},
		{{{40000, "hook-1" A "x", "hook", "one", 1},
		  {0, "hook-1" A "x", "hook", "one", 1}},
		 "one hook-1 up;"},
		/* A new one in its place, and one after a restart of its
		 * machine, which gave the run directory a new name. */
		{{{0, "hook-1" A "x", "hook", "one", 1},
		  {0, "hook-1" A "w", "hook", "one", 1}},
		 "one hook-1 up;"},
		{{{40000, "hook-1" A "x", "hook", "one", 1},
		  {0, "hook-1" B "w", "hook", "one", 1}},
		 "one hook-1 up;"},
		/* Two machines of one name. */
		{{{0, "hook-1" A "x", "hook", "one", 1},
		  {0, "hook-1" B "w", "hook", "one", 1}},
		 "one hook-1 up;one hook-1 up;"},
		/* Who ends is gone, unless somebody has taken its place. */
		{{{0, "hook-1" A "x", "hook", "one", 1},
		  {0, "hook-1" A "x", NULL, NULL, 0}},
		 ""},
		{{{0, "hook-1" A "w", "hook", "one", 1},
		  {0, "hook-1" A "x", NULL, NULL, 0}},
		 "one hook-1 up;"},
		{{{8LL * DAY_MS, "hook-1" A "x", "hook", "one", 1},
		  {0, "hook-1" B "y", "hook", "two", 1}},
		 "two hook-1 up;"},
		{{{6LL * DAY_MS, "hook-1" A "x", "hook", "one", 1},
		  {0, "hook-1" B "y", "hook", "two", 1}},
		 "one hook-1 silent;two hook-1 up;"},
		{{{0, "scheduler-1" A "x", "scheduler", "one", 1},
		  {0, "scheduler-1" B "leads", "scheduler", "two", 1},
		  {0, "scheduler-2" B "y", "scheduler", "two", 2}},
		 "one scheduler-1 standby;two scheduler-1 active;"
		 "two scheduler-2 standby;"},
		{{{40000, "scheduler-1" B "leads", "scheduler", "two", 1}},
		 "two scheduler-1 silent;"},
	};
	struct fixture *f = *state;

	fixture_sql(f, "INSERT INTO leases (name, owner, term, until_ms) VALUES"
		       " ('scheduler', 'scheduler-1" B
		       "leads', 1, 9000000000000)");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct act act = {.now_ms = clock_wall_ms()};
		char shown[512] = "";

		fixture_sql(f, "DELETE FROM processes");
		for (act.said = rows[i].said;
		     act.said < rows[i].said + COUNT_OF(rows[i].said) &&
		     act.said->owner != NULL;
		     act.said++)
			assert_int_equal(fixture_write(f, say, &act, NULL), 0);
		assert_true(view_run(f->db, view_find("status.processes"), NULL,
				     0, add_row, shown, NULL) >= 0);
		if (strcmp(shown, rows[i].shown) != 0)
			fail_msg("row %zu: %s", i, shown);
	}
}

static void a_process_that_goes_on_has_begun_once(void **state)
{
	static const struct said said[] = {
		{20000, "hook-1" A "x", "hook", "one", 1},
		{5000, "hook-1" A "x", "hook", "one", 1},
		{1000, "hook-1" A "w", "hook", "one", 1}};
	struct fixture *f = *state;
	int64_t now_ms = clock_wall_ms();

	for (size_t i = 0; i < COUNT_OF(said); i++) {
		struct act act = {&said[i], now_ms};

		assert_int_equal(fixture_write(f, say, &act, NULL), 0);
		assert_int_equal(
			fixture_i64(f, "SELECT started_ms FROM processes"),
			now_ms - (i == 2 ? 1000 : 20000));
		assert_int_equal(
			fixture_i64(f, "SELECT seen_ms FROM processes"),
			now_ms - said[i].age_ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_process_is_shown_until_it_ends, fixture_setup,
			fixture_teardown),
		cmocka_unit_test_setup_teardown(
			a_process_that_goes_on_has_begun_once, fixture_setup,
			fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
