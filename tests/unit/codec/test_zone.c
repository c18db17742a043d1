/* SPDX-License-Identifier: MIT */
#include "cmocka_all.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "codec/time/timestamp.h"
#include "codec/time/zone.h"
#include "codec/time/zone_rule.h"

#define ZONES "/usr/share/zoneinfo/"
#define CLEANUP_ZONE CLEANUP(zone_freep)

static char file_data[ZONE_FILE_BYTES_MAX + 1];
static size_t file_bytes;

/* The file of a zone in file_data; fails the test when there is none. */
static void read_file(const char *name)
{
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), ZONES "%s", name);
	f = fopen(path, "re");
	if (f == NULL)
		fail_msg("%s: install tzdata", path);
	file_bytes = fread(file_data, 1, sizeof(file_data), f);
	(void)fclose(f);
}

static struct zone *load(const char *name)
{
	struct zone *zone = NULL;
	struct err e = {0};

	read_file(name);
	if (zone_parse(file_data, file_bytes, &zone, &e) < 0)
		fail_msg("%s: %s", name, e.text);
	return zone;
}

static int64_t moment(const char *text)
{
	int64_t ms = -1;
	struct err e = {0};

	if (timestamp_parse(text, 0, &ms, &e) < 0)
		fail_msg("%s", e.text);
	return ms;
}

static const struct {
	const char *zone, *at;
	int want_s;
} offset_rows[] = {
	/* The edges of Moscow: 2011 summer time for good, 2014 winter
	 * time for good. */
	{"Europe/Moscow", "2010-10-30T22:59:59.999Z", 14400},
	{"Europe/Moscow", "2010-10-30T23:00:00Z", 10800},
	{"Europe/Moscow", "2011-03-26T22:59:59.999Z", 10800},
	{"Europe/Moscow", "2011-03-26T23:00:00Z", 14400},
	{"Europe/Moscow", "2014-10-25T21:59:59.999Z", 14400},
	{"Europe/Moscow", "2014-10-25T22:00:00Z", 10800},
	{"Europe/Moscow", "2025-07-01T00:00:00Z", 10800},
	{"Europe/Moscow", "2099-07-01T00:00:00Z", 10800},
	{"Europe/Kaliningrad", "2010-12-01T00:00:00Z", 7200},
	{"Europe/Kaliningrad", "2013-12-01T00:00:00Z", 10800},
	{"Europe/Kaliningrad", "2025-12-01T00:00:00Z", 7200},
	{"Asia/Yekaterinburg", "2013-01-01T00:00:00Z", 21600},
	{"Asia/Yekaterinburg", "2025-01-01T00:00:00Z", 18000},
	{"Asia/Kamchatka", "2025-01-01T00:00:00Z", 43200},
	{"Europe/Berlin", "2025-03-30T00:59:59.999Z", 3600},
	{"Europe/Berlin", "2025-03-30T01:00:00Z", 7200},
	{"Europe/Berlin", "2025-10-26T00:59:59.999Z", 7200},
	{"Europe/Berlin", "2025-10-26T01:00:00Z", 3600},
	/* past the tables: the rule of the footer */
	{"Europe/Berlin", "2050-03-27T00:59:59Z", 3600},
	{"Europe/Berlin", "2050-03-27T01:00:00Z", 7200},
	{"America/New_York", "2050-03-13T06:59:59Z", -18000},
	{"America/New_York", "2050-03-13T07:00:00Z", -14400},
	{"America/New_York", "2050-11-06T05:59:59Z", -14400},
	{"America/New_York", "2050-11-06T06:00:00Z", -18000},
	{"America/New_York", "9999-07-01T00:00:00Z", -14400},
	{"Australia/Sydney", "2060-01-01T00:00:00Z", 39600},
	{"Australia/Sydney", "2060-07-01T00:00:00Z", 36000},
	{"Europe/Dublin", "2060-01-01T00:00:00Z", 0},
	{"Europe/Dublin", "2060-07-01T00:00:00Z", 3600},
	{"Asia/Kathmandu", "2025-01-01T00:00:00Z", 20700},
	{"Etc/UTC", "2025-01-01T00:00:00Z", 0},
	{"Etc/GMT-14", "2025-01-01T00:00:00Z", 50400},
};

