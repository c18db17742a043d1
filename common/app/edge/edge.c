/* SPDX-License-Identifier: MIT */
#include "app/edge/edge.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/bot/bot.h"
#include "app/config/config.h"
#include "app/edge/certificate.h"
#include "app/edge/edge_private.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/text.h"

enum {
	WORKERS_MAX = 8,
	HTTPS_PORT = 443, /* needs no mention in an address */
	HOLE_BYTES_MAX = 32,
	/* Connections and requests at once from one address, when limits are
	 * on: a store's handhelds share one. */
	CONNECTIONS_MIN = 64,
	CONNECTIONS_MAX = 65535 /* nginx's limit on limits */
};

static_assert((int)CONFIG_TEXT_BYTES <= (int)EDGE_FILE_BYTES,
	      "paths of config fit");

/* A master that runs as root would give its workers to another user, who may
 * not open our sockets. The owner of nginx's folder is the right one: root for
 * ./up, the edge's user where a unit runs nginx (and then the master is no
 * root, and this line is only for a check by the administrator). */
static void put_user(const struct edge *edge, struct buf *out)
{
	char folder[EDGE_PATH_BYTES];
	const struct passwd *owner = NULL;
	struct stat about;

	if (geteuid() != 0)
		return;
	edge_folder(edge->dir, folder);
	if (stat(folder, &about) == 0 && (about.st_mode & S_ISGID) != 0)
		owner = getpwuid(about.st_uid); /* NOLINT: one thread */
	buf_printf(out, "user %s;", owner != NULL ? owner->pw_name : "root");
}

static void put_run(const struct edge *edge, struct buf *out)
{
	buf_add_text(out, edge->dir->run);
}

/* "access_log" up to its condition: a file of ours, or a line to the journal,
 * whose limits then count. */
static void put_access_log(const struct edge *edge, struct buf *out)
{
	if (strcmp(edge->config->log.access, "journal") == 0)
		buf_add_text(out, "access_log syslog:server=unix:/dev/log,"
				  "nohostname,tag=ordergate_edge line");
	else
		buf_printf(out,
			   "access_log \"%s/access.log\" line buffer=64k "
			   "flush=2s",
			   edge->dir->log);
}

static void put_workers(const struct edge *edge, struct buf *out)
{
	cpu_set_t cpus;
	int count = 1;

	(void)edge;
	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		count = CPU_COUNT(&cpus);
	buf_add_i64(out, MIN_OF(MAX_OF(count, 1), WORKERS_MAX));
}

static void put_body_bytes(const struct edge *edge, struct buf *out)
{
	buf_add_i64(out, edge->config->http.request_body_bytes);
}

static void put_limit_zones(const struct edge *edge, struct buf *out)
{
	int64_t rate = edge->config->http.requests_per_second;

	if (rate == 0)
		return;
	buf_printf(out,
		   "\tlimit_req_zone $binary_remote_addr zone=requests:10m "
		   "rate=%" PRIi64 "r/s;\n"
		   "\tlimit_conn_zone $binary_remote_addr "
		   "zone=connections:10m;\n",
		   rate);
}

/* nodelay: a burst is answered at once, and what is beyond it gets 429. */
static void put_limits(const struct edge *edge, struct buf *out)
{
	int64_t rate = edge->config->http.requests_per_second;

	if (rate == 0)
		return;
	buf_printf(out,
		   "\t\tlimit_req zone=requests burst=%" PRIi64 " nodelay;\n"
		   "\t\tlimit_req_status 429;\n"
		   "\t\tlimit_req_log_level info;\n"
		   "\t\tlimit_conn connections %" PRIi64 ";\n"
		   "\t\tlimit_conn_status 429;\n"
		   "\t\tlimit_conn_log_level info;\n",
		   rate * 2,
		   MIN_OF(MAX_OF(rate, CONNECTIONS_MIN), CONNECTIONS_MAX));
}

static void put_upload_bytes(const struct edge *edge, struct buf *out)
{
	buf_add_i64(out, edge->config->erp.upload_bytes);
}

static void put_scheme(const struct edge *edge, struct buf *out)
{
	buf_add_text(out, edge_is_front(edge) ? "https" : "http");
}

/* A hook waits for 3 s for its COMMIT. Each worker of a pair has half of that;
 * an edge waits longer, so that a machine whose store is slow does not count as
 * dead. */
static void put_hook_wait(const struct edge *edge, struct buf *out)
{
	if (edge_is_front(edge))
		buf_add_text(out, "4s");
	else
		buf_add_text(out,
			     edge->config->pool.hook > 1 ? "1500ms" : "3s");
}

