/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "app/log.h"
#include "base/clock.h"
#include "base/macros.h"
#include "net/doorbell.h"
#include "notifier.h"

enum {
	WAIT_MAX_MS = 250, /* SIGTERM is noticed after so long */
	WORK_MS = 1000,    /* a reload waits for so long */
	CALLS_MAX = ENDPOINTS_MAX * (64 + 1), /* config.h, and a token each */
	/* Of SIGTERM's 10 s (architecture.md). */
	DRAIN_CALLS_MS = 6500,
	DRAIN_WRITES_MS = 1500
};

/* Told once, until it works again. */
void notifier_store_failed(struct notifier *n, const struct err *e)
{
	if (!n->store_failed)
		log_error(e, "the store does not answer", LOG_NO_FIELDS);
	n->store_failed = true;
}

void notifier_store_works(struct notifier *n)
{
	if (n->store_failed)
		log_event(LOG_LEVEL_INFO, "the store answers again",
			  LOG_NO_FIELDS);
	n->store_failed = false;
}

static int watch(struct notifier *n, int fd, struct err *e)
{
	struct epoll_event event = {.events = EPOLLIN};

	if (fd >= 0 && epoll_ctl(n->wait_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return err_errno(e, ERR_IO, "epoll");
	return 0;
}

static void notifier_free(struct notifier *n)
{
	if (n == NULL)
		return;
	http_client_free(n->client);
	if (n->wait_fd >= 0)
		(void)close(n->wait_fd);
	mailbox_close(&n->mailbox);
	explicit_bzero(n->endpoints, sizeof(n->endpoints));
	free(n);
}
CLEANUP_DEFINE(struct notifier *, notifier_free)

static void configure(struct notifier *n)
{
	const struct config *config = n->service->config;

	for (int i = 0; i < n->endpoint_count; i++)
		endpoint_configure(&n->endpoints[i], config);
}

static void add_endpoint(struct notifier *n, const struct channel *channel)
{
	struct endpoint *ep = &n->endpoints[n->endpoint_count++];

	assert(n->endpoint_count <= ENDPOINTS_MAX);
	ep->notifier = n;
	ep->channel = channel;
}

int notifier_start(struct service *s, struct err *e)
{
	CLEANUP(notifier_freep) struct notifier *n = calloc(1, sizeof(*n));
	struct http_client_options options = {
		.user_agent = "Ordergate/" ORDERGATE_VERSION,
		.parallel_max = CALLS_MAX,
	};
	int rc;

	if (n == NULL)
		return err_set(e, ERR_NOMEM, "out of memory");
	n->service = s;
	n->mailbox.event_fd = n->wait_fd = -1;
	rc = mailbox_open(&n->mailbox, e);
	if (rc < 0)
		return rc;
	n->wait_fd = epoll_create1(EPOLL_CLOEXEC);
	if (n->wait_fd < 0)
		return err_errno(e, ERR_IO, "epoll");
	rc = watch(n, n->mailbox.event_fd, e);
	if (rc == 0)
		rc = watch(n, s->bell_fd, e);
	if (rc == 0)
		rc = http_client_new(&options, &n->client, e);
	if (rc < 0)
		return rc;
	slots_init(n);
	for (int i = 0; channel_table[i] != NULL; i++)
		add_endpoint(n, channel_table[i]);
	add_endpoint(n, &channel_erp);
	configure(n);
	s->context = TAKE(n);
	return 0;
}

int notifier_reload(struct service *s, struct err *e)
{
	(void)e;
	configure(s->context);
	return 0;
}

/* Until the next thing that has a time; everything else wakes us. */
static int wait_ms(struct notifier *n, int64_t mono_ms)
{
	int64_t until_ms = mono_ms + WAIT_MAX_MS;
	const struct slot *slot;

	TAILQ_FOREACH (slot, &n->resting, link)
		until_ms = MIN_OF(until_ms, slot->rest_until_ms);
	for (int i = 0; i < n->endpoint_count; i++) {
		struct endpoint *ep = &n->endpoints[i];

		if (ep->throttled_until_ms > mono_ms)
			until_ms = MIN_OF(until_ms, ep->throttled_until_ms);
		else if (ep->busy > ep->calls &&
			 ep->calls < ep->config.parallel &&
			 endpoint_may_call(ep, mono_ms))
			until_ms = MIN_OF(
				until_ms,
				mono_ms + limiter_wait_ms(&ep->limiter,
							  clock_mono_us()));
		until_ms = MIN_OF(until_ms, claim_due_ms(ep, mono_ms));
	}
	return (int)MAX_OF(until_ms - mono_ms, (int64_t)0);
}

static void look_everywhere(struct notifier *n)
{
	for (int i = 0; i < n->endpoint_count; i++)
		n->endpoints[i].look_at_ms = 0;
}

static void pass(struct notifier *n)
{
	int64_t mono_ms = clock_mono_ms();

	(void)mailbox_take(&n->mailbox);
	upkeep_when_due(n, mono_ms);
	for (int i = 0; i < n->endpoint_count; i++)
		oauth_run(&n->endpoints[i], mono_ms);
	send_rested(n, mono_ms);
	send_ready(n, mono_ms);
	for (int i = 0; i < n->endpoint_count; i++)
		claim_when_due(&n->endpoints[i], mono_ms);
	(void)http_client_run(n->client, wait_ms(n, clock_mono_ms()),
			      n->wait_fd);
	if (n->service->bell_fd >= 0 && doorbell_drain(n->service->bell_fd) > 0)
		look_everywhere(n);
}

int notifier_work(struct service *s, struct err *e)
{
	struct notifier *n = s->context;
	int64_t end_ms = clock_mono_ms() + WORK_MS;

	(void)e;
	/* Whoever called has drained the bell, and may have heard it. */
	look_everywhere(n);
	while (!service_stopping(s) && clock_mono_ms() < end_ms)
		pass(n);
	return 1;
}

/* What has not begun goes back as it was; what has rested between two reads
 * too, and is asked about again. */
static void give_back_all(struct notifier *n)
{
	struct slot *slot;

	while ((slot = TAILQ_FIRST(&n->ready)) != NULL)
		send_give_back(slot);
	while ((slot = TAILQ_FIRST(&n->resting)) != NULL)
		if (slot->settled)
			settle(slot);
		else
			send_give_back(slot);
}

static void abandon_calls(struct notifier *n)
{
	struct slot *slot;

	while ((slot = TAILQ_FIRST(&n->calling)) != NULL)
		send_abandon(slot);
}

static bool is_drained(const struct notifier *n)
{
	return n->letters == 0 && TAILQ_EMPTY(&n->ready) &&
	       TAILQ_EMPTY(&n->calling) && TAILQ_EMPTY(&n->resting);
}

void notifier_stop(struct service *s)
{
	CLEANUP(notifier_freep) struct notifier *n = s->context;
	int64_t start_ms = clock_mono_ms();
	int64_t mono_ms = start_ms;

	/* A store that has failed takes no results: what is under way is asked
	 * about by whoever comes next. */
	while (!is_drained(n) && !writer_stats(s->writer).broken &&
	       mono_ms < start_ms + DRAIN_CALLS_MS + DRAIN_WRITES_MS) {
		give_back_all(n);
		if (mono_ms >= start_ms + DRAIN_CALLS_MS)
			abandon_calls(n);
		(void)http_client_run(n->client, 100, n->mailbox.event_fd);
		(void)mailbox_take(&n->mailbox);
		(void)service_stopping(s); /* keeps the watchdog quiet */
		mono_ms = clock_mono_ms();
	}
	s->context = NULL;
	/* The writer still holds units that lie in this memory. */
	if (n->letters > 0)
		(void)TAKE(n);
}
