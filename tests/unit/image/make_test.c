/* SPDX-License-Identifier: BSD-2-Clause */
/* Images made, signed and put into a flash; keys and versions read and written. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helper.h"

static struct built b;
static struct weft_image im;
static uint8_t flash[WEFT_IMAGE_FLASH_SIZE];

static void failed(int rc, int error, const char *why)
{
	ck_assert_msg(rc == error, "%d, not %d: %s", rc, error, weft_last_error());
	ck_assert_msg(strstr(weft_last_error(), why), "\"%s\" not in \"%s\"", why,
		      weft_last_error());
}

START_TEST(a_made_and_signed_image_is_the_usual_one)
{
	struct weft_image_params p = { .version = { 1, 2, 3, 4 }, .board = 7, .counter = 5 };
	uint8_t *bare, *image;
	size_t bare_len, len;

	build_good(&b, 41);
	ck_assert_int_eq(weft_image_create(b.bytes + 32, 41, &p, &bare, &bare_len), 0);
	failed(weft_image_check(bare, bare_len, NULL, &im), WEFT_IMAGE_TLV, "not signed");
	ck_assert_int_eq(weft_image_sign(bare, bare_len, test_seed, &image, &len), 0);
	ck_assert_uint_eq(len, b.len);
	ck_assert_mem_eq(image, b.bytes, len);
	free(bare);
	free(image);
}
END_TEST

START_TEST(payloads_have_limits)
{
	struct weft_image_params p = { .board = 7 };
	uint8_t *image;
	size_t len;

	failed(weft_image_create(flash, 0, &p, &image, &len), -EFBIG, "payload of 0 bytes");
	failed(weft_image_create(flash, WEFT_IMAGE_PAYLOAD_MAX + 1, &p, &image, &len), -EFBIG,
	       "payload of 131073 bytes");
	ck_assert_int_eq(weft_image_create(flash, WEFT_IMAGE_PAYLOAD_MAX, &p, &image, &len), 0);
	free(image);
}
END_TEST

/* An imgtool image with its key's hash alone, say. */
START_TEST(a_signature_is_replaced)
{
	static const uint8_t seed[WEFT_IMAGE_KEY_SIZE] = "another key";
	uint8_t *image;
	size_t len;

	build_good(&b, 41);
	ck_assert_int_eq(weft_image_sign(b.bytes, b.len, seed, &image, &len), 0);
	ck_assert_int_eq(weft_image_check(image, len, NULL, &im), 0);
	ck_assert_mem_ne(im.key, test_key, sizeof(test_key));
	ck_assert_uint_eq(len, b.len);
	ck_assert_mem_eq(image, b.bytes, b.covered);
	free(image);
}
END_TEST

START_TEST(what_is_damaged_is_not_signed)
{
	uint8_t *image;
	size_t i, len;

	build_good(&b, 41);
	for (i = 0; i < b.covered; i++) {
		b.bytes[i] ^= 0x10;
		ck_assert_int_gt(weft_image_sign(b.bytes, b.len, test_seed, &image, &len), 0);
		b.bytes[i] ^= 0x10;
	}
	poke16(b.bytes + 77, 0x51);
	failed(weft_image_sign(b.bytes, b.len, test_seed, &image, &len), WEFT_IMAGE_TLV,
	       "security counter (protected TLV 0x50) missing");
	build_good(&b, 41);
	b.bytes[b.len] = 0;
	failed(weft_image_sign(b.bytes, b.len + 1, test_seed, &image, &len), WEFT_IMAGE_TLV,
	       "is not erased");
}
END_TEST

START_TEST(protected_tlvs_leave_room_for_a_signature)
{
	static uint8_t filler[4096];
	uint8_t *image;
	size_t len;

	put_start(&b, 32, 3, 0x20);
	put_area(&b, 0x6908);
	put_u32(&b, 0x50, 5);
	put_u32(&b, 0xa0, 7);
	put_tlv(&b, 0x1000, filler, 4000);
	end_protected(&b);
	put_signature(&b, 0, 0);
	b.len = b.covered + 4 + 36; /* digest only */
	end_area(&b);
	poke16(b.bytes + b.covered + 2, 40);
	failed(weft_image_sign(b.bytes, b.len, test_seed, &image, &len), WEFT_IMAGE_TLV,
	       "leave no room");
}
END_TEST