/* The machines behind have a certificate for the first of our names. */
static void put_upstream_tls(const struct edge *edge, struct buf *out)
{
	const struct config_http *http = &edge->config->http;
	const char *name = http->server_name + strspn(http->server_name, " ");

	if (!edge_is_front(edge))
		return;
	buf_printf(out,
		   "\tproxy_ssl_protocols TLSv1.2 TLSv1.3;\n"
		   "\tproxy_ssl_verify on;\n"
		   "\tproxy_ssl_verify_depth 3;\n"
		   "\tproxy_ssl_trusted_certificate \"%s\";\n"
		   "\tproxy_ssl_server_name on;\n"
		   "\tproxy_ssl_name %.*s;\n",
		   http->upstream_ca, (int)strcspn(name, " "), name);
	if (http->upstream_key[0] != '\0')
		buf_printf(out,
			   "\tproxy_ssl_certificate \"%s\";\n"
			   "\tproxy_ssl_certificate_key \"%s\";\n",
			   http->upstream_certificate, http->upstream_key);
}

/* Telegram's calls: an update holds a message of at most 4096 characters. */
static void put_chat(const struct edge *edge, struct buf *out)
{
	if (!edge_has_webhook(edge))
		return;
	buf_add_text(out, "\t\tlocation = " BOT_WEBHOOK_PATH " {\n"
			  "\t\t\tclient_max_body_size 256k;\n"
			  "\t\t\tproxy_read_timeout 5s;\n"
			  "\t\t\tproxy_pass ");
	put_scheme(edge, out);
	buf_add_text(out, "://chat;\n\t\t}\n");
}

static void put_address(struct buf *out, const char *address, int64_t port)
{
	if (strchr(address, ':') == NULL)
		buf_printf(out, "%s:%" PRIi64, address, port);
	else
		buf_printf(out, "[%s]:%" PRIi64 "%s", address, port,
			   strcmp(address, "::") == 0 ? " ipv6only=off" : "");
}

static void put_listen(const struct edge *edge, struct buf *out)
{
	put_address(out, edge->config->http.listen, edge->config->http.port);
}

static void put_listen_plain(const struct edge *edge, struct buf *out)
{
	if (edge->config->http.plain_port != 0)
		buf_printf(out, "\t\tlisten 127.0.0.1:%" PRIi64 ";\n",
			   edge->config->http.plain_port);
}

/* Browsers and ACME: a server of its own, which knows no other path. */
static void put_redirect_server(const struct edge *edge, struct buf *out)
{
	const struct config_http *http = &edge->config->http;

	if (http->redirect_port == 0)
		return;
	buf_add_text(out, "\tserver {\n\t\tlisten ");
	put_address(out, http->listen, http->redirect_port);
	buf_printf(out, ";\n\t\tserver_name %s;\n", http->server_name);
	if (http->acme_folder[0] != '\0')
		buf_printf(out,
			   "\t\tlocation ^~ /.well-known/acme-challenge/ {\n"
			   "\t\t\troot \"%s\";\n"
			   "\t\t\tdefault_type text/plain;\n\t\t}\n",
			   http->acme_folder);
	buf_add_text(out, "\t\tlocation / {\n"
			  "\t\t\treturn 308 https://$host");
	if (http->port != HTTPS_PORT)
		buf_printf(out, ":%" PRIi64, http->port);
	buf_add_text(out, "$request_uri;\n\t\t}\n\t}\n");
}

/* Behind a balancer the caller is who it says: limits, networks and the log
 * are about him. Whoever else sends that header is not believed. */
static void put_real_address(const struct edge *edge, struct buf *out)
{
	const char *p = edge->config->http.proxy_networks;

	p += strspn(p, " ");
	if (*p == '\0')
		return;
	while (*p != '\0') {
		size_t length = strcspn(p, " ");

		buf_printf(out, "\tset_real_ip_from %.*s;\n", (int)length, p);
		p += length;
		p += strspn(p, " ");
	}
	buf_add_text(out, "\treal_ip_header X-Forwarded-For;\n"
			  "\treal_ip_recursive on;\n");
}

static void put_hsts(const struct edge *edge, struct buf *out)
{
	int64_t seconds = edge->config->http.hsts_ms / 1000;

	if (seconds > 0)
		buf_printf(out,
			   "\t\tadd_header Strict-Transport-Security "
			   "max-age=%" PRIi64 " always;\n",
			   seconds);
}

