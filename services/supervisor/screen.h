/* SPDX-License-Identifier: MIT
 *
 * screen.h - what the supervisor tells the person at the terminal.
 */
#ifndef SUPERVISOR_SCREEN_H
#define SUPERVISOR_SCREEN_H

#include <stdint.h>

struct installation;

/* Everything runs: where it is, and in which files its secrets are. No secret
 * itself, since terminals are recorded. */
void screen_up(const struct installation *in, int64_t took_ms);

/* It does not, for this long now: who is missing and what /healthz said. */
void screen_not_up(const struct installation *in, const char *missing,
		   const char *health, int64_t took_ms);

#endif
