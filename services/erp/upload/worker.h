/* SPDX-License-Identifier: MIT
 *
 * worker.h - a thread of this process with something to wait for.
 */
#ifndef ERP_WORKER_H
#define ERP_WORKER_H

#include <pthread.h>
#include <stdint.h>

struct err;

struct worker {
	pthread_t thread;
	pthread_mutex_t mutex; /* of what the owner shares with the thread */
	pthread_cond_t cond;   /* that has changed */
};

/* Start run(context), which takes no signals. 0 or ERR_NOMEM. */
int worker_start(struct worker *worker, void *(*run)(void *context),
		 void *context, struct err *e);
/* Wait for its end, which the owner has brought about. */
void worker_join(struct worker *worker);
/* With the mutex: for a change, at most so long. */
void worker_wait(struct worker *worker, int64_t wait_ms);

#endif
