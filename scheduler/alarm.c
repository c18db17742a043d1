/* SPDX-License-Identifier: MIT */
#include "alarm.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "app/log.h"
#include "app/service/service.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"

enum {
	RUN_MS = 60 * 1000,
	AGAIN_MS = 60 * 1000, /* after a try that reached nobody */
	OFF_MS =
		5 * 60 * 1000, /* who was not there for so long knows nothing */
	REPEAT_MS = 60 * 60 * 1000,
	STOP_MS = 5000,
	STOP_POLL_MS = 20
};

static void keep(const struct alarm *alarm)
{
	/* In place: a full disk has room for it. */
	if (alarm->fd >= 0 &&
	    pwrite(alarm->fd, &alarm->times, sizeof(alarm->times), 0) < 0)
		log_event(LOG_LEVEL_WARNING, "the alarm's times are not kept",
			  LOG_NO_FIELDS);
}

void alarm_open(struct alarm *alarm, const struct service *s,
		const char *config_path)
{
	char path[STATE_PATH_BYTES + 64];

	(void)snprintf(path, sizeof(path), "%s/%s.alarm", s->dir.run,
		       s->instance.name);
	*alarm = (struct alarm){
		.child = {.result_fd = -1},
		.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640),
		.config = config_path,
	};
	if (alarm->fd >= 0 &&
	    pread(alarm->fd, &alarm->times, sizeof(alarm->times), 0) ==
		    (ssize_t)sizeof(alarm->times) &&
	    (alarm->times.told_ms != 0 ||
	     clock_wall_ms() - alarm->times.written_ms < OFF_MS))
		return;
	alarm->times = (struct alarm_times){.written_ms = clock_wall_ms()};
	keep(alarm);
}

static void tell(struct alarm *alarm, const struct service *s, bool is_over)
{
	int64_t moment_ms =
		is_over ? alarm->times.told_ms : alarm->times.written_ms;
	struct child_command command;
	struct err e = {0};
	int rc = child_command("alarm", s->dir.root, alarm->config, RUN_MS,
			       &command, &e);

	(void)snprintf(command.run, sizeof(command.run),
		       "ORDERGATE_ALARM=%s%" PRId64, is_over ? "-" : "",
		       moment_ms / 1000);
	if (rc == 0)
		rc = child_start(&alarm->child, &command, clock_mono_ms(), &e);
	alarm->telling_ms = is_over ? 0 : clock_wall_ms();
	alarm->next_ms = clock_mono_ms() + AGAIN_MS;
	if (rc < 0)
		log_error(&e, "nobody could be told of the store",
			  LOG_NO_FIELDS);
}

static bool may_tell(const struct alarm *alarm)
{
	return alarm->child.pid == 0 && clock_mono_ms() >= alarm->next_ms;
}

/* Is there an outage to tell of, or to tell of once more? */
static bool is_due(const struct alarm *alarm, const struct service *s)
{
	int64_t now_ms = clock_wall_ms();

	return !alarm->standing_by &&
	       now_ms - alarm->times.written_ms >=
		       s->config->scheduler.alarm_after_ms &&
	       (alarm->times.told_ms == 0 ||
		now_ms - alarm->times.told_ms >= REPEAT_MS);
}

void alarm_note(struct alarm *alarm, const struct service *s, int taken)
{
	if (taken >= 0) {
		alarm->standing_by = taken == 0;
		alarm->times.written_ms = clock_wall_ms();
		keep(alarm);
	}
	if (taken > 0 && alarm->times.told_ms != 0 && may_tell(alarm))
		tell(alarm, s, true);
	else if (taken < 0 && is_due(alarm, s) && may_tell(alarm))
		tell(alarm, s, false);
}

void alarm_watch(struct alarm *alarm)
{
	struct child_end end;

	if (alarm->child.pid == 0 ||
	    !child_poll(&alarm->child, clock_mono_ms(), &end))
		return;
	if (end.outcome == JOB_OK) {
		alarm->times.told_ms = alarm->telling_ms;
		alarm->next_ms = 0;
		keep(alarm);
	}
	log_event(end.outcome == JOB_OK ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR,
		  "people are told of the store",
		  LOG_TEXT("outcome", job_outcome_name(end.outcome)),
		  LOG_TEXT("detail", end.detail));
}

void alarm_stop(struct alarm *alarm)
{
	int64_t until_ms = clock_mono_ms() + STOP_MS;

	while (alarm->child.pid != 0 && clock_mono_ms() < until_ms) {
		alarm_watch(alarm);
		(void)poll(NULL, 0, STOP_POLL_MS);
	}
	child_kill(&alarm->child);
	cleanup_fd(&alarm->fd);
}
