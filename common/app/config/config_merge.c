/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "app/config/config_private.h"
#include "base/err.h"
#include "base/text.h"

enum {
	NAMES_BYTES_MAX = 4096
};

/* libconfuse knows only what is in the table. */
const struct config_section *config_section_of(const char *name)
{
	const struct config_section *s = config_sections;

	while (s->name != NULL && strcmp(s->name, name) != 0)
		s++;
	assert(s->name != NULL);
	return s;
}

const struct config_option *
config_option_of(const struct config_section *section, const char *key)
{
	const struct config_option *o = section->options;

	while (o->key != NULL && strcmp(o->key, key) != 0)
		o++;
	assert(o->key != NULL);
	return o;
}

static int set_words(const struct config_option *option, void *target,
		     const char *words)
{
	char word[CONFIG_NAME_BYTES];
	int rc = 0;

	while (*words != '\0' && rc == 0) {
		size_t n = strcspn(words, " ");

		(void)snprintf(word, sizeof(word), "%.*s", (int)n, words);
		rc = config_value_set(option, target, word, NULL);
		words += n;
		words += strspn(words, " ");
	}
	return rc;
}

/* A preset is right by test_config.c; it is not checked against this machine,
 * where a default time zone may be missing that nobody asked for. */
void config_set_presets(const struct config_section *section, void *target)
{
	for (const struct config_option *o = section->options; o->key; o++) {
		struct config_option preset = *o;
		int rc;

		preset.check = NULL;
		if (o->preset == NULL)
			continue;
		rc = o->type == CONFIG_WORDS
			     ? set_words(&preset, target, o->preset)
			     : config_value_set(&preset, target, o->preset,
						NULL);
		assert(rc == 0);
	}
}

/* `where` and `what`: "rule.order-latte" and "rule". Too many names are cut by
 * whoever shows them. */
static int refuse_name(const char *where, const char *what, const char *entries,
		       int count, size_t entry_bytes, struct err *e)
{
	struct buf names = BUF_MAX(NAMES_BYTES_MAX);

	for (int i = 0; i < count; i++)
		if (entries[(size_t)i * entry_bytes] != '\0')
			buf_printf(&names, " %s",
				   entries + (size_t)i * entry_bytes);
	(void)err_set(e, ERR_INVALID, "%s: there is no such %s, only:%s", where,
		      what, buf_text(&names));
	buf_clear(&names);
	return ERR_INVALID;
}

static int refuse_title(const struct config_section *section,
			const char *entries, const char *title, struct err *e)
{
	char where[2 * CONFIG_NAME_BYTES + 8];

	(void)snprintf(where, sizeof(where), "%s.%.32s", section->name, title);
	return refuse_name(where, section->name, entries, section->entries_max,
			   section->entry_bytes, e);
}

static int check_new_title(const struct config_section *section, int count,
			   const char *title, struct err *e)
{
	if (count == section->entries_max)
		return err_set(e, ERR_INVALID, "%s.%.32s: more than %d of them",
			       section->name, title, section->entries_max);
	if (!config_name_is_good(title))
		return err_set(e, ERR_INVALID,
			       "%s.%.32s: a name is 1 to %d lower-case "
			       "letters, digits and '-', a letter first",
			       section->name, title, CONFIG_NAME_BYTES - 1);
	return 0;
}

int config_entry(struct config *config, const struct config_section *section,
		 const char *title, bool is_builtin, void **ret_entry,
		 struct err *e)
{
	char *entries = (char *)config + section->offset;
	char *entry = entries;
	int count = 0;
	int rc;

	for (; count < section->entries_max && entry[0] != '\0'; count++) {
		if (strcmp(entry, title) == 0) {
			*ret_entry = entry;
			return 0;
		}
		entry += section->entry_bytes;
	}
	if (section->closed && !is_builtin)
		return refuse_title(section, entries, title, e);
	rc = check_new_title(section, count, title, e);
	if (rc < 0)
		return rc;
	config_set_presets(section, entry);
	(void)text_copy(entry, CONFIG_NAME_BYTES, title);
	count++;
	if (section->count_offset != 0)
		memcpy((char *)config + section->count_offset, &count,
		       sizeof(count));
	*ret_entry = entry;
	return 0;
}

/* The format cannot name the seller otherwise. */
static int check_upd(const struct config_invoicing *c, struct err *e)
{
	bool has_all = c->seller_name[0] != '\0' && c->seller_inn[0] != '\0' &&
		       c->signer[0] != '\0';

	for (int i = 0; i < CONFIG_FORMATS_MAX && c->formats[i][0] != '\0'; i++)
		if (strcmp(c->formats[i], "upd") == 0 && !has_all)
			return err_set(e, ERR_INVALID,
				       "invoicing.formats: upd needs "
				       "seller_name, seller_inn and signer");
	return 0;
}

