/* SPDX-License-Identifier: MIT
 *
 * tell.h - one message about the store to everybody whom an alarm may reach.
 */
#ifndef ALARM_TELL_H
#define ALARM_TELL_H

struct buf;
struct err;
struct service;

/* 0 when anybody was reached. The line says whom. */
int tell_run(struct service *s, struct buf *ret_line, struct err *e);

#endif
