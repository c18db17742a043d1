/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/text.h"

static const char help[] =
	"usage: ordergate-supervisor [OPTION]...\n"
	"Runs the whole of Ordergate on this machine in the foreground: nginx\n"
	"and every service, restarted when they die. SIGTERM and Ctrl-C stop\n"
	"all of it, SIGHUP reads the configuration anew.\n\n"
	"  --state DIR       where everything is kept (./var)\n"
	"  --config FILE     ordergate.conf\n"
	"  --port N          of nginx, instead of http.port\n"
	"  --verbose         the log on stderr, too\n"
	"  --bin DIR         where the programs are (beside this one)\n"
	"  --beside COMMAND  a shell command to run meanwhile; may be "
	"repeated\n"
	"  --then COMMAND    a shell command to run once everything is up\n"
	"  --print-nginx     print the configuration for nginx and exit\n"
	"  --version, --help\n";

static enum options_result usage(const char *what)
{
	(void)fprintf(stderr, "ordergate-supervisor: %s: see --help\n", what);
	return OPTIONS_USAGE;
}

/* Children run in other folders, so the path has to be absolute. */
static enum options_result take_path(const char *given,
				     char path[OPTIONS_PATH_BYTES])
{
	char folder[OPTIONS_PATH_BYTES / 2];
	int length;

	if (given[0] == '/')
		length = snprintf(path, OPTIONS_PATH_BYTES, "%s", given);
	else if (getcwd(folder, sizeof(folder)) != NULL)
		length = snprintf(path, OPTIONS_PATH_BYTES, "%s/%s", folder,
				  given);
	else
		length = OPTIONS_PATH_BYTES;
	return length < OPTIONS_PATH_BYTES ? OPTIONS_GO
					   : usage("a path is too long");
}

/* The folder of this program. */
static void find_bin(char path[OPTIONS_PATH_BYTES])
{
	ssize_t length = readlink("/proc/self/exe", path, OPTIONS_PATH_BYTES);

	while (length > 0 && path[length - 1] != '/')
		length--;
	path[length > 1 ? length - 1 : 0] = '\0';
}

static enum options_result take_state(struct options *o, const char *text)
{
	o->state = text;
	return OPTIONS_GO;
}

static enum options_result take_config(struct options *o, const char *text)
{
	return take_path(text, o->config);
}

static enum options_result take_port(struct options *o, const char *text)
{
	if (text_to_i64(text, 1, 65535, &o->port, NULL) < 0)
		return usage("--port: a number from 1 to 65535");
	return OPTIONS_GO;
}

static enum options_result take_verbose(struct options *o, const char *text)
{
	(void)text;
	o->verbose = true;
	return OPTIONS_GO;
}

static enum options_result take_bin(struct options *o, const char *text)
{
	return take_path(text, o->bin);
}

static enum options_result take_beside(struct options *o, const char *text)
{
	if (o->beside_count == OPTIONS_BESIDE_MAX)
		return usage("--beside: too many");
	o->beside[o->beside_count++] = text;
	return OPTIONS_GO;
}

static enum options_result take_then(struct options *o, const char *text)
{
	o->then = text;
	return OPTIONS_GO;
}

static enum options_result take_print_nginx(struct options *o, const char *text)
{
	(void)text;
	o->print_nginx = true;
	return OPTIONS_GO;
}

static enum options_result say_version(struct options *o, const char *text)
{
	(void)o;
	(void)text;
	(void)puts(ORDERGATE_VERSION);
	return OPTIONS_DONE;
}

static enum options_result say_help(struct options *o, const char *text)
{
	(void)o;
	(void)text;
	(void)fputs(help, stdout);
	return OPTIONS_DONE;
}

static const struct {
	const char *name;
	bool has_value;
	enum options_result (*take)(struct options *o, const char *text);
} known[] = {
	{"state", true, take_state},
	{"config", true, take_config},
	{"port", true, take_port},
	{"verbose", false, take_verbose},
	{"bin", true, take_bin},
	{"beside", true, take_beside},
	{"then", true, take_then},
	{"print-nginx", false, take_print_nginx},
	{"version", false, say_version},
	{"help", false, say_help},
};

enum options_result options_read(int argc, char **argv,
				 struct options *ret_options)
{
	struct option names[COUNT_OF(known) + 1] = {0};
	struct options o = {.state = "./var"};
	int row = 0;

	for (size_t i = 0; i < COUNT_OF(known); i++)
		names[i] = (struct option){.name = known[i].name,
					   .has_arg = known[i].has_value};
	find_bin(o.bin);
	for (;;) {
		int found =
			getopt_long(argc, argv, "", names, &row); /* NOLINT */
		enum options_result result;

		if (found == -1)
			break;
		/* Not 0: getopt_long(3) has said what is wrong. */
		result = found == 0 ? known[row].take(&o, optarg)
				    : OPTIONS_USAGE;
		if (result != OPTIONS_GO)
			return result;
	}
	if (optind != argc)
		return usage("arguments without an option's name");
	*ret_options = o;
	return OPTIONS_GO;
}