static const struct {
	const char *text;
	struct weft_image_version v;
	const char *full; /* NULL: no version */
} versions[] = {
	{ "1.2.3+4", { 1, 2, 3, 4 }, "1.2.3+4" },
	{ "0", { 0, 0, 0, 0 }, "0.0.0+0" },
	{ "7.1", { 7, 1, 0, 0 }, "7.1.0+0" },
	{ "7+9", { 7, 0, 0, 9 }, "7.0.0+9" },
	{ "255.255.65535+4294967295", { 255, 255, 65535, 0xffffffff }, "255.255.65535+4294967295" },
	{ "256.0.0", { 0 }, NULL },
	{ "0.256.0", { 0 }, NULL },
	{ "0.0.65536", { 0 }, NULL },
	{ "0.0.0+4294967296", { 0 }, NULL },
	{ "0.0.0+18446744073709551617", { 0 }, NULL },
	{ "", { 0 }, NULL },
	{ "1.", { 0 }, NULL },
	{ "1.2.3.4", { 0 }, NULL },
	{ "1.2.3+", { 0 }, NULL },
	{ "1+2+3", { 0 }, NULL },
	{ "v1.2", { 0 }, NULL },
	{ "-1", { 0 }, NULL },
	{ " 1", { 0 }, NULL },
	{ "1.2.3-4", { 0 }, NULL },
};

START_TEST(versions_are_read)
{
	struct weft_image_version v;
	char text[32];
	int rc = weft_image_version_parse(versions[_i].text, &v);

	if (!versions[_i].full) {
		failed(rc, -EINVAL, "must be MAJOR");
		return;
	}
	ck_assert_int_eq(rc, 0);
	ck_assert_uint_eq(v.build, versions[_i].v.build);
	weft_image_version_text(&v, text, sizeof(text));
	ck_assert_str_eq(text, versions[_i].full);
}
END_TEST

START_TEST(keys_go_to_pem_and_back)
{
	uint8_t seed[WEFT_IMAGE_KEY_SIZE], pub[WEFT_IMAGE_KEY_SIZE], back[WEFT_IMAGE_KEY_SIZE];
	char text[WEFT_IMAGE_PEM_MAX];

	ck_assert_int_eq(weft_image_keygen(seed, pub), 0);
	weft_image_seed_to_pem(seed, text);
	ck_assert_int_eq(weft_image_seed_from_pem(text, strlen(text), back), 0);
	ck_assert_mem_eq(back, seed, sizeof(seed));
	weft_image_key_to_pem(pub, text);
	ck_assert_int_eq(weft_image_key_from_pem(text, strlen(text), back), 0);
	ck_assert_mem_eq(back, pub, sizeof(pub));
}
END_TEST

/* RFC 8410, 10.3: a private key and its public half, made elsewhere. */
START_TEST(a_key_of_the_standard_is_read)
{
	static const char key[] = "something before\n-----BEGIN PRIVATE KEY-----\r\n"
				  "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC"
				  "\r\n-----END PRIVATE KEY-----\r\n";
	static const char pub[] = "-----BEGIN PUBLIC KEY-----\n"
				  "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
				  "-----END PUBLIC KEY-----\n";
	uint8_t seed[WEFT_IMAGE_KEY_SIZE], from_file[WEFT_IMAGE_KEY_SIZE], *image;
	size_t len;

	ck_assert_int_eq(weft_image_seed_from_pem(key, strlen(key), seed), 0);
	ck_assert_int_eq(weft_image_key_from_pem(pub, strlen(pub), from_file), 0);
	build_good(&b, 41);
	ck_assert_int_eq(weft_image_sign(b.bytes, b.len, seed, &image, &len), 0);
	ck_assert_int_eq(weft_image_check(image, len, NULL, &im), 0);
	ck_assert_mem_eq(im.key, from_file, sizeof(from_file));
	free(image);
}
END_TEST

