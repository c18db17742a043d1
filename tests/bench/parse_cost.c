/* SPDX-License-Identifier: MIT
 *
 * parse_cost - microseconds that the intake spends on checking one body.
 *
 *	parse_cost FILE     one JSON body per line
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "channel/kuper.h"

enum {
	ROUNDS = 20
};

int main(int argc, char **argv)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t bytes;
	int64_t spent_us = 0;
	long bodies = 0;
	FILE *in = argc == 2 ? fopen(argv[1], "re") : NULL;

	if (in == NULL) {
		(void)fprintf(stderr, "usage: parse_cost FILE\n");
		return 2;
	}
	while ((bytes = getline(&line, &size, in)) > 0) {
		struct channel_envelope envelope;
		const char *code;
		struct err e = {0};
		int64_t start_us = clock_mono_us();

		for (int i = 0; i < ROUNDS; i++)
			if (kuper_read_envelope(line, (size_t)bytes, 0,
						&envelope, &code, &e) < 0) {
				(void)fprintf(stderr, "%s\n", e.text);
				return 1;
			}
		spent_us += clock_mono_us() - start_us;
		bodies++;
	}
	(void)printf("%.2f\n", (double)spent_us / (double)(bodies * ROUNDS));
	free(line);
	(void)fclose(in);
	return 0;
}
