/* SPDX-License-Identifier: MIT */
#include "app/edge/certificate.h"

#include "app/edge/certificate_private.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/macros.h"
#include "codec/time/timestamp.h"

enum {
	NAME_BYTES_MAX = 254, /* of a host name, RFC 1035, and the NUL */
	NAMES_BYTES_MAX = 4096,
	PATH_BYTES = 1024,
	SERIAL_BYTES = 16,
	RENEW_S = CERTIFICATE_RENEW_DAYS * 24 * 60 * 60,
	/* The clocks of those who look at it may be behind ours. */
	BACKDATE_S = 60 * 60,
	VERSION_3 = 2
};

static void cleanup_file(FILE **file)
{
	if (*file != NULL)
		(void)fclose(*file);
}

/* OpenSSL's errors are about memory or the build of the library here. */
int certificate_failed(struct err *e, const char *what)
{
	char text[160];

	ERR_error_string_n(ERR_get_error(), text, sizeof(text));
	ERR_clear_error();
	return err_set(e, ERR_IO, "%s: %s", what, text);
}

/* The next of the names; *names moves behind it. False at the end. */
static bool next_name(const char **names, char name[NAME_BYTES_MAX])
{
	const char *p = *names + strspn(*names, " ");
	size_t length = strcspn(p, " ");

	*names = p + length;
	if (length == 0)
		return false;
	length = MIN_OF(length, (size_t)NAME_BYTES_MAX - 1);
	memcpy(name, p, length);
	name[length] = '\0';
	return true;
}

static bool knows_names(X509 *certificate, const char *names)
{
	char name[NAME_BYTES_MAX];

	while (next_name(&names, name)) {
		/* A wildcard is asked for by one of the names it stands for. */
		if (name[0] == '*')
			name[0] = 'x';
		if (X509_check_host(certificate, name, 0, 0, NULL) != 1)
			return false;
	}
	return true;
}

static bool is_good(const char *certificate_path, const char *key_path,
		    const char *names, int64_t wall_ms)
{
	CLEANUP(cleanup_file) FILE *certificate_file = NULL;
	CLEANUP(cleanup_file) FILE *key_file = NULL;
	CLEANUP(X509_freep) X509 *certificate = NULL;
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	time_t until = (time_t)(wall_ms / 1000) + RENEW_S;

	certificate_file = fopen(certificate_path, "re");
	key_file = fopen(key_path, "re");
	if (certificate_file == NULL || key_file == NULL)
		return false;
	certificate = PEM_read_X509(certificate_file, NULL, NULL, NULL);
	key = PEM_read_PrivateKey(key_file, NULL, NULL, NULL);
	if (certificate == NULL || key == NULL) {
		ERR_clear_error();
		return false;
	}
	/* A crash between the two files leaves a key that is not this one's. */
	return X509_check_private_key(certificate, key) == 1 &&
	       X509_cmp_time(X509_get0_notAfter(certificate), &until) > 0 &&
	       knows_names(certificate, names);
}

bool certificate_extend(X509 *certificate, X509 *issuer, int nid,
			const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;
	bool added;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	added = extension != NULL &&
		X509_add_ext(certificate, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return added;
}

void certificate_add_names(struct buf *list, const char *names)
{
	char name[NAME_BYTES_MAX];

	while (next_name(&names, name))
		if (strcmp(name, "localhost") != 0)
			buf_printf(list, "%sDNS:%s",
				   list->used_bytes > 0 ? "," : "", name);
}

static bool add_names(X509 *certificate, const char *names)
{
	CLEANUP(buf_clear) struct buf list = BUF_MAX(NAMES_BYTES_MAX);

	buf_add_text(&list, "DNS:localhost,IP:127.0.0.1,IP:::1");
	certificate_add_names(&list, names);
	return buf_finish(&list, NULL) == 0 &&
	       certificate_extend(certificate, certificate,
				  NID_subject_alt_name, buf_text(&list));
}

static bool set_serial(X509 *certificate)
{
	unsigned char bytes[SERIAL_BYTES];
	BIGNUM *number;
	bool set;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	bytes[0] &= 0x7f; /* RFC 5280 4.1.2.2: positive */
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	set = number != NULL &&
	      BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) !=
		      NULL;
	BN_free(number);
	return set;
}

static bool set_times(X509 *certificate, int days, int64_t wall_ms)
{
	time_t now = (time_t)(wall_ms / 1000);

	return X509_time_adj_ex(X509_getm_notBefore(certificate), 0,
				-BACKDATE_S, &now) != NULL &&
	       X509_time_adj_ex(X509_getm_notAfter(certificate), days,
				-BACKDATE_S, &now) != NULL;
}

