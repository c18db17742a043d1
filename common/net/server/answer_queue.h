/* SPDX-License-Identifier: MIT
 *
 * answer_queue.h - the way of an answered exchange back to the event thread.
 *
 * Any thread pushes; only the event thread takes. A writer that answers a
 * batch after one COMMIT makes at most one system call for all of it: the
 * event thread is woken only when it said that it sleeps. Lock-free.
 */
#ifndef NET_ANSWER_QUEUE_H
#define NET_ANSWER_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>

struct err;
struct http_exchange;

struct answer_queue {
	_Atomic(struct http_exchange *) newest;
	atomic_int owed; /* handed out, and not yet answered to the end */
	int wake_fd;     /* eventfd; readable when the event thread is wanted */
};

/* 0 or ERR_IO. */
int answer_queue_open(struct answer_queue *q, struct err *e);
void answer_queue_close(struct answer_queue *q);

/* Every deferred exchange owes one release: by whoever answers it, as the last
 * thing that thread does with the queue. At owed == 0 nobody uses it any
 * more, which is when a server may be freed. */
void answer_queue_owe(struct answer_queue *q);
void answer_queue_release(struct answer_queue *q);

/* Any thread. x belongs to the event thread afterwards. */
void answer_queue_push(struct answer_queue *q, struct http_exchange *x);
void answer_queue_wake(struct answer_queue *q);

/* The event thread, before it blocks on wake_fd: false when answers wait. */
bool answer_queue_sleep(struct answer_queue *q);
/* The event thread: everything that was pushed, in that order, linked by
 * `next`. Also ends the sleep. */
struct http_exchange *answer_queue_take(struct answer_queue *q);
void answer_queue_swallow_wake(struct answer_queue *q);

#endif
