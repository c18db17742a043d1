/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"
#include "codec/digest.h"
#include "document/form/form.h"
#include "document/form/xml_out.h"
#include "document/out_file.h"
#include "domain/invoice/vat.h"
#include "temp_folder.h"

enum {
	BYTES_MAX = 1024 * 1024
};

static const struct form_options options = {.batch_id = 7,
					    .made_ms = INT64_C(1772000000000),
					    .upd_version = "5.03",
					    .upd_encoding = "UTF-8",
					    .signer = "Иванова Анна Петровна"};

static struct invoice make_invoice(const char *name)
{
	struct invoice invoice = {
		.kind = INVOICE_SALE,
		.scheme = INVOICE_DIRECT,
		.series = "OG",
		.number = 41,
		.revision = 1,
		.date = "2026-03-14",
		.shipment_date = "2026-03-14",
		.made_ms = INT64_C(1773500000000),
		.external_id = "H1",
		.order_number = "1-1",
		.store_id = "s1",
		.seller = {.name = "ООО", .inn = "7700000001"},
		.line_count = 1,
		.total_minor = 12200,
		.vat_minor = 2200};

	invoice.lines = calloc(1, sizeof(*invoice.lines));
	invoice.codes = calloc(1, sizeof(*invoice.codes));
	if (invoice.lines == NULL || invoice.codes == NULL)
		abort();
	invoice.lines[0] = (struct invoice_line){.line_no = 1,
						 .sku = "a",
						 .price_minor = 6100,
						 .vat_percent = 22,
						 .is = {2000, -1, 12200, 2200}};
	(void)text_copy(invoice.lines[0].name, sizeof(invoice.lines[0].name),
			name);
	return invoice;
}

static void render(const char *form_name, const char *name, struct buf *out)
{
	CLEANUP(invoice_clear) struct invoice invoice = make_invoice(name);
	CLEANUP(form_clear) struct form_run run = {0};
	const struct form *form = form_find(form_name);
	struct err e = {0};

	assert_non_null(form);
	if (form_begin(&run, form, &options, out, &e) != 0 ||
	    form_add(&run, &invoice, "{}", &e) != 0 || form_end(&run, &e) != 0)
		fail_msg("%s: %s", form_name, e.text);
}

/* Text of a name as each form has to hold it. */
static void no_name_of_goods_breaks_a_form(void **state)
{
	static const struct {
		const char *name, *form, *want;
	} rows[] = {
		{"a;b", "csv", ";\"a;b\";"},
		{"a\"b", "csv", ";\"a\"\"b\";"},
		{"a\r\nb", "csv", ";\"a\r\nb\";"},
		{" a", "csv", ";\" a\";"},
		{"<b>&\"x\"", "html", "<td>&lt;b&gt;&amp;&quot;x&quot;</td>"},
		{"<b>&\"x\"", "commerceml",
		 "<Наименование>&lt;b&gt;&amp;&quot;x&quot;</Наименование>"},
		{"<b>&\"x\"", "upd", "НаимТов=\"&lt;b&gt;&amp;&quot;x&quot;\""},
		{"a\x01\x1f\x7f"
		 "b",
		 "commerceml", "<Наименование>a   b</Наименование>"},
		{"a\xFF\xC3"
		 "b",
		 "commerceml",
		 "<Наименование>a\xEF\xBF\xBD\xEF\xBF\xBD"
		 "b</Наименование>"},
		{"a\xEF\xBF\xBF"
		 "b",
		 "upd",
		 "НаимТов=\"a\xEF\xBF\xBD"
		 "b\""},
		{"a\xF0\x9F\xBF\xBE"
		 "b",
		 "commerceml",
		 "<Наименование>a\xEF\xBF\xBD"
		 "b</Наименование>"},
		{"a\xEF\xB7\x90"
		 "b",
		 "html",
		 "<td>a\xEF\xBF\xBD"
		 "b</td>"},
		{"", "commerceml", "<Наименование>a</Наименование>"},
		{"", "upd", "НаимТов=\"a\""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_clear) struct buf out = BUF_MAX(BYTES_MAX);

		render(rows[i].form, rows[i].name, &out);
		if (strstr(buf_text(&out), rows[i].want) == NULL)
			fail_msg("row %zu, %s: %s", i, rows[i].form,
				 buf_text(&out));
	}
}

