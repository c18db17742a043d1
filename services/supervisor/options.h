/* SPDX-License-Identifier: MIT
 *
 * options.h - the command line of ordergate-supervisor.
 */
#ifndef SUPERVISOR_OPTIONS_H
#define SUPERVISOR_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum {
	OPTIONS_BESIDE_MAX = 8,
	OPTIONS_PATH_BYTES = 4096
};

enum options_result {
	OPTIONS_GO,   /* run with these */
	OPTIONS_DONE, /* --help, --version: said, nothing to do */
	OPTIONS_USAGE /* wrong: said on stderr */
};

struct options {
	const char *state;
	char config[OPTIONS_PATH_BYTES]; /* absolute; "": the default */
	char bin[OPTIONS_PATH_BYTES];    /* where the programs are */
	int64_t port;                    /* 0: as configured */
	bool verbose;
	bool print_nginx;
	const char *beside[OPTIONS_BESIDE_MAX]; /* shell commands */
	int beside_count;
	const char *then; /* NULL: none */
};

enum options_result options_read(int argc, char **argv,
				 struct options *ret_options);

#endif
