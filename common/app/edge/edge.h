/* SPDX-License-Identifier: MIT
 *
 * edge.h - nginx in front of the pools: its configuration, made from ours.
 *
 * nginx/ordergate.conf.in is the text, with holes that are filled from `struct
 * config` and the state directory. The result stands in <run>/nginx, next to
 * everything else that nginx writes while it runs.
 */
#ifndef APP_EDGE_H
#define APP_EDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "app/state_dir.h"
#include "base/buf.h"

struct config;
struct err;

enum {
	EDGE_BYTES_MAX = 64 * 1024,
	EDGE_PATH_BYTES = STATE_PATH_BYTES + 32,
	EDGE_FILE_BYTES = 2 * EDGE_PATH_BYTES /* a configured path */
};

/* Append nginx's configuration to out. 0; ERR_INVALID when the path of the
 * state directory has a character that nginx would read as its own syntax;
 * ERR_NOMEM. */
int edge_render(const struct config *config, const struct state_dir *dir,
		struct buf *out, struct err *e);

/* Where nginx keeps its files (<run>/nginx), and the configuration in it. */
void edge_folder(const struct state_dir *dir, char ret_path[EDGE_PATH_BYTES]);
void edge_file(const struct state_dir *dir, char ret_path[EDGE_PATH_BYTES]);

/* A reload of nginx: its old processes close idle connections when they end,
 * whatever is on its way there. So, first, every answer is made the last of its
 * connection, while this file is there (edge_last_answers()); after
 * EDGE_LEAVE_MS nginx gets SIGHUP; and after EDGE_LEAVE_MS more, when the old
 * processes take no request any more, the file goes. systemd/reload does the
 * same. 0 or ERR_IO. */
enum {
	EDGE_LEAVE_MS = 2500
};
int edge_last_answers(const struct state_dir *dir, bool on, struct err *e);

/* The certificate and key that nginx presents: the configured ones, else the
 * self-made ones in tls/. */
void edge_certificate(const struct config *config, const struct state_dir *dir,
		      char ret_certificate[EDGE_FILE_BYTES],
		      char ret_key[EDGE_FILE_BYTES]);

/* Make that self-made pair when the configuration names none and it is missing,
 * knows too few names or ends soon. 1 made, 0 not needed, or as
 * certificate_ensure(). */
int edge_make_certificate(const struct config *config,
			  const struct state_dir *dir, int64_t wall_ms,
			  struct err *e);

/* The nginx of this machine: from $PATH, else from the folders for
 * administrators, which are not in an ordinary user's $PATH. ERR_NOTFOUND with
 * what to do. */
int edge_find_nginx(char ret_path[EDGE_PATH_BYTES], struct err *e);

/* Render, let nginx itself check the result (a minute at most), and put it in
 * place of the old one only then. 0; ERR_INVALID with nginx's complaint;
 * ERR_NOTFOUND (no nginx); ERR_IO; ERR_NOMEM. */
int edge_write_checked(const struct config *config, const struct state_dir *dir,
		       struct err *e);

#endif
