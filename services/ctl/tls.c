/* SPDX-License-Identifier: MIT
 *
 * tls.c - `tls`: certificates for the machines of an installation. It needs
 * neither store nor state: the authority's key is best on none of them.
 */
#include <stdio.h>
#include <string.h>

#include "app/edge/authority.h"
#include "app/edge/certificate.h"
#include "app/locale.h"
#include "base/clock.h"
#include "ctl.h"

int ctl_tls_ca(struct ctl *ctl)
{
	const char *folder = ctl_option(ctl, "--folder", ".");
	int rc;

	if (ctl->arg_count > 0)
		return ctl_fail(ctl, CTL_USAGE, "[--folder DIR], please");
	rc = authority_make(folder, clock_wall_ms(), &ctl->err);
	if (rc < 0)
		return ctl_error(ctl, rc);
	(void)printf(tr("%s/ca.pem is the authority for %d days; ca-key.pem "
			"stays here and goes to no machine\n"),
		     folder, AUTHORITY_DAYS);
	return CTL_DONE;
}

int ctl_tls_issue(struct ctl *ctl)
{
	const char *what = ctl_option(ctl, "--for", "");
	struct authority_order order = {
		.folder = ctl_option(ctl, "--folder", "."),
		.domains = ctl_option(ctl, "--domain", ""),
		.is_edge = strcmp(what, "edge") == 0,
	};
	int rc;

	order.name = ctl_next(ctl);
	if (order.name == NULL || ctl->arg_count > 0 ||
	    (!order.is_edge && strcmp(what, "worker") != 0))
		return ctl_fail(ctl, CTL_USAGE,
				"NAME --for worker|edge, please");
	rc = authority_issue(&order, clock_wall_ms(), &ctl->err);
	if (rc < 0)
		return ctl_error(ctl, rc);
	(void)printf(tr("%s/%s.pem and %s-key.pem are good for %d days\n"),
		     order.folder, order.name, order.name, CERTIFICATE_DAYS);
	return CTL_DONE;
}
