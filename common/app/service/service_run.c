/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/log.h"
#include "app/service/service_private.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/text.h"
#include "store/engine/writer.h"
#include "store/watch/jobs.h"

enum {
	RESULT_BYTES_MAX = 4000, /* one write to a pipe, never in pieces */
	PROGRESS_BYTES = 256,
	PROGRESS_MS = 1000
};

struct progress {
	struct unit unit;
	int64_t run_id;
	char text[PROGRESS_BYTES];
};

static int run_progress(struct unit *u, struct db *db, int64_t now_ms,
			struct err *e)
{
	const struct progress *progress =
		CONTAINER_OF(u, struct progress, unit);

	(void)now_ms;
	return jobs_run_progress(db, progress->run_id, progress->text, e);
}

void service_progress(struct service *s, const char *format, ...)
{
	struct process *p = CONTAINER_OF(s, struct process, service);
	struct progress progress = {.unit.run = run_progress};
	const char *run = getenv("ORDERGATE_RUN_ID"); /* NOLINT */
	int64_t now_ms = clock_mono_ms();
	va_list args;

	if (run == NULL || s->writer == NULL ||
	    now_ms < p->told_ms + PROGRESS_MS ||
	    text_to_i64(run, 1, INT64_MAX, &progress.run_id, NULL) < 0)
		return;
	p->told_ms = now_ms;
	va_start(args, format);
	(void)vsnprintf(progress.text, sizeof(progress.text), format, args);
	va_end(args);
	(void)writer_call(s->writer, &progress.unit, NULL);
}

/* One line: what the procedure says of itself, else its error. */
static void write_result(int fd, const char *text)
{
	char line[RESULT_BYTES_MAX + 2];
	size_t bytes;

	(void)text_copy(line, RESULT_BYTES_MAX, text);
	for (char *p = line; *p != '\0'; p++)
		if (*p == '\n' || *p == '\r')
			*p = ' ';
	bytes = strlen(line);
	line[bytes++] = '\n';
	while (write(fd, line, bytes) < 0 && errno == EINTR)
		continue;
}

int service_run(struct process *p)
{
	CLEANUP(buf_clear) struct buf line = BUF_MAX(RESULT_BYTES_MAX);
	int64_t start_ms = clock_mono_ms();
	struct err e = {0};
	int rc = p->service.def->run(&p->service, &line, &e);

	if (line.used_bytes > 0)
		write_result(p->result_fd, buf_text(&line));
	else if (rc < 0 && p->result_fd != STDOUT_FILENO)
		write_result(p->result_fd, e.text);
	if (rc < 0)
		log_error(&e, "run failed",
			  LOG_I64("ms", clock_mono_ms() - start_ms));
	else
		log_event(LOG_LEVEL_DEBUG, "run done",
			  LOG_I64("ms", clock_mono_ms() - start_ms));
	return rc < 0 || p->broken ? EXIT_FAILURE : EXIT_SUCCESS;
}
