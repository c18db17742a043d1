/* SPDX-License-Identifier: MIT
 *
 * ordergate-notifier - outbox to marketplaces.
 */
#include "notifier.h"

int main(int argc, char **argv)
{
	static const struct service_def def = {
		.name = "notifier",
		.summary = "sends notifications to marketplaces",
		.many = true,
		.work = notifier_work,
		.bell = "notifier",
		.start = notifier_start,
		.reload = notifier_reload,
		.stop = notifier_stop,
	};

	return service_main(argc, argv, &def);
}
