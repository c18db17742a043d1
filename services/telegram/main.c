/* SPDX-License-Identifier: MIT
 *
 * ordergate-telegram - sends what waits in the Telegram queue.
 */
#include "app/service/service.h"
#include "sender.h"

int main(int argc, char **argv)
{
	static const struct service_def def = {
		.name = "telegram",
		.summary = "sends what waits in the Telegram queue",
		.help = "Needs the secret telegram-token; without it messages "
			"wait.\n",
		.run = sender_run,
	};

	return service_main(argc, argv, &def);
}
