/* SPDX-License-Identifier: MIT */
#include "delivery.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/log.h"
#include "app/metrics/metrics.h"
#include "app/service/service.h"
#include "app/zones.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/text.h"
#include "net/client/http_client.h"
#include "net/client/http_clock.h"
#include "request.h"
#include "store/order/stores.h"
#include "store/queue/attempts.h"
#include "store/queue/telegram_queue.h"
#include "store/watch/alerts.h"

enum {
	LEASE_MS = 30000, /* three times the longest request, and more */
	JOB_MARGIN_MS = 3000,
	RUN_MIN_MS = 1000,
	RUN_DEFAULT_MS = 60000,
	STEP_MS = 200,   /* the longest wait, for signals */
	DRAIN_MS = 4000, /* after SIGTERM, for answers under way */
	ANSWER_BYTES_MAX = 64 * 1024
};

struct claim {
	struct unit unit;
	struct delivery *delivery;
	struct queue_message messages[DELIVERY_FLIGHTS];
	int wanted, count;
};

static void stop(struct delivery *d, const struct err *e)
{
	if (d->stopped)
		return;
	d->stopped = true;
	d->why = *e;
}

static int run_claim(struct unit *u, struct db *db, int64_t now_ms,
		     struct err *e)
{
	struct claim *claim = CONTAINER_OF(u, struct claim, unit);
	struct queue_lease lease = {
		.owner = claim->delivery->service->instance.owner,
		.until_ms = now_ms + LEASE_MS,
		.sending = true,
	};
	struct queue_message *messages[COUNT_OF(claim->messages)];
	int rc;

	/* The unit may run again: another one of its batch has failed. */
	while (claim->count > 0)
		queue_message_clear(&claim->messages[--claim->count]);
	for (int i = 0; i < claim->wanted; i++)
		messages[i] = &claim->messages[i];
	rc = queue_claim_batch(db, &queue_telegram, now_ms, &lease, messages,
			       claim->wanted, e);
	claim->count = MAX_OF(rc, 0);
	return MIN_OF(rc, 0);
}

static const char *chat_of(const struct flight *f)
{
	return f->moved_to[0] != '\0' ? f->moved_to : f->message.address;
}

/* What did not get through; a message that did says so itself. */
static int keep_attempt(struct db *db, const struct flight *f, int64_t now_ms,
			struct err *e)
{
	struct attempt attempt = {
		.kind = "send",
		.started_ms = now_ms - f->took_ms,
		.duration_ms = f->took_ms,
		.http_status = f->status,
		.class = f->verdict.kind == VERDICT_LATER ? "retry" : "reject",
		.answer = f->answer.error,
		.worker = f->delivery->service->instance.name,
	};

	return attempts_add(db, &queue_telegram, f->message.id, &attempt, e);
}

/* The message stays for a person, and so does the chat that refuses us. */
static int give_up(struct db *db, const struct flight *f, int64_t now_ms,
		   struct err *e)
{
	bool blocked = f->answer.class == ANSWER_BLOCKED;
	struct queue_result failed = {
		.state = QUEUE_FAILED,
		.outcome = blocked || f->answer.class == ANSWER_REJECTED
				   ? OUTCOME_REJECTED
				   : OUTCOME_POISONED,
		.error = f->answer.error,
	};
	int rc = queue_finish(db, &queue_telegram, &f->message, &failed, now_ms,
			      e);

	if (rc == 0 && blocked)
		rc = telegram_queue_block(db, f->message.head_id,
					  f->answer.error, now_ms, e);
	return rc;
}

static int run_settle(struct unit *u, struct db *db, int64_t now_ms,
		      struct err *e)
{
	struct flight *f = CONTAINER_OF(u, struct flight, unit);
	const struct config *config = f->delivery->service->config;
	struct telegram_sent sent = {
		.chat = chat_of(f),
		.telegram_message_id = f->answer.message_id,
		.chat_per_minute = config->telegram.chat_messages_per_minute,
		.note = f->topic_gone ? "sent to the group: the topic is gone"
			: f->plain    ? "sent without markup"
				      : NULL,
	};
	struct queue_retry later;

