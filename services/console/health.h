/* SPDX-License-Identifier: MIT
 *
 * health.h - GET /healthz: is this installation able to do its work?
 */
#ifndef CONSOLE_HEALTH_H
#define CONSOLE_HEALTH_H

struct http_exchange;

/* 200 {"status":"ok",...} when the store answers a read and every process of
 * the pools and the scheduler run; else 503 {"status":"failing",
 * "reasons":[...]}. With either, "warnings":[...] names each planned job that
 * has had no good run in its time (paused ones aside), and a store that is held
 * after a restore. Anybody may ask, so it says nothing but that. context is
 * struct service. */
void health_show(struct http_exchange *x, void *context);

#endif
