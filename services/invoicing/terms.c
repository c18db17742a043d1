/* SPDX-License-Identifier: MIT */
#include "terms.h"

#include <string.h>

#include "app/config/config.h"
#include "app/zones.h"
#include "base/text.h"
#include "codec/time/timestamp.h"
#include "store/document/documents.h"

enum {
	UNKNOWN_OFFSET_S = 3 * 3600 /* a zone that this machine does not know */
};

static void local_date(const struct zone *zone, int64_t at_ms,
		       char ret_date[INVOICE_DATE_BYTES])
{
	int offset_s =
		zone != NULL ? zone_offset_s(zone, at_ms) : UNKNOWN_OFFSET_S;

	(void)timestamp_date(at_ms, offset_s, ret_date);
}

static void set_party(struct invoice_party *to, const char *name,
		      const char *inn, const char *kpp, const char *address)
{
	(void)text_copy(to->name, sizeof(to->name), name);
	(void)text_copy(to->inn, sizeof(to->inn), inn);
	(void)text_copy(to->kpp, sizeof(to->kpp), kpp);
	(void)text_copy(to->address, sizeof(to->address), address);
}

static void set_dates(struct terms *terms, const struct config_invoicing *c,
		      const struct document_due *due, int64_t now_ms)
{
	const struct zone *zone = NULL;

	if (zones_get(due->time_zone, &zone, NULL) < 0)
		zone = NULL;
	local_date(zone, due->delivered_ms, terms->shipment_date);
	(void)text_copy(terms->business_date, sizeof(terms->business_date),
			terms->shipment_date);
	if (strcmp(terms->shipment_date, c->closed_until) <= 0 &&
	    strcmp(c->closed_documents, "today") == 0)
		local_date(zone, now_ms, terms->business_date);
}

void terms_set(struct terms *terms, const struct config *config,
	       const struct document_due *due, int64_t now_ms)
{
	const struct config_invoicing *c = &config->invoicing;
	const struct config_channel *channel = &config->kuper;

	*terms = (struct terms){0};
	set_dates(terms, c, due, now_ms);
	invoice_series(c->series, terms->business_date, due->store_id,
		       terms->series);
	terms->invoice = (struct invoice_terms){
		.series = terms->series,
		.business_date = terms->business_date,
		.shipment_date = terms->shipment_date,
		.scheme = invoice_scheme_from_name(channel->scheme),
		.default_vat = c->default_vat,
		.tolerance_minor = c->total_tolerance_minor,
	};
	set_party(&terms->invoice.seller, c->seller_name, c->seller_inn,
		  c->seller_kpp, c->seller_address);
	set_party(&terms->invoice.buyer, channel->buyer_name,
		  channel->buyer_inn, channel->buyer_kpp,
		  channel->buyer_address);
}
