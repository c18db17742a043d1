/* SPDX-License-Identifier: MIT
 *
 * order_cost - what one order costs on its way through a store that nobody else
 * uses: what can be compared on a machine that is busy.
 *
 *	order_cost STORE BODIES ORDERS     BODIES: one order.created a line,
 *	                                   as `kuper.orders --bench` makes them
 *
 * By turns one connection keeps a batch of orders, as the hooks do, and another
 * one claims, reads and applies it, as the processor does; so each finds what
 * it has read made void by the other. Prints processor time and pages of the
 * log per order. With --toggle-collect=work_off callgrind counts what the
 * processor does.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "channel/kuper.h"
#include "flow/order_flow.h"
#include "store/engine/db.h"
#include "store/queue/inbox.h"

enum {
	BATCH = 64,
	ARRIVALS = 16, /* in a transaction: as many as share one under load */
	BODIES_MAX = 1000,
	BODY_BYTES_MAX = 64 * 1024,
	CHECKPOINT_PAGES = 1000
};

struct bench {
	struct db *intake, *work;
	char *bodies[BODIES_MAX];
	int body_count, number;
	int64_t fill_us, read_us, apply_us, commit_us;
	int64_t fill_pages, work_pages;
	int64_t log_pages; /* after the last commit of either */
};

static int64_t cpu_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int read_bodies(struct bench *b, const char *path)
{
	FILE *in = fopen(path, "re");
	size_t size = 0;
	char *line = NULL;

	while (in != NULL && b->body_count < BODIES_MAX &&
	       getline(&line, &size, in) > 0)
		b->bodies[b->body_count++] = TAKE(line);
	free(line);
	if (in != NULL)
		(void)fclose(in);
	return b->body_count;
}

/* A body with an order id of its own. */
static int arrive(struct bench *b, int64_t now_ms, struct err *e)
{
	CLEANUP(buf_clear) struct buf body = BUF_MAX(BODY_BYTES_MAX);
	const char *text = b->bodies[b->number % b->body_count];
	const char *from = strstr(text, "\"H");
	struct channel_envelope envelope;
	struct identity identity;
	const char *code;
	int rc;

	if (from == NULL)
		return err_set(e, ERR_INVALID, "a body without an order id");
	from += 2;
	buf_printf(&body, "%.*s%d%08d%s", (int)(from - text), text,
		   b->number % 2, b->number, from + strspn(from, "0123456789"));
	b->number++;
	rc = buf_finish(&body, e);
	if (rc == 0)
		rc = kuper_read_envelope(buf_text(&body),
					 strlen(buf_text(&body)), now_ms,
					 &envelope, &code, e);
	if (rc < 0)
		return rc;
	struct inbox_arrival arrival = {
		.channel = "kuper",
		.external_id = envelope.external_id,
		.alias = envelope.alias,
		.event_type = envelope.event_type,
		.body = buf_text(&body),
		.event_ms = envelope.event_ms,
	};
	rc = inbox_add(b->intake, &arrival, now_ms, &identity, e);
	return rc < 0 ? rc : 0;
}

static int commit(struct bench *b, struct db *db, int64_t *pages, struct err *e)
{
	int rc = db_commit(db, e);

	*pages += MAX_OF(db_wal_pages(db) - b->log_pages, 0);
	b->log_pages = db_wal_pages(db);
	if (rc == 0 && b->log_pages > CHECKPOINT_PAGES)
		rc = db_checkpoint(db, false, NULL, e);
	return rc;
}

static int fill(struct bench *b, struct err *e)
{
	int64_t start_us = cpu_us();
	int rc = 0;

	for (int i = 0; i < BATCH && rc == 0; i += ARRIVALS) {
		rc = db_begin_write(b->intake, e);
		for (int k = 0; k < ARRIVALS && rc == 0; k++)
			rc = arrive(b, clock_wall_ms(), e);
		if (rc == 0)
			rc = commit(b, b->intake, &b->fill_pages, e);
	}
	b->fill_us += cpu_us() - start_us;
	return rc;
}

static int claim(struct bench *b, struct flow_message *messages, int64_t now_ms,
		 struct err *e)
{
	struct queue_lease lease = {.owner = "bench-1:0123456789abcdef",
				    .until_ms = now_ms + 30000};
	struct queue_message *places[BATCH];

	for (int i = 0; i < BATCH; i++)
		places[i] = &messages[i].message;
	return queue_claim_batch(b->work, &queue_inbox, now_ms, &lease, places,
				 BATCH, e);
}

static void read_all(struct bench *b, struct flow_message *messages, int count)
{
	int64_t start_us = cpu_us();

	for (int i = 0; i < count; i++)
		flow_read(&messages[i]);
	b->read_us += cpu_us() - start_us;
}

/* Apply one batch and claim the next one, in one transaction. */
__attribute__((noinline)) static int work_off(struct bench *b,
					      struct flow_message *messages,
					      int *count, struct err *e)
{
	static const struct flow_settings settings = {.parked_keep_ms = 1000,
						      .attempts_max = 5};
	int64_t now_ms = clock_wall_ms();
	int64_t start_us;
	unsigned bells = 0;
	int rc;

	read_all(b, messages, *count);
	start_us = cpu_us();
	rc = db_begin_write(b->work, e);
	for (int i = 0; i < *count && rc == 0; i++)
		rc = flow_apply(b->work, &settings, &messages[i], now_ms,
				&bells, e);
	for (int i = 0; i < *count; i++)
		flow_message_clear(&messages[i]);
	if (rc == 0)
		rc = *count = claim(b, messages, now_ms, e);
	b->apply_us += cpu_us() - start_us;
	start_us = cpu_us();
	if (rc >= 0)
		rc = commit(b, b->work, &b->work_pages, e);
	b->commit_us += cpu_us() - start_us;
	return rc;
}

static int run(struct bench *b, int orders, struct err *e)
{
	static struct flow_message messages[BATCH];
	int count = 0;
	int rc = 0;

	for (int done = 0; done < orders && rc == 0; done += BATCH) {
		rc = fill(b, e);
		if (rc == 0)
			rc = work_off(b, messages, &count, e);
	}
	if (rc == 0)
		rc = work_off(b, messages, &count, e);
	return rc;
}

static void print(const struct bench *b)
{
	double n = b->number;

	(void)printf("orders=%d intake_us=%.1f read_us=%.1f apply_us=%.1f"
		     " commit_us=%.1f intake_pages=%.2f work_pages=%.2f\n",
		     b->number, (double)b->fill_us / n, (double)b->read_us / n,
		     (double)b->apply_us / n, (double)b->commit_us / n,
		     (double)b->fill_pages / n, (double)b->work_pages / n);
}

int main(int argc, char **argv)
{
	static struct bench b;
	struct err e = {0};
	int rc;

	if (argc != 4 || read_bodies(&b, argv[2]) == 0) {
		(void)fputs("usage: order_cost STORE BODIES ORDERS\n", stderr);
		return 2;
	}
	rc = db_open(argv[1], DB_WRITE, &b.intake, &e);
	if (rc == 0)
		rc = db_open(argv[1], DB_WRITE, &b.work, &e);
	if (rc == 0)
		rc = run(&b, (int)strtol(argv[3], NULL, 10), &e);
	if (rc < 0)
		(void)fprintf(stderr, "order_cost: %s\n", e.text);
	else
		print(&b);
	db_close(b.intake);
	db_close(b.work);
	for (int i = 0; i < b.body_count; i++)
		free(b.bodies[i]);
	return rc < 0;
}
