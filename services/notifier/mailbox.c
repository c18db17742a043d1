/* SPDX-License-Identifier: MIT */
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/macros.h"
#include "notifier.h"

int mailbox_open(struct mailbox *mailbox, struct err *e)
{
	mailbox->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (mailbox->event_fd < 0)
		return err_errno(e, ERR_IO, "eventfd");
	(void)pthread_mutex_init(&mailbox->mutex, NULL);
	mailbox->first = NULL;
	mailbox->last = &mailbox->first;
	return 0;
}

void mailbox_close(struct mailbox *mailbox)
{
	(void)close(mailbox->event_fd);
	(void)pthread_mutex_destroy(&mailbox->mutex);
}

static void put(struct letter *letter, int rc, const struct err *err)
{
	struct mailbox *mailbox = &letter->notifier->mailbox;
	bool was_empty;

	letter->rc = rc;
	letter->next = NULL;
	if (rc < 0)
		letter->err = *err;
	(void)pthread_mutex_lock(&mailbox->mutex);
	was_empty = mailbox->first == NULL;
	*mailbox->last = letter;
	mailbox->last = &letter->next;
	(void)pthread_mutex_unlock(&mailbox->mutex);
	if (was_empty)
		(void)eventfd_write(mailbox->event_fd, 1);
}

/* On the writer's thread. */
static void on_done(struct unit *u, int rc, const struct err *e)
{
	put(CONTAINER_OF(u, struct letter, unit), rc, e);
}

void mailbox_submit(struct notifier *n, struct letter *letter)
{
	struct err e = {0};
	int rc;

	letter->notifier = n;
	letter->unit.done = on_done;
	n->letters++;
	rc = writer_submit(n->service->writer, &letter->unit, &e);
	if (rc < 0)
		put(letter, rc, &e);
}

int mailbox_take(struct mailbox *mailbox)
{
	struct letter *letter;
	eventfd_t count;
	int taken = 0;

	(void)eventfd_read(mailbox->event_fd, &count);
	(void)pthread_mutex_lock(&mailbox->mutex);
	letter = mailbox->first;
	mailbox->first = NULL;
	mailbox->last = &mailbox->first;
	(void)pthread_mutex_unlock(&mailbox->mutex);
	while (letter != NULL) {
		struct letter *next = letter->next;

		letter->notifier->letters--;
		letter->open(letter); /* it may be sent again, or freed */
		letter = next;
		taken++;
	}
	return taken;
}