static void offsets_are_those_of_the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(offset_rows); i++) {
		CLEANUP_ZONE struct zone *zone = load(offset_rows[i].zone);
		int got = zone_offset_s(zone, moment(offset_rows[i].at));

		if (got != offset_rows[i].want_s)
			fail_msg("row %zu %s %s: %d", i, offset_rows[i].zone,
				 offset_rows[i].at, got);
	}
}

static void far_moments_and_no_zone_have_an_offset_too(void **state)
{
	(void)state;
	CLEANUP_ZONE struct zone *zone = load("America/New_York");

	assert_int_equal(zone_offset_s(NULL, moment("2025-01-01T00:00:00Z")),
			 0);
	assert_int_equal(zone_offset_s(zone, INT64_MIN), -17762);
	assert_int_equal(zone_offset_s(zone, INT64_MAX), -18000);
	/* Moscow, 21 June 1930, 0:00: a change before 1970. One millisecond
	 * before it is in the second before it, not in the one after. */
	zone_free(zone);
	zone = load("Europe/Moscow");
	assert_int_equal(zone_offset_s(zone, -1247536800000), 10800);
	assert_int_equal(zone_offset_s(zone, -1247536800001), 7200);
}

static int64_t from_civil(const struct zone *zone, const char *text)
{
	struct civil c = timestamp_civil(moment(text), 0);

	return zone_from_civil(zone, &c);
}

static const struct {
	const char *zone, *civil, *want;
} civil_rows[] = {
	{"Europe/Moscow", "2025-03-14T09:12:41.678Z",
	 "2025-03-14T06:12:41.678Z"},
	/* a gap: the first moment after it, without a fraction */
	{"Europe/Berlin", "2025-03-30T01:59:59.999Z",
	 "2025-03-30T00:59:59.999Z"},
	{"Europe/Berlin", "2025-03-30T02:00:00Z", "2025-03-30T01:00:00Z"},
	{"Europe/Berlin", "2025-03-30T02:30:00.500Z", "2025-03-30T01:00:00Z"},
	{"Europe/Berlin", "2025-03-30T02:59:59.999Z", "2025-03-30T01:00:00Z"},
	{"Europe/Berlin", "2025-03-30T03:00:00.500Z",
	 "2025-03-30T01:00:00.500Z"},
	/* an hour that comes twice: the first */
	{"Europe/Berlin", "2025-10-26T01:59:59.999Z",
	 "2025-10-25T23:59:59.999Z"},
	{"Europe/Berlin", "2025-10-26T02:00:00Z", "2025-10-26T00:00:00Z"},
	{"Europe/Berlin", "2025-10-26T02:59:59.999Z",
	 "2025-10-26T00:59:59.999Z"},
	{"Europe/Berlin", "2025-10-26T03:00:00Z", "2025-10-26T02:00:00Z"},
	{"Europe/Moscow", "2014-10-26T01:30:00Z", "2014-10-25T21:30:00Z"},
	{"Europe/Moscow", "2014-10-26T02:00:00Z", "2014-10-25T23:00:00Z"},
	{"Europe/Moscow", "2011-03-27T02:30:00Z", "2011-03-26T23:00:00Z"},
	/* the same by the rule of the footer */
	{"America/New_York", "2050-03-13T02:30:00Z", "2050-03-13T07:00:00Z"},
	{"America/New_York", "2050-11-06T01:30:00Z", "2050-11-06T05:30:00Z"},
	{"America/New_York", "2050-11-06T02:00:00Z", "2050-11-06T07:00:00Z"},
	/* a day that Samoa never had */
	{"Pacific/Apia", "2011-12-30T12:00:00Z", "2011-12-30T10:00:00Z"},
	{"Pacific/Apia", "2011-12-31T00:00:00Z", "2011-12-30T10:00:00Z"},
};

static void civil_times_that_happen_twice_or_never_have_a_rule(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(civil_rows); i++) {
		CLEANUP_ZONE struct zone *zone = load(civil_rows[i].zone);
		int64_t got = from_civil(zone, civil_rows[i].civil);
		char text[TIMESTAMP_TEXT_BYTES];

		if (got != moment(civil_rows[i].want))
			fail_msg("row %zu %s %s: %s", i, civil_rows[i].zone,
				 civil_rows[i].civil,
				 timestamp_format(got, 0, text));
	}
	assert_true(from_civil(NULL, "2025-03-14T09:12:41.678Z") ==
		    moment("2025-03-14T09:12:41.678Z"));
}

