/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "store/engine/db.h"
#include "store/order/api_requests.h"
#include "store_fixture.h"

#define NOW_MS INT64_C(1742000000000)

static const struct api_request usual = {.token = "assembly",
					 .picker_id = "anna",
					 .method = "takeOrder",
					 .request_id = "r-1",
					 .body_hash = "h-1"};

struct addition {
	const struct api_request *request;
	const char *answer;
	int64_t at_ms;
};

static int run_add(struct db *db, int64_t now_ms, void *context, struct err *e)
{
	const struct addition *a = context;

	(void)now_ms;
	return api_requests_add(db, a->request, a->answer, 7, a->at_ms, e);
}

static void add(struct fixture *f, const struct api_request *request,
		const char *answer, int64_t at_ms)
{
	struct addition a = {request, answer, at_ms};
	struct err e = {0};

	if (fixture_write(f, run_add, &a, &e) < 0)
		fail_msg("%s", e.text);
}

static int find(struct fixture *f, const struct api_request *request,
		int64_t now_ms, struct buf *answer)
{
	struct api_request asked = *request;
	int64_t version = 7;
	int rc = api_requests_find(f->db, &asked, now_ms, answer, &version,
				   NULL);

	assert_int_equal(version, 7);
	return rc;
}

static void a_repeat_gets_the_answer_that_was_kept(void **state)
{
	struct fixture *f = *state;
	CLEANUP(buf_clear) struct buf answer = BUF_MAX(1000);

	assert_int_equal(find(f, &usual, NOW_MS, &answer), 0);
	add(f, &usual, "{\"result\":1}", NOW_MS);
	assert_int_equal(find(f, &usual, NOW_MS, &answer), 1);
	assert_string_equal(buf_text(&answer), "{\"result\":1}");
}

/* Whatever makes a request another one. The last three would be equal if the
 * parts were only written one behind the other. */
static void other_requests_have_other_answers(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *name;
		struct api_request request;
		int want;
	} rows[] = {
		{"the same",
		 {"assembly", "anna", "takeOrder", "r-1", "h-1", false},
		 1},
		{"another token",
		 {"picker", "anna", "takeOrder", "r-1", "h-1", false},
		 0},
		{"another picker",
		 {"assembly", "boris", "takeOrder", "r-1", "h-1", false},
		 0},
		{"no picker",
		 {"assembly", "", "takeOrder", "r-1", "h-1", false},
		 0},
		{"another method",
		 {"assembly", "anna", "releaseOrder", "r-1", "h-1", false},
		 0},
		{"another id",
		 {"assembly", "anna", "takeOrder", "r-2", "h-1", false},
		 0},
		{"another case",
		 {"assembly", "anna", "takeOrder", "R-1", "h-1", false},
		 0},
		{"another body",
		 {"assembly", "anna", "takeOrder", "r-1", "h-2", false},
		 ERR_DUPLICATE},
		{"parts moved",
		 {"assembly", "annat", "akeOrder", "r-1", "h-1", false},
		 0},
		{"a comma inside",
		 {"assembly", "anna,takeOrder", "", "r-1", "h-1", false},
		 0},
		{"quotes inside",
		 {"assembly", "anna\",\"takeOrder", "r-1", "", "h-1", false},
		 0},
	};

	add(f, &usual, "kept", NOW_MS);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_clear) struct buf answer = BUF_MAX(1000);
		int rc = find(f, &rows[i].request, NOW_MS, &answer);

		if (rc != rows[i].want || (answer.used_bytes > 0) != (rc == 1))
			fail_msg("%s: %d", rows[i].name, rc);
	}
}

static void an_answer_is_kept_for_seven_days(void **state)
{
	struct fixture *f = *state;
	static const struct {
		int64_t later_ms;
		int want;
	} rows[] = {
		{0, 1},
		{API_REQUEST_KEEP_MS - 1, 1},
		{API_REQUEST_KEEP_MS, 0},
		{API_REQUEST_KEEP_MS + 1, 0},
	};

	add(f, &usual, "kept", NOW_MS);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_clear) struct buf answer = BUF_MAX(1000);

		if (find(f, &usual, NOW_MS + rows[i].later_ms, &answer) !=
		    rows[i].want)
			fail_msg("row %zu", i);
	}
}

