/* SPDX-License-Identifier: MIT */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "app/service/service_private.h"
#include "base/text.h"

enum {
	EXIT_USAGE = 2,
	NUMBER_MAX = 999,
	GO_ON = -1
};

#define DEFAULT_CONFIG "/etc/ordergate/ordergate.conf"
#define DEFAULT_STATE "./var"

static const struct option options[] = {
	{"config", required_argument, NULL, 'c'},
	{"state", required_argument, NULL, 's'},
	{"instance", required_argument, NULL, 'i'},
	{"check-config", no_argument, NULL, 'k'},
	{"print-config", no_argument, NULL, 'p'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'v'},
	{NULL, 0, NULL, 0},
};

static void print_help(const struct service_def *def)
{
	(void)printf("Usage: ordergate-%s [--config FILE] [--state DIR]%s\n"
		     "%s\n\n"
		     "  --config FILE    configuration (" DEFAULT_CONFIG
		     " if it exists)\n"
		     "  --state DIR      state directory (" DEFAULT_STATE ")\n"
		     "%s"
		     "  --check-config   check the configuration and exit\n"
		     "  --print-config   print the effective configuration and "
		     "exit\n"
		     "  --help, --version\n"
		     "\nExit codes: 0 done, 1 failed, 2 wrong arguments.\n"
		     "SIGHUP reads the configuration again, SIGTERM drains and "
		     "ends.\n",
		     def->name, def->many ? " [--instance N]" : "",
		     def->summary,
		     def->many ? "  --instance N     which of several, from 1\n"
			       : "");
	if (def->help != NULL)
		(void)printf("\n%s\n", def->help);
}

static int usage(const struct service_def *def, const char *what,
		 const char *argument)
{
	(void)fprintf(stderr,
		      "ordergate-%s: %s '%.64s': try ordergate-%s --help\n",
		      def->name, what, argument, def->name);
	return EXIT_USAGE;
}

static int take_number(const struct service_def *def, const char *text,
		       int *ret_number)
{
	int64_t number;

	if (text_to_i64(text, 1, def->many ? NUMBER_MAX : 1, &number, NULL) < 0)
		return usage(def,
			     def->many ? "--instance is from 1 to 999, not"
				       : "there is only --instance 1, not",
			     text);
	*ret_number = (int)number;
	return GO_ON;
}

/* getopt_long() takes every option once; what it means to go on. */
static int take_option(int option, const struct service_def *def,
		       struct service_args *args)
{
	if (option == 'c') {
		args->config_path = optarg;
		args->config_given = true;
	} else if (option == 's') {
		args->state_path = optarg;
	} else if (option == 'i') {
		return take_number(def, optarg, &args->number);
	} else if (option == 'k') {
		args->only_check = true;
	} else if (option == 'p') {
		args->only_print = true;
	} else if (option == 'h') {
		print_help(def);
		return 0;
	} else {
		(void)printf("ordergate-%s %s\n", def->name, ORDERGATE_VERSION);
		return 0;
	}
	return GO_ON;
}

int service_args_parse(int argc, char **argv, const struct service_def *def,
		       struct service_args *ret_args)
{
	struct service_args args = {
		.config_path = DEFAULT_CONFIG,
		.state_path = DEFAULT_STATE,
		.number = 1,
	};
	int exit_code = GO_ON;

	optind = 1;
	opterr = 0;
	while (exit_code == GO_ON) {
		/* NOLINTNEXTLINE(concurrency-mt-unsafe): no threads yet */
		int option = getopt_long(argc, argv, ":", options, NULL);

		if (option == -1)
			break;
		if (option == ':')
			return usage(def, "a value is missing after",
				     argv[optind - 1]);
		if (option == '?')
			return usage(def, "unknown argument", argv[optind - 1]);
		exit_code = take_option(option, def, &args);
	}
	if (exit_code == GO_ON && optind < argc)
		return usage(def, "unexpected argument", argv[optind]);
	*ret_args = args;
	return exit_code;
}
