/* SPDX-License-Identifier: MIT
 *
 * ordergate-settlement - reports of the marketplace that were put into
 * import/reports/, held against our documents; run every ten minutes.
 */
#include "app/service/service.h"
#include "settlement.h"

int main(int argc, char **argv)
{
	static const struct service_def def = {
		.name = "settlement",
		.summary = "holds the marketplace's reports against documents",
		.help = "Reads the CSV files in import/reports/ of the state "
			"directory and moves them to done/ or failed/ there.\n",
		.run = settlement_run,
	};

	return service_main(argc, argv, &def);
}