static void an_answer_that_is_too_old_makes_room_for_a_new_one(void **state)
{
	struct fixture *f = *state;
	struct api_request other = usual;
	CLEANUP(buf_clear) struct buf answer = BUF_MAX(1000);

	other.body_hash = "h-2";
	add(f, &usual, "old", NOW_MS - API_REQUEST_KEEP_MS);
	assert_int_equal(find(f, &other, NOW_MS, &answer), 0);
	add(f, &other, "new", NOW_MS);
	assert_int_equal(find(f, &other, NOW_MS, &answer), 1);
	assert_string_equal(buf_text(&answer), "new");
}

static void a_name_is_new_as_long_as_no_answer_has_it(void **state)
{
	struct fixture *f = *state;
	struct api_request request = usual;
	CLEANUP(buf_clear) struct buf answer = BUF_MAX(1000);
	int64_t version = 0;

	assert_int_equal(api_requests_find(f->db, &request, NOW_MS, &answer,
					   &version, NULL),
			 0);
	assert_true(request.is_new);
	add(f, &request, "first", NOW_MS);
	assert_int_equal(api_requests_find(f->db, &request,
					   NOW_MS + API_REQUEST_KEEP_MS,
					   &answer, &version, NULL),
			 0);
	assert_false(request.is_new);
	add(f, &request, "second", NOW_MS + API_REQUEST_KEEP_MS);
	assert_int_equal(find(f, &usual, NOW_MS + API_REQUEST_KEEP_MS, &answer),
			 1);
	assert_string_equal(buf_text(&answer), "second");
}

static int run_claim(struct db *db, int64_t now_ms, void *context,
		     struct err *e)
{
	const struct addition *a = context;

	(void)now_ms;
	return api_requests_claim(db, a->request, a->answer, 7, a->at_ms, e);
}

static void the_first_who_claims_a_name_has_it(void **state)
{
	struct fixture *f = *state;
	struct addition first = {&usual, "first", NOW_MS};
	struct addition second = {&usual, "second", NOW_MS + 1};
	CLEANUP(buf_clear) struct buf answer = BUF_MAX(1000);

	assert_int_equal(fixture_write(f, run_claim, &first, NULL), 1);
	assert_int_equal(fixture_write(f, run_claim, &second, NULL), 0);
	assert_int_equal(find(f, &usual, NOW_MS, &answer), 1);
	assert_string_equal(buf_text(&answer), "first");
}

static int add_and_fail(struct db *db, int64_t now_ms, void *context,
			struct err *e)
{
	int rc = run_add(db, now_ms, context, e);

	return rc < 0 ? rc : err_set(e, ERR_BUSY, "not now");
}

static void an_answer_is_not_kept_when_its_change_fails(void **state)
{
	struct fixture *f = *state;
	struct addition a = {&usual, "kept", NOW_MS};
	CLEANUP(buf_clear) struct buf answer = BUF_MAX(1000);

	assert_int_equal(fixture_write(f, add_and_fail, &a, NULL), ERR_BUSY);
	assert_int_equal(find(f, &usual, NOW_MS, &answer), 0);
}

static void
an_answer_that_does_not_fit_is_an_error_and_no_half_answer(void **state)
{
	struct fixture *f = *state;
	CLEANUP(buf_clear) struct buf answer = BUF_MAX(4);

	add(f, &usual, "longer than four", NOW_MS);
	assert_int_equal(find(f, &usual, NOW_MS, &answer), ERR_NOMEM);
}

#define STORE_TEST(test) \
	cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(a_repeat_gets_the_answer_that_was_kept),
		STORE_TEST(other_requests_have_other_answers),
		STORE_TEST(an_answer_is_kept_for_seven_days),
		STORE_TEST(an_answer_that_is_too_old_makes_room_for_a_new_one),
		STORE_TEST(a_name_is_new_as_long_as_no_answer_has_it),
		STORE_TEST(the_first_who_claims_a_name_has_it),
		STORE_TEST(an_answer_is_not_kept_when_its_change_fails),
		STORE_TEST(
			an_answer_that_does_not_fit_is_an_error_and_no_half_answer),
	};

	return cmocka_run_group_tests_name("api_requests", tests, NULL, NULL);
}