static bool is_behind(const struct edge *edge)
{
	return edge->config->http.edge_ca[0] != '\0';
}

/* Whoever is no edge of ours, whatever he asks for. The plain port, without a
 * word about certificates, is this machine's own; so are a look at its health,
 * and its numbers, which have networks of their own. volatile: an error has a
 * path of its own. */
static void put_strangers(const struct edge *edge, struct buf *out)
{
	if (is_behind(edge))
		buf_add_text(out, "\tmap $uri $edge_only {\n"
				  "\t\tvolatile;\n"
				  "\t\t/healthz 0;\n"
				  "\t\t/metrics 0;\n"
				  "\t\t\"~^/\\.error/\" 0;\n"
				  "\t\tdefault 1;\n"
				  "\t}\n"
				  "\tmap $ssl_client_verify $stranger {\n"
				  "\t\tvolatile;\n"
				  "\t\tSUCCESS 0;\n"
				  "\t\t\"\" 0;\n"
				  "\t\tdefault $edge_only;\n"
				  "\t}\n");
}

static void put_client_ca(const struct edge *edge, struct buf *out)
{
	const char *path = is_behind(edge) ? edge->config->http.edge_ca
					   : edge->config->http.hook_client_ca;

	if (path[0] != '\0')
		buf_printf(out,
			   "\t\tssl_client_certificate \"%s\";\n"
			   "\t\tssl_verify_client optional;\n"
			   "\t\tssl_verify_depth 3;\n",
			   path);
}

static void put_refuse_strangers(const struct edge *edge, struct buf *out)
{
	if (is_behind(edge))
		buf_add_text(out, "\t\tif ($stranger) {\n"
				  "\t\t\treturn 403;\n\t\t}\n");
}

/* At the hook only: pickers and browsers have none. */
static void put_hook_client(const struct edge *edge, struct buf *out)
{
	if (edge->config->http.hook_client_ca[0] != '\0')
		buf_add_text(out, "\t\t\tif ($ssl_client_verify != SUCCESS) {\n"
				  "\t\t\t\treturn 403;\n\t\t\t}\n");
}

static void put_server_name(const struct edge *edge, struct buf *out)
{
	buf_add_text(out, edge->config->http.server_name);
}

static void put_certificate(const struct edge *edge, struct buf *out)
{
	char certificate[EDGE_FILE_BYTES];
	char key[EDGE_FILE_BYTES];

	edge_certificate(edge->config, edge->dir, certificate, key);
	buf_add_text(out, certificate);
}

static void put_key(const struct edge *edge, struct buf *out)
{
	char certificate[EDGE_FILE_BYTES];
	char key[EDGE_FILE_BYTES];

	edge_certificate(edge->config, edge->dir, certificate, key);
	buf_add_text(out, key);
}

static void put_networks(struct buf *out, const char *networks)
{
	const char *p = networks + strspn(networks, " ");

	while (*p != '\0') {
		size_t length = strcspn(p, " ");

		buf_printf(out, "\t\t\tallow %.*s;\n", (int)length, p);
		p += length;
		p += strspn(p, " ");
	}
	buf_add_text(out, "\t\t\tdeny all;\n");
}

static void put_hook_networks(const struct edge *edge, struct buf *out)
{
	const char *networks = edge->config->http.hook_networks;

	if (networks[strspn(networks, " ")] != '\0')
		put_networks(out, networks);
}

static void put_trusted_networks(const struct edge *edge, struct buf *out)
{
	put_networks(out, edge->config->http.trusted_networks);
}

static const struct hole {
	const char *name; /* @NAME@ in the template */
	void (*put)(const struct edge *edge, struct buf *out);
} holes[] = {
	{"USER", put_user},
	{"RUN", put_run},
	{"ACCESS_LOG", put_access_log},
	{"WORKERS", put_workers},
	{"BODY_BYTES", put_body_bytes},
	{"LIMIT_ZONES", put_limit_zones},
	{"LIMITS", put_limits},
	{"HOOK_WORKERS", edge_put_hook_workers},
	{"ASSEMBLY_WORKERS", edge_put_assembly_workers},
	{"ERP_WORKERS", edge_put_erp_workers},
	{"UPLOAD_BYTES", put_upload_bytes},
	{"CONSOLE_WORKERS", edge_put_console_workers},
	{"CHAT_WORKERS", edge_put_chat_workers},
	{"CHAT", put_chat},
	{"SCHEME", put_scheme},
	{"HOOK_WAIT", put_hook_wait},
	{"UPSTREAM_TLS", put_upstream_tls},
	{"LISTEN", put_listen},
	{"LISTEN_PLAIN", put_listen_plain},
	{"SERVER_NAME", put_server_name},
	{"REDIRECT_SERVER", put_redirect_server},
	{"REAL_ADDRESS", put_real_address},
	{"HSTS", put_hsts},
	{"CLIENT_CA", put_client_ca},
	{"HOOK_CLIENT", put_hook_client},
	{"STRANGERS", put_strangers},
	{"REFUSE_STRANGERS", put_refuse_strangers},
	{"CERTIFICATE", put_certificate},
	{"KEY", put_key},
	{"HOOK_NETWORKS", put_hook_networks},
	{"TRUSTED_NETWORKS", put_trusted_networks},
};

