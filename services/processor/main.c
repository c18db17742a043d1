/* SPDX-License-Identifier: MIT
 *
 * ordergate-processor - turns the inbox into orders.
 */
#include "app/service/service.h"
#include "process.h"

enum {
	PARKED_KEEP_MS = 24 * 3600 * 1000,
	ATTEMPTS_MAX = 5
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
	if (process.batch == 0)
		process.batch = PROCESS_BATCH_FIRST;
	s->context = &process;
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
