/* SPDX-License-Identifier: MIT
 *
 * ordergate-chat - what people say to the bot: buttons and commands.
 */
#include "app/service/service.h"
#include "chat.h"
#include "net/server/http_server.h"

enum {
	UPDATE_BYTES_MAX = 256 * 1024
};

static const struct http_route routes[] = {
	{"POST", BOT_WEBHOOK_PATH, webhook_receive, UPDATE_BYTES_MAX,
	 HTTP_DEFERRED},
	{NULL, NULL, NULL, 0, 0},
};

int main(int argc, char **argv)
{
	static const struct service_def def = {
		.name = "chat",
		.summary = "hears what people say to the Telegram bot",
		.help = "Needs the secret telegram-token and telegram { "
			"updates = \"poll\" or \"webhook\"\n"
			"operators = \"ID ...\" viewers = \"ID ...\" }.\n",
		.routes = routes,
		.work = chat_work,
		.bell = "chat",
		.start = chat_start,
		.reload = chat_reload,
		.stop = chat_stop,
	};

	return service_main(argc, argv, &def);
}