/* Small zones, large ones, southern ones, odd ones; the last six have rules
 * with negative summer time, negative hours or hours past a day. */
static const char *const many_zones[] = {
	"Europe/Moscow",      "Europe/Kaliningrad", "Europe/Samara",
	"Europe/Volgograd",   "Asia/Yekaterinburg", "Asia/Novosibirsk",
	"Asia/Krasnoyarsk",   "Asia/Irkutsk",       "Asia/Yakutsk",
	"Asia/Vladivostok",   "Asia/Magadan",       "Asia/Kamchatka",
	"Europe/Berlin",      "Europe/London",      "America/New_York",
	"America/Sao_Paulo",  "America/St_Johns",   "Australia/Lord_Howe",
	"Australia/Sydney",   "Pacific/Auckland",   "Pacific/Apia",
	"Pacific/Kiritimati", "Asia/Kathmandu",     "Etc/UTC",
	"Europe/Dublin",      "Africa/Casablanca",  "America/Nuuk",
	"Asia/Gaza",          "America/Santiago",   "Asia/Jerusalem",
};

static int64_t random_between(int64_t low, int64_t high)
{
	static uint64_t random = 7;

	random = random * 6364136223846793005U + 1442695040888963407U;
	return low + (int64_t)((random >> 11) % (uint64_t)(high - low + 1));
}

static void set_libc_zone(const char *name)
{
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): this test has one thread */
	assert_int_equal(setenv("TZ", name, 1), 0);
	tzset();
}

/* The answer of libc, which reads the same files with other code. */
static int libc_offset_s(time_t at_s)
{
	struct tm tm;

	assert_non_null(localtime_r(&at_s, &tm));
	return (int)tm.tm_gmtoff;
}

static void random_moments_agree_with_libc(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(many_zones); i++) {
		CLEANUP_ZONE struct zone *zone = load(many_zones[i]);

		set_libc_zone(many_zones[i]);
		for (int round = 0; round < 6000; round++) {
			/* 1850 to 2400; every second one near today */
			int64_t at_s =
				round % 2 == 0
					? random_between(-3786825600,
							 13569465600)
					: random_between(946684800, 2556057600);
			int want = libc_offset_s(at_s);
			int got = zone_offset_s(zone, at_s * 1000 + round % 3);

			if (got != want)
				fail_msg("%s %" PRId64 ": %d, libc says %d",
					 many_zones[i], at_s, got, want);
		}
	}
}

/* Both seconds around every change of 1900..2100, found by halving. */
static void every_change_agrees_with_libc_to_the_second(void **state)
{
	(void)state;
	const int64_t step_s = 21600;

	for (size_t i = 0; i < COUNT_OF(many_zones); i += 3) {
		CLEANUP_ZONE struct zone *zone = load(many_zones[i]);
		int changes = 0;

		set_libc_zone(many_zones[i]);
		for (int64_t at_s = -2208988800; at_s < 4102444800;
		     at_s += step_s) {
			int64_t low = at_s;
			int64_t high = at_s + step_s;
			int before = zone_offset_s(zone, low * 1000);

			if (before == zone_offset_s(zone, high * 1000))
				continue;
			while (high - low > 1) {
				int64_t middle = low + (high - low) / 2;

				if (zone_offset_s(zone, middle * 1000) ==
				    before)
					low = middle;
				else
					high = middle;
			}
			changes++;
			if (libc_offset_s(low) != before ||
			    libc_offset_s(high) !=
				    zone_offset_s(zone, high * 1000))
				fail_msg("%s %" PRId64, many_zones[i], high);
		}
		assert_true(changes > 0 ||
			    strcmp(many_zones[i], "Etc/UTC") == 0);
	}
}

static void civil_times_come_back_unless_they_are_in_a_gap(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(many_zones); i++) {
		CLEANUP_ZONE struct zone *zone = load(many_zones[i]);

		for (int round = 0; round < 3000; round++) {
			int64_t ms =
				random_between(-2208988800000, 7258118400000);
			struct civil c =
				timestamp_civil(ms, zone_offset_s(zone, ms));
			int64_t got = zone_from_civil(zone, &c);
			struct civil back =
				timestamp_civil(got, zone_offset_s(zone, got));

			if (got > ms || memcmp(&back, &c, sizeof(c)) != 0)
				fail_msg("%s %" PRId64 ": %" PRId64,
					 many_zones[i], ms, got);
		}
	}
}

