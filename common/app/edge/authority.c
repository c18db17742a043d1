/* SPDX-License-Identifier: MIT */
#include "app/edge/authority.h"

/* Before base/err.h. */
#include "app/edge/certificate_private.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/edge/certificate.h"
#include "base/buf.h"

enum {
	NAMES_BYTES_MAX = 4096
};

#define NAME_CHARACTERS \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

static void cleanup_file(FILE **file)
{
	if (*file != NULL)
		(void)fclose(*file);
}

static int path_of(char path[AUTHORITY_PATH_BYTES], const char *folder,
		   const char *name, const char *end, struct err *e)
{
	if (snprintf(path, AUTHORITY_PATH_BYTES, "%s/%s%s", folder, name,
		     end) >= AUTHORITY_PATH_BYTES)
		return err_set(e, ERR_INVALID, "%.60s...: path too long",
			       folder);
	return 0;
}

/* The key first: a certificate without its key would be of no use. */
static int save_pair(const char *folder, const char *name, X509 *certificate,
		     EVP_PKEY *key, struct err *e)
{
	char path[AUTHORITY_PATH_BYTES];
	int rc = path_of(path, folder, name, "-key.pem", e);

	if (rc == 0)
		rc = certificate_save(path, 0600, NULL, key, e);
	if (rc == 0)
		rc = path_of(path, folder, name, ".pem", e);
	return rc < 0 ? rc : certificate_save(path, 0644, certificate, NULL, e);
}

static X509 *make_authority(EVP_PKEY *key, int64_t wall_ms)
{
	CLEANUP(X509_freep)
	X509 *made = certificate_begin(key, "Ordergate machines",
				       AUTHORITY_DAYS, wall_ms);

	if (made == NULL ||
	    X509_set_issuer_name(made, X509_get_subject_name(made)) != 1 ||
	    !certificate_extend(made, made, NID_basic_constraints,
				"critical,CA:TRUE,pathlen:0") ||
	    !certificate_extend(made, made, NID_key_usage,
				"critical,keyCertSign,cRLSign") ||
	    !certificate_extend(made, made, NID_subject_key_identifier,
				"hash") ||
	    X509_sign(made, key, EVP_sha256()) == 0)
		return NULL;
	return TAKE(made);
}

int authority_make(const char *folder, int64_t wall_ms, struct err *e)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	CLEANUP(X509_freep) X509 *made = NULL;
	char path[AUTHORITY_PATH_BYTES];
	int rc = path_of(path, folder, "ca", "-key.pem", e);

	if (rc < 0)
		return rc;
	if (access(path, F_OK) == 0)
		return err_set(e, ERR_STATE,
			       "%s is there already: what it has signed would "
			       "be worth nothing",
			       path);
	key = EVP_EC_gen("P-256");
	made = key != NULL ? make_authority(key, wall_ms) : NULL;
	if (made == NULL)
		return certificate_failed(e, "an authority could not be made");
	return save_pair(folder, "ca", made, key, e);
}

struct authority {
	X509 *certificate;
	EVP_PKEY *key;
};

static void authority_clear(struct authority *authority)
{
	X509_free(authority->certificate);
	EVP_PKEY_free(authority->key);
}

static int read_authority(const char *folder, struct authority *ret,
			  struct err *e)
{
	CLEANUP(cleanup_file) FILE *certificate = NULL;
	CLEANUP(cleanup_file) FILE *key = NULL;
	char path[AUTHORITY_PATH_BYTES];
	int rc = path_of(path, folder, "ca", "-key.pem", e);

	if (rc < 0)
		return rc;
	key = fopen(path, "re");
	rc = path_of(path, folder, "ca", ".pem", e);
	certificate = rc == 0 ? fopen(path, "re") : NULL;
	if (key == NULL || certificate == NULL)
		return err_set(e, ERR_NOTFOUND,
			       "%s: no ca.pem and ca-key.pem that can be read: "
			       "ordergatectl tls ca",
			       folder);
	ret->certificate = PEM_read_X509(certificate, NULL, NULL, NULL);
	ret->key = PEM_read_PrivateKey(key, NULL, NULL, NULL);
	if (ret->certificate == NULL || ret->key == NULL ||
	    X509_check_private_key(ret->certificate, ret->key) != 1) {
		ERR_clear_error();
		return err_set(e, ERR_NOTFOUND,
			       "%s: ca.pem and ca-key.pem are no pair", folder);
	}
	return 0;
}

static bool sign(const struct authority *by,
		 const struct authority_order *order, X509 *made)
{
	CLEANUP(buf_clear) struct buf list = BUF_MAX(NAMES_BYTES_MAX);

	certificate_add_names(&list, order->domains);
	if (buf_finish(&list, NULL) < 0 ||
	    X509_set_issuer_name(made,
				 X509_get_subject_name(by->certificate)) != 1 ||
	    !certificate_extend(made, by->certificate, NID_basic_constraints,
				"critical,CA:FALSE") ||
	    !certificate_extend(made, by->certificate, NID_key_usage,
				"critical,digitalSignature") ||
	    !certificate_extend(made, by->certificate, NID_ext_key_usage,
				order->is_edge ? "clientAuth" : "serverAuth") ||
	    !certificate_extend(made, by->certificate,
				NID_subject_key_identifier, "hash") ||
	    !certificate_extend(made, by->certificate,
				NID_authority_key_identifier, "keyid"))
		return false;
	if (list.used_bytes > 0 &&
	    !certificate_extend(made, by->certificate, NID_subject_alt_name,
				buf_text(&list)))
		return false;
	return X509_sign(made, by->key, EVP_sha256()) != 0;
}

static int check_order(const struct authority_order *order, struct err *e)
{
	size_t bytes = strlen(order->name);

	if (bytes == 0 || bytes >= AUTHORITY_NAME_BYTES ||
	    strspn(order->name, NAME_CHARACTERS) != bytes ||
	    strcmp(order->name, "ca") == 0)
		return err_set(e, ERR_INVALID,
			       "the name of a machine has letters, digits, - "
			       "and _, and is not ca");
	if (!order->is_edge && order->domains[strspn(order->domains, " ")] == 0)
		return err_set(e, ERR_INVALID,
			       "a worker answers for a domain: the first name "
			       "of the edge's server_name");
	if (strpbrk(order->domains, ",:\n") != NULL)
		return err_set(e, ERR_INVALID,
			       "domains are names with spaces between them");
	return 0;
}

int authority_issue(const struct authority_order *order, int64_t wall_ms,
		    struct err *e)
{
	CLEANUP(authority_clear) struct authority by = {0};
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	CLEANUP(X509_freep) X509 *made = NULL;
	int rc = check_order(order, e);

	if (rc == 0)
		rc = read_authority(order->folder, &by, e);
	if (rc < 0)
		return rc;
	key = EVP_EC_gen("P-256");
	if (key != NULL)
		made = certificate_begin(key, order->name, CERTIFICATE_DAYS,
					 wall_ms);
	if (made == NULL || !sign(&by, order, made))
		return certificate_failed(e, "a certificate could not be made");
	return save_pair(order->folder, order->name, made, key, e);
}
