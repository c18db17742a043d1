/* SPDX-License-Identifier: MIT
 *
 * libconfuse parses, and tells us of each value as it comes, with its line.
 * The values are kept by us, not by it: so parts of a section merge by
 * themselves and the last one wins.
 */
#include "app/config/config.h"

#include <assert.h>
#include <confuse.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/config/config_private.h"
#include "app/small_file.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"

enum {
	SEEN_MAX = CONFIG_JOBS_MAX + CONFIG_RULES_MAX + CONFIG_WINDOWS_MAX +
		   CONFIG_SECTIONS_MAX,
	NAMES_BYTES_MAX = 4096,
	SHOWN_PATH_BYTES = 100 /* the end of a long path says more */
};

/* One run of libconfuse over one text. */
struct reader {
	const char *path; /* NULL: config_builtin */
	struct config *config;
	struct err *e;
	bool failed; /* e is filled: the first error is the one that counts */
	/* Where each section or entry was last written. */
	struct {
		const void *target;
		int line;
	} seen[SEEN_MAX];
	size_t seen_count;
	cfg_opt_t root[CONFIG_SECTIONS_MAX + 1];
	cfg_opt_t options[CONFIG_SECTIONS_MAX][CONFIG_OPTIONS_MAX + 1];
};

/* libconfuse's callbacks have no argument of ours. */
static _Thread_local struct reader *current;

