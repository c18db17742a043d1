/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/metrics/metrics.h"
#include "app/metrics/metrics_private.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "temp_folder.h"

static struct temp_folder folder;

static int setup(void **state)
{
	(void)state;
	return temp_folder_make(&folder);
}

static int teardown(void **state)
{
	(void)state;
	temp_folder_remove(&folder);
	return 0;
}

/* The numbers belong to a whole process, so each row of a test is one. */
static void in_child(void (*count)(void))
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		count();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void open_here(const char *service, int instance)
{
	struct err e = {0};

	if (metrics_open(folder.path, service, instance, &e) != 0) {
		(void)fprintf(stderr, "%s\n", e.text);
		_exit(1);
	}
}

static void export_is(const char *want)
{
	CLEANUP(buf_clear) struct buf out = BUF_MAX(1024 * 1024);
	struct err e = {0};

	if (metrics_export(folder.path, &out, &e) != 0)
		fail_msg("%s", e.text);
	if (strcmp(buf_text(&out), want) != 0)
		fail_msg("wanted:\n%sgot:\n%s", want, buf_text(&out));
}

/* The overflow counter of the only process. */
#define OVERFLOW                                                             \
	"# TYPE ordergate_metrics_overflow_total counter\n"                  \
	"ordergate_metrics_overflow_total{service=\"hook\",instance=\"1\"} " \
	"0\n"

static void count_one(void)
{
	open_here("hook", 1);
	metric_add(metric_get(METRIC_COUNTER, "og_http_total", "code=\"2xx\""),
		   3);
	metric_add(metric_get(METRIC_COUNTER, "og_http_total", "code=\"5xx\""),
		   1);
	metric_set(metric_get(METRIC_GAUGE, "og_depth", ""), -7);
}

static void count_two(void)
{
	open_here("hook", 2);
	metric_add(metric_get(METRIC_COUNTER, "og_http_total", "code=\"2xx\""),
		   5);
}

static void count_other(void)
{
	open_here("a-service", 1);
	metric_set(metric_get(METRIC_GAUGE, "og_depth", ""), 1);
}

static void all_processes_are_exported_sorted_by_name(void **state)
{
	static const char want[] =
		"# TYPE og_depth gauge\n"
		"og_depth{service=\"a-service\",instance=\"1\"} 1\n"
		"og_depth{service=\"hook\",instance=\"1\"} -7\n"
		"# TYPE og_http_total counter\n"
		"og_http_total{service=\"hook\",instance=\"1\",code=\"2xx\"} "
		"3\n"
		"og_http_total{service=\"hook\",instance=\"1\",code=\"5xx\"} "
		"1\n"
		"og_http_total{service=\"hook\",instance=\"2\",code=\"2xx\"} "
		"5\n"
		"# TYPE ordergate_metrics_overflow_total counter\n"
		"ordergate_metrics_overflow_total{service=\"a-service\","
		"instance=\"1\"} 0\n"
		"ordergate_metrics_overflow_total{service=\"hook\","
		"instance=\"1\"} 0\n"
		"ordergate_metrics_overflow_total{service=\"hook\","
		"instance=\"2\"} 0\n";

	(void)state;
	export_is("");
	in_child(count_one);
	in_child(count_two);
	in_child(count_other);
	export_is(want);
}

static void observe(void)
{
	static const int64_t values[] = {0, 1, 2, 3, 10000, 10001, 99999};
	struct metric *m;

	open_here("hook", 1);
	m = metric_get(METRIC_HISTOGRAM_MS, "og_ms", "path=\"/x\"");
	for (size_t i = 0; i < COUNT_OF(values); i++)
		metric_observe_ms(m, values[i]);
}

static void a_histogram_has_cumulative_buckets(void **state)
{
	static const struct {
		const char *le;
		int count;
	} rows[] = {
		{"1", 2},     {"2", 3},    {"5", 4},    {"10", 4},
		{"20", 4},    {"50", 4},   {"100", 4},  {"200", 4},
		{"500", 4},   {"1000", 4}, {"2000", 4}, {"5000", 4},
		{"10000", 5}, {"+Inf", 7},
	};
	static const char who[] =
		"{service=\"hook\",instance=\"1\",path=\"/x\"";
	CLEANUP(buf_clear) struct buf want = BUF_MAX(65536);

	(void)state;
	in_child(observe);
	buf_add_text(&want, "# TYPE og_ms histogram\n");
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		buf_printf(&want, "og_ms_bucket%s,le=\"%s\"} %d\n", who,
			   rows[i].le, rows[i].count);
	buf_printf(&want, "og_ms_sum%s} 120006\nog_ms_count%s} 7\n%s", who, who,
		   OVERFLOW);
	export_is(buf_text(&want));
}