static const struct {
	const char *text, *at;
	int want_s; /* -1: refused */
} rule_rows[] = {
	{"MSK-3", "2025-07-01T00:00:00Z", 10800},
	{"<+03>-3", "2025-07-01T00:00:00Z", 10800},
	{"<-0330>3:30", "2025-07-01T00:00:00Z", -12600},
	{"ABC-1:02:03", "2025-07-01T00:00:00Z", 3723},
	{"ABC+1", "2025-07-01T00:00:00Z", -3600},
	{"ABC24", "2025-07-01T00:00:00Z", -86400},
	{"EST5EDT,M3.2.0,M11.1.0", "2025-07-01T00:00:00Z", -14400},
	{"EST5EDT4:30,M3.2.0,M11.1.0", "2025-07-01T00:00:00Z", -16200},
	/* J counts no 29 February, n does: 1 March, 2 March */
	{"AAA0BBB,J60/0,J61/0", "2024-03-01T00:00:00Z", 3600},
	{"AAA0BBB,J60/0,J61/0", "2025-03-01T00:00:00Z", 3600},
	{"AAA0BBB,J60/0,J61/0", "2024-02-29T12:00:00Z", 0},
	{"AAA0BBB,J59/0,J60/0", "2024-02-28T12:00:00Z", 3600},
	{"AAA0BBB,J59/0,J60/0", "2024-02-29T12:00:00Z", 3600},
	{"AAA0BBB,59/0,60/0", "2024-02-29T12:00:00Z", 3600},
	{"AAA0BBB,59/0,60/0", "2025-03-01T12:00:00Z", 3600},
	{"AAA0BBB,0/0,1/0", "2025-01-01T12:00:00Z", 3600},
	{"AAA0BBB,J1/0,J2/0", "2025-01-01T12:00:00Z", 3600},
	{"AAA0BBB,J365/0,J1/0", "2024-12-31T12:00:00Z", 3600},
	{"AAA0BBB,365/0,0/0", "2024-12-31T12:00:00Z", 3600},
	/* summer time all year (RFC 8536 3.3.1) */
	{"EST5EDT,0/0,J365/25", "2025-01-01T04:59:59Z", -14400},
	{"EST5EDT,0/0,J365/25", "2025-01-01T05:00:00Z", -14400},
	{"EST5EDT,0/0,J365/25", "2025-07-01T00:00:00Z", -14400},
	/* changes that fall into the next year and the one before */
	{"EST5EDT,0/0,J365/28", "2024-01-01T04:59:59Z", -18000},
	{"EST5EDT,0/0,J365/28", "2024-01-01T05:00:00Z", -14400},
	{"EST5EDT,0/0,J365/28", "2024-01-01T08:00:00Z", -18000},
	{"AAA0BBB,0/-100,0/-50", "2024-12-27T19:59:59Z", 0},
	{"AAA0BBB,0/-100,0/-50", "2024-12-27T20:00:00Z", 3600},
	{"AAA0BBB,0/-100,0/-50", "2024-12-29T21:00:00Z", 0},
	/* week 5 is the last: the fourth or the fifth Sunday */
	{"AAA0BBB,M2.5.0/0,M2.5.1/0", "2026-02-22T12:00:00Z", 3600},
	{"AAA0BBB,M8.5.0/0,M8.5.1/0", "2026-08-30T12:00:00Z", 3600},
	{"AAA0BBB,M12.5.3/0,M12.5.4/0", "2025-12-31T12:00:00Z", 3600},
	/* hours outside of the day */
	{"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2025-03-30T00:59:59Z", -7200},
	{"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2025-03-30T01:00:00Z", -3600},
	{"EET-2EEST,M3.4.4/50,M10.4.4/50", "2025-03-28T23:59:59Z", 7200},
	{"EET-2EEST,M3.4.4/50,M10.4.4/50", "2025-03-29T00:00:00Z", 10800},
	{"", NULL, -1},
	{"M", NULL, -1},
	{"MS-3", NULL, -1},
	{"MSK", NULL, -1},
	{"MSK-", NULL, -1},
	{"MSK-3 ", NULL, -1},
	{"MSK-3:", NULL, -1},
	{"MSK-3:60", NULL, -1},
	{"MSK-3:00:60", NULL, -1},
	{"MSK-25", NULL, -1},
	{"MSK-0003", NULL, -1},
	{"<+03-3", NULL, -1},
	{"<+3>-3", NULL, -1},
	{"<>-3", NULL, -1},
	{"M5K-3", NULL, -1},
	{"EST5EDT", NULL, -1},
	{"EST5EDT,", NULL, -1},
	{"EST5EDT,M3.2.0", NULL, -1},
	{"EST5EDT,M3.2.0,", NULL, -1},
	{"EST5EDT,M3.2.0,M11.1.0,", NULL, -1},
	{"EST5EDT,M0.2.0,M11.1.0", NULL, -1},
	{"EST5EDT,M13.2.0,M11.1.0", NULL, -1},
	{"EST5EDT,M3.0.0,M11.1.0", NULL, -1},
	{"EST5EDT,M3.6.0,M11.1.0", NULL, -1},
	{"EST5EDT,M3.2.7,M11.1.0", NULL, -1},
	{"EST5EDT,M3.2,M11.1.0", NULL, -1},
	{"EST5EDT,M3.2.0/,M11.1.0", NULL, -1},
	{"EST5EDT,M3.2.0/168,M11.1.0", NULL, -1},
	{"EST5EDT,J0,M11.1.0", NULL, -1},
	{"EST5EDT,J366,M11.1.0", NULL, -1},
	{"EST5EDT,366,M11.1.0", NULL, -1},
	{"EST5EDT,x,M11.1.0", NULL, -1},
};

