/* SPDX-License-Identifier: MIT
 *
 * invoice_private.h - inside of common/domain/invoice.
 */
#ifndef DOMAIN_INVOICE_PRIVATE_H
#define DOMAIN_INVOICE_PRIVATE_H

#include "domain/invoice/invoice.h"

struct err;

/* Room for the lines and codes; both zeroed. 0 or ERR_NOMEM. */
int invoice_reserve(struct invoice *invoice, size_t lines, size_t codes,
		    struct err *e);

/* Add the line's amounts to the totals. ERR_INVALID beyond 64 bits. */
int invoice_count(struct invoice *invoice, const struct invoice_line *line,
		  struct err *e);

#endif
