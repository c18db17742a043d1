/* SPDX-License-Identifier: MIT
 *
 * ordergate-scheduler - starts the procedures on their timetables.
 */
#include "app/service/service.h"
#include "scheduler.h"

int main(int argc, char **argv)
{
	static const struct service_def def = {
		.name = "scheduler",
		.summary = "starts the procedures on their timetables",
		.many = true,
		.work = scheduler_work,
		.bell = "scheduler",
		.start = scheduler_start,
		.reload = scheduler_reload,
		.stop = scheduler_stop,
	};

	return service_main(argc, argv, &def);
}
