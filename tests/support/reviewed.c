/* SPDX-License-Identifier: MIT */
#include "reviewed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "cmocka_all.h"

enum {
	TABLE_BYTES_MAX = 16384
};

/* No spaces before the ends of lines: editors take them away. */
static void trim_lines(const struct buf *from, struct buf *to)
{
	size_t spaces = 0;

	for (size_t i = 0; i < from->used_bytes; i++) {
		if (from->data[i] == ' ') {
			spaces++;
			continue;
		}
		for (; spaces > 0 && from->data[i] != '\n'; spaces--)
			buf_add_char(to, ' ');
		spaces = 0;
		buf_add_char(to, from->data[i]);
	}
}

static void read_reviewed(const char *path, char text[TABLE_BYTES_MAX])
{
	FILE *file = fopen(path, "re");
	size_t got = 0;

	if (file != NULL) {
		got = fread(text, 1, TABLE_BYTES_MAX - 1, file);
		(void)fclose(file);
	}
	text[got] = '\0';
}

static void write_reviewed(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

void expect_reviewed(const char *path, const struct buf *text)
{
	CLEANUP(buf_clear) struct buf table = BUF_MAX(TABLE_BYTES_MAX);
	static char reviewed[TABLE_BYTES_MAX];

	trim_lines(text, &table);
	assert_int_equal(buf_finish(&table, NULL), 0);
	read_reviewed(path, reviewed);
	if (strcmp(buf_text(&table), reviewed) == 0)
		return;
	if (getenv("ORDERGATE_REWRITE") != NULL) {
		write_reviewed(path, buf_text(&table));
		return;
	}
	fail_msg("the table is not that of %s; when it is meant to be another "
		 "one, run this test with ORDERGATE_REWRITE=1 and review the "
		 "difference. It is now:\n%s",
		 path, buf_text(&table));
}
