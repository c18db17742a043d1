/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "codec/json/json_keys.h"
#include "codec/json/json_scan.h"

static int scan(const struct buf *b, struct err *e)
{
	return json_scan(b->data, b->used_bytes, NULL, 0, NULL, e);
}

/* An object with `count` keys; when twice >= 0, the last key is key number
 * `twice` again. Some keys are escaped, some long, some nest an object. */
static void make_object(struct buf *b, int count, int twice)
{
	static const char *const shapes[][2] = {
		{"\"k", "\":1"},
		{"\"\\u006b", "\":1"},
		{"\"a key that begins like all the others ", "\":1"},
		{"\"\\u006b ", "nested\":{\"k0\":1,\"k1\":[{\"k0\":1}]}"},
	};

	buf_reset(b);
	buf_add_char(b, '{');
	for (int i = 0; i < count; i++) {
		int key = i == count - 1 && twice >= 0 ? twice : i;
		int shape = key / 2 % 4;

		/* The same key in its other spelling. */
		if (key != i && shape < 2)
			shape = 1 - shape;
		buf_printf(b, "%s%s%d%s", i > 0 ? "," : "", shapes[shape][0],
			   key, shapes[shape][1]);
	}
	buf_add_char(b, '}');
	assert_int_equal(buf_finish(b, NULL), 0);
}

static void keys_that_stand_twice_are_found_in_objects_of_any_size(void **state)
{
	(void)state;
	CLEANUP(buf_clear) struct buf b = BUF_MAX(1 << 20);
	struct err e;

	for (int count = 1; count <= 140; count++) {
		make_object(&b, count, -1);
		if (scan(&b, &e) != 0)
			fail_msg("%d keys: %s", count, e.text);
		for (int twice = 0; twice < count - 1; twice++) {
			make_object(&b, count, twice);
			if (scan(&b, &e) != ERR_INVALID)
				fail_msg("%d keys, %d twice", count, twice);
		}
	}
	make_object(&b, 5000, 4711);
	assert_int_equal(scan(&b, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "twice"));
}

static int64_t cpu_ms(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now), 0);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* By comparing all pairs, 100 000 keys would take 5 000 000 000 comparisons. */
static void an_object_of_100_000_keys_takes_no_quadratic_time(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{"\"", "\":1"},
		{"\"the same sixteen bytes, then ", "\":1"},
		{"\"\\u0061", "\":1"},
		{"{\"", "\":1}"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_clear) struct buf b = BUF_MAX(1 << 23);
		bool array = rows[i][0][0] == '{';
		int64_t before_ms;

		buf_add_char(&b, array ? '[' : '{');
		for (int k = 0; k < 100000; k++)
			buf_printf(&b, "%s%s%d%s", k > 0 ? "," : "", rows[i][0],
				   k, rows[i][1]);
		buf_add_char(&b, array ? ']' : '}');
		assert_int_equal(buf_finish(&b, NULL), 0);
		before_ms = cpu_ms();
		assert_int_equal(scan(&b, NULL), 0);
		if (cpu_ms() - before_ms > 2500)
			fail_msg("row %zu: %lld ms", i,
				 (long long)(cpu_ms() - before_ms));
	}
}

static bool add_plain(struct json_keys *keys, struct json_key_set *set,
		      const char *name)
{
	struct json_string string = {name, strlen(name), false};
	struct err e = {0};
	int rc = json_keys_add(keys, set, &string, &e);

	assert_true(rc == 0 || rc == ERR_DUPLICATE);
	return rc == 0;
}

static void objects_inside_of_objects_have_keys_of_their_own(void **state)
{
	(void)state;
	CLEANUP(json_keys_clear) struct json_keys keys;
	struct json_key_set outer;
	struct json_key_set inner;

	json_keys_init(&keys);
	outer = json_keys_begin(&keys);
	assert_true(add_plain(&keys, &outer, "a"));
	for (int round = 0; round < 200; round++) {
		inner = json_keys_begin(&keys);
		assert_true(add_plain(&keys, &inner, "b"));
		assert_true(add_plain(&keys, &inner, "a"));
		assert_false(add_plain(&keys, &inner, "b"));
		assert_null(json_keys_end(&keys, &inner));
	}
	assert_true(add_plain(&keys, &outer, "b"));
	assert_false(add_plain(&keys, &outer, "a"));
	assert_null(json_keys_end(&keys, &outer));
	assert_int_equal(keys.used, 0);
	/* An ordinary text must not have taken memory. */
	assert_ptr_equal(keys.all, keys.first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			keys_that_stand_twice_are_found_in_objects_of_any_size),
		cmocka_unit_test(
			an_object_of_100_000_keys_takes_no_quadratic_time),
		cmocka_unit_test(
			objects_inside_of_objects_have_keys_of_their_own),
	};
	return cmocka_run_group_tests_name("json_keys", tests, NULL, NULL);
}
