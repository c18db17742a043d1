/* SPDX-License-Identifier: MIT
 *
 * certificate_private.h - what certificate.c and authority.c have in common.
 * Only they include it.
 */
#ifndef APP_CERTIFICATE_PRIVATE_H
#define APP_CERTIFICATE_PRIVATE_H

/* base/err.h has this name too. */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/err.h>
#undef ERR_STATE
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/err.h"

CLEANUP_DEFINE(X509 *, X509_free)
CLEANUP_DEFINE(EVP_PKEY *, EVP_PKEY_free)

/* OpenSSL's own words behind ours. ERR_IO. */
int certificate_failed(struct err *e, const char *what);

/* Version, serial number, times, subject and key; the issuer is the caller's to
 * name. NULL when OpenSSL fails. */
X509 *certificate_begin(EVP_PKEY *key, const char *subject, int days,
			int64_t wall_ms);
bool certificate_extend(X509 *certificate, X509 *issuer, int nid,
			const char *value);
/* The names, separated by spaces, in the list after what is there. False when
 * there is too much. */
struct buf;
void certificate_add_names(struct buf *list, const char *names);

/* Write a certificate, else a key, beside path and rename. 0, ERR_IO. */
int certificate_save(const char *path, mode_t mode, X509 *certificate,
		     EVP_PKEY *key, struct err *e);

#endif
