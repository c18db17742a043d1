/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "app/log.h"
#include "app/service/service_private.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/text.h"
#include "net/doorbell.h"
#include "store/engine/patience.h"

enum {
	PAUSE_MS = 100, /* after the first error; doubled for each next one */
	PAUSE_MAX_MS = 8000,
	REPEAT_MS = 60000 /* an error that lasts is logged this often */
};

/* The row of that text, else the one that was logged longest ago. */
static size_t find_row(const struct service_repeats *repeats, const char *text)
{
	size_t oldest = 0;

	for (size_t i = 0; i < SERVICE_REPEATS; i++) {
		if (strcmp(repeats->rows[i].text, text) == 0)
			return i;
		if (repeats->rows[i].logged_ms <
		    repeats->rows[oldest].logged_ms)
			oldest = i;
	}
	return oldest;
}

void service_log_repeated(struct service_repeats *repeats, int64_t now_ms,
			  const struct err *e, const char *message)
{
	size_t i = find_row(repeats, e->text);
	bool known = repeats->rows[i].text[0] != '\0' &&
		     strcmp(repeats->rows[i].text, e->text) == 0;

	if (known && now_ms < repeats->rows[i].logged_ms + REPEAT_MS) {
		repeats->rows[i].count++;
		return;
	}
	if (known)
		log_error(e, message,
			  LOG_I64("repeated", repeats->rows[i].count + 1));
	else
		log_error(e, message, LOG_NO_FIELDS);
	(void)text_copy(repeats->rows[i].text, sizeof(repeats->rows[i].text),
			e->text);
	repeats->rows[i].logged_ms = now_ms;
	repeats->rows[i].count = 0;
}

static void work_failed(struct process *p, const struct err *e)
{
	int64_t now_ms = clock_mono_ms();

	p->failures++;
	p->troubles++;
	p->retry_ms =
		now_ms + backoff_ms(MIN_OF(p->failures, 16), PAUSE_MS,
				    PAUSE_MAX_MS, (uint64_t)p->service.number);
	service_log_repeated(&p->repeats, now_ms, e, "work failed");
}

static void work_succeeded(struct process *p)
{
	p->failures = 0;
	if (p->service.untried)
		return;
	if (p->troubles > 0)
		log_event(LOG_LEVEL_INFO, "work goes on again",
			  LOG_I64("failures", p->troubles));
	p->troubles = 0;
	/* The same error counts as a new one after a success. */
	memset(&p->repeats, 0, sizeof(p->repeats));
}

/* 0 when there may be more to do at once. */
static int64_t work_once(struct process *p)
{
	const struct service_def *def = p->service.def;
	struct err e = {0};
	int rc;

	if (def->work == NULL)
		return SERVICE_TICK_MS;
	if (clock_mono_ms() < p->retry_ms)
		return p->retry_ms - clock_mono_ms();
	/* Drain, then look: a bell that rings in between is heard. */
	if (p->service.bell_fd >= 0)
		(void)doorbell_drain(p->service.bell_fd);
	p->service.wait_ms = 0;
	p->service.untried = false;
	rc = def->work(&p->service, &e);
	if (rc < 0) {
		work_failed(p, &e);
		return p->retry_ms - clock_mono_ms();
	}
	work_succeeded(p);
	if (rc > 0)
		return 0;
	return p->service.wait_ms > 0 ? p->service.wait_ms : SERVICE_TICK_MS;
}

static void wait_for_news(struct process *p, int64_t wait_ms)
{
	struct pollfd fds[2] = {
		{.fd = p->signal_fd, .events = POLLIN},
		/* A bell does not shorten the pause after an error. poll(2)
		 * skips negative descriptors. */
		{.fd = p->failures > 0 ? -1 : p->service.bell_fd,
		 .events = POLLIN},
	};

	wait_ms = MIN_OF(wait_ms, p->tick_ms);
	if (wait_ms > 0)
		(void)poll(fds, COUNT_OF(fds), (int)wait_ms);
}

/* work() waits for the store. Those waits have their ends, and service_watch()
 * sees one that has not: no reason to be killed. */
static void go_on_waiting(void *context)
{
	service_watch(context);
}

int service_loop(struct process *p)
{
	patience_open(go_on_waiting, p);
	while (!service_stopping(&p->service)) {
		if (p->reload_wanted)
			service_reload(p);
		wait_for_news(p, work_once(p));
	}
	patience_open(NULL, NULL);
	return p->broken ? EXIT_FAILURE : EXIT_SUCCESS;
}
