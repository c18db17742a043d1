/* SPDX-License-Identifier: MIT
 *
 * ordergate-reconcile - orders whose webhooks never came; every ten minutes.
 */
#include "app/service/service.h"
#include "reconcile.h"

int main(int argc, char **argv)
{
	static const struct service_def def = {
		.name = "reconcile",
		.summary = "finds orders whose webhooks never came",
		.help = "Lists what has changed at the marketplace and reads "
			"the orders that differ.\n",
		.run = reconcile_run,
	};

	return service_main(argc, argv, &def);
}