static void rules_are_read_as_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rule_rows); i++) {
		struct zone_rule rule;
		struct err e = {0};
		int rc = zone_rule_parse(rule_rows[i].text, &rule, &e);
		int got = -1;

		if (rc == 0 && rule_rows[i].at != NULL)
			got = zone_rule_span(&rule,
					     moment(rule_rows[i].at) / 1000)
				      .offset_s;
		if (got != rule_rows[i].want_s ||
		    rc != (rule_rows[i].at == NULL ? ERR_INVALID : 0))
			fail_msg("row %zu '%s': %d (%s)", i, rule_rows[i].text,
				 got, e.text);
	}
}

static void add_word(struct buf *b, uint32_t word)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_add_char(b, (char)(unsigned char)(word >> shift));
}

static void add_header(struct buf *b, uint32_t leaps, uint32_t times,
		       uint32_t types)
{
	const uint32_t counts[] = {0, 0, leaps, times, types, 6 * types};

	buf_add(b, "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
	for (size_t i = 0; i < COUNT_OF(counts); i++)
		add_word(b, counts[i]);
}

/* A file of version 2 without an old block: transitions at two moments to one
 * type of the given offset; then the footer. */
static void make_file(const uint32_t times[2], uint32_t offset, uint32_t leaps,
		      const char *footer)
{
	CLEANUP(buf_clear) struct buf b = BUF_MAX(sizeof(file_data));

	add_header(&b, 0, 0, 0);
	add_header(&b, leaps, 2, 1);
	for (int i = 0; i < 2; i++) {
		add_word(&b, 0);
		add_word(&b, times[i]);
	}
	buf_add(&b, "\0", 2); /* types of the transitions */
	add_word(&b, offset);
	buf_add(&b, "\0", 2);         /* is no summer time; first name */
	buf_add(&b, "\0\0\0\0\0", 6); /* the name */
	for (uint32_t i = 0; i < 3 * leaps; i++)
		add_word(&b, 0);
	buf_add_text(&b, footer);
	assert_int_equal(buf_finish(&b, NULL), 0);
	file_bytes = b.used_bytes;
	memcpy(file_data, b.data, file_bytes);
}

static int parse_rc(const char *data, size_t bytes)
{
	CLEANUP_ZONE struct zone *zone = NULL;
	/* a copy of the exact size, so that the sanitizer sees a read past it
	 */
	CLEANUP_FREE char *copy = malloc(bytes + 1);
	struct err e = {0};
	int rc;

	assert_non_null(copy);
	memcpy(copy + 1, data, bytes);
	rc = zone_parse(copy + 1, bytes, &zone, &e);
	assert_int_equal(zone == NULL, rc < 0);
	assert_true(rc == 0 || e.text[0] != '\0');
	return rc;
}

static void damaged_files_are_refused(void **state)
{
	(void)state;
	static const uint32_t rising[] = {100, 200};
	static const uint32_t falling[] = {200, 100};
	static const uint32_t equal[] = {100, 100};
	static const struct {
		const uint32_t *times;
		uint32_t offset, leaps;
		const char *footer;
		int want_rc;
	} rows[] = {
		{rising, 3600, 0, "\nABC-1\n", 0},
		{rising, 3600, 0, "\n\n", 0},
		{rising, 93599, 0, "\n\n", 0},
		{falling, 3600, 0, "\nABC-1\n", ERR_INVALID},
		{equal, 3600, 0, "\nABC-1\n", ERR_INVALID},
		{rising, 93600, 0, "\n\n", ERR_INVALID},
		{rising, 0x80000000, 0, "\n\n", ERR_INVALID},
		{rising, 3600, 1, "\nABC-1\n", ERR_INVALID},
		{rising, 3600, 0, "", ERR_INVALID},
		{rising, 3600, 0, "\n", ERR_INVALID},
		{rising, 3600, 0, "\nABC-1", ERR_INVALID},
		{rising, 3600, 0, "ABC-1\n", ERR_INVALID},
		{rising, 3600, 0, "\nABC-\n", ERR_INVALID},
		{rising, 3600, 0, "\nABC-1\n\n", ERR_INVALID},
	};
	CLEANUP_ZONE struct zone *zone = NULL;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		make_file(rows[i].times, rows[i].offset, rows[i].leaps,
			  rows[i].footer);
		if (parse_rc(file_data, file_bytes) != rows[i].want_rc)
			fail_msg("row %zu", i);
	}

	/* without a rule the last type goes on */
	make_file(rising, 3600, 0, "\n\n");
	assert_int_equal(zone_parse(file_data, file_bytes, &zone, NULL), 0);
	assert_int_equal(zone_offset_s(zone, moment("2025-01-01T00:00:00Z")),
			 3600);

	make_file(rising, 3600, 0, "\nABC-1\n");
	/* a type that is not there; read past the first, it would be zeros */
	file_data[44 + 44 + 16] = 1;
	assert_int_equal(parse_rc(file_data, file_bytes), ERR_INVALID);
	make_file(rising, 3600, 0, "\nABC-1\n");
	file_data[4] = '\0'; /* version 1 */
	assert_int_equal(parse_rc(file_data, file_bytes), ERR_INVALID);
	make_file(rising, 3600, 0, "\nABC-1\n");
	memset(file_data + 44 + 20, 0xFF, 24); /* counts of 4294967295 */
	assert_int_equal(parse_rc(file_data, file_bytes), ERR_INVALID);
}

static void a_file_cut_anywhere_is_refused(void **state)
{
	(void)state;
	read_file("Europe/Moscow");
	assert_int_equal(parse_rc(file_data, file_bytes), 0);
	for (size_t bytes = 0; bytes < file_bytes; bytes++)
		if (parse_rc(file_data, bytes) != ERR_INVALID)
			fail_msg("cut at %zu of %zu", bytes, file_bytes);
	memset(file_data, 'x', sizeof(file_data));
	assert_int_equal(parse_rc(file_data, sizeof(file_data)), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offsets_are_those_of_the_table),
		cmocka_unit_test(far_moments_and_no_zone_have_an_offset_too),
		cmocka_unit_test(
			civil_times_that_happen_twice_or_never_have_a_rule),
		cmocka_unit_test(random_moments_agree_with_libc),
		cmocka_unit_test(every_change_agrees_with_libc_to_the_second),
		cmocka_unit_test(
			civil_times_come_back_unless_they_are_in_a_gap),
		cmocka_unit_test(rules_are_read_as_the_table_says),
		cmocka_unit_test(damaged_files_are_refused),
		cmocka_unit_test(a_file_cut_anywhere_is_refused),
	};
	return cmocka_run_group_tests_name("zone", tests, NULL, NULL);
}
