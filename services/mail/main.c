/* SPDX-License-Identifier: MIT
 *
 * ordergate-mail - sends what waits in the mail queue.
 */
#include "app/service/service.h"
#include "mailer.h"

int main(int argc, char **argv)
{
	static const struct service_def def = {
		.name = "mail",
		.summary = "sends what waits in the mail queue",
		.help = "Needs mail.server; with mail.user also the secret "
			"mail-password.\n",
		.run = mailer_run,
	};

	return service_main(argc, argv, &def);
}
