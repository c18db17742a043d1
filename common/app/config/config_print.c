/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "app/config/config_private.h"

enum {
	LINE_BYTES_MAX = 2048
};

/* Options that exclude each other are printed only when they are set: an empty
 * one would empty the other when the text is read again. */
static bool is_silent(const struct config_option *option, const void *target)
{
	return option->excludes != NULL && config_value_is_zero(option, target);
}

static void print_option(const struct config_option *option, const void *target,
			 bool with_help, FILE *out)
{
	CLEANUP(buf_clear) struct buf value = BUF_MAX(LINE_BYTES_MAX);
	CLEANUP(buf_clear) struct buf about = BUF_MAX(LINE_BYTES_MAX);

	if (is_silent(option, target))
		return;
	config_value_print(option, target, &value);
	if (with_help) {
		config_value_describe(option, &about);
		(void)fprintf(out, "\n\t# %s\n\t# %s\n", option->help,
			      buf_text(&about));
	}
	(void)fprintf(out, "\t%s = %s\n", option->key, buf_text(&value));
}

static void print_entries(const struct config_section *section,
			  const char *entries, FILE *out)
{
	for (int i = 0; i < section->entries_max; i++) {
		const char *entry = entries + (size_t)i * section->entry_bytes;

		if (entry[0] == '\0')
			return;
		(void)fprintf(out, "%s %s {\n", section->name, entry);
		for (const struct config_option *o = section->options; o->key;
		     o++)
			print_option(o, entry, i == 0, out);
		(void)fprintf(out, "}\n");
	}
}

static void print_section(const struct config_section *section,
			  const void *target, FILE *out)
{
	(void)fprintf(out, "%s {\n", section->name);
	for (const struct config_option *o = section->options; o->key; o++)
		print_option(o, target, true, out);
	(void)fprintf(out, "}\n");
}

void config_print(const struct config *config, FILE *out)
{
	for (const struct config_section *s = config_sections; s->name; s++) {
		const char *target = (const char *)config + s->offset;

		(void)fprintf(out, "%s# %s\n", s == config_sections ? "" : "\n",
			      s->help);
		if (s->entries_max > 0)
			print_entries(s, target, out);
		else
			print_section(s, target, out);
	}
}
