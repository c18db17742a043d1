/* SPDX-License-Identifier: MIT
 *
 * mailer.h - the procedure that the scheduler starts every half a minute: gives
 * back what dead mailers held, drops what is too old, and sends what is due, a
 * mail after another.
 *
 * All mail goes to one server: when it is away, refuses the login or is too
 * slow, nothing more is sent in this run.
 */
#ifndef MAIL_MAILER_H
#define MAIL_MAILER_H

#include "base/buf.h"

struct err;
struct service;

int mailer_run(struct service *s, struct buf *ret_line, struct err *e);

#endif
