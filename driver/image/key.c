/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys as PEM. Only the one form each that OpenSSL and imgtool write is known: with Ed25519 the DER
 * inside is a fixed row of bytes and the key. No sentence shows what was in the file.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include <sodium.h>

#include "image.h"

/* PKCS#8, version 0, algorithm 1.3.101.112, an octet string in an octet string. */
static const uint8_t pkcs8_prefix[] = { 0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
					0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20 };

static const struct form {
	const char *label;
	const uint8_t *prefix;
	size_t prefix_size;
	const char *what;
} private_form = { "PRIVATE KEY", pkcs8_prefix, sizeof(pkcs8_prefix), "private key" },
  public_form = { "PUBLIC KEY", image_spki_prefix, SPKI_PREFIX_SIZE, "public key" };

/* The largest file that is looked at; with another kind of key there is much more in it. */
#define PEM_FILE_MAX 16384u
#define DER_MAX 64u

/* Where needle begins in text, or NULL. */
static const char *find(const char *text, size_t len, const char *needle)
{
	return memmem(text, len, needle, strlen(needle));
}

static int wrong_label(const char *text, size_t len, const struct form *f)
{
	static const struct {
		const char *begin;
		const char *text;
	} others[] = {
		{ "-----BEGIN ENCRYPTED PRIVATE KEY-----",
		  "has a password; take it off first (openssl pkey -in OLD -out NEW)" },
		{ "-----BEGIN PRIVATE KEY-----", "is a private key" },
		{ "-----BEGIN PUBLIC KEY-----", "is a public key" },
		{ "-----BEGIN OPENSSH PRIVATE KEY-----", "is a key of ssh" },
		{ "-----BEGIN EC PRIVATE KEY-----", "is an elliptic curve key, not Ed25519" },
		{ "-----BEGIN RSA PRIVATE KEY-----", "is an RSA key, not Ed25519" },
		{ "-----BEGIN CERTIFICATE-----", "is a certificate" },
	};
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (find(text, len, others[i].begin))
			return weft_set_error(-EINVAL, "no %s: the file %s", f->what,
					      others[i].text);
	return weft_set_error(-EINVAL, "no %s: \"-----BEGIN %s-----\" not found", f->what,
			      f->label);
}

/* The base64 text between the lines, or NULL. */
static const char *find_body(const char *text, size_t len, const struct form *f, size_t *body_len)
{
	char begin[64], end[64];
	const char *from, *to;

	snprintf(begin, sizeof(begin), "-----BEGIN %s-----", f->label);
	snprintf(end, sizeof(end), "-----END %s-----", f->label);
	from = find(text, len, begin);
	if (!from) {
		wrong_label(text, len, f);
		return NULL;
	}
	from += strlen(begin);
	to = find(from, len - (size_t)(from - text), end);
	if (!to) {
		weft_set_error(-EINVAL, "%s: \"%s\" not found: cut off?", f->what, end);
		return NULL;
	}
	*body_len = (size_t)(to - from);
	return from;
}

/* The key out of PEM text. */
static int from_pem(const char *text, size_t len, const struct form *f, uint8_t *key)
{
	uint8_t der[DER_MAX] = { 0 };
	size_t body_len, der_len = 0;
	const char *body;
	int rc = 0;

	if (len > PEM_FILE_MAX)
		return weft_set_error(-EINVAL, "no %s: a file of %zu bytes", f->what, len);
	body = find_body(text, len, f, &body_len);
	if (!body)
		return -EINVAL;
	if (sodium_base642bin(der, sizeof(der), body, body_len, " \t\r\n", &der_len, NULL,
			      sodium_base64_VARIANT_ORIGINAL))
		rc = weft_set_error(-EINVAL, "%s: not base64, or too long for Ed25519", f->what);
	else if (der_len != f->prefix_size + WEFT_IMAGE_KEY_SIZE ||
		 memcmp(der, f->prefix, f->prefix_size))
		rc = weft_set_error(-EINVAL, "%s: not an Ed25519 one of the usual form (%zu bytes)",
				    f->what, der_len);
	else
		memcpy(key, der + f->prefix_size, WEFT_IMAGE_KEY_SIZE);
	sodium_memzero(der, sizeof(der));
	return rc;
}

static void to_pem(const uint8_t *key, const struct form *f, char *text)
{
	size_t len = f->prefix_size + WEFT_IMAGE_KEY_SIZE;
	uint8_t der[DER_MAX];
	char body[2 * DER_MAX];

	memcpy(der, f->prefix, f->prefix_size);
	memcpy(der + f->prefix_size, key, WEFT_IMAGE_KEY_SIZE);
	sodium_bin2base64(body, sizeof(body), der, len, sodium_base64_VARIANT_ORIGINAL);
	snprintf(text, WEFT_IMAGE_PEM_MAX, "-----BEGIN %s-----\n%s\n-----END %s-----\n", f->label,
		 body, f->label);
	sodium_memzero(der, sizeof(der));
	sodium_memzero(body, sizeof(body));
}

int weft_image_seed_from_pem(const char *text, size_t len, uint8_t seed[WEFT_IMAGE_KEY_SIZE])
{
	return from_pem(text, len, &private_form, seed);
}

int weft_image_key_from_pem(const char *text, size_t len, uint8_t pub[WEFT_IMAGE_KEY_SIZE])
{
	return from_pem(text, len, &public_form, pub);
}

void weft_image_seed_to_pem(const uint8_t seed[WEFT_IMAGE_KEY_SIZE], char *text)
{
	to_pem(seed, &private_form, text);
}

void weft_image_key_to_pem(const uint8_t pub[WEFT_IMAGE_KEY_SIZE], char *text)
{
	to_pem(pub, &public_form, text);
}

int weft_image_keygen(uint8_t seed[WEFT_IMAGE_KEY_SIZE], uint8_t pub[WEFT_IMAGE_KEY_SIZE])
{
	uint8_t secret[crypto_sign_SECRETKEYBYTES];

	if (sodium_init() < 0)
		return weft_set_error(-EIO, "no random numbers to be had from the system");
	randombytes_buf(seed, WEFT_IMAGE_KEY_SIZE);
	crypto_sign_seed_keypair(pub, secret, seed);
	sodium_memzero(secret, sizeof(secret));
	return 0;
}
