/* SPDX-License-Identifier: BSD-2-Clause */
/* The image's cryptography by libsodium: SHA-256 and Ed25519, both over bytes that the ROM has in its own memory. */
#include <sodium/crypto_hash_sha256.h>
#include <sodium/crypto_sign_ed25519.h>

#include "boot/rom/boot.h"

static void hash(void *ctx, const uint8_t *p, size_t len, uint8_t out[IMAGE_HASH_LEN])
{
	(void)ctx;
	crypto_hash_sha256(out, p, len);
}

static void digest(void *ctx, const struct image_info *info, uint8_t out[IMAGE_HASH_LEN])
{
	const struct boot_env *env = ctx;
	crypto_hash_sha256_state st;

	crypto_hash_sha256_init(&st);
	crypto_hash_sha256_update(&st, env->header, info->header_len);
	crypto_hash_sha256_update(&st, env->imem, info->payload_len);
	crypto_hash_sha256_update(&st, env->tlvs, info->prot_len);
	crypto_hash_sha256_final(&st, out);
}

static bool verify(void *ctx, const uint8_t sig[IMAGE_SIG_LEN],
		   const uint8_t digest[IMAGE_HASH_LEN], const uint8_t key[IMAGE_KEY_LEN])
{
	(void)ctx;
	return !crypto_sign_ed25519_verify_detached(sig, digest, IMAGE_HASH_LEN, key);
}

const struct image_crypto *boot_crypto(struct boot_env *env)
{
	static struct image_crypto crypto = { .hash = hash, .digest = digest, .verify = verify };

	crypto.ctx = env;
	return &crypto;
}
