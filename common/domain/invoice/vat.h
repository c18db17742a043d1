/* SPDX-License-Identifier: MIT
 *
 * vat.h - value added tax of the Russian Federation by date of shipment. Pure.
 *
 * A rate code names a rate as people say it today; what it means follows from
 * the date: the main rate is 22 % since 2026-01-01 (Federal Law 425-FZ of
 * 2025-11-28) and was 20 % before, so a return in 2026 of a sale in 2025 is
 * still at 20 %. 5 % and 7 % are those of the simplified system, since
 * 2025-01-01 (Federal Law 176-FZ of 2024-07-12).
 */
#ifndef DOMAIN_VAT_H
#define DOMAIN_VAT_H

#include <stdint.h>

struct err;

enum {
	VAT_NONE = -1 /* not subject to the tax */
};

/* Percent of a code ("22", "20", "10", "7", "5", "0", "none") on a date
 * "YYYY-MM-DD". ERR_INVALID for an unknown code. */
int vat_percent(const char *code, const char *date, int *ret_percent,
		struct err *e);

/* The tax inside an amount that includes it: round(gross * r / (100 + r)). */
int64_t vat_included_minor(int64_t gross_minor, int percent);

#endif
