/* SPDX-License-Identifier: MIT
 *
 * ordergate-supervisor - the whole of Ordergate on one machine, without
 * systemd: for ./up, for tests, for a look at it.
 */
#include <stdio.h>
#include <sys/stat.h>

#include "app/edge/edge.h"
#include "base/buf.h"
#include "base/err.h"
#include "options.h"
#include "prepare.h"
#include "supervise.h"

enum {
	EXIT_FAILED = 1,
	EXIT_USAGE = 2
};

static int print_nginx(const struct options *options, struct err *e)
{
	CLEANUP(buf_clear) struct buf text = BUF_MAX(EDGE_BYTES_MAX);
	struct installation in;
	int rc = prepare_to_show(options, &in, e);

	if (rc < 0)
		return rc;
	rc = edge_render(in.config, &in.dir, &text, e);
	if (rc == 0)
		(void)fputs(buf_text(&text), stdout);
	prepare_end(&in);
	return rc;
}

static int supervise_all(const struct options *options, struct err *e)
{
	struct installation in;
	int rc = prepare(options, &in, e);

	if (rc < 0)
		return rc;
	rc = supervise(&in, e);
	prepare_end(&in);
	return rc;
}

int main(int argc, char **argv)
{
	struct options options;
	struct err e = {0};
	int rc;

	switch (options_read(argc, argv, &options)) {
	case OPTIONS_DONE:
		return 0;
	case OPTIONS_USAGE:
		return EXIT_USAGE;
	case OPTIONS_GO:
	default:
		break;
	}
	/* What processes make is for their user and group only. */
	(void)umask(0027);
	rc = options.print_nginx ? print_nginx(&options, &e)
				 : supervise_all(&options, &e);
	if (rc < 0)
		(void)fprintf(stderr, "ordergate-supervisor: %s\n", e.text);
	return rc < 0 ? EXIT_FAILED : 0;
}
