/* SPDX-License-Identifier: MIT
 *
 * ordergate-erp - documents and orders for the ERP, and what it sends us.
 */
#include "app/service/service.h"
#include "erp.h"

#define READ(path, handler)                                        \
	{                                                          \
		"GET", ERP_PATH path, handler, ERP_BODY_BYTES_MAX, \
			HTTP_DEFERRED                              \
	}
#define UPLOAD(method, path, handler)                                 \
	{                                                             \
		method, ERP_PATH path, handler, ERP_UPLOAD_BYTES_MAX, \
			HTTP_DEFERRED | HTTP_SPOOLED                  \
	}

static const struct http_route routes[] = {
	READ("documents", pages_documents),
	READ("documents/*", single_document),
	{"POST", ERP_PATH "documents/*", verdict_receive, ERP_BODY_BYTES_MAX,
	 HTTP_DEFERRED},
	READ("orders", pages_orders),
	READ("orders/*", single_order),
	UPLOAD("PUT", "catalog", upload_catalog),
	UPLOAD("POST", "catalog", upload_catalog),
	UPLOAD("PUT", "stores", upload_stores),
	UPLOAD("POST", "stores", upload_stores),
	READ("imports/*", upload_show),
	READ("openapi.json", openapi_show),
	{NULL, NULL, NULL, 0, 0},
};

int main(int argc, char **argv)
{
	static const struct service_def def = {
		.name = "erp",
		.summary = "the exchange with the ERP",
		.many = true,
		.routes = routes,
		.admit = erp_admit,
		.start = erp_start,
		.reload = erp_reload,
		.stop = erp_stop,
	};

	return service_main(argc, argv, &def);
}
