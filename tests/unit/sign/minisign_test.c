/* minisign's and signify's forms, against the real programs and by themselves. */
#include <criterion/criterion.h>

#include "base/enc.h"
#include "gpg.h"
#include "keys.h"
#include "sign/minisign.h"

TestSuite(minisign, .init = gpg_open, .fini = gpg_close, .timeout = 120);

static const struct str bodies[] = {
    STR_INIT("#!ipxe\nboot\n"),
    STR_INIT(""),
    STR_INIT("\0\xFF\r\n binary without an end"),
};
#define BODIES (sizeof bodies / sizeof *bodies)

static void make(const struct sign_key *k, bool hashed, struct str body, struct buf *dst)
{
    struct sign_content c;
    struct err e = ERR_INIT;
    sign_content_start(&c, false);
    for (size_t i = 0; i < body.n; i++) /* as a stream */
        sign_content_add(&c, str_sub(body, i, i + 1));
    err_code rc = hashed ? sign_minisign_hashed(k, &c, SIGNED_AT, STR("boot.ipxe"), dst, &e)
                         : sign_minisign(k, body, SIGNED_AT, STR("boot.ipxe"), dst, &e);
    cr_assert_eq(rc, ERR_OK, "%s", e.msg);
    cr_assert_leq(dst->n, SIGN_MINISIGN_MAX);
}

static void write_public(const struct sign_key *k)
{
    BUF_TEST(text);
    sign_minisign_write_public(k, &text);
    /* A listing of several keys: the programs take the first. */
    buf_addf(&text, "untrusted comment: another\nRWQAAAAA\n");
    gpg_write_file("key", buf_str(&text));
}

static int minisign(void)
{
    return RUN("minisign", "-V", "-q", "-p", "key", "-x", "f.minisig", "-m", "f");
}

static int signify(void)
{
    return RUN("signify-openbsd", "-V", "-q", "-p", "key", "-x", "f.minisig", "-m", "f");
}

Test(minisign, the_real_programs_take_both_forms)
{
    KEY_LOCAL *k = keys_fixed();
    write_public(k);
    for (size_t i = 0; i < BODIES; i++)
        for (int hashed = 0; hashed < 2; hashed++) {
            BUF_TEST(text);
            make(k, hashed, bodies[i], &text);
            gpg_write_file("f", bodies[i]);
            gpg_write_file("f.minisig", buf_str(&text));
            cr_assert_eq(minisign(), 0, "%zu %d: %s", i, hashed, gpg_output());
            if (!hashed)
                cr_assert_eq(signify(), 0, "%zu: %s", i, gpg_output());
            gpg_write_file("f", STR("another"));
            cr_assert_neq(minisign(), 0, "a changed body");
            if (!hashed)
                cr_assert_neq(signify(), 0, "a changed body");
        }
}

Test(minisign, the_real_program_shows_the_trusted_comment)
{
    KEY_LOCAL *k = keys_fixed();
    BUF_TEST(text);
    write_public(k);
    make(k, true, bodies[0], &text);
    gpg_write_file("f", bodies[0]);
    gpg_write_file("f.minisig", buf_str(&text));
    cr_assert_eq(RUN("minisign", "-V", "-Q", "-p", "key", "-x", "f.minisig", "-m", "f"), 0);
    cr_assert(strstr(gpg_output(), "timestamp:1700000100\tfile:boot.ipxe\thashed"), "%s",
              gpg_output());
    cr_assert_eq(RUN("minisign", "-V", "-H", "-p", "key", "-x", "f.minisig", "-m", "f"), 0, "%s",
                 gpg_output());
}

static int verdict(const struct sign_key *k, struct str body, struct str signature)
{
    struct sign_verdict v = {0};
    err_code c = sign_minisign_verify(k, body, signature, &v, NULL);
    if (c)
        return (int)c;
    cr_assert(v.made == SIGNED_AT || v.made == 0 || !v.good);
    return v.good ? KEYS_GOOD : KEYS_BAD;
}

Test(minisign_verify, tells_bodies_keys_and_comments_apart)
{
    KEY_LOCAL *k = keys_fixed();
    unsigned char seed[SIGN_SEED_BYTES] = {1};
    KEY_LOCAL *other = NULL;
    cr_assert_eq(sign_key_make(seed, KEY_CREATED, STR("other"), &other, NULL), ERR_OK);
    for (int hashed = 0; hashed < 2; hashed++) {
        BUF_TEST(text);
        make(k, hashed, bodies[0], &text);
        cr_assert_eq(verdict(k, bodies[0], buf_str(&text)), KEYS_GOOD);
        cr_assert_eq(verdict(k, bodies[1], buf_str(&text)), KEYS_BAD);
        cr_assert_eq(verdict(other, bodies[0], buf_str(&text)), ERR_NOT_FOUND);
        /* Whatever is changed after the first line, it is not good any more. */
        size_t from = str_find_byte(buf_str(&text), '\n', 0) + 1;
        for (size_t at = from; at + 1 < text.n; at++) {
            text.p[at] ^= 1;
            cr_assert_neq(verdict(k, bodies[0], buf_str(&text)), KEYS_GOOD, "byte %zu", at);
            text.p[at] ^= 1;
        }
    }
}

Test(minisign_verify, takes_what_signify_makes)
{
    KEY_LOCAL *k = keys_fixed();
    BUF_TEST(text);
    make(k, false, bodies[0], &text);
    size_t first = str_find_byte(buf_str(&text), '\n', 0);
    size_t second = str_find_byte(buf_str(&text), '\n', first + 1);
    cr_assert_eq(verdict(k, bodies[0], str_of(text.p, second + 1)), KEYS_GOOD);
    for (size_t n = 0; n < second; n++)
        cr_assert_neq(verdict(k, bodies[0], str_of(text.p, n)), KEYS_GOOD);
}

Test(minisign_verify, an_rsa_key_is_told)
{
    struct err e = ERR_INIT;
    BUF_TEST(ring);
    BUF_TEST(sig);
    char block[4096];
    FILE *f = fopen("tests/conformance/matchbox/secring.gpg", "rb");
    cr_assert_not_null(f);
    buf_add(&ring, block, fread(block, 1, sizeof block, f));
    fclose(f);
    KEY_LOCAL *k = keys_read(buf_str(&ring));
    cr_assert_eq(sign_minisign(k, STR("x"), 1, STR("x"), &sig, &e), ERR_INVALID);
    cr_assert(strstr(e.msg, "Ed25519"), "%s", e.msg);
}
