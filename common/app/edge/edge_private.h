/* SPDX-License-Identifier: MIT
 *
 * edge_private.h - between the parts that render nginx's configuration.
 */
#ifndef APP_EDGE_PRIVATE_H
#define APP_EDGE_PRIVATE_H

#include <stdbool.h>

struct buf;
struct config;
struct state_dir;

/* nginx/ordergate.conf.in, made by cmake/edge.cmake. */
extern const char edge_template[];

/* What is rendered. */
struct edge {
	const struct config *config;
	const struct state_dir *dir;
};

/* Other machines do the work, and this one hands on. */
bool edge_is_front(const struct edge *edge);
/* Telegram calls us. */
bool edge_has_webhook(const struct edge *edge);

/* edge_upstreams.c, for holes of the template. */
void edge_put_hook_workers(const struct edge *edge, struct buf *out);
void edge_put_assembly_workers(const struct edge *edge, struct buf *out);
void edge_put_erp_workers(const struct edge *edge, struct buf *out);
void edge_put_console_workers(const struct edge *edge, struct buf *out);
void edge_put_chat_workers(const struct edge *edge, struct buf *out);

#endif