	if (f->verdict.kind >= VERDICT_LATER) {
		int rc = keep_attempt(db, f, now_ms, e);

		if (rc < 0)
			return rc;
	}
	switch (f->verdict.kind) {
	case VERDICT_SENT:
		return telegram_queue_sent(db, &f->message, &sent, now_ms, e);
	case VERDICT_AGAIN_NOW:
		return telegram_queue_move_chat(db, f->message.head_id,
						f->moved_to, e);
	case VERDICT_LATER:
		later = f->verdict.retry;
		later.due_ms += now_ms - f->judged_ms;
		return queue_retry(db, &queue_telegram, &f->message, &later,
				   now_ms, e);
	case VERDICT_FAILED:
	default:
		return give_up(db, f, now_ms, e);
	}
}

static void take_answer(const struct http_answer *http, void *context)
{
	struct flight *f = context;
	struct delivery *d = f->delivery;

	int64_t ahead_ms;

	if (http_clock_ahead(http, clock_wall_ms(), &ahead_ms)) {
		d->clock_seen = true;
		d->clock_ahead_ms = ahead_ms;
	}
	telegram_answer_read(http, d->bot->token.first, &f->answer);
	f->took_ms = http->duration_ms;
	f->status = http->status;
	f->answered = true;
}

/* By the clock of the store whose people are in the chat. */
static bool is_quiet(const struct delivery *d, const struct queue_message *m)
{
	const struct config_telegram *t = &d->service->config->telegram;
	const struct zone *zone = NULL;
	char name[ZONES_NAME_BYTES] = "";

	if (!d->has_quiet)
		return false;
	(void)stores_zone_of_chat(d->service->db, m->address, name,
				  sizeof(name), NULL);
	if (zones_get(name[0] != '\0' ? name : t->time_zone, &zone, NULL) < 0)
		return false;
	return telegram_request_quiet(t->quiet_hours, zone, clock_wall_ms());
}

/* Of one about a single alert it does not matter. */
static bool tells_many(const struct delivery *d, const struct queue_message *m)
{
	return d->button_key != NULL && m->order_id == 0 &&
	       alerts_told_by(d->service->db, m->id, NULL) > 0;
}

/* Start the call; what cannot be started counts as not sent. */
static void take_off(struct flight *f)
{
	static const char *const headers[] = {"Content-Type: application/json",
					      NULL};
	CLEANUP(buf_clear)
	struct buf body = BUF_MAX((size_t)REQUEST_BYTES_MAX * 2);
	struct delivery *d = f->delivery;
	struct http_answer refused = {0};
	const struct request_form form = {
		.chat = chat_of(f),
		.plain = f->plain,
		.quiet = is_quiet(d, &f->message),
		.tells_many = tells_many(d, &f->message),
		.button_key = d->button_key,
	};

	f->answered = false;
	refused.rc =
		telegram_request_write(&f->message, &form, &body, &refused.err);
	if (refused.rc == 0) {
		struct http_request request = {
			.method = "POST",
			.url = d->url,
			.headers = headers,
			.body = buf_text(&body),
			.body_bytes = body.used_bytes,
			.timeout_ms =
				(int)d->service->config->telegram.timeout_ms,
			.answer_max_bytes = ANSWER_BYTES_MAX,
		};

		refused.rc = http_client_start(d->client, &request, take_answer,
					       f, &refused.err);
	}
	if (refused.rc < 0)
		take_answer(&refused, f);
}

/* There is one: no more are claimed than are free. */
static struct flight *free_flight(struct delivery *d)
{
	size_t i = 0;

	while (d->flights[i].under_way) {
		i++;
		assert(i < COUNT_OF(d->flights));
	}
	return &d->flights[i];
}

/* Since when the global rate has messages to spare: a pause saves up no more
 * than a burst. */
static int64_t spare_since_ms(const struct delivery *d, int64_t now_ms)
{
	return MAX_OF(d->next_ms, now_ms - d->burst_ms);
}

/* How many messages the global rate allows now. */
static int allowed_now(const struct delivery *d, int64_t now_ms)
{
	int64_t next_ms = spare_since_ms(d, now_ms);
	int allowed = DELIVERY_FLIGHTS - d->under_way;

	if (next_ms > now_ms)
		return 0;
	return (int)MIN_OF((int64_t)allowed,
			   (now_ms - next_ms) / d->spacing_ms + 1);
}

/* A message that took a process down again and again, or whose senders died
 * again and again, is not sent any more. */
