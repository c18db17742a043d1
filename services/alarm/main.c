/* SPDX-License-Identifier: MIT
 *
 * ordergate-alarm - tells that the store cannot be written, without it.
 */
#include "app/service/service.h"
#include "tell.h"

int main(int argc, char **argv)
{
	static const struct service_def def = {
		.name = "alarm",
		.summary = "tells people that the store cannot be written",
		.help = "Started by the scheduler (scheduler.alarm_after). By "
			"Telegram to telegram.critical_chat,\nor else "
			"telegram.admin_chat, and by mail to mail.to; neither "
			"the store\nnor room on the disk is needed. "
			"$ORDERGATE_ALARM is the second since when\nnothing "
			"was written, or minus the second when that was told, "
			"to say\nthat it is over.\n",
		.bare = true,
		.run = tell_run,
	};

	return service_main(argc, argv, &def);
}
