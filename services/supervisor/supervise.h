/* SPDX-License-Identifier: MIT
 *
 * supervise.h - the supervisor's life from the first process to the last.
 */
#ifndef SUPERVISOR_SUPERVISE_H
#define SUPERVISOR_SUPERVISE_H

struct err;
struct installation;

/* Run everything until SIGTERM or SIGINT. The signals are blocked from here on.
 * 0 when nothing is left running; ERR_IO. */
int supervise(struct installation *in, struct err *e);

#endif
