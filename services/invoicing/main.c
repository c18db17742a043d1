/* SPDX-License-Identifier: MIT
 *
 * ordergate-invoicing - sales documents of delivered orders; run every hour.
 */
#include "app/service/service.h"
#include "base/buf.h"
#include "invoicing.h"

static int run(struct service *s, struct buf *ret_line, struct err *e)
{
	struct invoicing_result result = {0};
	int rc = invoicing_make(s, &result, e);

	if (rc == 0)
		rc = invoicing_later(s, &result, e);
	if (rc == 0)
		rc = invoicing_export(s, &result, e);
	buf_printf(ret_line, "made=%d empty=%d blocked=%d exported=%d",
		   result.made, result.empty, result.blocked, result.exported);
	if (result.returned > 0 || result.told > 0)
		buf_printf(ret_line, " returned=%d told=%d", result.returned,
			   result.told);
	return rc;
}

int main(int argc, char **argv)
{
	static const struct service_def def = {
		.name = "invoicing",
		.summary = "makes the sales documents of delivered orders",
		.run = run,
	};

	return service_main(argc, argv, &def);
}
