/* SPDX-License-Identifier: MIT */
#include "upload/worker.h"

#include <signal.h>
#include <time.h>

#include "base/err.h"

enum {
	SECOND_MS = 1000,
	MS_NS = 1000000,
	SECOND_NS = 1000000000
};

int worker_start(struct worker *worker, void *(*run)(void *context),
		 void *context, struct err *e)
{
	pthread_condattr_t attributes;
	sigset_t all;
	sigset_t before;
	int failed;

	(void)pthread_mutex_init(&worker->mutex, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&worker->cond, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&worker->thread, NULL, run, context);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed == 0
		       ? 0
		       : err_set(e, ERR_NOMEM, "no thread: error %d", failed);
}

void worker_join(struct worker *worker)
{
	(void)pthread_join(worker->thread, NULL);
	(void)pthread_cond_destroy(&worker->cond);
	(void)pthread_mutex_destroy(&worker->mutex);
}

void worker_wait(struct worker *worker, int64_t wait_ms)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / SECOND_MS;
	until.tv_nsec += wait_ms % SECOND_MS * MS_NS;
	if (until.tv_nsec >= SECOND_NS) {
		until.tv_sec++;
		until.tv_nsec -= SECOND_NS;
	}
	(void)pthread_cond_timedwait(&worker->cond, &worker->mutex, &until);
}
