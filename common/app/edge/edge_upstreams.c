/* SPDX-License-Identifier: MIT
 *
 * edge_upstreams.c - where nginx sends what it has let in: workers of this
 * machine, or other machines.
 */
#include <inttypes.h>
#include <string.h>

#include "app/config/config.h"
#include "app/edge/edge.h"
#include "app/edge/edge_private.h"
#include "base/buf.h"
#include "base/macros.h"

bool edge_is_front(const struct edge *edge)
{
	const char *upstream = edge->config->http.upstream;

	return upstream[strspn(upstream, " ")] != '\0';
}

/* Whole machines: one that does not answer is left alone for a while, which
 * nginx does not do when there is only one. */
static void put_machines(struct buf *out, const char *machines)
{
	const char *p = machines + strspn(machines, " ");

	while (*p != '\0') {
		size_t length = strcspn(p, " ");
		size_t host = *p == '[' ? strcspn(p, "] ") : 0;
		bool has_port = memchr(p + host, ':', length - host) != NULL;

		buf_printf(out,
			   "\t\tserver %.*s%s max_fails=2 fail_timeout=2s;\n",
			   (int)length, p, has_port ? "" : ":443");
		p += length;
		p += strspn(p, " ");
	}
}

/* A pool of 0 still needs a place to go to: its socket is then a forwarded one,
 * or nobody's, which is answered by 503. */
static void put_worker(const struct edge *edge, struct buf *out,
		       const char *service, int64_t number)
{
	buf_printf(out,
		   "\t\tserver \"unix:%s/%s-%" PRIi64 ".sock\" "
		   "max_fails=0;\n",
		   edge->dir->run, service, number);
}

/* What one process of nginx has learned of a machine, all know. */
static void put_machine_pool(const struct edge *edge, struct buf *out,
			     const char *service)
{
	buf_printf(out, "\t\tzone %s 64k;\n", service);
	put_machines(out, edge->config->http.upstream);
}

static void put_pool(const struct edge *edge, struct buf *out,
		     const char *service, int64_t count)
{
	if (edge_is_front(edge)) {
		put_machine_pool(edge, out, service);
		return;
	}
	for (int64_t i = 1; i <= MAX_OF(count, 1); i++)
		put_worker(edge, out, service, i);
}

/* One of `count` pairs: the worker of that number and the next one. */
static void put_hook_pair(const struct edge *edge, struct buf *out,
			  int64_t number, int64_t count)
{
	buf_printf(out, "\tupstream hook_%" PRIi64 " {\n\t\tleast_conn;\n",
		   number);
	if (edge_is_front(edge))
		put_machine_pool(edge, out, "hook");
	else
		put_worker(edge, out, "hook", number);
	if (count > 1)
		put_worker(edge, out, "hook", number % count + 1);
	buf_add_text(out, "\t\tkeepalive 128;\n"
			  "\t\tkeepalive_requests 1000000;\n"
			  "\t\tkeepalive_timeout 2s;\n"
			  "\t}\n");
}

/* An edge has one "pair", of all machines. */
void edge_put_hook_workers(const struct edge *edge, struct buf *out)
{
	int64_t count =
		edge_is_front(edge) ? 1 : MAX_OF(edge->config->pool.hook, 1);

	for (int64_t i = 1; i <= count; i++)
		put_hook_pair(edge, out, i, count);
	buf_add_text(out, "\tsplit_clients $request_id $hook {\n");
	for (int64_t i = 1; i < count; i++)
		buf_printf(out, "\t\t%.2f%% hook_%" PRIi64 ";\n",
			   100.0 / (double)count, i);
	buf_printf(out, "\t\t* hook_%" PRIi64 ";\n\t}\n", count);
}

void edge_put_assembly_workers(const struct edge *edge, struct buf *out)
{
	put_pool(edge, out, "assembly", edge->config->pool.assembly);
}

void edge_put_erp_workers(const struct edge *edge, struct buf *out)
{
	put_pool(edge, out, "erp", edge->config->pool.erp);
}

void edge_put_console_workers(const struct edge *edge, struct buf *out)
{
	put_pool(edge, out, "console", 1);
}

bool edge_has_webhook(const struct edge *edge)
{
	return strcmp(edge->config->telegram.updates, "webhook") == 0;
}

void edge_put_chat_workers(const struct edge *edge, struct buf *out)
{
	if (!edge_has_webhook(edge))
		return;
	buf_add_text(out, "\tupstream chat {\n");
	put_pool(edge, out, "chat", 1);
	buf_add_text(out, "\t\tkeepalive 4;\n"
			  "\t\tkeepalive_timeout 2s;\n"
			  "\t}\n");
}