#define BEGIN "-----BEGIN PRIVATE KEY-----\n"
#define END "\n-----END PRIVATE KEY-----\n"
#define BODY "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC"

static const struct {
	const char *text;
	const char *why;
} bad_keys[] = {
	{ "", "\"-----BEGIN PRIVATE KEY-----\" not found" },
	{ BODY, "not found" },
	{ BEGIN BODY, "\"-----END PRIVATE KEY-----\" not found: cut off?" },
	{ BEGIN BODY "\n-----END PUBLIC KEY-----\n", "cut off?" },
	{ BEGIN END, "not an Ed25519 one of the usual form (0 bytes)" },
	{ BEGIN "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVg=" END,
	  "(47 bytes)" },
	{ BEGIN "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhCAA==" END,
	  "(49 bytes)" },
	{ BEGIN "MC4CAQAwBQYDK2VuBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC" END,
	  "not an Ed25519 one" }, /* X25519 */
	{ BEGIN BODY BODY END, "not base64, or too long" },
	{ BEGIN "MC4CAQAwBQYDK2VwBCIEINTuct!5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC" END,
	  "not base64" },
	{ BEGIN "MC4CAQAwBQYDK2VwBCIEINTuct" END, "not base64" },
	{ "-----BEGIN ENCRYPTED PRIVATE KEY-----\n", "has a password; take it off" },
	{ "-----BEGIN PUBLIC KEY-----\n", "is a public key" },
	{ "-----BEGIN OPENSSH PRIVATE KEY-----\n", "is a key of ssh" },
	{ "-----BEGIN EC PRIVATE KEY-----\n", "elliptic curve" },
	{ "-----BEGIN RSA PRIVATE KEY-----\n", "RSA" },
	{ "-----BEGIN CERTIFICATE-----\n", "certificate" },
};

START_TEST(bad_keys_are_named_and_not_shown)
{
	const char *text = bad_keys[_i].text;
	uint8_t seed[WEFT_IMAGE_KEY_SIZE];

	failed(weft_image_seed_from_pem(text, strlen(text), seed), -EINVAL, bad_keys[_i].why);
	ck_assert(!strstr(weft_last_error(), "INTuct"));
}
END_TEST

START_TEST(half_a_key_file_is_none)
{
	static const char key[] = BEGIN BODY END;
	uint8_t seed[WEFT_IMAGE_KEY_SIZE];
	size_t i;

	for (i = 0; i < strlen(key) - 1; i++) { /* the last line needs no end */
		char *cut = malloc(i ? i : 1);

		memcpy(cut, key, i);
		ck_assert_int_eq(weft_image_seed_from_pem(cut, i, seed), -EINVAL);
		free(cut);
	}
	ck_assert_int_eq(weft_image_seed_from_pem(key, i, seed), 0);
	failed(weft_image_seed_from_pem((char *)flash, 16385, seed), -EINVAL, "16385 bytes");
}
END_TEST

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* True: all of it is erased. */
static bool erased(const uint8_t *p, size_t len)
{
	while (len && *p == 0xff) {
		p++;
		len--;
	}
	return !len;
}

START_TEST(a_flash_holds_its_images)
{
	struct weft_image_slot slots[WEFT_IMAGE_SLOTS] = { { b.bytes, 0 } };

	build_good(&b, 41);
	slots[0].len = b.len + 10; /* erased bytes behind the image are none of it */
	ck_assert_msg(!weft_image_flash(slots, 1, NULL, flash), "%s", weft_last_error());
	ck_assert_mem_eq(flash, b.bytes, b.len);
	ck_assert(erased(flash + b.len, sizeof(flash) - b.len));

	slots[2] = slots[0];
	ck_assert_msg(!weft_image_flash(slots, 3, NULL, flash), "%s", weft_last_error());
	ck_assert_mem_eq(flash + 0x80000, b.bytes, b.len);
	ck_assert(erased(flash + 0x40000, 0x40000));
	ck_assert_uint_eq(get32(flash + 0xc0000), 0x54454257);
	ck_assert_uint_eq(get32(flash + 0xc0004), 1);
	ck_assert_uint_eq(get32(flash + 0xc0008), 3);
	ck_assert_uint_eq(get32(flash + 0xc0010), 5);
	ck_assert(erased(flash + 0xc0020, sizeof(flash) - 0xc0020));
}
END_TEST

