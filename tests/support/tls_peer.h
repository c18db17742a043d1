/* SPDX-License-Identifier: MIT
 *
 * tls_peer.h - a TLS server for tests, with a certificate made for this run. It
 * answers every request with 200 "ok", one connection after another. Apart
 * from the tests because OpenSSL has an ERR_STATE of its own.
 */
#ifndef SUPPORT_TLS_PEER_H
#define SUPPORT_TLS_PEER_H

#include "base/cleanup.h"

struct tls_peer;

/* On 127.0.0.1. `names` are the certificate's ("IP:127.0.0.1,DNS:x"), valid
 * from from_s to to_s seconds relative to now. After request number
 * last_request (0: none) the connection ends without an answer. */
struct tls_peer *tls_peer_new(const char *names, long from_s, long to_s,
			      int last_request);
/* Its clients are gone already. */
void tls_peer_free(struct tls_peer *p);
CLEANUP_DEFINE(struct tls_peer *, tls_peer_free)

int tls_peer_port(const struct tls_peer *p);
const char *tls_peer_ca_file(const struct tls_peer *p);
int tls_peer_requests(const struct tls_peer *p);

#endif