X509 *certificate_begin(EVP_PKEY *key, const char *subject, int days,
			int64_t wall_ms)
{
	CLEANUP(X509_freep) X509 *certificate = X509_new();

	if (certificate == NULL ||
	    X509_set_version(certificate, VERSION_3) != 1 ||
	    !set_serial(certificate) ||
	    !set_times(certificate, days, wall_ms) ||
	    X509_NAME_add_entry_by_txt(
		    X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
		    (const unsigned char *)subject, -1, -1, 0) != 1 ||
	    X509_set_pubkey(certificate, key) != 1)
		return NULL;
	return TAKE(certificate);
}

/* NULL when OpenSSL fails. */
static X509 *make_certificate(EVP_PKEY *key, const char *names, int64_t wall_ms)
{
	CLEANUP(X509_freep)
	X509 *made = certificate_begin(key, "Ordergate, self-made",
				       CERTIFICATE_DAYS, wall_ms);

	if (made == NULL ||
	    X509_set_issuer_name(made, X509_get_subject_name(made)) != 1 ||
	    !certificate_extend(made, made, NID_basic_constraints,
				"critical,CA:FALSE") ||
	    !certificate_extend(made, made, NID_key_usage,
				"critical,digitalSignature") ||
	    !certificate_extend(made, made, NID_ext_key_usage, "serverAuth") ||
	    !add_names(made, names) || X509_sign(made, key, EVP_sha256()) == 0)
		return NULL;
	return TAKE(made);
}

/* Write beside path and rename, so that nobody reads half a file. */
int certificate_save(const char *path, mode_t mode, X509 *certificate,
		     EVP_PKEY *key, struct err *e)
{
	char aside[PATH_BYTES];
	CLEANUP(cleanup_file) FILE *file = NULL;
	CLEANUP_FD int fd = -1;
	bool written;

	if (snprintf(aside, sizeof(aside), "%s.new", path) >=
	    (int)sizeof(aside))
		return err_set(e, ERR_IO, "%.60s...: path too long", path);
	(void)unlink(aside);
	fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	file = fd < 0 ? NULL : fdopen(fd, "w");
	if (file == NULL)
		return err_errno(e, ERR_IO, "%s cannot be written", aside);
	fd = -1; /* the FILE's now */
	if (certificate != NULL)
		written = PEM_write_X509(file, certificate) == 1;
	else
		written = PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL,
					       NULL) == 1;
	if (!written || fflush(file) != 0 || fsync(fileno(file)) < 0 ||
	    rename(aside, path) < 0)
		return err_errno(e, ERR_IO, "%s cannot be written", path);
	return 0;
}

int certificate_ensure(const char *certificate_path, const char *key_path,
		       const char *names, int64_t wall_ms, struct err *e)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	CLEANUP(X509_freep) X509 *certificate = NULL;
	int rc;

	if (is_good(certificate_path, key_path, names, wall_ms))
		return 0;
	key = EVP_EC_gen("P-256");
	if (key == NULL)
		return certificate_failed(e, "a key could not be made");
	certificate = make_certificate(key, names, wall_ms);
	if (certificate == NULL)
		return certificate_failed(e, "a certificate could not be made");
	rc = certificate_save(key_path, 0600, NULL, key, e);
	if (rc == 0)
		rc = certificate_save(certificate_path, 0644, certificate, NULL,
				      e);
	return rc < 0 ? rc : 1;
}

int certificate_end(const char *path, int64_t *ret_wall_ms, struct err *e)
{
	CLEANUP(cleanup_file) FILE *file = fopen(path, "re");
	CLEANUP(X509_freep) X509 *certificate = NULL;
	struct tm end = {0};
	struct civil c;

	if (file == NULL)
		return err_errno(e, ERR_NOTFOUND, "%s", path);
	certificate = PEM_read_X509(file, NULL, NULL, NULL);
	if (certificate == NULL ||
	    ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1) {
		ERR_clear_error();
		return err_set(e, ERR_INVALID, "%s holds no certificate", path);
	}
	c = (struct civil){
		.year = end.tm_year + 1900,
		.month = end.tm_mon + 1,
		.day = end.tm_mday,
		.hour = end.tm_hour,
		.minute = end.tm_min,
		.second = end.tm_sec,
	};
	*ret_wall_ms = timestamp_from_civil(&c, 0);
	return 0;
}
