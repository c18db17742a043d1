/* SPDX-License-Identifier: MIT */
#include "net/server/answer_queue.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/err.h"
#include "net/server/http_exchange.h"

/* In place of the newest answer: "nothing here, and the event thread sleeps".
 * As one word holds both, no answer can slip in between the look and the
 * sleep. */
static struct http_exchange asleep;

int answer_queue_open(struct answer_queue *q, struct err *e)
{
	atomic_init(&q->newest, NULL);
	atomic_init(&q->owed, 0);
	q->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->wake_fd < 0)
		return err_errno(e, ERR_IO, "eventfd");
	return 0;
}

void answer_queue_close(struct answer_queue *q)
{
	if (q->wake_fd >= 0)
		(void)close(q->wake_fd);
	q->wake_fd = -1;
}

void answer_queue_owe(struct answer_queue *q)
{
	(void)atomic_fetch_add(&q->owed, 1);
}

void answer_queue_release(struct answer_queue *q)
{
	(void)atomic_fetch_sub(&q->owed, 1);
}

void answer_queue_push(struct answer_queue *q, struct http_exchange *x)
{
	struct http_exchange *before = atomic_load(&q->newest);

	do {
		x->next = before == &asleep ? NULL : before;
	} while (!atomic_compare_exchange_weak(&q->newest, &before, x));
	if (before == &asleep)
		answer_queue_wake(q);
}

void answer_queue_wake(struct answer_queue *q)
{
	const uint64_t one = 1;
	ssize_t n;

	/* EAGAIN means 2^64-2 unread wakes: awake enough. */
	do {
		n = write(q->wake_fd, &one, sizeof(one));
	} while (n < 0 && errno == EINTR);
}

bool answer_queue_sleep(struct answer_queue *q)
{
	struct http_exchange *none = NULL;

	return atomic_compare_exchange_strong(&q->newest, &none, &asleep);
}

struct http_exchange *answer_queue_take(struct answer_queue *q)
{
	struct http_exchange *newest = atomic_exchange(&q->newest, NULL);
	struct http_exchange *first = NULL;

	if (newest == &asleep)
		return NULL;
	while (newest != NULL) {
		struct http_exchange *older = newest->next;

		newest->next = first;
		first = newest;
		newest = older;
	}
	return first;
}

void answer_queue_swallow_wake(struct answer_queue *q)
{
	uint64_t count;

	(void)!read(q->wake_fd, &count, sizeof(count));
}