static int check_mail(const struct config_mail *mail, struct err *e)
{
	if (mail->server[0] == '\0')
		return 0;
	if (mail->to[0] == '\0')
		return err_set(e, ERR_INVALID,
			       "mail.to: who gets the mail of mail.server?");
	if (mail->from[0] == '\0' || strchr(mail->from, ' ') != NULL)
		return err_set(e, ERR_INVALID,
			       "mail.from: one address that mail comes from");
	if (strcmp(mail->security, "none") == 0 && mail->user[0] != '\0')
		return err_set(e, ERR_INVALID,
			       "mail.security: a password needs starttls or "
			       "tls");
	return 0;
}

/* An edge and the machines behind it. */
static int check_hosts(const struct config_http *http, struct err *e)
{
	const char *networks = http->proxy_networks;

	if ((http->upstream_certificate[0] == '\0') !=
	    (http->upstream_key[0] == '\0'))
		return err_set(e, ERR_INVALID,
			       "http.upstream_key: upstream_certificate and "
			       "upstream_key need each other");
	if (http->upstream_key[0] != '\0' && http->upstream[0] == '\0')
		return err_set(e, ERR_INVALID,
			       "http.upstream_certificate: there is no "
			       "upstream to show it to");
	if (http->edge_ca[0] == '\0')
		return 0;
	if (http->hook_client_ca[0] != '\0')
		return err_set(e, ERR_INVALID,
			       "http.hook_client_ca: behind an edge (edge_ca) "
			       "it is the edge that asks for it");
	if (networks[strspn(networks, " ")] == '\0')
		return err_set(e, ERR_INVALID,
			       "http.edge_ca: name the edges in "
			       "proxy_networks, or all callers count as one");
	return 0;
}

static int check_window(const struct config *config,
			const struct config_window *window, struct err *e)
{
	char where[2 * CONFIG_NAME_BYTES];

	if (window->at[0] == '\0' || window->length_ms == 0)
		return err_set(e, ERR_INVALID,
			       "window.%s.at: a window needs at and length",
			       window->name);
	if (window->rule[0] == '\0' ||
	    config_rule(config, window->rule) != NULL)
		return 0;
	(void)snprintf(where, sizeof(where), "window.%s.rule", window->name);
	return refuse_name(where, "rule", config->rules[0].name,
			   config->rule_count, sizeof(config->rules[0]), e);
}

int config_check_together(const struct config *config, const void **ret_part,
			  struct err *e)
{
	const struct config_http *http = &config->http;

	*ret_part = http;
	if ((http->tls_certificate[0] == '\0') != (http->tls_key[0] == '\0'))
		return err_set(e, ERR_INVALID,
			       "http.tls_key: tls_certificate and tls_key "
			       "need each other");
	if (check_hosts(http, e) < 0)
		return ERR_INVALID;
	*ret_part = &config->kuper;
	if (strcmp(config->kuper.auth, "oauth") == 0 &&
	    config->kuper.token_url[0] == '\0')
		return err_set(e, ERR_INVALID,
			       "channel.kuper.token_url: auth = \"oauth\" "
			       "needs it");
	*ret_part = &config->invoicing;
	if (check_upd(&config->invoicing, e) < 0)
		return ERR_INVALID;
	*ret_part = &config->mail;
	if (check_mail(&config->mail, e) < 0)
		return ERR_INVALID;
	for (int i = 0; i < config->job_count; i++) {
		const struct config_job *job = &config->jobs[i];

		*ret_part = job;
		if (job->every_ms == 0 && job->at[0] == '\0' &&
		    job->cron[0] == '\0')
			return err_set(e, ERR_INVALID,
				       "job.%s.every: a job needs every, at or "
				       "cron",
				       job->name);
	}
	for (int i = 0; i < config->window_count; i++) {
		const struct config_window *window = &config->windows[i];

		*ret_part = window;
		if (check_window(config, window, e) < 0)
			return ERR_INVALID;
	}
	return 0;
}

const struct config_job *config_job(const struct config *config,
				    const char *name)
{
	for (int i = 0; i < config->job_count; i++)
		if (strcmp(config->jobs[i].name, name) == 0)
			return &config->jobs[i];
	return NULL;
}

const struct config_rule *config_rule(const struct config *config,
				      const char *name)
{
	for (int i = 0; i < config->rule_count; i++)
		if (strcmp(config->rules[i].name, name) == 0)
			return &config->rules[i];
	return NULL;
}
