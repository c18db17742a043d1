/* SPDX-License-Identifier: MIT
 *
 * ordergate-assembly - the picking apps' API.
 */
#include "app/service/service.h"
#include "assembly.h"
#include "call.h"

static const struct http_route routes[] = {
	{"POST", API_PATH "*", request_handle, API_BODY_BYTES_MAX,
	 HTTP_DEFERRED},
	{NULL, NULL, NULL, 0, 0},
};

int main(int argc, char **argv)
{
	static const struct service_def def = {
		.name = "assembly",
		.summary = "the picking apps' API",
		.many = true,
		.routes = routes,
		.round = change_round,
		.start = assembly_start,
		.reload = assembly_reload,
		.stop = assembly_stop,
	};

	return service_main(argc, argv, &def);
}
