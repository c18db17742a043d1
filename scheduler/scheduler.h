/* SPDX-License-Identifier: MIT
 *
 * scheduler.h - starts jobs on their timetables, once in an installation.
 *
 * The wall clock says which slot it is; waits and time-outs are monotonic and
 * never longer than a second, so that a clock that is set, or a machine that
 * slept, is noticed at once. One scheduler is active by a lease; others stand
 * by and look every second.
 */
#ifndef SCHEDULER_SCHEDULER_H
#define SCHEDULER_SCHEDULER_H

struct err;
struct service;

/* The parts of its service_def (app/service/service.h). */
int scheduler_start(struct service *s, struct err *e);
int scheduler_reload(struct service *s, struct err *e);
int scheduler_work(struct service *s, struct err *e);
void scheduler_stop(struct service *s);

#endif
