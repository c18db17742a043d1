/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/log.h"
#include "app/service/service_private.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

enum {
	RESULT_BYTES_MAX = 4000 /* one write to a pipe, never in pieces */
};

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
