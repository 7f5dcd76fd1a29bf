/* Key rings that gpg 1.4 wrote, each with its secret key encrypted in another way. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "keys.h"

#define RINGS "tests/unit/sign/rings/"

static void read_ring(const char *path, struct buf *dst)
{
    char block[4096];
    FILE *f = fopen(path, "rb");
    cr_assert_not_null(f, "%s: the tests run in the project's root", path);
    for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;)
        buf_add(dst, block, n);
    fclose(f);
}

static err_code open_ring(const char *path, struct str passphrase, struct sign_key **ret,
                          struct err *e)
{
    BUF_TEST(ring);
    read_ring(path, &ring);
    return sign_key_read(buf_str(&ring), passphrase, ret, e);
}

static const char *const rings[] = {
    RINGS "3des-simple.gpg",   RINGS "cast5.gpg",
    RINGS "aes128-sum.gpg",    RINGS "aes192-salted.gpg",
    RINGS "aes256.gpg",        RINGS "aes256-sha1.gpg",
    RINGS "aes256-ripemd.gpg", "tests/conformance/matchbox/secring-pass.gpg",
};

Test(rings, open_with_their_passphrase)
{
    for (size_t i = 0; i < sizeof rings / sizeof *rings; i++) {
        KEY_LOCAL *k = NULL;
        BUF_TEST(sig);
        struct err e = ERR_INIT;
        cr_assert_eq(open_ring(rings[i], STR("open sesame"), &k, &e), ERR_OK, "%s: %s", rings[i],
                     e.msg);
        cr_assert(sign_key_is_secret(k) && sign_key_is_rsa(k));
        if (i < 7)
            cr_assert(str_is(sign_key_user_id(k), "Old ring <old@example.test>"));
        cr_assert_eq(sign_detached(k, true, STR("x"), SIGNED_AT, &sig, NULL), ERR_OK);
        cr_assert_eq(keys_verdict(k, STR("x"), buf_str(&sig)), KEYS_GOOD);
    }
}

Test(rings, stay_closed_to_others)
{
    static const struct str wrong[] = {STR_INIT(""), STR_INIT("open sesamf"), STR_INIT("x")};
    for (size_t i = 0; i < sizeof rings / sizeof *rings; i++)
        for (size_t w = 0; w < sizeof wrong / sizeof *wrong; w++) {
            struct sign_key *k = NULL;
            struct err e = ERR_INIT;
            cr_assert_eq(open_ring(rings[i], wrong[w], &k, &e), ERR_DENIED, "%s", rings[i]);
            cr_assert(strstr(e.msg, "passphrase is wrong"), "%s", e.msg);
            cr_assert_null(k);
        }
}

Test(rings, of_other_ciphers_are_refused_by_number)
{
    struct sign_key *k = NULL;
    struct err e = ERR_INIT;
    cr_assert_eq(open_ring(RINGS "twofish.gpg", STR("open sesame"), &k, &e), ERR_UNSUPPORTED);
    cr_assert(strstr(e.msg, "cipher 10") && strstr(e.msg, "gpg --passwd"), "%s", e.msg);
}

Test(rings, without_a_passphrase_ask_for_none)
{
    KEY_LOCAL *k = NULL;
    struct err e = ERR_INIT;
    cr_assert_eq(open_ring("tests/conformance/matchbox/secring.gpg", SIGN_NO_PASSPHRASE, &k, &e),
                 ERR_OK, "%s", e.msg);
    cr_assert_str_eq(keys_fingerprint(k), "34158d62f563f50e03214d1d74acc0496c77cef5");
}

/* Each byte of an encrypted key matters: whatever is changed, nothing else opens. */
Test(rings, that_were_changed_do_not_open_as_another_key)
{
    BUF_TEST(ring);
    read_ring(RINGS "cast5.gpg", &ring);
    for (size_t at = 0; at < ring.n; at += 3) {
        KEY_LOCAL *k = NULL;
        ring.p[at] = (char)(ring.p[at] ^ 0x10);
        if (sign_key_read(buf_str(&ring), STR("open sesame"), &k, NULL) == ERR_OK)
            cr_assert(str_is(sign_key_user_id(k), "Old ring <old@example.test>") &&
                          sign_key_is_secret(k),
                      "byte %zu", at);
        ring.p[at] = (char)(ring.p[at] ^ 0x10);
    }
}

Test(rings, that_are_cut_off_are_refused)
{
    BUF_TEST(ring);
    read_ring(RINGS "aes256.gpg", &ring);
    for (size_t n = 0; n < ring.n; n += 7) {
        struct sign_key *k = NULL;
        cr_assert_neq(sign_key_read(str_of(ring.p, n), STR("open sesame"), &k, NULL), ERR_OK);
        cr_assert_null(k);
    }
}
