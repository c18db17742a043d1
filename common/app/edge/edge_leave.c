/* SPDX-License-Identifier: MIT
 *
 * What nginx is told before it is told to reload.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "app/edge/edge.h"
#include "base/cleanup.h"
#include "base/err.h"

int edge_last_answers(const struct state_dir *dir, bool on, struct err *e)
{
	CLEANUP_FD int fd = -1;
	char path[EDGE_PATH_BYTES];

	(void)snprintf(path, sizeof(path), "%s/nginx/last-answers", dir->run);
	if (!on) {
		if (unlink(path) < 0 && errno != ENOENT)
			return err_errno(e, ERR_IO, "%s", path);
		return 0;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
	return fd < 0 ? err_errno(e, ERR_IO, "%s", path) : 0;
}