static void count_and_crash(void)
{
	open_here("hook", 1);
	metric_add(metric_get(METRIC_COUNTER, "og_total", ""), 10);
	metric_set(metric_get(METRIC_GAUGE, "og_now", ""), 4);
	(void)raise(SIGKILL);
}

static void count_on(void)
{
	open_here("hook", 1);
	metric_add(metric_get(METRIC_COUNTER, "og_total", ""), 5);
}

static void set_again(void)
{
	open_here("hook", 1);
	metric_add(metric_get(METRIC_GAUGE, "og_now", ""), 5);
}

/* Nothing is told of a gauge that this process has not asked for: 0 would be
 * a claim. */
static void counters_survive_a_kill_and_gauges_do_not(void **state)
{
	int status = 0;
	pid_t child = fork();

	(void)state;
	if (child == 0)
		count_and_crash();
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	in_child(count_on);
	export_is("# TYPE og_total counter\n"
		  "og_total{service=\"hook\",instance=\"1\"} 15\n" OVERFLOW);
	in_child(set_again);
	export_is("# TYPE og_now gauge\n"
		  "og_now{service=\"hook\",instance=\"1\"} 5\n"
		  "# TYPE og_total counter\n"
		  "og_total{service=\"hook\",instance=\"1\"} 15\n" OVERFLOW);
}

static void count_before_opening(void)
{
	struct metric *early = metric_get(METRIC_COUNTER, "og_early_total", "");
	struct metric *gauge = metric_get(METRIC_GAUGE, "og_gauge", "");

	metric_add(early, 1);
	metric_set(gauge, 9);
	open_here("hook", 1);
	metric_add(metric_get(METRIC_COUNTER, "og_late_total", ""), 100);
	metric_add(early, 1);
	if (metric_get(METRIC_COUNTER, "og_early_total", "") != early)
		_exit(1);
}

static void what_was_counted_before_opening_is_kept(void **state)
{
	(void)state;
	in_child(count_on); /* so that the slots of the file are others */
	in_child(count_before_opening);
	export_is("# TYPE og_early_total counter\n"
		  "og_early_total{service=\"hook\",instance=\"1\"} 2\n"
		  "# TYPE og_gauge gauge\n"
		  "og_gauge{service=\"hook\",instance=\"1\"} 9\n"
		  "# TYPE og_late_total counter\n"
		  "og_late_total{service=\"hook\",instance=\"1\"} 100\n"
		  "# TYPE og_total counter\n"
		  "og_total{service=\"hook\",instance=\"1\"} 5\n" OVERFLOW);
}

static void *count_many(void *unused)
{
	(void)unused;
	for (int i = 0; i < 10000; i++)
		metric_add(metric_get(METRIC_COUNTER, "og_total",
				      i % 2 == 0 ? "a=\"0\"" : "a=\"1\""),
			   1);
	return NULL;
}

static void count_in_threads(void)
{
	pthread_t threads[4];

	open_here("hook", 1);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		if (pthread_create(&threads[i], NULL, count_many, NULL) != 0)
			_exit(1);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		(void)pthread_join(threads[i], NULL);
}

static void threads_lose_no_count(void **state)
{
	(void)state;
	in_child(count_in_threads);
	export_is("# TYPE og_total counter\n"
		  "og_total{service=\"hook\",instance=\"1\",a=\"0\"} 20000\n"
		  "og_total{service=\"hook\",instance=\"1\",a=\"1\"} "
		  "20000\n" OVERFLOW);
}

static void count_too_many(void)
{
	static char names[METRIC_SLOTS_MAX + 10][16];

	open_here("hook", 1);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		(void)snprintf(names[i], sizeof(names[i]), "og_%zu", i);
		metric_set(metric_get(METRIC_GAUGE, names[i], ""), 77);
	}
}

static void names_beyond_the_last_slot_go_to_the_overflow(void **state)
{
	CLEANUP(buf_clear) struct buf out = BUF_MAX(1024 * 1024);

	(void)state;
	in_child(count_too_many);
	assert_int_equal(metrics_export(folder.path, &out, NULL), 0);
	/* The overflow itself takes one slot of them all. */
	assert_non_null(strstr(buf_text(&out),
			       "ordergate_metrics_overflow_total{service="
			       "\"hook\",instance=\"1\"} 11\n"));
	assert_non_null(strstr(buf_text(&out), "og_126{"));
	assert_null(strstr(buf_text(&out), "og_127{"));
}

