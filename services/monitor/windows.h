/* SPDX-License-Identifier: MIT
 *
 * windows.h - planned work of the configuration as silences of the store.
 */
#ifndef MONITOR_WINDOWS_H
#define MONITOR_WINDOWS_H

#include <stdbool.h>
#include <stdint.h>

struct config;
struct config_window;
struct err;
struct writer;
struct zone;

/* True when the window is open at now_ms; since and until when. Pure. */
bool window_open(const struct config_window *window, const struct zone *zone,
		 int64_t now_ms, int64_t *ret_from_ms, int64_t *ret_until_ms);

/* Each window that is open now has its silence. 0 or < 0. */
int windows_apply(struct writer *writer, const struct config *config,
		  int64_t now_ms, struct err *e);

#endif