static int fail(struct reader *r, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* What is allowed may be a long list: none of its words is cut. */
static void cut_to_words(char *text)
{
	static const char more[] = " ...";
	size_t end = ERR_TEXT_MAX - sizeof(more);

	if (strlen(text) < ERR_TEXT_MAX)
		return;
	while (end > 0 && text[end] != ' ')
		end--;
	if (end > 0)
		(void)text_copy(text + end, sizeof(more), more);
}

/* "FILE:LINE: <text>" */
static int fail(struct reader *r, int line, const char *format, ...)
{
	const char *path = r->path != NULL ? r->path : "(built in)";
	size_t length = strlen(path);
	char text[2 * ERR_TEXT_MAX];
	char whole[3 * ERR_TEXT_MAX];
	va_list args;

	if (r->failed)
		return ERR_INVALID;
	r->failed = true;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	(void)snprintf(whole, sizeof(whole), "%s%s:%d: %s",
		       length > SHOWN_PATH_BYTES ? "..." : "",
		       path + (length > SHOWN_PATH_BYTES
				       ? length - SHOWN_PATH_BYTES
				       : 0),
		       line, text);
	cut_to_words(whole);
	return err_set(r->e, ERR_INVALID, "%s", whole);
}

static void see(struct reader *r, const void *target, int line)
{
	size_t i = 0;

	while (i < r->seen_count && r->seen[i].target != target)
		i++;
	assert(i < SEEN_MAX);
	r->seen[i].target = target;
	r->seen[i].line = line;
	if (i == r->seen_count)
		r->seen_count++;
}

static int line_of(const struct reader *r, const void *target)
{
	for (size_t i = 0; i < r->seen_count; i++)
		if (r->seen[i].target == target)
			return r->seen[i].line;
	return 1;
}

/* What the values of this libconfuse section belong to; NULL after fail(). */
static void *find_target(struct reader *r, const struct config_section *section,
			 const char *title, int line)
{
	void *target = (char *)r->config + section->offset;
	struct err why = {0};

	if (section->entries_max > 0 &&
	    config_entry(r->config, section, title, r->path == NULL, &target,
			 &why) < 0) {
		(void)fail(r, line, "%s", why.text);
		return NULL;
	}
	see(r, target, line);
	return target;
}

/* "FILE:LINE: channel.kuper.auth: <why>" */
static int fail_value(struct reader *r, const cfg_t *part, const char *key,
		      const char *why)
{
	const char *title = part->title != NULL ? part->title : "";

	return fail(r, part->line, "%s%s%.32s%s%.32s: %s", part->name,
		    title[0] != '\0' ? "." : "", title,
		    key[0] != '\0' ? "." : "", key, why);
}

/* A later part of a section replaces what excludes its keys; in one and the
 * same part they contradict each other. "" or the key that stands there too. */
static const char *clear_excluded(const struct config_section *section,
				  const struct config_option *option,
				  cfg_t *part, void *target)
{
	const struct config_option *other;
	const char *there = "";
	char key[CONFIG_NAME_BYTES];
	const char *p = option->excludes != NULL ? option->excludes : "";

	while (*p != '\0') {
		size_t n = strcspn(p, " ");

		(void)snprintf(key, sizeof(key), "%.*s", (int)n, p);
		other = config_option_of(section, key);
		config_value_clear(other, target);
		if (cfg_size(part, key) > 0)
			there = other->key;
		p += n;
		p += strspn(p, " ");
	}
	return there;
}

/* Called by libconfuse after each value; after each element of a list, and once
 * more at the list's end: so a list is taken anew each time. */
static int on_value(cfg_t *part, cfg_opt_t *found)
{
	struct reader *r = current;
	const struct config_section *section = config_section_of(part->name);
	const struct config_option *option =
		config_option_of(section, found->name);
	void *target = find_target(r, section, part->title, part->line);
	struct err why = {0};
	const char *there;

	if (target == NULL)
		return -1;
	there = clear_excluded(section, option, part, target);
	if (there[0] != '\0') {
		(void)err_set(&why, ERR_INVALID,
			      "not together with %s: one of them", there);
		return fail_value(r, part, option->key, why.text);
	}
	if (option->type == CONFIG_WORDS)
		config_value_clear(option, target);
	for (unsigned i = 0; i < cfg_opt_size(found); i++)
		if (config_value_set(option, target, cfg_opt_getnstr(found, i),
				     &why) < 0)
			return fail_value(r, part, option->key, why.text);
	return 0;
}

/* Called at the end of a section, which may have been empty. */
static int on_section(cfg_t *root, cfg_opt_t *found)
{
	const struct config_section *section = config_section_of(found->name);
	const cfg_t *part = cfg_opt_getnsec(found, cfg_opt_size(found) - 1);

	/* A repeated title takes the place of its first one in libconfuse, so
	 * the last is not always this one: its name was seen by on_value(),
	 * unless it is new and empty, and then it is the last. */
	return find_target(current, section, part->title, root->line) != NULL
		       ? 0
		       : -1;
}

static int fail_unknown(struct reader *r, const cfg_t *part, const char *name)
{
	bool top = strcmp(part->name, "root") == 0;
	struct buf why = BUF_MAX(NAMES_BYTES_MAX);

	buf_printf(&why, "there is no such %s, only:", top ? "section" : "key");
	for (const cfg_opt_t *o = part->opts; o->name != NULL; o++)
		buf_printf(&why, " %s", o->name);
	if (top)
		(void)fail(r, part->line, "%.32s: %s", name, buf_text(&why));
	else
		(void)fail_value(r, part, name, buf_text(&why));
	buf_clear(&why);
	return ERR_INVALID;
}

static void on_error(cfg_t *part, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void on_error(cfg_t *part, const char *format, va_list args)
{
	static const char unknown[] = "no such option '";
	char *name;
	char text[ERR_TEXT_MAX];

	(void)vsnprintf(text, sizeof(text), format, args);
	name = text + strlen(unknown);
	if (strncmp(text, unknown, strlen(unknown)) == 0) {
		name[strcspn(name, "'")] = '\0';
		(void)fail_unknown(current, part, name);
	} else if (strcmp(part->name, "root") == 0) {
		(void)fail(current, part->line, "%s", text);
	} else {
		(void)fail_value(current, part, "", text);
	}
}

static cfg_opt_t confuse_option(const struct config_option *option)
{
	cfg_opt_t text = CFG_STR(option->key, NULL, CFGF_NODEFAULT);
	cfg_opt_t list = CFG_STR_LIST(option->key, NULL, CFGF_NODEFAULT);

	text.validcb = on_value;
	list.validcb = on_value;
	return option->type == CONFIG_WORDS ? list : text;
}

/* libconfuse's own tables, made of ours. */
static void make_options(struct reader *r)
{
	static const cfg_opt_t end = CFG_END();
	size_t n = 0;

	for (; config_sections[n].name != NULL; n++) {
		const struct config_section *section = &config_sections[n];
		cfg_opt_t found = CFG_SEC(section->name, r->options[n],
					  section->entries_max > 0
						  ? CFGF_MULTI | CFGF_TITLE
						  : CFGF_NONE);
		size_t i = 0;

		for (; section->options[i].key != NULL; i++) {
			assert(i < CONFIG_OPTIONS_MAX);
			r->options[n][i] = confuse_option(&section->options[i]);
		}
		r->options[n][i] = end;
		found.validcb = on_section;
		r->root[n] = found;
	}
	r->root[n] = end;
}

/* libconfuse does not tell of a list that is written as {}. */
static void check_empty_lists(struct reader *r, cfg_t *root)
{
	for (const struct config_section *s = config_sections; s->name; s++)
		for (const struct config_option *o = s->options; o->key; o++) {
			cfg_t *part;
			cfg_opt_t *found;

			if (o->type != CONFIG_WORDS)
				continue;
			assert(s->entries_max == 0);
			part = cfg_getsec(root, s->name);
			found = cfg_getopt(part, o->key);
			if (cfg_opt_size(found) == 0 &&
			    (found->flags & CFGF_MODIFIED) != 0)
				(void)fail_value(r, part, o->key,
						 "the list is empty");
		}
}

/* text is changed. */
static int read_text(const char *path, struct config *config, char *text,
		     size_t bytes, struct err *e)
{
	CLEANUP_FREE struct reader *r = calloc(1, sizeof(*r));
	struct err why = {0};
	const void *part;
	cfg_t *root;
	int line;

	if (r == NULL)
		return err_set(e, ERR_NOMEM, "config: out of memory");
	r->path = path;
	r->config = config;
	r->e = e;
	if (config_scan(text, bytes, &line, &why) < 0)
		return fail(r, line, "%s", why.text);
	make_options(r);
	root = cfg_init(r->root, CFGF_NONE);
	if (root == NULL)
		return err_set(e, ERR_NOMEM, "config: out of memory");
	(void)cfg_set_error_function(root, on_error);
	current = r;
	if (cfg_parse_buf(root, text) != CFG_SUCCESS && !r->failed)
		(void)fail(r, root->line, "not understood");
	if (!r->failed)
		check_empty_lists(r, root);
	if (!r->failed && config_check_together(config, &part, &why) < 0)
		(void)fail(r, line_of(r, part), "%s", why.text);
	current = NULL;
	(void)cfg_free(root);
	return r->failed ? ERR_INVALID : 0;
}

static int read_builtin(struct config *config, struct err *e)
{
	CLEANUP_FREE char *text = strdup(config_builtin);
	int rc;

	if (text == NULL)
		return err_set(e, ERR_NOMEM, "config: out of memory");
	for (const struct config_section *s = config_sections; s->name; s++)
		if (s->entries_max == 0)
			config_set_presets(s, (char *)config + s->offset);
	rc = read_text(NULL, config, text, strlen(text), e);
	assert(rc != ERR_INVALID);
	return rc;
}

static int read_file(const char *path, bool must_exist, struct config *config,
		     struct err *e)
{
	CLEANUP(buf_clear) struct buf text = BUF_MAX(CONFIG_FILE_BYTES_MAX);
	int rc = small_file_read(path, &text, NULL, e);

	if (rc == ERR_NOTFOUND)
		return must_exist ? err_set(e, rc,
					    "%s: there is no such "
					    "configuration file",
					    path)
				  : 0;
	if (rc == ERR_DENIED)
		return err_set(e, ERR_IO, "%s: may not be read by this user",
			       path);
	if (rc < 0 || text.used_bytes == 0)
		return rc;
	return read_text(path, config, text.data, text.used_bytes, e);
}

int config_load(const char *path, bool must_exist, struct config **ret_config,
		struct err *e)
{
	CLEANUP(config_freep)
	struct config *config = calloc(1, sizeof(*config));
	int rc;

	if (config == NULL)
		return err_set(e, ERR_NOMEM, "config: out of memory");
	rc = read_builtin(config, e);
	if (rc == 0 && path != NULL)
		rc = read_file(path, must_exist, config, e);
	if (rc < 0)
		return rc;
	*ret_config = TAKE(config);
	return 0;
}

void config_free(struct config *config)
{
	free(config);
}