/* An image of another board or counter than the usual one, or of another key. */
static void build_other(struct built *to, uint32_t board, uint32_t counter)
{
	put_start(to, 32, 9, 0x20);
	put_area(to, 0x6908);
	put_u32(to, 0x50, counter);
	put_u32(to, 0xa0, board);
	end_protected(to);
	put_signature(to, 1, 1);
}

START_TEST(images_of_a_flash_belong_together)
{
	static struct built a, c;
	static const uint8_t seed[WEFT_IMAGE_KEY_SIZE] = "another key";
	struct weft_image_slot slots[WEFT_IMAGE_SLOTS] = { { NULL, 0 } };
	struct weft_image_rules rules = { .have_board = true, .board = 9 };
	uint8_t *foreign;
	size_t len;

	failed(weft_image_flash(slots, 1, NULL, flash), -EINVAL, "no golden image");
	build_good(&b, 41);
	slots[0] = (struct weft_image_slot){ b.bytes, b.len };
	failed(weft_image_flash(slots, 2, NULL, flash), -EINVAL, "no image in slot 2");
	failed(weft_image_flash(slots, 4, NULL, flash), -EINVAL, "no image in slot 4");
	failed(weft_image_flash(slots, 0, NULL, flash), -EINVAL, "no image in slot 0");
	failed(weft_image_flash(slots, 1, &rules, flash), WEFT_IMAGE_BOARD,
	       "golden image: made for board 0x7, this adapter is 0x9");
	build_other(&a, 8, 5);
	slots[1] = (struct weft_image_slot){ a.bytes, a.len };
	failed(weft_image_flash(slots, 1, NULL, flash), -EINVAL, "image A is for board 0x8");
	build_other(&a, 7, 9);
	build_other(&c, 7, 8);
	slots[2] = (struct weft_image_slot){ c.bytes, c.len };
	failed(weft_image_flash(slots, 2, NULL, flash), -EINVAL,
	       "image B has counter 8, below the 9 of the active image A");
	ck_assert_int_eq(weft_image_flash(slots, 3, NULL, flash), 0);
	c.bytes[40] ^= 1;
	failed(weft_image_flash(slots, 3, NULL, flash), WEFT_IMAGE_DIGEST, "image B: digest");
	c.bytes[40] ^= 1;
	ck_assert_int_eq(weft_image_sign(c.bytes, c.len, seed, &foreign, &len), 0);
	slots[2] = (struct weft_image_slot){ foreign, len };
	failed(weft_image_flash(slots, 3, NULL, flash), -EINVAL, "image B and the golden image");
	free(foreign);
}
END_TEST

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

int main(void)
{
	Suite *s = suite_create("image make");
	TCase *t = tcase_create("make");
	SRunner *r;
	int bad;

	test_keys();
	tcase_set_timeout(t, 120);
	tcase_add_test(t, a_made_and_signed_image_is_the_usual_one);
	tcase_add_test(t, payloads_have_limits);
	tcase_add_test(t, a_signature_is_replaced);
	tcase_add_test(t, what_is_damaged_is_not_signed);
	tcase_add_test(t, protected_tlvs_leave_room_for_a_signature);
	tcase_add_loop_test(t, versions_are_read, 0, COUNT(versions));
	tcase_add_test(t, keys_go_to_pem_and_back);
	tcase_add_test(t, a_key_of_the_standard_is_read);
	tcase_add_loop_test(t, bad_keys_are_named_and_not_shown, 0, COUNT(bad_keys));
	tcase_add_test(t, half_a_key_file_is_none);
	tcase_add_test(t, a_flash_holds_its_images);
	tcase_add_test(t, images_of_a_flash_belong_together);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	bad = srunner_ntests_failed(r);
	srunner_free(r);
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
