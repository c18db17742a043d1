/* SPDX-License-Identifier: MIT
 *
 * health.h - GET /healthz: is this installation able to do its work?
 */
#ifndef CONSOLE_HEALTH_H
#define CONSOLE_HEALTH_H

struct http_exchange;

/* 200 {"status":"ok",...} when the store answers a read, every process of the
 * pools and the scheduler run; else 503 {"status":"failing","reasons":[...]}.
 * Anybody may ask, so it says nothing but that. context is struct service. */
void health_show(struct http_exchange *x, void *context);

#endif
