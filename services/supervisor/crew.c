/* SPDX-License-Identifier: MIT */
#include "crew.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>

#include "app/config/config.h"
#include "app/log.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/macros.h"
#include "net/notify.h"

enum {
	NO_POOL = 0,   /* no key in pool { } */
	RETRY_MS = 20, /* while an old group dies */
	FAILED_RETRY_MS = 2000
};

static bool hears_people(const struct config *config)
{
	return strcmp(config->telegram.updates, "off") != 0;
}

/* The services of one machine. What the scheduler runs is not here. */
static const struct {
	const char *name;
	size_t pool; /* where pool { } holds its number */
	bool is_pool;
	bool is_server;                                 /* behind nginx */
	bool (*is_wanted)(const struct config *config); /* NULL: always */
} services[] = {
	{"hook", offsetof(struct config_pool, hook), true, true, NULL},
	{"assembly", offsetof(struct config_pool, assembly), true, true, NULL},
	{"erp", offsetof(struct config_pool, erp), true, true, NULL},
	{"processor", offsetof(struct config_pool, processor), true, false,
	 NULL},
	{"notifier", offsetof(struct config_pool, notifier), true, false, NULL},
	{"console", NO_POOL, false, true, NULL},
	{"scheduler", NO_POOL, false, false, NULL},
	{"chat", NO_POOL, false, false, hears_people},
};

static int wanted(size_t row, const struct config *config)
{
	int64_t count;

	if (!services[row].is_pool)
		return services[row].is_wanted == NULL ||
		       services[row].is_wanted(config);
	memcpy(&count, (const char *)&config->pool + services[row].pool,
	       sizeof(count));
	return (int)count;
}

static struct child *find(struct crew *crew, const char *name, int number)
{
	for (int i = 0; i < crew->count; i++) {
		struct child *child = &crew->children[i];

		if (child->number == number && strcmp(child->name, name) == 0)
			return child;
	}
	return NULL;
}

static struct child *add(struct crew *crew, enum child_kind kind,
			 const char *name, int number)
{
	struct child *child = &crew->children[crew->count++];

	assert(crew->count <= CREW_MAX);
	*child = (struct child){.kind = kind,
				.name = name,
				.number = number,
				.listen_fd = -1,
				.state = CHILD_OVER};
	return child;
}

/* Wanted (again). */
static struct child *want(struct crew *crew, enum child_kind kind,
			  const char *name, int number, int64_t now_ms)
{
	struct child *child = find(crew, name, number);

	if (child == NULL)
		child = add(crew, kind, name, number);
	child->is_unwanted = false;
	child->is_told = false;
	if (child->state == CHILD_OVER) {
		child->state = CHILD_DUE;
		child->due_ms = now_ms;
	}
	return child;
}

static void refuse(struct child *child)
{
	child->is_unwanted = true;
	child->is_told = true;
	if (child->pid == 0) {
		child->state = CHILD_OVER;
		child_close_socket(child);
	}
	child_signal(child, SIGTERM);
}

void crew_grow(struct crew *crew, const struct config *config, int64_t now_ms)
{
	for (size_t row = 0; row < COUNT_OF(services); row++) {
		int count = wanted(row, config);

		for (int number = 1; number <= count; number++)
			want(crew, CHILD_SERVICE, services[row].name, number,
			     now_ms)
				->is_server = services[row].is_server;
	}
	(void)want(crew, CHILD_EDGE, "nginx", 1, now_ms);
}

void crew_shrink(struct crew *crew, const struct config *config)
{
	for (size_t row = 0; row < COUNT_OF(services); row++) {
		int number = wanted(row, config) + 1;
		struct child *surplus;

		for (;
		     (surplus = find(crew, services[row].name, number)) != NULL;
		     number++)
			refuse(surplus);
	}
}

void crew_add_command(struct crew *crew, const char *command, int64_t now_ms)
{
	int number = 1;
	struct child *child;

	while (find(crew, "command", number) != NULL)
		number++;
	child = add(crew, CHILD_COMMAND, "command", number);
	child->command = command;
	child->state = CHILD_DUE;
	child->due_ms = now_ms;
}

