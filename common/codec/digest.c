/* SPDX-License-Identifier: MIT */
#include "codec/digest.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <string.h>

struct digest {
	EVP_MD_CTX *context;
};

static void put_hex(const unsigned char raw[SHA256_DIGEST_LENGTH],
		    char ret_text[DIGEST_TEXT_BYTES])
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < SHA256_DIGEST_LENGTH; i++) {
		ret_text[2 * i] = hex[raw[i] >> 4];
		ret_text[2 * i + 1] = hex[raw[i] & 0x0F];
	}
	ret_text[DIGEST_TEXT_BYTES - 1] = '\0';
}

/* Looked up once: OpenSSL 3 does it at every SHA256() otherwise, which takes
 * longer than a short text itself. Freed with the process. */
static EVP_MD *algorithm;

static void find_algorithm(void)
{
	algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
}

void digest_sha256(const void *data, size_t bytes,
		   char ret_text[DIGEST_TEXT_BYTES])
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	unsigned char raw[SHA256_DIGEST_LENGTH];

	(void)pthread_once(&once, find_algorithm);
	if (algorithm == NULL ||
	    EVP_Digest(data, bytes, raw, NULL, algorithm, NULL) != 1)
		(void)SHA256(data, bytes, raw);
	put_hex(raw, ret_text);
}

static void hmac(const char *key, const void *data, size_t bytes,
		 unsigned char ret_raw[SHA256_DIGEST_LENGTH])
{
	const unsigned char *made = HMAC(EVP_sha256(), key, (int)strlen(key),
					 data, bytes, ret_raw, NULL);

	assert(made != NULL); /* nothing in it can fail but memory */
}

void digest_hmac_sha256(const char *key, const void *data, size_t bytes,
			char ret_text[DIGEST_TEXT_BYTES])
{
	unsigned char raw[SHA256_DIGEST_LENGTH];

	hmac(key, data, bytes, raw);
	put_hex(raw, ret_text);
}

void digest_hmac_sha256_base64(const char *key, const void *data, size_t bytes,
			       char ret_text[DIGEST_BASE64_BYTES])
{
	unsigned char raw[SHA256_DIGEST_LENGTH];

	hmac(key, data, bytes, raw);
	(void)EVP_EncodeBlock((unsigned char *)ret_text, raw, sizeof(raw));
}

struct digest *digest_new(void)
{
	CLEANUP(digest_freep)
	struct digest *digest = calloc(1, sizeof(*digest));

	if (digest == NULL)
		return NULL;
	digest->context = EVP_MD_CTX_new();
	if (digest->context == NULL ||
	    EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL) != 1)
		return NULL;
	return TAKE(digest);
}

void digest_free(struct digest *digest)
{
	if (digest == NULL)
		return;
	EVP_MD_CTX_free(digest->context);
	free(digest);
}

/* SHA-256 of the default provider has nothing that could fail from here on. */
void digest_add(struct digest *digest, const void *data, size_t bytes)
{
	int ok = EVP_DigestUpdate(digest->context, data, bytes);

	assert(ok == 1);
}

void digest_end(struct digest *digest, char ret_text[DIGEST_TEXT_BYTES])
{
	unsigned char raw[SHA256_DIGEST_LENGTH];
	int ok = EVP_DigestFinal_ex(digest->context, raw, NULL);

	assert(ok == 1);
	put_hex(raw, ret_text);
}