static const struct hole *find_hole(const char *name, size_t length)
{
	for (size_t i = 0; i < COUNT_OF(holes); i++)
		if (strncmp(holes[i].name, name, length) == 0 &&
		    holes[i].name[length] == '\0')
			return &holes[i];
	return NULL;
}

/* Bytes of the name when text is "@NAME@...", else 0. */
static size_t hole_bytes(const char *text)
{
	size_t length = 0;

	while (length < HOLE_BYTES_MAX &&
	       (isupper((unsigned char)text[1 + length]) ||
		text[1 + length] == '_'))
		length++;
	return text[1 + length] == '@' ? length : 0;
}

static void fill(const struct edge *edge, struct buf *out)
{
	const char *p = edge_template;

	while (*p != '\0') {
		size_t text = strcspn(p, "@");
		size_t name;
		const struct hole *hole;

		buf_add(out, p, text);
		p += text;
		name = *p == '@' ? hole_bytes(p) : 0;
		if (name == 0) {
			if (*p == '@')
				buf_add_char(out, *p++);
			continue;
		}
		hole = find_hole(p + 1, name);
		assert(hole != NULL); /* a hole without a row in the table */
		hole->put(edge, out);
		p += name + 2;
	}
}

/* What stands between quotes in nginx's syntax and is taken as it is. */
static int check_path(const char *path, struct err *e)
{
	for (const char *p = path; *p != '\0'; p++)
		if (strchr("\"\\$", *p) != NULL || iscntrl((unsigned char)*p))
			return err_set(e, ERR_INVALID,
				       "the path %.120s has a character that "
				       "nginx cannot take (one of \" \\ $): "
				       "use another directory",
				       path);
	return 0;
}

int edge_render(const struct config *config, const struct state_dir *dir,
		struct buf *out, struct err *e)
{
	const struct edge edge = {.config = config, .dir = dir};
	const char *const paths[] = {dir->run, dir->log, dir->tls};

	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		int rc = check_path(paths[i], e);

		if (rc < 0)
			return rc;
	}
	fill(&edge, out);
	return buf_finish(out, e);
}

void edge_folder(const struct state_dir *dir, char ret_path[EDGE_PATH_BYTES])
{
	(void)snprintf(ret_path, EDGE_PATH_BYTES, "%s/nginx", dir->run);
}

void edge_file(const struct state_dir *dir, char ret_path[EDGE_PATH_BYTES])
{
	(void)snprintf(ret_path, EDGE_PATH_BYTES, "%s/nginx/nginx.conf",
		       dir->run);
}

void edge_certificate(const struct config *config, const struct state_dir *dir,
		      char ret_certificate[EDGE_FILE_BYTES],
		      char ret_key[EDGE_FILE_BYTES])
{
	if (config->http.tls_certificate[0] != '\0') {
		(void)text_copy(ret_certificate, EDGE_FILE_BYTES,
				config->http.tls_certificate);
		(void)text_copy(ret_key, EDGE_FILE_BYTES, config->http.tls_key);
		return;
	}
	(void)snprintf(ret_certificate, EDGE_FILE_BYTES, "%s/certificate.pem",
		       dir->tls);
	(void)snprintf(ret_key, EDGE_FILE_BYTES, "%s/key.pem", dir->tls);
}

int edge_make_certificate(const struct config *config,
			  const struct state_dir *dir, int64_t wall_ms,
			  struct err *e)
{
	char certificate[EDGE_FILE_BYTES];
	char key[EDGE_FILE_BYTES];

	if (config->http.tls_certificate[0] != '\0')
		return 0;
	edge_certificate(config, dir, certificate, key);
	return certificate_ensure(certificate, key, config->http.server_name,
				  wall_ms, e);
}
