/* SPDX-License-Identifier: MIT
 *
 * ordergate-housekeeping - keeps the hot tables small, and the archives finite.
 */
#include "app/service/service.h"
#include "tidy.h"

int main(int argc, char **argv)
{
	static const struct service_def def = {
		.name = "housekeeping",
		.summary = "archives what is done, removes and erases what is "
			   "too old",
		.run = tidy_run,
	};

	return service_main(argc, argv, &def);
}