/* JSON and UTF-8 may hold them; cairo takes none of them. */
static void no_name_that_an_order_may_have_makes_a_form_fail(void **state)
{
	static const char *const names[] = {"json", "csv",  "commerceml",
					    "upd",  "html", "pdf"};
	static const char *const texts[] = {
		"\xEF\xBF\xBE",     /* U+FFFE */
		"\xEF\xBF\xBF",     /* U+FFFF */
		"\xEF\xB7\x90",     /* U+FDD0 */
		"\xEF\xB7\xAF",     /* U+FDEF */
		"\xF0\x9F\xBF\xBE", /* U+1FFFE */
		"\xF4\x8F\xBF\xBF", /* U+10FFFF */
		"\xED\xA0\x80",     /* a surrogate */
		"\xE2\x80\xAE\xEF\xBB\xBF\xE2\x80\xA8\xC2\x85\x7F",
		"\xFF",
		"\xF0\x9F",
		"\xCC\x81\xF0\x9F\x91\xA9\xE2\x80\x8D",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		for (size_t k = 0; k < COUNT_OF(texts); k++) {
			CLEANUP(buf_clear) struct buf out = BUF_MAX(BYTES_MAX);

			render(names[i], texts[k], &out);
		}
}

/* What stands next to them stays. */
static void only_what_is_no_character_is_replaced(void **state)
{
	static const char *const good[] = {
		"\xEF\xBF\xBD",     "\xEF\xB7\x8F",     "\xEF\xB7\xB0",
		"\xEE\xBF\xBF",     "\xF0\x9E\xBF\xBF", "\xF0\x9F\xBF\xBD",
		"\xF0\x9F\xBE\xBF", "\xD0\xBF",         "a",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		const char *end = good[i] + strlen(good[i]);

		if (text_character(good[i], end) != strlen(good[i]))
			fail_msg("row %zu", i);
	}
}

static void a_form_gives_the_same_bytes_again(void **state)
{
	static const char *const names[] = {"json", "csv",  "commerceml",
					    "upd",  "html", "pdf"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		CLEANUP(buf_clear) struct buf first = BUF_MAX(BYTES_MAX);
		CLEANUP(buf_clear) struct buf second = BUF_MAX(BYTES_MAX);

		render(names[i], "Сыр\x01", &first);
		render(names[i], "Сыр\x01", &second);
		if (first.used_bytes == 0 ||
		    first.used_bytes != second.used_bytes ||
		    memcmp(first.data, second.data, first.used_bytes) != 0)
			fail_msg("%s", names[i]);
	}
	assert_null(form_find("xls"));
}

static void a_price_is_that_of_a_unit(void **state)
{
	static const struct {
		struct invoice_amounts is, before;
		bool with_tax;
		int digits;
		int64_t want;
	} rows[] = {
		{{2000, -1, 12200, 2200}, {0, 0, 0, 0}, true, 2, 6100},
		{{2000, -1, 12200, 2200}, {0, 0, 0, 0}, false, 2, 5000},
		{{3000, -1, 10000, 0}, {0, 0, 0, 0}, true, 2, 3333},
		{{3000, -1, 10000, 0}, {0, 0, 0, 0}, true, 6, 33333333},
		{{1000, 955, 11459, 0}, {0, 0, 0, 0}, true, 2, 11999},
		/* Of a correction: what it was. */
		{{0, -55, -660, 0}, {1000, 955, 11459, 0}, true, 2, 11999},
		{{1000, 0, 0, 0}, {0, 0, 0, 0}, true, 2, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct invoice_line line = {.is = rows[i].is,
					    .before = rows[i].before};
		int64_t got = form_unit_price(&line, rows[i].with_tax,
					      rows[i].digits);

		if (got != rows[i].want)
			fail_msg("row %zu: %lld", i, (long long)got);
	}
}

static int count_files(const char *folder)
{
	DIR *dir = opendir(folder);
	int count = 0;

	assert_non_null(dir);
	for (struct dirent *at; (at = readdir(dir)) != NULL;)
		count += strcmp(at->d_name, ".") != 0 &&
			 strcmp(at->d_name, "..") != 0;
	(void)closedir(dir);
	return count;
}

static void a_file_is_there_whole_or_not_at_all(void **state)
{
	struct temp_folder temp = {0};
	const char *folder = temp.path;
	CLEANUP(out_file_freep) struct out_file *kept = NULL;
	struct out_file *dropped = NULL;
	struct out_file_facts facts = {0};
	char hash[DIGEST_TEXT_BYTES];
	char path[512];

	(void)state;
	assert_int_equal(temp_folder_make(&temp), 0);
	assert_int_equal(out_file_new(folder, "a.csv", &kept, NULL), 0);
	assert_int_equal(out_file_new(folder, "b.csv", &dropped, NULL), 0);
	assert_int_equal(out_file_write(kept, "one ", 4, NULL), 0);
	assert_int_equal(out_file_write(kept, "two", 3, NULL), 0);
	assert_int_equal(out_file_write(dropped, "x", 1, NULL), 0);
	(void)snprintf(path, sizeof(path), "%s/a.csv", folder);
	assert_int_not_equal(access(path, F_OK), 0);
	assert_int_equal(out_file_end(kept, &facts, NULL), 0);
	digest_sha256("one two", 7, hash);
	assert_string_equal(facts.hash, hash);
	assert_int_equal(facts.bytes, 7);
	assert_int_equal(out_file_publish(folder, &kept, 1, NULL), 0);
	assert_int_equal(access(path, F_OK), 0);
	out_file_free(dropped);
	assert_int_equal(count_files(folder), 1);
	assert_int_equal(out_file_new("/nonexistent", "a", &dropped, NULL),
			 ERR_IO);
	temp_folder_remove(&temp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_name_of_goods_breaks_a_form),
		cmocka_unit_test(
			no_name_that_an_order_may_have_makes_a_form_fail),
		cmocka_unit_test(only_what_is_no_character_is_replaced),
		cmocka_unit_test(a_form_gives_the_same_bytes_again),
		cmocka_unit_test(a_price_is_that_of_a_unit),
		cmocka_unit_test(a_file_is_there_whole_or_not_at_all),
	};
	return cmocka_run_group_tests_name("forms", tests, NULL, NULL);
}
