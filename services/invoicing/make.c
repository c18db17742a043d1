/* SPDX-License-Identifier: MIT
 *
 * make.c - one document per delivered order.
 */
#include "app/service/service.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "document/keep.h"
#include "domain/invoice/invoice.h"
#include "invoicing.h"
#include "store/catalogue/products.h"
#include "store/document/documents.h"
#include "store/engine/writer.h"
#include "store/order/orders.h"
#include "terms.h"

enum {
	PAGE = 200,
	PAGES_MAX = 2000 /* of one run: the next slot goes on */
};

/* One run of the job. */
struct run {
	struct service *service;
	struct invoicing_result *result;
	int64_t batch_id; /* the writer's thread alone */
};

struct make {
	struct unit unit;
	struct run *run;
	const struct document_due *due;
	struct terms terms;
	struct err why; /* it is blocked */
	int *counter;   /* of the result: which of them this order is */
};

static int block(struct db *db, struct make *make, const struct err *why,
		 struct err *e)
{
	make->counter = &make->run->result->blocked;
	return documents_set_order(db, make->due->order_id, "blocked",
				   why->text, e);
}

static int add_document(struct db *db, const struct make *make,
			struct invoice *invoice, int64_t now_ms, struct err *e)
{
	struct keeping keeping = {.order_id = make->due->order_id,
				  .batch_id = &make->run->batch_id,
				  .history = "invoiced",
				  .actor = "ordergate"};

	return document_keep(db, invoice, &keeping, now_ms, e);
}

/* VAT codes of the catalogue, of one line after the other. */
static int read_line_vat(struct db *db, const struct order *order,
			 struct vat_code *ret_codes, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < order->line_count && rc >= 0; i++) {
		struct product product;

		rc = products_get(db, order->lines[i].sku, &product, e);
		if (rc > 0)
			(void)text_copy(ret_codes[i].text, PRODUCT_VAT_BYTES,
					product.vat_rate);
	}
	return rc < 0 ? rc : 0;
}

/* The sale, without what was taken off before the delivery. As invoice_build(),
 * in *ret_built; 0 or < 0. */
static int build(struct db *db, const struct make *make, struct order *order,
		 struct invoice *ret_invoice, int *ret_built, struct err *why,
		 struct err *e)
{
	const struct invoice_terms *terms = &make->terms.invoice;
	const struct config_invoicing *config =
		&make->run->service->config->invoicing;
	int rc;

	*ret_built = invoice_build(order, terms, ret_invoice, why);
	if (*ret_built <= 0)
		return 0;
	rc = invoicing_take_off(db, config, ret_invoice, order, e);
	if (rc <= 0)
		return rc;
	invoice_clear(ret_invoice);
	*ret_built = invoice_build(order, terms, ret_invoice, why);
	return 0;
}

static int run_make(struct unit *u, struct db *db, int64_t now_ms,
		    struct err *e)
{
	CLEANUP(invoice_clear) struct invoice invoice = {0};
	CLEANUP(order_clear) struct order order = {0};
	struct make *make = CONTAINER_OF(u, struct make, unit);
	struct err why = {0};
	int rc = orders_load(db, make->due->order_id, &order, e);
	int built = 0;

	make->counter = NULL;
	if (rc <= 0)
		return rc;
	CLEANUP_FREE struct vat_code *codes =
		calloc(order.line_count + 1, sizeof(*codes));
	rc = codes != NULL ? read_line_vat(db, &order, codes, e)
			   : err_set(e, ERR_NOMEM, "invoice: out of memory");
	if (rc < 0)
		return rc;
	make->terms.invoice.line_vat = codes;
	rc = build(db, make, &order, &invoice, &built, &why, e);
	make->terms.invoice.line_vat = NULL;
	if (rc < 0)
		return rc;
	if (built == ERR_INVALID)
		return block(db, make, &why, e);
	if (built < 0)
		return err_set(e, (enum err_code)built, "%s", why.text);
	/* 0: another run was faster, or the order is not delivered any more. */
	rc = documents_set_order(db, order.id, built > 0 ? "done" : "empty", "",
				 e);
	if (rc <= 0)
		return rc;
	make->counter = built > 0 ? &make->run->result->made
				  : &make->run->result->empty;
	return built > 0 ? add_document(db, make, &invoice, now_ms, e) : 0;
}

/* The document could not be made for a reason that lies in the order: it is
 * blocked, and the others go on (P2). */
static int run_block(struct unit *u, struct db *db, int64_t now_ms,
		     struct err *e)
{
	struct make *make = CONTAINER_OF(u, struct make, unit);

	(void)now_ms;
	return block(db, make, &make->why, e);
}

static int settle(struct service *s, struct make *make)
{
	int rc = make->unit.rc;

	if (rc == ERR_INVALID || rc == ERR_NOMEM) {
		make->why = make->unit.err;
		make->unit.run = run_block;
		rc = writer_call(s->writer, &make->unit, NULL);
	}
	if (rc >= 0 && make->counter != NULL)
		(*make->counter)++;
	return rc;
}

static int make_page(struct run *run, const struct document_due *due, int count,
		     struct err *e)
{
	CLEANUP_FREE struct make *makes = calloc((size_t)count, sizeof(*makes));
	struct unit *units[PAGE];
	struct service *s = run->service;
	int64_t now_ms = clock_wall_ms();

	if (makes == NULL)
		return err_set(e, ERR_NOMEM, "invoice: out of memory");
	for (int i = 0; i < count; i++) {
		makes[i].unit.run = run_make;
		makes[i].due = &due[i];
		makes[i].run = run;
		terms_set(&makes[i].terms, s->config, &due[i], now_ms);
		units[i] = &makes[i].unit;
	}
	writer_call_all(s->writer, units, (size_t)count);
	for (int i = 0; i < count; i++) {
		if (settle(s, &makes[i]) < 0) {
			*e = makes[i].unit.err;
			return makes[i].unit.rc;
		}
	}
	return 0;
}

int invoicing_make(struct service *s, struct invoicing_result *result,
		   struct err *e)
{
	struct run run = {.service = s, .result = result};
	struct document_due due[PAGE];
	int64_t after_ms = 0;
	int64_t after_id = 0;

	for (int page = 0; page < PAGES_MAX && !service_stopping(s); page++) {
		int count =
			documents_due(s->db, after_ms, after_id, due, PAGE, e);
		int rc = count > 0 ? make_page(&run, due, count, e) : count;

		service_progress(s, "made=%d empty=%d blocked=%d so far",
				 result->made, result->empty, result->blocked);
		if (rc < 0 || count == 0)
			return rc;
		after_ms = due[count - 1].delivered_ms;
		after_id = due[count - 1].order_id;
	}
	return 0;
}