/* A file of one good slot, changed by `damage`, next to a good file. */
static void export_with(void (*damage)(struct metrics_file *file))
{
	CLEANUP_FREE struct metrics_file *file = calloc(1, sizeof(*file));

	assert_non_null(file);
	file->format = METRICS_FORMAT;
	file->slot_bytes = sizeof(struct metrics_slot);
	file->slots[0].state = METRICS_SLOT_READY;
	file->slots[0].kind = METRIC_COUNTER;
	(void)snprintf(file->slots[0].name, METRIC_NAME_BYTES, "og_bad");
	damage(file);
	assert_int_equal(
		temp_write(&folder, "metrics/bad-1", file, sizeof(*file), 0600),
		0);
}

static void damage_name(struct metrics_file *file)
{
	(void)snprintf(file->slots[0].name, METRIC_NAME_BYTES, "og bad\n");
}

static void damage_name_end(struct metrics_file *file)
{
	memset(file->slots[0].name, 'x', METRIC_NAME_BYTES);
}

static void damage_label(struct metrics_file *file)
{
	(void)snprintf(file->slots[0].label, METRIC_LABEL_BYTES,
		       "a=\"b\"} 1\nevil{a=\"");
}

static void damage_label_key(struct metrics_file *file)
{
	(void)snprintf(file->slots[0].label, METRIC_LABEL_BYTES, "=\"b\"");
}

static void damage_kind(struct metrics_file *file)
{
	file->slots[0].kind = 9;
}

static void damage_format(struct metrics_file *file)
{
	file->format = 99;
}

static void damage_nothing(struct metrics_file *file)
{
	(void)file;
}

static void damaged_files_do_not_spoil_the_page(void **state)
{
	static void (*const damages[])(struct metrics_file *) = {
		damage_name,      damage_name_end, damage_label,
		damage_label_key, damage_kind,     damage_format,
	};
	static const char good[] =
		"# TYPE og_total counter\n"
		"og_total{service=\"hook\",instance=\"1\"} 5\n" OVERFLOW;
	char path[TEMP_PATH_BYTES];

	(void)state;
	in_child(count_on);
	for (size_t i = 0; i < COUNT_OF(damages); i++) {
		export_with(damages[i]);
		export_is(good);
	}
	/* The same file without damage is shown: the rows above can fail. */
	export_with(damage_nothing);
	{
		CLEANUP(buf_clear) struct buf out = BUF_MAX(65536);

		assert_int_equal(metrics_export(folder.path, &out, NULL), 0);
		assert_non_null(strstr(buf_text(&out), "og_bad{"));
	}
	assert_int_equal(temp_write(&folder, "metrics/bad-1", "x", 1, 0600), 0);
	assert_int_equal(
		temp_write(&folder, "metrics/hook-1.new", "x", 1, 0600), 0);
	assert_int_equal(mkfifo(temp_path(&folder, "metrics/f-1", path), 0600),
			 0);
	export_is(good);
}

static void a_file_of_another_program_version_is_replaced(void **state)
{
	char path[TEMP_PATH_BYTES];
	int fd;

	(void)state;
	in_child(count_on);
	fd = open(temp_path(&folder, "metrics/hook-1", path),
		  O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(
		pwrite(fd, "9.9.9", 6, offsetof(struct metrics_file, version)),
		6);
	(void)close(fd);
	in_child(count_on);
	export_is("# TYPE og_total counter\n"
		  "og_total{service=\"hook\",instance=\"1\"} 5\n" OVERFLOW);
}

static void a_small_buffer_is_reported(void **state)
{
	CLEANUP(buf_clear) struct buf out = BUF_MAX(100);

	(void)state;
	in_child(count_one);
	assert_int_equal(metrics_export(folder.path, &out, NULL), ERR_NOMEM);
}

#define FOLDER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(all_processes_are_exported_sorted_by_name),
		FOLDER_TEST(a_histogram_has_cumulative_buckets),
		FOLDER_TEST(counters_survive_a_kill_and_gauges_do_not),
		FOLDER_TEST(what_was_counted_before_opening_is_kept),
		FOLDER_TEST(threads_lose_no_count),
		FOLDER_TEST(names_beyond_the_last_slot_go_to_the_overflow),
		FOLDER_TEST(damaged_files_do_not_spoil_the_page),
		FOLDER_TEST(a_file_of_another_program_version_is_replaced),
		FOLDER_TEST(a_small_buffer_is_reported),
	};

	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