static bool is_poisoned(const struct queue_message *m)
{
	return m->sending_since_ms != 0 && m->attempts > FLIGHT_ATTEMPTS_MAX;
}

static void launch(struct delivery *d, struct queue_message *message)
{
	struct flight *f = free_flight(d);

	*f = (struct flight){
		.unit.run = run_settle,
		.delivery = d,
		.under_way = true,
		.message = *message,
	};
	*message = (struct queue_message){0};
	d->under_way++;
	if (!is_poisoned(&f->message)) {
		take_off(f);
		return;
	}
	f->answered = true;
	f->answer.class = ANSWER_UNCERTAIN;
	(void)text_copy(f->answer.error, sizeof(f->answer.error),
			"too many attempts without a known result");
}

static int claim_and_launch(struct delivery *d, struct err *e)
{
	struct claim claim = {.unit.run = run_claim, .delivery = d};
	int64_t now_ms = clock_mono_ms();
	int rc;

	claim.wanted = allowed_now(d, now_ms);
	if (claim.wanted == 0)
		return 0;
	rc = writer_call(d->service->writer, &claim.unit, e);
	if (rc < 0) {
		while (claim.count > 0)
			queue_message_clear(&claim.messages[--claim.count]);
		return rc;
	}
	d->next_ms = spare_since_ms(d, now_ms) + d->spacing_ms * claim.count;
	d->nothing_due = claim.count < claim.wanted;
	for (int i = 0; i < claim.count; i++)
		launch(d, &claim.messages[i]);
	return 0;
}

/* What a run of only such answers is. */
static enum err_code code_of(enum answer_class class)
{
	if (class == ANSWER_AUTH)
		return ERR_DENIED;
	return class == ANSWER_THROTTLE ? ERR_BUSY : ERR_REMOTE;
}

static void count_verdict(struct delivery *d, const struct flight *f)
{
	static const char *const labels[] = {
		[VERDICT_SENT] = "result=\"sent\"",
		[VERDICT_AGAIN_NOW] = "result=\"changed\"",
		[VERDICT_LATER] = "result=\"later\"",
		[VERDICT_FAILED] = "result=\"failed\"",
	};
	struct err in_vain;

	metric_add(metric_get(METRIC_COUNTER,
			      "ordergate_telegram_messages_total",
			      labels[f->verdict.kind]),
		   1);
	d->sent += f->verdict.kind == VERDICT_SENT;
	d->later += f->verdict.kind == VERDICT_LATER;
	d->failed += f->verdict.kind == VERDICT_FAILED;
	if (f->verdict.kind != VERDICT_SENT)
		log_event(LOG_LEVEL_WARNING, "message not delivered",
			  LOG_I64("message", f->message.id),
			  LOG_TEXT("error", f->answer.error));
	if (f->verdict.kind != VERDICT_LATER) {
		d->in_vain = 0;
		return;
	}
	(void)err_set(&in_vain, code_of(f->answer.class), "%s",
		      f->answer.error);
	d->in_vain++;
	d->refused = d->refused || (f->verdict.stops && !f->answer.is_foreign &&
				    f->status != 0);
	if (f->verdict.stops || d->in_vain >= DELIVERY_IN_VAIN_MAX)
		stop(d, &in_vain);
}

static void land(struct delivery *d, struct flight *f)
{
	queue_message_clear(&f->message);
	f->under_way = false;
	d->under_way--;
	d->nothing_due = false;
}

/* What the next try differs in: another chat, or another form. */
static void change(struct flight *f)
{
	if (f->answer.class == ANSWER_MOVED)
		(void)text_copy(f->moved_to, sizeof(f->moved_to),
				f->answer.chat);
	else if (f->answer.class == ANSWER_TOPIC)
		f->topic_gone =
			flight_base_chat(f->message.address, f->moved_to);
	else
		f->plain = true;
}

static bool changes_chat(const struct flight *f)
{
	return f->answer.class == ANSWER_MOVED ||
	       f->answer.class == ANSWER_TOPIC;
}

/* What the verdicts of these flights say is written in one go. */
static int settle(struct delivery *d, struct flight **flights, int count,
		  struct err *e)
{
	struct unit *units[DELIVERY_FLIGHTS];
	size_t unit_count = 0;
	int first = 0;