static void start(struct crew *crew, struct child *child, int64_t now_ms)
{
	struct err e = {0};
	int rc = child_start(child, crew->launch, now_ms, &e);

	if (rc == 0)
		return;
	child->due_ms = now_ms + (rc == ERR_BUSY ? RETRY_MS : FAILED_RETRY_MS);
	if (rc == ERR_BUSY)
		return;
	log_error(&e, "process cannot be started",
		  LOG_TEXT("process", child->name),
		  LOG_I64("number", child->number));
	/* Never there: not part of this installation. One that was there is
	 * being replaced by a new version. */
	if (rc == ERR_NOTFOUND && child->started_ms == 0)
		refuse(child);
}

static void kill_stuck(struct child *child)
{
	log_event(LOG_LEVEL_ERROR, "process is stuck: killed",
		  LOG_TEXT("process", child->name),
		  LOG_I64("number", child->number), LOG_I64("pid", child->pid));
	child_kill_group(child);
	child->is_killed = true;
}

int64_t crew_tend(struct crew *crew, int64_t now_ms)
{
	int64_t next_ms = INT64_MAX;

	for (int i = 0; i < crew->count; i++) {
		struct child *child = &crew->children[i];

		if (crew->is_stopping)
			continue;
		if (child->state == CHILD_DUE && now_ms >= child->due_ms)
			start(crew, child, now_ms);
		if (child_is_stuck(child, now_ms))
			kill_stuck(child);
		next_ms = MIN_OF(next_ms, child_deadline_ms(child));
	}
	return next_ms;
}

static struct child *find_pid(struct crew *crew, pid_t pid)
{
	for (int i = 0; i < crew->count; i++)
		if (crew->children[i].pid == pid)
			return &crew->children[i];
	return NULL;
}

void crew_reap(struct crew *crew, int64_t now_ms)
{
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);
		struct child *child;

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid <= 0)
			return;
		/* Grandchildren come to us, too, when their parent dies. */
		child = find_pid(crew, pid);
		if (child != NULL)
			child_ended(child, status, now_ms);
	}
}

void crew_heard(struct crew *crew, pid_t pid, unsigned news, int64_t now_ms)
{
	struct child *child = pid > 0 ? find_pid(crew, pid) : NULL;

	if (child == NULL || child->kind != CHILD_SERVICE)
		return;
	if ((news & (NOTIFY_READY | NOTIFY_WATCHDOG)) != 0)
		child->heard_ms = now_ms;
	if ((news & NOTIFY_READY) != 0 && child->state == CHILD_STARTING)
		child->state = CHILD_READY;
}

void crew_forgive(struct crew *crew, int64_t now_ms)
{
	for (int i = 0; i < crew->count; i++) {
		struct child *child = &crew->children[i];

		child->heard_ms = now_ms;
		if (child->state == CHILD_STARTING)
			child->started_ms = now_ms;
	}
}

void crew_signal(struct crew *crew, enum child_kind kind, int signal)
{
	for (int i = 0; i < crew->count; i++)
		if (crew->children[i].kind == kind)
			child_signal(&crew->children[i], signal);
}

void crew_tell(struct crew *crew, enum child_kind kind, int signal)
{
	for (int i = 0; i < crew->count; i++)
		if (crew->children[i].kind == kind)
			crew->children[i].is_told = true;
	crew_signal(crew, kind, signal);
}

void crew_kill(struct crew *crew)
{
	for (int i = 0; i < crew->count; i++)
		child_kill_group(&crew->children[i]);
}

int crew_running(const struct crew *crew, enum child_kind kind)
{
	int count = 0;

	for (int i = 0; i < crew->count; i++)
		count += crew->children[i].kind == kind &&
			 crew->children[i].pid > 0;
	return count;
}

bool crew_is_ready(const struct crew *crew, struct buf *ret_names)
{
	bool all = true;

	for (int i = 0; i < crew->count; i++) {
		const struct child *child = &crew->children[i];

		if (child->kind == CHILD_COMMAND || child->is_unwanted ||
		    child->state == CHILD_READY)
			continue;
		buf_printf(ret_names, "%s%s-%d", all ? "" : ", ", child->name,
			   child->number);
		all = false;
	}
	return all;
}
