/* SPDX-License-Identifier: MIT
 *
 * ordergate-processor - turns the inbox into orders.
 */
#include <malloc.h>

#include "app/service/service.h"
#include "process.h"

enum {
	PARKED_KEEP_MS = 24 * 3600 * 1000,
	ATTEMPTS_MAX = 5,
	/* Each batch of orders takes some hundreds of KB and gives them back:
	 * without this the heap grows and shrinks by system calls each time. */
	HEAP_KEPT_BYTES = 8 * 1024 * 1024
};

static int configure(struct service *s, struct err *e)
{
	static struct process process;

	(void)e;
	process.settings = (struct flow_settings){
		.policy = {.send_accepted = s->config->kuper.send_accepted,
			   .send_assembled = s->config->kuper.send_assembled},
		.parked_keep_ms = PARKED_KEEP_MS,
		.attempts_max = ATTEMPTS_MAX,
	};
	s->context = &process;
	(void)mallopt(M_TRIM_THRESHOLD, HEAP_KEPT_BYTES);
	(void)mallopt(M_TOP_PAD, HEAP_KEPT_BYTES / 8);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct service_def def = {
		.name = "processor",
		.summary = "turns the inbox into orders",
		.many = true,
		.work = process_batch,
		.bell = "processor",
		.start = configure,
		.reload = configure,
	};

	return service_main(argc, argv, &def);
}