	for (int i = 0; i < count; i++) {
		struct flight *f = flights[i];

		f->judged_ms = clock_wall_ms();
		f->verdict = flight_judge(f, f->judged_ms);
		count_verdict(d, f);
		if (f->verdict.kind == VERDICT_AGAIN_NOW)
			change(f);
		if (f->verdict.kind != VERDICT_AGAIN_NOW || changes_chat(f))
			units[unit_count++] = &f->unit;
	}
	writer_call_all(d->service->writer, units, unit_count);
	for (int i = 0; i < count; i++) {
		struct flight *f = flights[i];

		if (f->unit.rc < 0 && first == 0) {
			first = f->unit.rc;
			*e = f->unit.err;
		}
		if (f->verdict.kind == VERDICT_AGAIN_NOW)
			take_off(f);
		else
			land(d, f);
	}
	return first;
}

static int settle_answered(struct delivery *d, struct err *e)
{
	struct flight *flights[DELIVERY_FLIGHTS];
	int count = 0;

	for (size_t i = 0; i < COUNT_OF(d->flights); i++) {
		struct flight *f = &d->flights[i];

		if (f->under_way && f->answered)
			flights[count++] = f;
	}
	return count > 0 ? settle(d, flights, count, e) : 0;
}

static bool may_claim(const struct delivery *d)
{
	return !d->stopped && !d->nothing_due && clock_mono_ms() < d->end_ms &&
	       d->under_way < DELIVERY_FLIGHTS;
}

/* Until something is answered, or the rate allows the next message. */
static void wait_for_news(struct delivery *d)
{
	int64_t wait_ms = STEP_MS;

	if (may_claim(d))
		wait_ms = MIN_OF(wait_ms, d->next_ms - clock_mono_ms());
	if (wait_ms <= 0)
		wait_ms = 1;
	if (http_client_running(d->client) > 0)
		(void)http_client_run(d->client, (int)wait_ms, -1);
	else
		(void)poll(NULL, 0, (int)wait_ms);
}

int delivery_run(struct delivery *d, struct err *e)
{
	int rc = 0;

	for (;;) {
		if (service_stopping(d->service) && !d->stopped) {
			struct err asked;

			(void)err_set(&asked, ERR_BUSY, "asked to end");
			stop(d, &asked);
			d->end_ms = clock_mono_ms() + DRAIN_MS;
		}
		if (may_claim(d))
			rc = claim_and_launch(d, e);
		/* What is still under way stays marked as being sent: the next
		 * run knows that it may have arrived. */
		if (rc < 0 || (d->stopped && clock_mono_ms() >= d->end_ms))
			return rc;
		if (d->under_way == 0 && !may_claim(d))
			return 0;
		wait_for_news(d);
		rc = settle_answered(d, e);
		if (rc < 0)
			return rc;
	}
}

int delivery_open(struct service *s, const struct bot *bot, const char *key,
		  struct delivery *d, struct err *e)
{
	const struct config *config = s->config;
	const struct config_job *job = config_job(config, "telegram");
	const struct http_client_options options = {
		.user_agent = "ordergate/" ORDERGATE_VERSION,
		.parallel_max = DELIVERY_FLIGHTS,
	};
	int64_t per_second = config->telegram.messages_per_second;
	int64_t run_ms = job != NULL ? job->timeout_ms : RUN_DEFAULT_MS;

	*d = (struct delivery){
		.service = s,
		.bot = bot,
		.button_key = key,
		.has_quiet = config->telegram.quiet_hours[0] != '\0',
	};
	bot_url(bot, config, "sendMessage", d->url);
	run_ms -= config->telegram.timeout_ms + JOB_MARGIN_MS;
	d->end_ms = clock_mono_ms() + MAX_OF(run_ms, (int64_t)RUN_MIN_MS);
	d->spacing_ms = 1000 / per_second;
	d->burst_ms = d->spacing_ms *
		      (MIN_OF(per_second, (int64_t)DELIVERY_FLIGHTS) - 1);
	return http_client_new(&options, &d->client, e);
}

void delivery_close(struct delivery *d)
{
	http_client_free(d->client);
	for (size_t i = 0; i < COUNT_OF(d->flights); i++)
		queue_message_clear(&d->flights[i].message);
	explicit_bzero(d->url, sizeof(d->url));
}
