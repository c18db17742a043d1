/* SPDX-License-Identifier: MIT */
#include "tls_peer.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "raw_http.h"

struct tls_peer {
	char *folder;
	char ca_file[256];
	int listen_fd, port;
	pthread_t thread;
	SSL_CTX *context;
	atomic_int requests;
	int last_request;
};

static void must(int good)
{
	if (good > 0)
		return;
	ERR_print_errors_fp(stderr);
	abort();
}

static X509 *make_certificate(EVP_PKEY *key, const char *names, long from_s,
			      long to_s)
{
	X509 *x = X509_new();
	X509_NAME *subject = X509_get_subject_name(x);
	X509_EXTENSION *extension =
		X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);

	must(extension != NULL);
	must(X509_set_version(x, 2));
	must(ASN1_INTEGER_set(X509_get_serialNumber(x), 1));
	must(X509_gmtime_adj(X509_getm_notBefore(x), from_s) != NULL);
	must(X509_gmtime_adj(X509_getm_notAfter(x), to_s) != NULL);
	must(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
					(const unsigned char *)"test", -1, -1,
					0));
	must(X509_set_issuer_name(x, subject));
	must(X509_set_pubkey(x, key));
	must(X509_add_ext(x, extension, -1));
	must(X509_sign(x, key, EVP_sha256()));
	X509_EXTENSION_free(extension);
	return x;
}

static void use_certificate(struct tls_peer *p, const char *names, long from_s,
			    long to_s)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = make_certificate(key, names, from_s, to_s);
	FILE *file = fopen(p->ca_file, "we");

	must(file != NULL);
	must(PEM_write_X509(file, x));
	(void)fclose(file);
	must(SSL_CTX_use_certificate(p->context, x));
	must(SSL_CTX_use_PrivateKey(p->context, key));
	X509_free(x);
	EVP_PKEY_free(key);
}

/* One request of at most a few hundred bytes comes in one record. */
static void converse(struct tls_peer *p, SSL *ssl)
{
	static const char answer[] =
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	char data[4096];

	while (SSL_read(ssl, data, sizeof(data)) > 0) {
		p->requests++;
		if (p->requests == p->last_request)
			return;
		if (SSL_write(ssl, answer, sizeof(answer) - 1) <= 0)
			return;
	}
}

static void *serve(void *peer)
{
	struct tls_peer *p = peer;
	sigset_t pipe_only;
	int fd;

	/* In this thread alone: a client of ours that raises it has failed. */
	(void)sigemptyset(&pipe_only);
	(void)sigaddset(&pipe_only, SIGPIPE);
	(void)pthread_sigmask(SIG_BLOCK, &pipe_only, NULL);

	while ((fd = accept(p->listen_fd, NULL, NULL)) >= 0) {
		SSL *ssl = SSL_new(p->context);

		must(SSL_set_fd(ssl, fd));
		if (SSL_accept(ssl) == 1)
			converse(p, ssl);
		SSL_free(ssl);
		(void)close(fd);
	}
	return NULL;
}

struct tls_peer *tls_peer_new(const char *names, long from_s, long to_s,
			      int last_request)
{
	struct tls_peer *p = calloc(1, sizeof(*p));

	if (p == NULL)
		abort();
	p->folder = raw_folder_new();
	(void)snprintf(p->ca_file, sizeof(p->ca_file), "%s/ca.pem", p->folder);
	p->last_request = last_request;
	p->context = SSL_CTX_new(TLS_server_method());
	use_certificate(p, names, from_s, to_s);
	p->listen_fd = raw_listen(&p->port);
	if (pthread_create(&p->thread, NULL, serve, p) != 0)
		abort();
	return p;
}

void tls_peer_free(struct tls_peer *p)
{
	if (p == NULL)
		return;
	(void)shutdown(p->listen_fd, SHUT_RDWR);
	(void)pthread_join(p->thread, NULL);
	(void)close(p->listen_fd);
	SSL_CTX_free(p->context);
	raw_folder_free(p->folder);
	free(p);
}

int tls_peer_port(const struct tls_peer *p)
{
	return p->port;
}

const char *tls_peer_ca_file(const struct tls_peer *p)
{
	return p->ca_file;
}

int tls_peer_requests(const struct tls_peer *p)
{
	return p->requests;
}
