/* SPDX-License-Identifier: MIT */
#include "domain/invoice/vat.h"

#include <stddef.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "codec/decimal.h"

/* Later rows of a code replace earlier ones from their date on. */
static const struct {
	const char *code, *from;
	int percent;
} rates[] = {
	{"22", "2019-01-01", 20},         {"22", "2026-01-01", 22},
	{"20", "2019-01-01", 20},         {"20", "2026-01-01", 22},
	{"10", "1993-01-01", 10},         {"7", "2025-01-01", 7},
	{"5", "2025-01-01", 5},           {"0", "1993-01-01", 0},
	{"none", "1993-01-01", VAT_NONE},
};

int vat_percent(const char *code, const char *date, int *ret_percent,
		struct err *e)
{
	int found = -2;

	for (size_t i = 0; i < COUNT_OF(rates); i++)
		if (strcmp(rates[i].code, code) == 0 &&
		    strcmp(rates[i].from, date) <= 0)
			found = rates[i].percent;
	if (found == -2)
		return err_set(e, ERR_INVALID, "no VAT rate '%.16s' on %.10s",
			       code, date);
	*ret_percent = found;
	return 0;
}

int64_t vat_included_minor(int64_t gross_minor, int percent)
{
	int64_t vat_minor = 0;

	if (percent > 0)
		(void)decimal_mul_div(gross_minor, percent, 100 + percent,
				      &vat_minor, NULL);
	return vat_minor;
}
