/* SPDX-License-Identifier: MIT
 *
 * That this process lives, for `ordergatectl status` on any machine.
 */
#include <limits.h>
#include <unistd.h>

#include "app/service/service_private.h"
#include "base/clock.h"
#include "base/macros.h"
#include "store/engine/db.h"
#include "store/watch/processes.h"

static int run_beat(struct unit *u, struct db *db, int64_t now_ms,
		    struct err *e)
{
	const struct beat *beat = CONTAINER_OF(u, struct beat, unit);
	const struct service *s = beat->service;
	struct process_row row = {
		.owner = s->instance.owner,
		.service = s->def->name,
		.number = s->number,
		.host = beat->host,
		.version = ORDERGATE_VERSION,
		.pid = getpid(),
	};

	return beat->ending ? processes_end(db, row.owner, e)
			    : processes_beat(db, &row, now_ms, e);
}

/* One that failed is not repeated: the next one says the same. */
static void beaten(struct unit *u, int rc, const struct err *e)
{
	struct beat *beat = CONTAINER_OF(u, struct beat, unit);

	(void)rc;
	(void)e;
	atomic_store(&beat->under_way, false);
}

static void submit(struct beat *beat)
{
	if (beat->service == NULL || atomic_exchange(&beat->under_way, true))
		return;
	beat->unit = (struct unit){.run = run_beat, .done = beaten};
	if (writer_submit(beat->service->writer, &beat->unit, NULL) < 0)
		atomic_store(&beat->under_way, false);
}

void service_beat_open(struct process *p)
{
	/* Of a file, the lock files of its machine say all. A run is in the
	 * jobs' history. */
	if ((db_caps_of(p->service.db) & DB_CAP_FILE) != 0 ||
	    p->service.def->run != NULL)
		return;
	if (gethostname(p->beat.host, sizeof(p->beat.host) - 1) < 0)
		p->beat.host[0] = '\0';
	p->beat.service = &p->service;
}

void service_beat(struct process *p, int64_t now_ms)
{
	if (now_ms < p->beat.due_ms)
		return;
	p->beat.due_ms = now_ms + PROCESSES_EVERY_MS;
	submit(&p->beat);
}

void service_beat_end(struct process *p)
{
	p->beat.ending = true;
	submit(&p->beat);
}
