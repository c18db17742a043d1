/* SPDX-License-Identifier: MIT
 *
 * sender.h - one run of the Telegram sender: what dead senders left, what is
 * too old, then what is due.
 */
#ifndef TELEGRAM_SENDER_H
#define TELEGRAM_SENDER_H

struct buf;
struct err;
struct service;

/* The run of its service_def (app/service/service.h). Without the secret
 * telegram-token everything waits, which is no failure. ERR_DENIED when
 * Telegram refuses the token: what waits stays, and no attempt is counted.
 * ERR_REMOTE when it cannot be reached. */
int sender_run(struct service *s, struct buf *ret_line, struct err *e);

#endif
