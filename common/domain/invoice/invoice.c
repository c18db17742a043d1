/* SPDX-License-Identifier: MIT */
#include "domain/invoice/invoice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

static const char *const kinds[] = {[INVOICE_KIND_NONE] = "",
#define X(symbol, name) [symbol] = (name),
				    INVOICE_KINDS(X)
#undef X
};

static const char *const schemes[] = {[INVOICE_SCHEME_NONE] = "",
#define X(symbol, name) [symbol] = (name),
				      INVOICE_SCHEMES(X)
#undef X
};

static int find(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 1; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return 0;
}

const char *invoice_kind_name(enum invoice_kind kind)
{
	return kinds[kind];
}

const char *invoice_scheme_name(enum invoice_scheme scheme)
{
	return schemes[scheme];
}

enum invoice_kind invoice_kind_from_name(const char *name)
{
	return (enum invoice_kind)find(kinds, COUNT_OF(kinds), name);
}

enum invoice_scheme invoice_scheme_from_name(const char *name)
{
	return (enum invoice_scheme)find(schemes, COUNT_OF(schemes), name);
}

void invoice_clear(struct invoice *invoice)
{
	free(invoice->lines);
	free(invoice->codes);
	*invoice = (struct invoice){0};
}

void invoice_name(const char *series, int64_t number,
		  char ret_name[INVOICE_NAME_BYTES])
{
	(void)snprintf(ret_name, INVOICE_NAME_BYTES, "%.48s-%06lld", series,
		       (long long)number);
}

static struct invoice_rate *rate_of(struct invoice_rate *rates, size_t *count,
				    int vat_percent)
{
	size_t at = 0;

	while (at < *count && rates[at].vat_percent > vat_percent)
		at++;
	if (at < *count && rates[at].vat_percent == vat_percent)
		return &rates[at];
	if (*count == INVOICE_RATES_MAX)
		return NULL;
	memmove(&rates[at + 1], &rates[at], (*count - at) * sizeof(*rates));
	rates[at] = (struct invoice_rate){.vat_percent = vat_percent};
	(*count)++;
	return &rates[at];
}

size_t invoice_rates(const struct invoice *invoice,
		     struct invoice_rate ret_rates[INVOICE_RATES_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < invoice->line_count; i++) {
		const struct invoice_line *line = &invoice->lines[i];
		struct invoice_rate *rate =
			rate_of(ret_rates, &count, line->vat_percent);

		/* There are fewer codes of rates than places for them. */
		if (rate == NULL)
			continue;
		rate->amount_minor += line->is.amount_minor;
		rate->vat_minor += line->is.vat_minor;
	}
	return count;
}
